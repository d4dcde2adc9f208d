"""Our signatures against those of AWS's own test suite (its published requests, key and date)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from omnisync.adapters.amazon.sigv4 import Signer

SIGNER = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
HOST = {"host": "example.amazonaws.com"}
FORM = {"content-type": "application/x-www-form-urlencoded", **HOST}


@pytest.mark.parametrize(
    ("method", "headers", "body", "names", "signature"),
    [
        ("GET", HOST, b"", "host", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", HOST, b"", "host", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        ("POST", {"My-Header1": "value1", **HOST}, b"", "host;my-header1",
         "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
        ("GET", {"My-Header1": " value1 ", "My-Header2": ' "a   b   c" ', **HOST}, b"", "host;my-header1;my-header2",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        ("POST", FORM, b"Param1=value1", "content-type;host",
         "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ],
    ids=["get-vanilla", "post-vanilla", "post-header-key-sort", "get-header-value-trim", "post-x-www-form-urlencoded"],
)  # fmt: skip
def test_a_signature_is_the_one_that_aws_publishes(
    method: str, headers: dict[str, str], body: bytes, names: str, signature: str
):
    signed = SIGNER.sign(method, headers, body, AT)

    assert signed["x-amz-date"] == "20150830T123600Z"
    assert signed["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names};x-amz-date, Signature={signature}"
    )
    assert SIGNER.secret not in repr(SIGNER)
