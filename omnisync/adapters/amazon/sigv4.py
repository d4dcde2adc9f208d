"""AWS Signature Version 4 of a request to the root of a service, as SQS takes it. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from omnisync.values import as_utc

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """A key that may call one service in one region."""

    key_id: str
    secret: str = field(repr=False)
    region: str
    service: str

    def sign(self, method: str, headers: Mapping[str, str], body: bytes, at: datetime) -> dict[str, str]:
        """These headers (`host` among them) with date and signature; all of them are signed. Path `/`, no query."""
        stamp = as_utc(at).strftime("%Y%m%dT%H%M%SZ")
        signed = {name.lower(): " ".join(value.split()) for name, value in headers.items()} | {"x-amz-date": stamp}
        names = ";".join(sorted(signed))
        listed = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        request = "\n".join([method, "/", "", listed, names, hashlib.sha256(body).hexdigest()])
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
        signature = _hmac(self._key(stamp[:8]), text).hex()
        proof = f"{ALGORITHM} Credential={self.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**headers, "x-amz-date": stamp, "authorization": proof}

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = _hmac(key, part)
        return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
