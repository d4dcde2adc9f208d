"""The switches of the demo: a small door of its own that /ops shows as a panel, and commands on the terminal.

`GET /switches` lists the channels with their faults, `POST /switches {"channel", "fault", "on"}` turns one; `all` is every
channel, and every fault. What is written to the terminal: `down ebay`, `lose webshop off`, `all off`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, StrictBool

from omnisync.demo.around import Next, around
from omnisync.demo.doors import Doors
from omnisync.demo.plan import CHANNELS

FAULTS = ("down", "rate_limited", "double", "reorder", "lose")
ALL = "all"
WORDS = {"limit": "rate_limited", "limited": "rate_limited", "doubled": "double", "lost": "lose"}


class Turn(BaseModel):
    """One switch and where it shall stand."""

    model_config = ConfigDict(extra="forbid")

    channel: str
    fault: str
    on: StrictBool


class Switches:
    """Where all switches stand; turning one tells its channel."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._on: dict[str, dict[str, bool]] = {channel: dict.fromkeys(FAULTS, False) for channel in CHANNELS}

    def on(self, channel: str, fault: str) -> bool:
        return self._on[channel][fault]

    async def turn(self, channel: str, fault: str, on: bool) -> None:
        """KeyError when there is no such channel or fault."""
        channels = CHANNELS if channel == ALL else (channel,)
        faults = FAULTS if fault == ALL else (fault,)
        for name in channels:
            changes = {one: on for one in faults if self._on[name][one] is not on}
            if changes:
                await self._doors.visit(name, "/_sim/faults", changes)
                self._on[name] |= changes

    def as_json(self) -> dict[str, Any]:
        return {"channels": [{"name": name, "faults": dict(faults)} for name, faults in self._on.items()]}

    def in_words(self) -> str:
        """What is broken at the moment."""
        return ", ".join(f"{name} {fault}" for name, faults in self._on.items() for fault, on in faults.items() if on)


def understand(line: str) -> Turn | None:
    """A command such as `down ebay`, `ebay double off` or `all off`; None when it is none."""
    words = [WORDS.get(word, word) for word in line.lower().split()]
    on = "off" not in words
    words = [word for word in words if word not in ("on", "off")]
    channels = [word for word in words if word in CHANNELS]
    faults = [word for word in words if word in FAULTS]
    rest = [word for word in words if word not in (*CHANNELS, *FAULTS)]
    if not words or len(channels) > 1 or len(faults) > 1 or any(word != ALL for word in rest):
        return None
    if not rest and not (channels and (faults or not on)):
        return None
    if on and not faults:
        return None
    return Turn(channel=channels[0] if channels else ALL, fault=faults[0] if faults else ALL, on=on)


def door(switches: Switches, origins: Iterable[str]) -> FastAPI:
    """The door as an app; pages of these origins may use it."""
    app = FastAPI(title="Demo switches", openapi_url=None, docs_url=None, redoc_url=None)
    allowed = frozenset(origins)

    @around(app)
    async def let_in(request: Request, call_next: Next) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and origin not in allowed:
            return Response("Only the demo's own pages may turn switches.", 403)
        response = Response(status_code=204) if request.method == "OPTIONS" else await call_next(request)
        if origin is not None:
            response.headers.update(_cors(origin))
        return response

    @app.get("/switches")
    async def look() -> Mapping[str, Any]:
        return switches.as_json()

    @app.post("/switches")
    async def turn(wish: Turn) -> Mapping[str, Any]:
        if wish.channel not in (*CHANNELS, ALL) or wish.fault not in (*FAULTS, ALL):
            raise HTTPException(404, f"there is no switch {wish.fault} of {wish.channel}")
        await switches.turn(wish.channel, wish.fault, wish.on)
        return switches.as_json()

    return app


def _cors(origin: str) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "content-type",
        "vary": "origin",
    }
