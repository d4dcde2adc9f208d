"""Holds every answer of the API against its description, so that the description cannot lie."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator

COMMITTED = Path(__file__).parents[1] / "docs" / "openapi.json"
DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
STREAM = "text/event-stream"
GENERAL = frozenset({404, 405, 413})
"""What is answered before any operation is reached: to a wrong address, a wrong method, an enormous body."""


def strict(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same schemas, where an object has no fields but those that are described. To users an answer may grow."""
    known = copy.deepcopy(document["components"]["schemas"])
    for name, schema in known.items():
        if "properties" in schema and name != "Problem":
            schema.setdefault("additionalProperties", False)
    return {"components": {"schemas": known}}


def faults(schema: Mapping[str, Any], value: Any, known: Mapping[str, Any]) -> list[str]:
    """What the schema says against the value."""
    return _said(Draft202012Validator({**known, **schema}), value)


def _said(validator: Draft202012Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


_STRICT = strict(DOCUMENT)
_ROUTES = [
    (method.upper(), re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + "$"), operation)
    for path, methods in sorted(DOCUMENT["paths"].items(), key=lambda item: item[0].count("{"))
    for method, operation in methods.items()
]


async def check(response: httpx.Response) -> None:
    """An event hook for clients: fails the test whose answer is not as described."""
    request = response.request
    found = [one for method, path, one in _ROUTES if method == request.method and path.match(request.url.path)]
    if not found or response.headers.get("content-type", "").startswith(STREAM):
        return
    await response.aread()
    said = _faults_of(found[0], response)
    assert not said, f"{found[0]['operationId']} answered {response.status_code} {response.text[:500]}: {said}"


def _faults_of(operation: Mapping[str, Any], response: httpx.Response) -> list[str]:
    described = operation["responses"].get(str(response.status_code))
    if described is None:
        return [] if response.status_code in GENERAL else ["this status is not described"]
    media_type = response.headers.get("content-type", "").partition(";")[0]
    content = described.get("content", {})
    if not response.content:
        return [] if not content or "text/plain" in content else ["there is no body"]
    if media_type not in content:
        return [f"{media_type} is not described"]
    value = response.json() if media_type.endswith("json") else response.text
    named = [] if response.status_code < 400 else _unnamed(content[media_type]["examples"], value)
    validator = _validator(operation["operationId"], response.status_code, media_type)
    return _said(validator, value) + named


@cache
def _validator(operation: str, status: int, media_type: str) -> Draft202012Validator:
    """It remembers what it has looked up among all schemas."""
    [described] = [one for _, _, one in _ROUTES if one["operationId"] == operation]
    return Draft202012Validator({**_STRICT, **described["responses"][str(status)]["content"][media_type]["schema"]})


def _unnamed(examples: Mapping[str, Any], value: Mapping[str, Any]) -> list[str]:
    code = str(value.get("type", "")).rpartition("/")[2]
    return [] if code in examples else [f"{code} is not described"]
