"""What `/openapi.json` says beyond what the endpoints say themselves; `python -m omnisync.openapi` prints all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from omnisync.bodies import EXAMPLES
from omnisync.catalog import answers as prices
from omnisync.contract import Says
from omnisync.orders import answers as orders
from omnisync.pages import operations as probes
from omnisync.problems import Problem
from omnisync.stock import answers as stock
from omnisync.sync import answers as channels
from omnisync.sync import event_answers, explain_answers, question_answers

if TYPE_CHECKING:
    from fastapi import FastAPI

KEY = "key"
SCHEME = {"type": "http", "scheme": "bearer", "description": "An API key: `omnisync keys create` prints it once."}
PROBES = {"live", "ready", "metrics"}
"""Asked by the machinery around us, which has no key."""
OPEN = PROBES | {"receiveHook", "answerChallenge"}
"""Operations that want no key: probes, and channels, which sign what they send."""
SAYS: Mapping[str, Says] = {
    **channels.AVAILABILITY, **prices.SAYS, **stock.SAYS, **stock.RETURNS, **stock.STOCKTAKES, **orders.RESERVATIONS, **orders.PICKUPS,
    **orders.TRANSFERS, **orders.PARCELS, **orders.PAUSES, **orders.SHORTAGES,
    **event_answers.EVENTS, **event_answers.SUBSCRIPTIONS, **explain_answers.EXPLAIN, **channels.CHANNELS, **question_answers.MAPPINGS,
    **probes.SAYS,
}  # fmt: skip
"""What every operation answers."""


def describe(app: FastAPI) -> None:
    """Let the app's description name the key that its operations want, and show its examples whole."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            components = document.setdefault("components", {})
            components["securitySchemes"] = {KEY: SCHEME}
            components.setdefault("schemas", {})[Problem.__name__] = Problem.model_json_schema()
            for operation in operations(document):
                _put_examples(operation, SAYS[operation["operationId"]])
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    content["example"] = EXAMPLES[operation["operationId"]]
                if operation["operationId"] not in OPEN:
                    operation.setdefault("security", [{KEY: []}])
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _put_examples(operation: dict[str, Any], says: Says) -> None:
    """As they were written: FastAPI leaves out every field that is null."""
    for status, answer in says.items():
        for media_type, content in answer.get("content", {}).items():
            operation["responses"][str(status)]["content"][media_type] |= _examples(content)


def _examples(content: dict[str, Any]) -> dict[str, Any]:
    return {name: content[name] for name in ("example", "examples") if name in content}


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a description."""
    for path in document["paths"].values():
        yield from path.values()


def text() -> str:
    """The description of a server of this version, as it is committed under docs/."""
    from omnisync import app, db
    from omnisync.clock import SystemClock, system_ids
    from omnisync.settings import Settings

    engine = db.engine_for("sqlite:///never-opened.db")
    services = app.services_for(Settings(), engine, SystemClock(), system_ids(), bytes(32))
    document = app.create(services).openapi()
    engine.dispose()
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
