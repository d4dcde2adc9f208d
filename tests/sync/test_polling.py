"""A poll that dies anywhere is made again from where the last booked one ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from sqlmodel import Session

from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.sync import polling
from omnisync.sync.context import Inline
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import shop

POLLED = Can(write=Write.ABSOLUTE, batch_size=50)


class Died(Exception):
    """The process is gone."""


@dataclass(frozen=True)
class Dying(Inline):
    """A database that its process reaches only so many times."""

    writes: int = 0
    _made: count[int] = field(default_factory=count)

    async def write(self, work: Callable[[Session], object], /) -> object:
        if next(self._made) == self.writes:
            raise Died
        return await super().write(work)


@pytest.mark.parametrize("writes", range(3))
def test_what_was_read_and_not_booked_is_read_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play, writes: int
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, POLLED)))
    house.article("LAMP")
    house.stock("LAMP", 9)
    web.offer("LAMP")
    web.buy("LAMP", 4, hook=False)
    clock.advance(hours=2)  # further back than what every poll reads again
    web.buy("LAMP", 1, hook=False)

    dying = replace(house.context, store=Dying(house.engine, writes=writes))
    for context in (dying, house.context):
        try:
            play(polling.pull(context, house.channel("web")))
        except Died:
            continue

    assert house.level("LAMP") == (9, 5)
