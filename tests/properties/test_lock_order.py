"""Shelves are locked in one order, however they are named: otherwise two baskets wait for each other for ever."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.catalog.backorder import Backorder
from omnisync.stock import backorders, ledger, shelves
from omnisync.stock.ledger import Entry
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.stock.shop import shelf, until_somebody_waits, violations

# SQLite has one writer and locks no rows.
pytestmark = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
SHELVES = [Shelf(location, sku) for location in ("linden", "markt") for sku in ("CUP", "POT")]


@pytest.mark.parametrize("held", SHELVES[:-1], ids=str)
@pytest.mark.parametrize("named", list(permutations(SHELVES))[::5], ids=lambda named: "-".join(at.sku for at in named))
def test_who_waits_for_a_shelf_holds_none_behind_it(engine: Engine, held: Shelf, named: tuple[Shelf, ...]):
    with db.transaction(engine) as session:
        for at in SHELVES:
            shelf(session, at.sku, pieces=1, location=at.location)

    behind = [at for at in sorted(SHELVES) if at > held]

    with ThreadPoolExecutor(1) as thread, db.transaction(engine) as first:
        shelves.lock(first, [held])
        waiting = thread.submit(_lock, engine, named)
        until_somebody_waits(first)

        first.execute(sa.text("SET LOCAL lock_timeout = '20ms'"))
        assert shelves.lock(first, behind).keys() == set(behind)
    waiting.result()


def test_who_says_how_far_an_article_can_be_promised_does_not_wait_with_it_for_a_delivery(engine: Engine):
    with db.transaction(engine) as session:
        shelf(session, "CUP", pieces=1)
        backorders.put(session, {"CUP": Backorder(3)}, cause="test", now=START)

    with ThreadPoolExecutor(1) as thread, db.transaction(engine) as delivery:
        shelves.lock(delivery, [Shelf("linden", "CUP")])
        waiting = thread.submit(_say, engine)
        until_somebody_waits(delivery)

        delivery.execute(sa.text("SET LOCAL lock_timeout = '20ms'"))
        awaited = Entry(Kind.AWAITED, "CUP", "linden", 1, "test", START)
        ledger.record(delivery, [awaited], now=START)
    waiting.result()
    with db.reading(engine) as session:
        assert violations(session) == []


def _say(engine: Engine) -> None:
    with db.transaction(engine) as session:
        backorders.put(session, {"CUP": Backorder(day=START.date())}, cause="test", now=START)


def _lock(engine: Engine, wanted: Sequence[Shelf]) -> None:
    with db.transaction(engine) as session:
        shelves.lock(session, wanted)
