from __future__ import annotations

from datetime import timedelta

import pytest

from omnisync import db
from omnisync.announce import announce
from omnisync.clock import first_id
from omnisync.errors import NeedsAttention, TryLater
from omnisync.stock import ledger
from omnisync.stock.tables import Movement
from omnisync.sync import events, health, history, trouble
from omnisync.sync.history import Delays, Window
from omnisync.sync.tables import Conflict, DeadLetter, Sent, ShownState
from omnisync.sync.trouble import Trouble
from omnisync.values import Kind
from tests.conftest import START
from tests.stock.shop import article

movement = db.table(Movement)
HOUR = Window.before(START, timedelta(hours=1), 6)
DAY = Window.before(START, timedelta(days=1), 48)


def sent(session, ids, *, minutes_ago, took, channel="ebay", **more):
    """A number that was applied so many minutes before START, `took` seconds after the change it answers."""
    applied = None if took is None else START - timedelta(minutes=minutes_ago)
    changed = START - timedelta(minutes=minutes_ago, seconds=took or 0)
    at = applied or changed
    tag = first_id(at)[:12] + ids.new()[12:]
    more = {"outcome": "applied" if applied else "unknown"} | more
    session.add(
        Sent(
            tag=tag,
            channel=channel,
            external_id="x",
            sku="LAMP",
            sent_at=at,
            changed_at=changed,
            applied_at=applied,
            **more,
        )
    )
    session.flush()


def test_half_stayed_below_the_median_and_95_of_100_below_p95(session, ids):
    for seconds in range(1, 101):
        sent(session, ids, minutes_ago=5, took=seconds)

    assert history.delays(session, HOUR) == {5: Delays(100, 50.0, 95.0)}


def test_each_bucket_has_its_own_delay_and_the_rest_is_missing(session, ids):
    sent(session, ids, minutes_ago=55, took=3)
    sent(session, ids, minutes_ago=0, took=1)
    sent(session, ids, minutes_ago=61, took=600)

    assert history.delays(session, HOUR) == {0: Delays(1, 3.0, 3.0), 5: Delays(1, 1.0, 1.0)}


def test_what_still_waits_counts_as_old_as_it_is(session, ids):
    sent(session, ids, minutes_ago=5, took=1)
    behind = ShownState(
        channel="ebay", external_id="x", place="", sku="LAMP", behind_since=START - timedelta(minutes=20)
    )
    held = ShownState(
        channel="ebay",
        external_id="y",
        place="",
        sku="SOFA",
        behind_since=START - timedelta(days=2),
        guard_decision="waiting",
    )
    session.add_all([behind, held])
    session.flush()

    assert history.delay(session, HOUR) == Delays(2, 1.0, 1200.0)


def test_without_anything_sent_there_is_no_delay(session):
    assert history.delay(session, HOUR) is None
    assert history.delays(session, HOUR) == {}


def test_the_queue_is_told_backwards_from_what_waits_now(session, ids):
    sent(session, ids, minutes_ago=15, took=20 * 60)
    session.add(
        ShownState(channel="ebay", external_id="x", place="", sku="LAMP", behind_since=START - timedelta(minutes=5))
    )
    session.flush()

    # One waited from minute 25 to 45 of the hour, another one from minute 55 on.
    assert history.queue(session, HOUR, 1) == [0, 0, 1, 1, 0, 1]


def test_letters_are_counted_while_they_were_open(session):
    for name, opened, closed in (("a", 50, 21), ("b", 15, None)):
        session.add(
            DeadLetter(
                id=name, channel="ebay", kind="fact", key=name, title="", reason="", action="", last_at=START,
                opened_at=START - timedelta(minutes=opened), closed_at=closed and START - timedelta(minutes=closed),
            )
        )  # fmt: skip
    session.flush()

    assert history.letters(session, HOUR, 1) == [0, 1, 1, 0, 1, 1]


