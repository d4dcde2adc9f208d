"""The description of the API: committed, stable, and whole enough to write a client from."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from omnisync import app, bodies, db, openapi, problems
from omnisync.clock import Ids, StoppedClock
from omnisync.settings import Settings
from tests import contract
from tests.conftest import START
from tests.contract import COMMITTED

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


def test_every_answer_has_a_schema_and_an_example(document: dict[str, Any]) -> None:
    bare = [
        (operation["operationId"], status)
        for operation in openapi.operations(document)
        for status, answer in operation["responses"].items()
        for content in answer.get("content", {}).values() or [{}]
        if status not in ("204", "304")
        and not (content.get("schema") and ("example" in content or content.get("examples")))
    ]

    assert bare == []


def test_every_example_is_what_its_schema_describes(document: dict[str, Any]) -> None:
    examples = [
        (operation["operationId"], content["schema"], example)
        for operation in openapi.operations(document)
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for example in [content.get("example"), *(one["value"] for one in content.get("examples", {}).values())]
        if example is not None
    ]

    known = contract.strict(document)
    wrong = {name: said for name, schema, example in examples if (said := contract.faults(schema, example, known))}

    assert len(examples) > 300
    assert wrong == {}


def test_every_body_has_an_example_that_its_schema_and_its_model_take(document: dict[str, Any]) -> None:
    known = contract.strict(document)
    described = {
        operation["operationId"]: content
        for operation in openapi.operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
    }
    models = _models()

    wrong = {
        name: said
        for name, content in described.items()
        if (said := contract.faults(content["schema"], content["example"], known))
    }
    read = {
        name: models[name].validate_python(json.loads(json.dumps(content["example"])))
        for name, content in described.items()
    }

    assert wrong == {}
    assert described.keys() == models.keys() == bodies.EXAMPLES.keys()
    assert {name for name, body in read.items() if body is None} == set()


def _models() -> dict[str, TypeAdapter[Any]]:
    """What every endpoint that takes a body makes of it."""
    engine = db.engine_for("sqlite:///never-opened.db")
    services = app.services_for(Settings(), engine, StoppedClock(START), Ids(StoppedClock(START), Random(1)), bytes(32))
    routes = [one for one in app.create(services).routes if isinstance(one, APIRoute) and one.operation_id]
    engine.dispose()
    return {
        str(one.operation_id): TypeAdapter(one.body_field.field_info.annotation) for one in routes if one.body_field
    }


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/v1/tasks", 200, {"items": [], "next_cursor": None, "next": None}),
        ("/v1/tasks", 200, {}),
        ("/v1/tasks", 200, {"items": [{"id": 1}], "next_cursor": None}),
        ("/v1/tasks", 201, {"items": [], "next_cursor": None}),
        ("/v1/tasks", 409, problems.problem("already-done", 409, "")),
        ("/v1/tasks/1/done", 409, problems.problem("already-closed", 409, "")),
    ],
)
def test_an_answer_that_is_not_as_described_fails_the_test_that_asked(path: str, status: int, body: Any) -> None:
    method = "POST" if path.endswith("done") else "GET"
    media_type = "application/json" if status < 400 else problems.MEDIA_TYPE
    request = httpx.Request(method, f"http://omnisync{path}")
    answer = httpx.Response(status, json=body, headers={"content-type": media_type}, request=request)

    with pytest.raises(AssertionError, match=r"answered|described"):
        asyncio.run(contract.check(answer))


def test_every_problem_stands_in_the_reference_with_its_status() -> None:
    reference = COMMITTED.parent.joinpath("reference", "http.md").read_text(encoding="utf-8")
    rows = [line for line in reference.splitlines() if line.startswith("| ")]

    missing = [
        name
        for name, known in problems.PROBLEMS.items()
        if not any(line.startswith(f"| {known.status} ") and f"`{name}`" in line for line in rows)
    ]

    assert missing == []


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
