"""What somebody is told of, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention, TryLater
from omnisync.sync import alerts, health
from omnisync.sync.alerts import CALM, Kind, Standing, decide
from omnisync.sync.tables import AlertTold, Case, Cursor, DeadLetter, Event, ShownState
from tests.conftest import START
from tests.sync.conftest import MakeHouse, two_shops, with_lamp
from tests.sync.house import House

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def late(**more) -> Standing:
    return Standing(Kind.LATE, "ebay", START - 5 * MINUTE, **more)


def was_told(one: Standing, *, ago: timedelta = HOUR, clear_since=None, number=1) -> AlertTold:
    return AlertTold(
        key=one.key, kind=one.kind, about=one.about, number=number, title="eBay", since=one.since, told_at=START - ago,
        clear_since=clear_since,
    )  # fmt: skip


def test_what_is_new_is_told_and_what_was_told_is_not():
    fresh, known = late(), Standing(Kind.CASES, "web", START - HOUR)

    decision = decide([fresh, known], [was_told(known)], quiet=False, now=START)

    assert (decision.news, decision.over) == ((fresh,), ())


@pytest.mark.parametrize(
    ("kind", "age", "told"),
    [
        (Kind.LETTERS, timedelta(seconds=29), False),
        (Kind.LETTERS, timedelta(seconds=30), True),
        (Kind.DRIFT, MINUTE, False),
        (Kind.DRIFT, 2 * MINUTE, True),
        (Kind.CONFLICT, timedelta(0), True),
    ],
)
def test_what_may_mend_itself_is_waited_for(kind, age, told):
    one = Standing(kind, "ebay", START - age)

    decision = decide([one], [], quiet=False, now=START)

    assert decision.news == ((one,) if told else ())


@pytest.mark.parametrize(
    ("number", "ago", "told"), [(3, HOUR, False), (4, HOUR, True), (2, 23 * HOUR, False), (2, 24 * HOUR, True)]
)
def test_it_is_told_again_when_it_has_doubled_or_after_a_day(number, ago, told):
    one = Standing(Kind.LETTERS, "ebay", START - 48 * HOUR, number)

    decision = decide([one], [was_told(one, ago=ago, number=2)], quiet=False, now=START)

    assert bool(decision.news) == told


def test_a_new_decision_is_told_although_the_one_before_it_was():
    new = Standing(Kind.CONFLICT, "ebay", START - MINUTE)

    decision = decide([new], [was_told(new)], quiet=False, now=START)

    assert decision.news == (new,)


def test_it_is_over_only_when_it_stays_away_and_what_comes_back_was_never_over():
    gone = was_told(late())
    since = START - CALM

    first = decide([], [gone], quiet=False, now=START)
    soon = decide([], [was_told(late(), clear_since=since + MINUTE)], quiet=False, now=START)
    over = decide([], [was_told(late(), clear_since=since)], quiet=False, now=START)
    back = decide([late()], [was_told(late(), clear_since=since)], quiet=False, now=START)

    assert (first.cleared, first.over) == ((late().key,), ())
    assert not soon
    assert [row.key for row in over.over] == [late().key]
    assert (back.back, back.news, back.over) == ((late().key,), (), ())


def test_in_quiet_hours_nothing_is_told_and_nothing_is_forgotten():
    gone = was_told(Standing(Kind.DRIFT, "web", START), clear_since=START - HOUR)

    quiet = decide([late()], [gone], quiet=True, now=START)
    after = decide([late()], [gone], quiet=False, now=START)

    assert not quiet
    assert (after.news, after.over) == ((late(),), (gone,))


# ---------------------------------------------------------------- what stands


def stands(house: House) -> dict[str, Standing]:
    with db.reading(house.engine) as session:
        return {one.key: one for one in alerts.standing(session, house.context, now=house.clock.now())}


def change(house: House, work) -> None:
    with db.transaction(house.engine) as session:
        work(session)


@pytest.fixture
def house(make_house: MakeHouse, clock: StoppedClock, play) -> House:
    house = two_shops(make_house, clock)
    with_lamp(house, 5)
    play(house.settle())
    return house


def test_nothing_stands_while_all_is_well(house: House):
    assert stands(house) == {}


def test_a_channel_that_is_away_is_late_with_what_could_be_sold_there(house: House, clock: StoppedClock, play):
    house.fakes["market"].faults.down = True
    house.stock("LAMP", 2)
    play(house.settle())
    early = stands(house).keys()
    clock.advance(minutes=3)

    found = stands(house)

    assert early <= {"late/market"}
    assert found.keys() == {"late/market"}
    assert (found["late/market"].pieces, clock.now() - found["late/market"].since > 2 * MINUTE) == (3, True)


def test_a_channel_that_needs_a_person_is_that_and_not_late_as_well(house: House, clock: StoppedClock):
    trouble = NeedsAttention("market refuses our credentials (401).", action="Check them.", code="credentials")
    change(house, lambda session: health.failed(session, "market", trouble, now=clock.now()))
    clock.advance(minutes=10)

    [one] = stands(house).values()

    assert (one.key, one.reason, one.action) == (
        "attention/market",
        "market refuses our credentials (401).",
        "Check them.",
    )


def test_a_channel_that_is_paused_is_late_on_purpose(house: House, clock: StoppedClock):
    def work(session):
        health.failed(session, "market", TryLater("It is away."), now=clock.now())
        health.pause(session, "market", now=clock.now())

    change(house, work)
    clock.advance(minutes=10)

    assert stands(house) == {}


def letter(number: int, kind: str, channel: str = "web") -> DeadLetter:
    at = START + number * MINUTE
    return DeadLetter(
        id=f"l{number}", channel=channel, kind=kind, key=f"k{number}", title="T", reason=f"reason {number}", action="A",
        opened_at=at, last_at=at,
    )  # fmt: skip


def test_letters_and_cases_count_by_channel_and_lost_webhooks_and_conflicts_stand_for_themselves(house: House):
    def work(session):
        session.add_all([letter(2, "line"), letter(1, "fact"), letter(3, "webhooks"), letter(4, "line", "market")])
        closed = letter(5, "line")
        closed.closed_at = START
        session.add(closed)
        for number, kind in enumerate(("conflict", "drift", "blast_zero")):
            session.add(Case(id=f"c{number}", channel="web", kind=kind, title="T", opened_at=START))

    change(house, work)

    found = stands(house)

    assert {key: one.number for key, one in found.items()} == {
        "conflict/web": 1, "cases/web": 2, "letters/web": 2, "letters/market": 1, "subscription/web": 1,
    }  # fmt: skip
    assert (found["letters/web"].since, found["letters/web"].first.reason) == (START + MINUTE, "reason 1")


def test_topics_that_fell_silent_are_a_lost_subscription(house: House, clock: StoppedClock):
    def work(session):
        health.row_of(session, "web").silent_topics = {"orders/create": "2026-11-21T08:00:00Z"}
        session.add(letter(3, "webhooks"))

    change(house, work)

    [one] = stands(house).values()

    assert (one.key, one.since, one.reason) == ("subscription/web", START - 2 * HOUR, "orders/create")


def test_drift_stands_above_what_the_settings_allow(house: House, clock: StoppedClock):
    def work(session):
        state = session.get_one(ShownState, ("market", "id-LAMP", ""))
        state.drift_since = clock.now()

    change(house, work)
    found = stands(house)
    with db.reading(house.engine) as session:
        allowed = list(alerts._drifting(session, 1))

    assert {key: one.number for key, one in found.items()} == {"drift/market": 1}
    assert allowed == []


def test_nobody_took_a_backup(house: House, clock: StoppedClock, engine: Engine):
    change(house, lambda session: session.add(Event(position=1, kind="x", body={}, at=clock.now())))
    fresh = stands(house)
    clock.advance(hours=27)
    never = stands(house)
    change(house, lambda session: session.add(Cursor(channel="#server", name="backup", at=clock.now())))
    taken = stands(house)
    clock.advance(hours=27)
    old = stands(house)

    told = [one["backup/"].reason for one in (never, old) if "backup/" in one]
    assert "backup/" not in fresh | taken
    assert told == ([] if engine.dialect.name == "postgresql" else ["", "old"])
