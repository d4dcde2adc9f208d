"""Shelves are locked in one order, however they are named: otherwise two baskets wait for each other for ever."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
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

    with db.transaction(engine) as first, Session(engine) as second:
        shelves.lock(first, [held])
        assert not _gets(second, named)

        assert _gets(first, [at for at in sorted(SHELVES) if at > held])


def _gets(session: Session, wanted: Sequence[Shelf]) -> bool:
    """Whether these locks are to be had without waiting; what was locked before one that is not stays locked."""
    session.execute(sa.text("SET LOCAL lock_timeout = '20ms'"))
    try:
        shelves.lock(session, wanted)
    except OperationalError:
        return False
    return True
