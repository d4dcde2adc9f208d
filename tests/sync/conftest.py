"""A house with fakes, ready to play."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Can, Write
from omnisync.clock import Ids, StoppedClock
from omnisync.settings import ChannelSettings
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, settings_for, shop

MakeHouse = Callable[..., House]
Play = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture
def make_house(engine: Engine, clock: StoppedClock, ids: Ids) -> MakeHouse:
    """`make_house((settings, fake), ...)`: these channels over one empty ledger."""

    def make(*channels: tuple[ChannelSettings, FakeChannel], owners: dict[str, str] | None = None) -> House:
        settings = settings_for(*(settings for settings, _ in channels), owners=owners)
        return build(engine, clock, ids, settings, [fake for _, fake in channels])

    return make


@pytest.fixture
def play() -> Play:
    """Runs a coroutine to its end."""
    return asyncio.run


ABSOLUTE = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True)


def two_shops(make_house: MakeHouse, clock: StoppedClock, can: Can = ABSOLUTE) -> House:
    """A web shop and a marketplace that sell the stock of one store."""
    web, market = FakeChannel("web", clock, can), FakeChannel("market", clock, can)
    return make_house((shop("web"), web), (shop("market"), market))


def with_lamp(house: House, pieces: int) -> None:
    house.article("LAMP")
    house.stock("LAMP", pieces)
    for fake in house.fakes.values():
        fake.offer("LAMP")
