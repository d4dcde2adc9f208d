"""What each adapter brings to be tested by `test_contract.py`.

`tests/adapters/<channel>/rig.py` exposes `RIG`; it is found by itself. A rig opens *worlds*: a fresh simulated channel with
its own articles and buyers, and an adapter connected to it. The kit stands on the wire between both and breaks it.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

import httpx

import tests.adapters
from omnisync.adapters.base import Adapter, Fact, Hook, OrderSeen, Page, Sale, Target
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.values import Money


class Feature(StrEnum):
    """What a channel may not have. A rig that declares one away says why; the kit checks that `can` agrees."""

    NETWORK = "network"
    """Talks HTTP, so it can be limited, unreachable, unauthorised."""
    HOOKS = "hooks"
    SIGNATURES = "signatures"
    SUBSCRIPTIONS = "subscriptions"
    STOCK_OUT = "stock out"
    PRICES = "prices"
    LOOK = "look"
    LISTINGS = "listings"
    ORDERS = "orders"
    """Sales come by `pull`, as OrderSeen or Sale."""
    REREADS = "rereads"
    """An older cursor can be resumed again: what was read is not put away."""


class World(Protocol):
    """One fresh channel and the adapter connected to it."""

    adapter: Adapter
    """Named "contract"; its pages hold at most two orders where its page size can be set."""
    channel: httpx.AsyncBaseTransport | None
    """The simulated channel; the kit puts it behind the wire. None where there is no HTTP."""
    targets: Sequence[Target]
    """Three listings that the channel knows, each with ten pieces or more, each of another article."""
    unknown: Target
    """A listing that the channel does not know, well formed otherwise."""

    def level(self, target: Target) -> int:
        """How many pieces the channel itself shows for a listing."""
        ...

    def price(self, target: Target) -> Money:
        """What the channel itself asks for a listing."""
        ...

    def sell(self, target: Target, quantity: int) -> str:
        """A buyer buys now; the id of the OrderSeen, or the key of the Sale, that will be told."""
        ...

    def hook(self, *, secret: str | None = None) -> Hook:
        """A webhook as the channel would send it now, signed; with another `secret` by somebody else."""
        ...


class Rig(Protocol):
    """How to test the adapter that the registry knows under this name."""

    adapter: str
    secrets: Sequence[str]
    """The credentials in the settings of its worlds: they must never show up in an error, repr or log."""
    signature_header: str
    """Lower case; empty where there is none."""
    does_not_apply: Mapping[Feature, str]

    def open(self, tools: Tools) -> World:
        """A new world; the adapter calls through `tools.transport`."""
        ...


class Wire(httpx.AsyncBaseTransport):
    """The line between adapter and channel. It counts calls and answers in the channel's place while a fault is on."""

    def __init__(self) -> None:
        self.inner: httpx.AsyncBaseTransport | None = None
        self.fault: str | None = None
        self.calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        match self.fault:
            case None:
                assert self.inner is not None, "this world declares no channel, but its adapter calls one"
                return await self.inner.handle_async_request(request)
            case "timeout":
                raise httpx.ReadTimeout("no answer", request=request)
            case "unreachable":
                raise httpx.ConnectError("no route", request=request)
            case "answer lost":
                if self.inner is not None:
                    await self.inner.handle_async_request(request)
                raise httpx.ReadTimeout("the answer got lost", request=request)
            case "429":
                return httpx.Response(429, headers={"retry-after": "7"}, request=request)
            case status:
                return httpx.Response(int(status), text="no", request=request)


PASSING_FAULTS = ("timeout", "unreachable", "429", "500", "502", "503")
STANDING_FAULTS = ("401", "403")


def rigs() -> dict[str, Rig]:
    """Every rig below tests/adapters, by its adapter's name."""
    found: dict[str, Rig] = {}
    for package in pkgutil.iter_modules(tests.adapters.__path__):
        if package.ispkg and importlib.util.find_spec(f"tests.adapters.{package.name}.rig"):
            rig: Rig = importlib.import_module(f"tests.adapters.{package.name}.rig").RIG
            found[rig.adapter] = rig
    return found


@dataclass(frozen=True, slots=True)
class Opened:
    """A world with its wire and clock."""

    world: World
    wire: Wire
    clock: StoppedClock

    @property
    def adapter(self) -> Adapter:
        return self.world.adapter


def open_world(rig: Rig, tools: Tools, clock: StoppedClock) -> Opened:
    """Open a world behind a wire of its own."""
    wire = Wire()
    world = rig.open(replace(tools, transport=wire))
    wire.inner = world.channel
    return Opened(world, wire, clock)


def told(facts: Iterable[Fact]) -> set[str]:
    """The orders and sales among facts, by the name the channel gives them."""
    return {
        fact.id if isinstance(fact, OrderSeen) else fact.key for fact in facts if isinstance(fact, OrderSeen | Sale)
    }


async def pull_all(opened: Opened, cursor: str | None, *, limit: int = 60) -> list[Page]:
    """All pages from a cursor on, putting away what was read as the engine does after its commit."""
    pages: list[Page] = []
    while len(pages) < limit:
        page = await opened.adapter.pull(cursor, now=opened.clock.now())
        pages.append(page)
        await opened.adapter.done(sorted(told(page.facts)))
        cursor = page.cursor
        if not page.more:
            return pages
    raise AssertionError(f"{opened.adapter.name} still says there is more after {limit} pages")
