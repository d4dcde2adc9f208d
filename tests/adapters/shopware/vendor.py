"""Shopware's own OpenAPI file as a judge of every call: `OMNISYNC_SPECS` names the folder that holds `shopware/adminapi.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

MEND = "Shopware's file is not here: set OMNISYNC_SPECS to the folder that holds shopware/adminapi.json"
SERVER = "https://shopware.test"
PATHS = (
    "/oauth/token", "/_info/version", "/_action/sync", "/search/product", "/search/order", "/search/currency", "/search/webhook",
    "/search/shipping-method", "/webhook/{id}", "/_action/order/{orderId}/state/{transition}",
    "/_action/order_delivery/{orderDeliveryId}/state/{transition}",
)  # fmt: skip
"""What is called; the whole file holds a thousand addresses."""
ASKED = (
    "Criteria",
    "RangeFilter",
    "EqualsFilter",
    "MultiNotFilter",
    "Sort",
    "OAuthClientCredentialsGrant",
    "Webhook",
    "Product",
)
"""What we send: a field that is not named there is a fault, which the file alone would let pass."""


def folder() -> Path:
    """The folder of Shopware's file; the test skips when there is none."""
    found = Path(os.environ.get("OMNISYNC_SPECS", "")) / "shopware"
    if not os.environ.get("OMNISYNC_SPECS") or not found.is_dir():
        pytest.skip(MEND)
    return found


@cache
def spec(folder: Path) -> dict[str, Any]:
    """The part that we call. All fields of a thing are demanded even where only one of them is changed: that is not so."""
    whole = json.loads((folder / "adminapi.json").read_bytes())
    paths = {path: whole["paths"][path] for path in PATHS}
    schemas = _reachable(whole["components"]["schemas"], [paths, whole["components"].get("responses")])
    for name in ("Webhook", "Product"):
        schemas[name] = {k: v for k, v in schemas[name].items() if k != "required"}
    for name in ASKED:
        if "properties" in schemas[name]:
            schemas[name] = {**schemas[name], "additionalProperties": False}
    # On the wire OAuth is a bearer token, which openapi-core can look for.
    bearer = {"oAuth": {"type": "http", "scheme": "bearer"}}
    components = {**whole["components"], "schemas": schemas, "securitySchemes": bearer}
    paths["/oauth/token"]["post"]["security"] = []
    for parameter in paths["/webhook/{id}"]["patch"]["parameters"]:
        parameter.pop("allowEmptyValue", None)  # a word that OpenAPI has given up
    return {**whole, "servers": [{"url": f"{SERVER}/api"}], "paths": paths, "components": components}


@cache
def judge(folder: Path) -> OpenAPI:
    return OpenAPI.from_dict(spec(folder))


def _reachable(schemas: dict[str, Any], start: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    waiting = [*_named(start), *ASKED]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = schemas[name]
            waiting += _named(schemas[name])
    return found


def _named(value: Any) -> Iterator[str]:
    """The schemas that something refers to."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/components/schemas/"):
            yield reference.rpartition("/")[2]
        for part in value.values():
            yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part)


class Judged(httpx.AsyncBaseTransport):
    """Stands between adapter and channel and holds requests to Shopware's file, and the shape of answers that it describes."""

    def __init__(self, inner: httpx.AsyncBaseTransport, folder: Path) -> None:
        self._inner, self._spec = inner, spec(folder)
        self._api = judge(folder)
        self.judged: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        asked = MockRequest(
            SERVER,
            request.method,
            request.url.path,
            args=dict(request.url.params),
            headers=dict(request.headers),
            data=request.content,
            content_type=request.headers.get("content-type", ""),
        )
        self._api.validate_request(asked)
        if request.url.path.endswith("_action/sync"):
            self._judge_lines(json.loads(request.content))
        if request.url.path.endswith(("oauth/token", "_info/version")) and response.status_code == 200:
            kind = response.headers["content-type"]
            self._api.validate_response(asked, MockResponse(response.content, 200, content_type=kind))
        self.judged.add(f"{request.method} {request.url.path.removeprefix('/api/')}")
        return response

    def _judge_lines(self, operations: Any) -> None:
        """What the bulk call carries is free in the file; each line is a product."""
        judge = Draft202012Validator({"$ref": "#/components/schemas/Product", "components": self._spec["components"]})
        for line in (line for operation in operations for line in operation["payload"]):
            judge.validate(line)
