"""Square's own description of its API: every call that passes is held against it."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

MEND = "set OMNISYNC_SPECS to the folder of vendors' files, in which square/api.json lies"
DOCUMENTED_ELSEWHERE = {"VERSION_MISMATCH"}
"""Codes that Square's guides and answers know and its file forgets."""


def folder() -> Path:
    """Where the vendors' files lie; skips without it."""
    if not os.environ.get("OMNISYNC_SPECS"):
        pytest.skip(MEND)
    return Path(os.environ["OMNISYNC_SPECS"])


@cache
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder() / "square" / "api.json").read_text(encoding="utf-8"))
    return found


@cache
def api() -> OpenAPI:
    """Square's file breaks OpenAPI's own rules here and there: the check of the file itself is off, that of calls is not.

    openapi-core cannot judge OAuth flows; what a call shows of them is a bearer token, and that it does judge.
    """
    bearer = {"oauth2": {"type": "http", "scheme": "bearer"}}
    described = {**document(), "components": {**document()["components"], "securitySchemes": bearer}}
    return OpenAPI.from_dict(described, config=Config(spec_validator_cls=None))


class Inspector(httpx.AsyncBaseTransport):
    """Validates each request and each answer that passes; `seen` are the operations with their statuses."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.seen: set[tuple[str, str, int]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        response = await self._inner.handle_async_request(request)
        answer = await response.aread()
        asked = MockRequest(
            "https://connect.squareup.com",
            request.method.lower(),
            request.url.path,
            args=dict(request.url.params),
            headers=dict(request.headers),
            data=body or None,
            content_type="application/json",
        )
        api().validate_request(asked)
        if response.status_code == 200:
            api().validate_response(asked, MockResponse(answer, 200, content_type="application/json"))
        else:
            check_errors(json.loads(answer))
        self.seen.add((request.method, request.url.path, response.status_code))
        return httpx.Response(response.status_code, headers=response.headers, content=answer, request=request)


def check_errors(answer: dict[str, Any]) -> None:
    """A refusal: entries as `Error` describes them."""
    schemas = document()["components"]["schemas"]
    codes = {*schemas["ErrorCode"]["enum"], *DOCUMENTED_ELSEWHERE}
    entry = {
        "type": "object",
        "required": schemas["Error"]["required"],
        "additionalProperties": False,
        "properties": {
            "category": {"enum": schemas["ErrorCategory"]["enum"]},
            "code": {"enum": sorted(codes)},
            "detail": {"type": "string"},
            "field": {"type": "string"},
        },
    }
    errors = {"type": "array", "minItems": 1, "items": entry}
    shape = {"type": "object", "required": ["errors"], "properties": {"errors": errors}}
    Draft7Validator(shape).validate(answer)


def check_event(event: dict[str, Any], schema: str) -> None:
    """An event as its schema describes it."""
    resolver_free = {"$ref": f"#/components/schemas/{schema}", "components": document()["components"]}
    Draft7Validator(resolver_free).validate(event)
