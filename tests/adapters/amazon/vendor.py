"""Amazon's own files as a judge: models, schemas and sandbox samples. `OMNISYNC_SPECS` names the folder that holds `amazon/`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

SERVER = "https://amazon.test"
FILES = {
    "/listings/": "listings-items-api-model/listingsItems_2021-08-01.json",
    "/orders/2026-01-01/": "orders-api-model/orders_2026-01-01.json",
    "/orders/v0/": "orders-api-model/ordersV0.json",
    "/feeds/": "feeds-api-model/feeds_2021-06-30.json",
    "/fba/": "fba-inventory-api-model/fbaInventory.json",
    "/notifications/": "notifications-api-model/notifications.json",
}
MEND = "Amazon's files are not here: set OMNISYNC_SPECS to the folder that holds amazon/models"


def folder() -> Path:
    """The folder of Amazon's files; the test skips when there is none."""
    found = Path(os.environ.get("OMNISYNC_SPECS", "")) / "amazon"
    if not os.environ.get("OMNISYNC_SPECS") or not found.is_dir():
        pytest.skip(MEND)
    return found


@cache
def schema(name: str) -> Draft7Validator:
    """A schema of feeds or notifications."""
    return Draft7Validator(json.loads((folder() / "schemas" / name).read_bytes()))


def pairs(model: str, method: str, path: str) -> list[dict[str, Any]]:
    """What Amazon's sandbox answers to this operation: `status` (text), `pair` with request and response."""
    every = json.loads((folder() / "sandbox_pairs.json").read_bytes())
    return [one for one in every if (one["model"], one["method"], one["path"]) == (model, method, path)]


# ---------------------------------------------------------------- models (Swagger 2, which openapi-core has given up)


@cache
def judge(name: str) -> OpenAPI:
    """One API, its model told in OpenAPI 3. Fields that Amazon does not name are faults, which its files alone would let pass."""
    old = _moved(json.loads((folder() / "models" / name).read_bytes()))
    schemas = old["definitions"]
    for one in schemas.values():
        if one.get("properties") and "allOf" not in one:
            one.setdefault("additionalProperties", False)
    paths = {path: _path(old, operations) for path, operations in old["paths"].items()}
    spec = {
        "openapi": "3.0.3", "info": old["info"], "servers": [{"url": SERVER}], "paths": paths, "components": {"schemas": schemas},
    }  # fmt: skip
    return OpenAPI.from_dict(spec)


def _moved(value: Any) -> Any:
    """The same with its references where OpenAPI 3 has them, without the extensions."""
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if not str(key).startswith("x-amzn-api-sandbox")}
        return {
            key: one.replace("#/definitions/", "#/components/schemas/") if key == "$ref" and isinstance(one, str) else _moved(one)
            for key, one in kept.items()
        }  # fmt: skip
    return [_moved(one) for one in value] if isinstance(value, list) else value


def _path(old: dict[str, Any], operations: dict[str, Any]) -> dict[str, Any]:
    shared = operations.get("parameters", [])
    return {
        method: _operation(old, one, shared) for method, one in operations.items() if method not in ("parameters",) and "responses" in one
    }  # fmt: skip


def _operation(old: dict[str, Any], one: dict[str, Any], shared: list[Any]) -> dict[str, Any]:
    given = [_resolved(old, parameter) for parameter in (*shared, *one.get("parameters", []))]
    told: dict[str, Any] = {
        "operationId": one["operationId"],
        "parameters": [_parameter(parameter) for parameter in given if parameter["in"] != "body"],
        "responses": {status: _answer(_resolved(old, answer)) for status, answer in one["responses"].items()},
    }
    for body in (parameter for parameter in given if parameter["in"] == "body"):
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": body["schema"]}}}
    return told


def _resolved(old: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    _, kind, name = value["$ref"].split("/")
    found: dict[str, Any] = old[kind][name]
    return found


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    words = ("type", "items", "format", "enum", "minimum", "maximum", "minItems", "maxItems", "default")
    told = {"name": one["name"], "in": one["in"], "required": one.get("required", False)}
    told["schema"] = {word: one[word] for word in words if word in one}
    if one.get("type") == "array":
        told |= {"style": "form", "explode": False}  # lists are joined by commas
    return told


def _answer(one: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": "an answer"}
    if "schema" in one:
        told["content"] = {"application/json": {"schema": one["schema"]}}
    return told


def operation(name: str, method: str, path: str) -> str:
    """What Amazon calls this call."""
    for template, operations in json.loads((folder() / "models" / name).read_bytes())["paths"].items():
        if method.lower() in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return str(operations[method.lower()]["operationId"])
    raise AssertionError(f"{name} knows no {method} {path}")


class Judged(httpx.AsyncBaseTransport):
    """Stands between adapter and channel and holds both to Amazon's models."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.judged: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        await response.aread()
        for prefix, name in FILES.items():
            if request.url.path.startswith(prefix):
                self._judge(name, request, response)
        return response

    def _judge(self, name: str, request: httpx.Request, response: httpx.Response) -> None:
        api, path = judge(name), request.url.raw_path.decode().partition("?")[0]
        asked = MockRequest(
            SERVER,
            request.method,
            path,
            args=dict(request.url.params),
            headers=dict(request.headers),
            data=request.content or None,
            content_type=request.headers.get("content-type", ""),
        )
        api.validate_request(asked)
        kind = response.headers.get("content-type", "").partition(";")[0]
        if response.content:
            api.validate_response(asked, MockResponse(response.content, response.status_code, content_type=kind))
        self.judged.add(f"{operation(name, request.method, path)} {response.status_code}")


class Sandbox(httpx.AsyncBaseTransport):
    """Answers each call with what it was given for it: the sandbox's own words, and nothing else."""

    def __init__(self, answers: dict[tuple[str, str], tuple[int, Any]]) -> None:
        self._answers = answers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/o2/token":
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3600}, request=request)
        for (method, part), (status, answer) in self._answers.items():
            if (request.method, part in request.url.path) == (method, True):
                return httpx.Response(status, json=answer, request=request)
        raise AssertionError(f"the sandbox knows no {request.method} {request.url.path}")


def samples(value: Any) -> Iterator[dict[str, Any]]:
    """The examples inside a schema."""
    yield from value.get("examples") or ()
