"""A poll that dies anywhere is made again from where the last booked one ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

import pytest
from sqlmodel import Session

from omnisync.adapters.base import Can, Page, Write
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


class Paged(FakeChannel):
    """Tells of one order a page. Once, while the first page is read, somebody buys, and the shop calls us."""

    meanwhile: Callable[[], Awaitable[None]]

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        self._call("pull")
        ids, at = list(self.orders)[:3], int(cursor or 0)
        if cursor is None:
            self.buy("LAMP")
            await self.meanwhile()
        return Page([self.orders[id] for id in ids[at : at + 1]], str(at + 1), more=at + 1 < len(ids))


def test_a_message_that_comes_while_a_page_is_read_does_not_wait_for_the_last_page(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := Paged("web", clock, replace(POLLED, webhooks=True))))
    web.meanwhile = lambda: house.deliver("web")
    house.article("LAMP")
    house.stock("LAMP", 9)
    web.offer("LAMP")
    for _ in range(3):
        web.buy("LAMP", hook=False)

    play(house.tick("web"))

    assert [call for call in web.calls if call in ("pull", "follow")][:4] == ["pull", "follow", "pull", "pull"]
    assert house.level("LAMP") == (9, 4)
