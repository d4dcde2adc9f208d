"""The description of the API: committed, stable, and whole enough to write a client from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omnisync import openapi

COMMITTED = Path(__file__).parents[1] / "docs" / "openapi.json"
MEND = "python -m omnisync.openapi > docs/openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(openapi.text())
    return described


def test_the_committed_copy_is_what_the_server_says(document: dict[str, Any]) -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))

    assert committed == document, f"the API changed: look at the difference, then run `{MEND}`"


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in openapi.operations(document)]

    assert len(names) == len(set(names))
    assert [name for name in names if not name.isidentifier() or "_" in name] == []
    assert [one["operationId"] for one in openapi.operations(document) if not one.get("description")] == []


def test_every_operation_says_how_it_refuses(document: dict[str, Any]) -> None:
    silent = [
        operation["operationId"]
        for operation in openapi.operations(document)
        if operation["operationId"] not in openapi.PROBES
        and not any(
            "application/problem+json" in answer.get("content", {}) for answer in operation["responses"].values()
        )
    ]

    assert silent == []


def test_every_operation_wants_a_key_but_probes_and_what_channels_call(document: dict[str, Any]) -> None:
    keyless = {one["operationId"] for one in openapi.operations(document) if not one.get("security")}

    assert keyless == openapi.OPEN
    assert document["components"]["securitySchemes"].keys() == {openapi.KEY}


def test_what_is_sent_is_described_to_the_last_field(document: dict[str, Any]) -> None:
    bodies = [
        content["schema"]
        for operation in openapi.operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    names = {found.rpartition("/")[2] for found in _references(bodies)}

    assert len(names) > 10
    assert [name for name in sorted(names) if document["components"]["schemas"][name]["additionalProperties"]] == []


def _references(schema: Any) -> set[str]:
    match schema:
        case {"$ref": str(reference)}:
            return {reference}
        case dict():
            return {found for below in schema.values() for found in _references(below)}
        case list():
            return {found for below in schema for found in _references(below)}
    return set()
