"""Shelves are locked in one order, however they are named: otherwise two baskets wait for each other for ever."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db
from omnisync.stock import shelves
from omnisync.values import Shelf
from tests.stock.shop import shelf

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
        _until_somebody_waits(first)

        first.execute(sa.text("SET LOCAL lock_timeout = '20ms'"))
        assert shelves.lock(first, behind).keys() == set(behind)
    waiting.result()


def _lock(engine: Engine, wanted: Sequence[Shelf]) -> None:
    with db.transaction(engine) as session:
        shelves.lock(session, wanted)


def _until_somebody_waits(session: Session) -> None:
    for _ in range(20_000):
        if session.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
            return
    raise AssertionError("nobody came to wait")
