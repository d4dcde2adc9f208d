"""A pass over everything: what happens while it is under way is not lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlmodel import Session

from omnisync.clock import StoppedClock
from omnisync.sync import mappings, reconcile
from omnisync.sync.context import Inline
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import shop

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Interrupted(Inline):
    """A store of which somebody else makes use before each transaction that writes."""

    meanwhile: Callable[[Session], object] = lambda session: None

    async def write(self, work: Callable[[Session], Answer], /) -> Answer:
        await super().write(self.meanwhile)
        return await super().write(work)


def test_a_listing_that_is_mapped_during_a_full_pass_is_written_in_the_next_round(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock)))
    house.article("LAMP")
    house.stock("LAMP", 5)
    lamp = web.offer("LAMP", stock=9)
    play(house.settle(rounds=1))
    channel = house.channel("web")
    unmapped, mapped = ({lamp: sku} for sku in (None, "LAMP"))
    house.within(lambda session: mappings.put(session, house.context, channel, unmapped, now=clock.now()))

    def map_it(session: Session) -> object:
        return mappings.put(session, house.context, channel, mapped, now=clock.now())

    play(reconcile.refresh(replace(house.context, store=Interrupted(house.engine, meanwhile=map_it)), channel))
    clock.advance(seconds=1)
    play(house.tick())

    assert house.state("web", "LAMP").wanted == 5