def test_pieces_sold_twice_are_summed_by_bucket(session, ids):
    for minutes, pieces in ((2, 3), (3, 1), (90, 7)):
        at = START - timedelta(minutes=minutes)
        name = first_id(at)[:12] + ids.new()[12:]
        session.add(
            Conflict(id=name, channel="ebay", order_id="o", location="linden", sku="LAMP", quantity=pieces, at=at)
        )
    session.flush()

    assert history.conflicts(session, HOUR) == {5: 4}


def test_traffic_counts_what_a_channel_caused_in_the_last_hour(session, ids):
    article(session, "LAMP")
    for cause, minutes in (
        ("kasse:1/1", 90), ("kasse:2/1", 30), ("order:kasse:77/1", 20), ("kasse_2:3/1", 10), ("import:1", 5),
    ):  # fmt: skip
        at = START - timedelta(minutes=minutes)
        ledger.record(session, [ledger.Entry(Kind.RECEIVED, "LAMP", "linden", 1, cause, at, key=cause)], now=at)
    for outcome in ("applied", "unknown", "superseded"):
        sent(session, ids, minutes_ago=1, took=1, channel="kasse", outcome=outcome)

    found = history.traffic(session, ["kasse", "kasse_2", "ebay"], now=START)

    assert (found["kasse"].booked, found["kasse"].sent, found["kasse"].fault_share) == (2, 2, 0.5)
    assert found["kasse_2"].booked == 1
    assert found["ebay"].fault_share == 0.0


@pytest.mark.parametrize("minutes", [0, 1, 29, 30, 31, 90, 200])
def test_the_first_row_since_a_moment_is_found_by_halving(session, minutes):
    article(session, "LAMP")
    times = [START - timedelta(minutes=30 * number) for number in range(5, -1, -1)]
    for at in times:
        ledger.record(session, [ledger.Entry(Kind.RECEIVED, "LAMP", "linden", 1, "test", at, key=str(at))], now=at)
    since = START - timedelta(minutes=minutes)

    first = history.first_row_since(session, movement.c.id, movement.c.recorded_at, since)

    rows = session.execute(movement.select()).all()
    assert sorted(row.id for row in rows if row.id >= first) == sorted(
        row.id for row in rows if row.recorded_at >= since
    )


def test_trouble_lasts_from_its_event_to_the_recovery(session, clock):
    def at(hours):
        return START - timedelta(hours=hours)

    announce(session, "channel.order", {"channel": "ebay"}, now=at(20))
    health.failed(session, "ebay", TryLater("busy"), now=at(10))
    health.failed(session, "ebay", TryLater("busy"), now=at(9.9))
    health.succeeded(session, "ebay", now=at(8.75))
    health.failed(session, "ebay", NeedsAttention("no key", action="renew"), now=at(1.25))
    health.pause(session, "webshop", now=at(0.75))
    events.number(session, now=START)

    found = trouble.bars(session, ["ebay", "webshop"], DAY)

    assert found["ebay"][:8] == [Trouble.UNKNOWN] * 8
    assert found["ebay"][8:] == (
        [Trouble.NONE] * 20 + [Trouble.LATE] * 3 + [Trouble.NONE] * 14 + [Trouble.ATTENTION] * 3
    )
    assert found["webshop"][8:] == [Trouble.NONE] * 38 + [Trouble.PAUSED] * 2


def test_a_refused_key_after_other_failures_is_told_too(session):
    health.failed(session, "ebay", TryLater("busy"), now=START - timedelta(hours=3))
    health.failed(session, "ebay", NeedsAttention("no key", action="renew"), now=START - timedelta(hours=1))
    events.number(session, now=START)

    line = trouble.bars(session, ["ebay"], DAY)["ebay"]

    assert line[42:] == [Trouble.LATE] * 4 + [Trouble.ATTENTION] * 2


def test_numbers_that_came_too_late_colour_their_half_hour(session, ids):
    announce(session, "channel.order", {"channel": "ebay"}, now=START - timedelta(days=2))
    events.number(session, now=START)
    sent(session, ids, minutes_ago=10, took=61)
    sent(session, ids, minutes_ago=40, took=59)

    line = trouble.bars(session, ["ebay"], DAY)["ebay"]

    assert line[46:] == [Trouble.NONE, Trouble.LATE]
