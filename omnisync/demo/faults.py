"""What all simulated channels share besides their trade: switches that break them, a look inside, a buyer at the door.

Every simulation serves `POST /_sim/faults` (the fields of `Faults`, those left out stay), `GET /_sim/state`,
`GET /_sim/shown` and `POST /_sim/buy`. The `/_sim` door works while the channel itself is down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from omnisync.clock import Clock
from omnisync.demo.around import Next, around

DOOR = "/_sim/"
LOOK_SECONDS = 0.005


@dataclass(slots=True)
class Faults:
    """How a simulated channel misbehaves right now; nothing by default."""

    down: bool = False
    """Every call is answered 503."""
    rate_limited: bool = False
    """Every call is answered as the channel answers those who call too often."""
    retry_after_seconds: float = 1.0
    double: bool = False
    """Each webhook is sent twice."""
    reorder: bool = False
    """Webhooks overtake one another."""
    lose: bool = False
    """Webhooks are never sent."""


class FaultsChange(BaseModel):
    """Body of `POST /_sim/faults`: only what is named changes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    down: bool | None = None
    rate_limited: bool | None = None
    retry_after_seconds: float | None = Field(default=None, ge=0)
    double: bool | None = None
    reorder: bool | None = None
    lose: bool | None = None


class Purchase(BaseModel):
    """Body of `POST /_sim/buy`: a buyer who takes what the channel offers; `counter` buys over the counter of `place`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sku: str
    quantity: int = Field(default=1, ge=1, le=1000)
    place: str | None = None
    counter: bool = False
    pickup: bool = False
    reference: str | None = None


class SoldOut(Exception):
    """The simulated channel itself does not offer so many pieces: its buyer goes away."""


class Simulated(Protocol):
    """A simulated channel, seen from its `/_sim` door."""

    faults: Faults
    clock: Clock

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """Sell from the channel's own level and return at least `{"order": id}`. SoldOut, or KeyError for an unknown SKU."""
        ...

    def state(self) -> dict[str, Any]:
        """At least `{"levels": [{"sku", "place", "quantity"}], "orders": n}`, quantity being what buyers can still buy."""
        ...

    def shown(self, sku: str) -> Mapping[str | None, int]:
        """The same of one article, by place. KeyError for an unknown SKU."""
        ...


def add_door(app: FastAPI, channel: Simulated) -> None:
    """Give the simulation's app its `/_sim` endpoints."""

    @app.post("/_sim/faults")
    async def change_faults(change: FaultsChange) -> Faults:
        for name, value in change.model_dump(exclude_none=True).items():
            setattr(channel.faults, name, value)
        return channel.faults

    @app.get("/_sim/state")
    async def look_inside() -> dict[str, Any]:
        return {"faults": channel.faults, **channel.state()}

    @app.get("/_sim/shown")
    async def wait_until_shown(
        sku: str, most: int, place: str | None = None, seconds: Annotated[float, Query(le=600)] = 60.0
    ) -> dict[str, Any]:
        """Answers as soon as at most so many pieces are shown: at that place, or at all of them together."""
        until = channel.clock.monotonic() + seconds
        while (pieces := _pieces(channel, sku, place)) > most:
            if channel.clock.monotonic() > until:
                raise HTTPException(408, f"{pieces} pieces of {sku} are still shown")
            await channel.clock.sleep(LOOK_SECONDS)
        return {"quantity": pieces}

    @app.post("/_sim/buy")
    async def buy(purchase: Purchase) -> dict[str, Any]:
        try:
            return channel.buy(purchase)
        except SoldOut as error:
            raise HTTPException(409, str(error)) from error
        except KeyError as error:
            raise HTTPException(404, f"nothing is sold here as {error}") from error


def _pieces(channel: Simulated, sku: str, place: str | None) -> int:
    try:
        return sum(pieces for at, pieces in channel.shown(sku).items() if place in (None, at))
    except KeyError as error:
        raise HTTPException(404, f"nothing is sold here as {error}") from error


def add_faults(
    app: FastAPI, faults: Faults, *, limited: Callable[[Request], Awaitable[Response]] | None = None
) -> None:
    """Let the app answer 503 while it is down and 429 while it limits calls (or as the channel does: `limited`)."""

    @around(app)
    async def misbehave(request: Request, call_next: Next) -> Response:
        if request.url.path.startswith(DOOR) or not (faults.down or faults.rate_limited):
            return await call_next(request)
        if faults.down:
            return Response("Service Unavailable", 503)
        if limited is not None:
            return await limited(request)
        return Response("Too Many Requests", 429, {"Retry-After": f"{faults.retry_after_seconds:g}"})
