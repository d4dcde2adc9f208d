"""What `/openapi.json` says beyond what the endpoints say themselves; `python -m omnisync.openapi` prints all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import FastAPI

KEY = "key"
SCHEME = {"type": "http", "scheme": "bearer", "description": "An API key: `omnisync keys create` prints it once."}
PROBES = {"live", "ready", "metrics"}
"""Asked by the machinery around us, which has no key."""
OPEN = PROBES | {"receiveHook", "answerChallenge"}
"""Operations that want no key: probes, and channels, which sign what they send."""


def describe(app: FastAPI) -> None:
    """Let the app's description name the key that its operations want."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            document.setdefault("components", {})["securitySchemes"] = {KEY: SCHEME}
            for operation in operations(document):
                if operation["operationId"] not in OPEN:
                    operation.setdefault("security", [{KEY: []}])
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


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
