"""A round asks once what waits, finds all of it, and finds nothing at a quiet channel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.adapters.base import Can, Write
from omnisync.clock import StoppedClock
from omnisync.sync import agenda, guests, health, inbox
from omnisync.sync.agenda import Agenda
from omnisync.sync.tables import ShownState
from omnisync.sync.why import NOTHING_NEW
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_telling import order, pickup

CAN = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True, tells_pickups=True, poll_seconds=3600)
QUIET = Agenda(
    known=True, paused=False, shadow=False, breaker="closed", retry_at=None, messages=False, looks=False, writes=False, news=False,
    listings=False, guest=False,
)  # fmt: skip


def quiet(make_house: MakeHouse, clock: StoppedClock, play: Play, can: Can = CAN) -> tuple[House, FakeChannel]:
    """Two shops that show their lamps; nothing is left to do."""
    web, other = FakeChannel("web", clock, can), FakeChannel("other", clock, can)
    house = make_house((shop("web"), web), (shop("other"), other))
    house.article("LAMP")
    house.stock("LAMP", 9)
    for fake in (web, other):
        fake.offer("LAMP")
    play(house.settle(rounds=2))
    return house, web


def waits(house: House, name: str = "web") -> Agenda:
    now = house.clock.now()
    with db.reading(house.engine) as session:
        return agenda.of(session, house.channel(name), now=now)


def change(house: House, **values: Any) -> None:
    """Write on the row of the lamp at the web shop."""

    def work(session: Any) -> None:
        row = session.get(ShownState, ("web", "id-LAMP", ""))
        for name, value in values.items():
            setattr(row, name, value)

    house.within(work)


def test_a_quiet_channel_has_nothing_to_do(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, _ = quiet(make_house, clock, play)

    assert waits(house) == QUIET


def test_a_channel_that_nobody_has_met_is_not_known(make_house: MakeHouse, clock: StoppedClock) -> None:
    house = make_house((shop("web"), FakeChannel("web", clock, CAN)))

    found = waits(house)

    assert (found.known, found.paused, found.breaker, found.may_call(clock.now())) == (False, False, "closed", True)


def test_a_message_waits_from_the_moment_it_is_due_at_its_own_channel(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = quiet(make_house, clock, play)
    play(inbox.receive(house.context, house.channel("web"), web.hook_for(web.buy("LAMP").id, "event-1")))

    assert (waits(house).messages, waits(house, "other").messages) == (True, False)

    house.within(lambda session: inbox.claim(session, "web", now=clock.now()))
    assert not waits(house).messages, "somebody reads it"
    clock.advance(seconds=120)
    assert waits(house).messages, "its reader is gone"


def test_a_write_waits_while_a_row_is_behind_and_may_be_written(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, _ = quiet(make_house, clock, play)
    now, soon = clock.now(), clock.now() + timedelta(minutes=1)

    change(house, behind_since=now, wanted=3)
    assert waits(house) == replace(QUIET, writes=True)
    for held in ({"in_flight_until": soon}, {"next_try_at": soon}, {"guard_decision": "waiting"}):
        change(house, **held)
        assert not waits(house).writes, held
        change(house, **dict.fromkeys(held))
    assert waits(house).writes


def test_a_row_that_has_to_be_read_back_is_a_look_where_the_channel_can_be_looked_at(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, _ = quiet(make_house, clock, play)

    change(house, look_at=clock.now() + timedelta(seconds=1))
    assert not waits(house).looks
    clock.advance(seconds=1)

    assert waits(house).looks


def test_nothing_is_looked_at_and_nothing_told_where_the_channel_cannot(
    make_house: MakeHouse, clock: StoppedClock, play: Play, engine: Engine
) -> None:
    house, _ = quiet(make_house, clock, play, Can(write=Write.ABSOLUTE, looks=False, batch_size=50))
    order(engine, house, clock)
    pickup(engine, clock, "ready")
    change(house, look_at=clock.now())

    found = waits(house)

    assert (found.looks, found.news) == (False, False)


def test_a_pickup_that_its_channel_has_not_heard_of_is_news(
    make_house: MakeHouse, clock: StoppedClock, play: Play, engine: Engine
) -> None:
    house, web = quiet(make_house, clock, play)
    order(engine, house, clock)
    pickup(engine, clock, "ready")
    assert waits(house).news

    play(house.tick("web"))

    assert [news.kind for news in web.told] == ["ready"]
    assert not waits(house).news


@pytest.mark.parametrize("seconds", [29, 30])
def test_a_channel_that_said_when_to_come_back_is_left_alone_so_long(
    make_house: MakeHouse, clock: StoppedClock, play: Play, seconds: int
) -> None:
    house, web = quiet(make_house, clock, play)
    web.faults.rate_limit = 1
    house.stock("LAMP", 5)
    play(house.tick("web"))

    later = clock.advance(seconds=seconds)

    assert waits(house).may_call(later) is (seconds == 30)


def test_a_paused_channel_says_so(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, _ = quiet(make_house, clock, play)

    house.within(lambda session: health.pause(session, "web", now=clock.now()))

    assert (waits(house).paused, waits(house, "other").paused) == (True, False)


def test_a_command_that_asks_the_channel_is_seen_at_that_channel_for_as_long_as_it_stays(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, _ = quiet(make_house, clock, play)
    guest = guests.Guest(house.context, house.channel("web"))
    play(guest.come())
    assert (waits(house), waits(house, "other")) == (replace(QUIET, guest=True), QUIET)

    clock.advance(seconds=guests.STAYS.total_seconds())
    assert waits(house) == QUIET, "it died"

    play(guest.come())
    play(guest.leave())
    assert waits(house) == QUIET


def test_a_round_at_a_quiet_channel_asks_the_database_once(
    make_house: MakeHouse, clock: StoppedClock, play: Play, engine: Engine
) -> None:
    house, _ = quiet(make_house, clock, play)
    play(house.worker.tick("web", why=NOTHING_NEW))
    asked: list[str] = []
    listen = lambda _conn, _cursor, statement, *_: asked.append(statement)  # noqa: E731
    sa.event.listen(engine, "before_cursor_execute", listen)
    play(house.worker.tick("web", why=NOTHING_NEW))
    sa.event.remove(engine, "before_cursor_execute", listen)

    assert len([one for one in asked if one.startswith("SELECT")]) == 1, asked
