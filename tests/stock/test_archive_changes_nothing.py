"""Whatever happened and wherever it is cut: what anybody asks or tells afterwards is answered as if nothing had been archived."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db
from omnisync.clock import Ids, StoppedClock
from omnisync.stock import (
    archived,
    availability,
    blocked,
    came_back,
    ends,
    incoming,
    ledger,
    past,
    promises,
    recounts,
    reservations,
    returns,
    stocktakes,
)
from omnisync.stock.blocked import Why
from omnisync.stock.came_back import Source
from omnisync.stock.effects import Level
from omnisync.stock.ends import End, How
from omnisync.stock.ledger import Entry
from omnisync.stock.promises import Wanted
from omnisync.stock.reservations import Line, Request
from omnisync.stock.stocktakes import Count
from omnisync.stock.tables import Balance
from omnisync.values import Kind, Shelf
from tests.conftest import SCRATCH, START
from tests.stock.archives import archived as archive
from tests.stock.shop import LINDEN, article, violations

EXAMPLES = int(os.environ.get("OMNISYNC_EXAMPLES", "10"))
SKUS = ("CUP", "POT")
SHELVES = [Shelf(LINDEN, sku) for sku in SKUS]
FACTS = (Kind.SOLD, Kind.RETURNED, Kind.FOUND, Kind.MISSING, Kind.AWAITED, Kind.RECEIVED, Kind.SAFETY, Kind.OFF_SALE)

few = st.integers(1, 12)
steps = st.tuples(
    st.sampled_from((*FACTS, *["count"] * 3, "block", "unblock", "hold", "end", "order", "ship", "return", "stocktake", "loose")),
    st.sampled_from(SHELVES),
    few,
    st.sampled_from((0, 0, 2, 5, 30)),
    st.sampled_from((0, 0, 1, 20, 700)),
)  # fmt: skip
"""What, where, how many, how many hours it is told late, and how many hours pass before it."""

A_LATE_FACT = [("found", SHELVES[0], 12, 0, 0), ("count", SHELVES[0], 12, 0, 0), ("sold", SHELVES[0], 1, 2, 0), ("found", SHELVES[1], 1, 0, 700)]  # fmt: skip
"""Near to a count and told after it: perhaps on its wrong side."""


@dataclass
class Life:
    """A ledger to which things happen."""

    session: Session
    now: datetime = START
    entries: list[Entry] = field(default_factory=list)
    holds: list[str] = field(default_factory=list)
    takes: list[str] = field(default_factory=list)
    ids: Ids = field(default_factory=lambda: Ids(StoppedClock(START), Random(1)))

    def happens(self, what: str, at: Shelf, n: int, late: int, after: int) -> None:
        self.now += timedelta(hours=after, minutes=1)
        then = self.now - timedelta(hours=late)
        name = f"till:{len(self.entries)}"
        match what:
            case "count":
                self.tell(Entry(Kind.COUNT, at.sku, at.location, n, "floor", then, name))
            case "block" | "unblock":
                there = availability.levels(self.session, [at]).get(at, Level()).blocked
                kind, pieces = (Kind.BLOCKED, n) if what == "block" else (Kind.UNBLOCKED, min(n, there))
                reason = Why.DISPLAY if n % 2 else Why.DAMAGED
                self.tell(Entry(kind, at.sku, at.location, pieces, "floor", then, name, reason))
            case "hold":
                name = f"hold-{len(self.holds)}"
                wish = Request(name, (Line(at.sku, at.location, n % 3 + 1),), self.now + timedelta(days=300))
                self.holds.append(name)
                reservations.reserve(self.session, [wish], now=self.now)
            case "end":
                which = self.holds[n % len(self.holds) :][:1] if self.holds else []
                how = How.COLLECT if n % 2 else How.RELEASE
                ends.end(self.session, [End(one, how) for one in which], now=self.now)
            case "order":
                wanted = Wanted("web", f"#{n}", f"web:{n}", str(len(self.entries)), at, n, then)
                promises.make(self.session, [wanted], now=self.now)
            case "ship":
                for promise in self._promised():
                    key = f"web:{n}/{promise.line_id}/shipped/{self.now.isoformat()}"
                    promises.end(
                        self.session, promise.order_id, promise.line_id, promise.sku, Kind.SHIPPED, n, key=key,
                        occurred_at=then, now=self.now,
                    )  # fmt: skip
            case "return" | "loose":
                key = name if what == "loose" else returns.key_with_receipt(name, "1", at.sku)
                entry = Entry(Kind.RETURNED, at.sku, at.location, n, "order:web:1", then, key)
                came_back.book(self.session, entry, Source("web", n % 3 > 0, counter=False), now=self.now)
                self.entries.append(entry)
            case "stocktake":
                self._stocktake(at, n)
            case _:
                pieces = 0 if what == Kind.OFF_SALE else n
                due_at = self.now + timedelta(days=n) if what == Kind.AWAITED else None
                self.tell(Entry(Kind(what), at.sku, at.location, pieces, "floor", then, name, due_at=due_at))

    def tell(self, *entries: Entry) -> list[bool]:
        """Which of them were known already."""
        self.entries += entries
        return [one.duplicate for one in ledger.record(self.session, entries, now=self.now)]

    def _promised(self) -> Sequence[Any]:
        return self.session.execute(
            sa.select(promises.promise).where(promises.promise.c.quantity > promises.promise.c.ended).limit(1)
        ).all()

    def _stocktake(self, at: Shelf, n: int) -> None:
        take = stocktakes.open_one(self.session, self.ids, at.location, by="ops", now=self.now)
        self.now += timedelta(minutes=5)
        stocktakes.count(self.session, take.id, [Count(at.sku, n, self.now)], by="Kim", now=self.now)
        end = stocktakes.book if n % 3 else stocktakes.abandon
        end(self.session, take.id, by="ops", now=self.now)
        self.takes.append(take.id)

    # ------------------------------------------------------------ what is asked

    def answers(self, moments: Sequence[datetime]) -> dict[str, Any]:
        session = self.session
        session.expire_all()
        awaited = incoming.awaited(session, SHELVES)
        return {
            "levels": availability.levels(session, SHELVES),
            "balances": session.execute(sa.select(db.table(Balance)).order_by(sa.text("location, sku"))).all(),
            "then": {moment: past.levels(session, SHELVES, moment) for moment in moments},
            "promised": {
                (at, moment): {(one.promise, one.pieces, one.cause) for one in past.causes(session, at, "reserved", moment)}
                for at in SHELVES for moment in moments
            },
            "why blocked": {(at, moment): past.blocked_reasons(session, at, moment) for at in SHELVES for moment in moments},
            "blocked": blocked.page(session, None),
            "to count": recounts.page(session, None),
            "awaited": {at: [(lot.pieces, lot.cause, lot.due_at) for lot in awaited[at].lots] for at in SHELVES},
            "open": {name: {at: n for at, n in pieces.items() if n} for name, pieces in ends.open_pieces(session, self._names()).items() if any(pieces.values())},
            "later": {key: n for key, n in ledger.later_changes(session, [(at, moment) for at in SHELVES for moment in moments]).items() if n},
            "known": [ledger.is_known(session, entry.key or "") for entry in self.entries],
            "receipts": [returns.came_with_receipt(session, entry.key or "", entry.shelf) for entry in self.entries],
            "stocktakes": [stocktakes.lines(session, stocktakes.load(session, name)) for name in self.takes],
            "violations": violations(session),
        }  # fmt: skip

    def _names(self) -> list[str]:
        return [*self.holds, *self.session.execute(sa.select(promises.promise.c.id)).scalars()]


@contextmanager
def rolled_back(connection: sa.Connection) -> Iterator[Session]:
    """Nothing of this has ever been."""
    savepoint = connection.begin_nested()
    with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
        yield session
    savepoint.rollback()


def go_on(life: Life, future: Sequence[Any], moments: Sequence[datetime]) -> tuple[Any, ...]:
    """Everything is told again, then life goes on."""
    before, now = life.answers(moments), life.now
    again = [one.duplicate for one in ledger.record(life.session, life.entries, now=now)]
    for step in future:
        life.happens(*step)
    return before, again, life.answers([*moments, life.now])


@settings(
    max_examples=EXAMPLES,
    suppress_health_check=list(HealthCheck),
    derandomize="OMNISYNC_EXAMPLES" not in os.environ,
    database=None,
    phases=(Phase.explicit, Phase.generate, *((Phase.shrink,) if "OMNISYNC_SHRINK" in os.environ else ())),
)
@given(
    history=st.lists(steps, min_size=12, max_size=40),
    cuts=st.lists(st.integers(1, 39), min_size=1, max_size=3),
    future=st.lists(steps, max_size=8),
)  # fmt: skip
@example(history=A_LATE_FACT, cuts=[3], future=[])
def _compare(engine: Engine, history: Sequence[Any], cuts: Sequence[int], future: Sequence[Any]) -> None:
    with engine.connect() as connection, TemporaryDirectory(dir=SCRATCH) as folder:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            for sku in SKUS:
                article(session, sku)
            life, passed = Life(session), []
            for step in history:
                life.happens(*step)
                passed.append(life.now)
            session.commit()
        ending = life.now + timedelta(days=3)
        untils = sorted({passed[cut % len(passed)] for cut in cuts})
        later = [untils[-1], *(moment for moment in passed if moment > untils[-1])]
        moments = [*later[::4], ending]
        told = []
        for months in ([], untils):
            with rolled_back(connection) as session:
                for until in months:
                    archive(session, Path(folder), until.isoformat(), until, now=ending)
                assert not months or list(archived.files_say_the_same(session, Path(folder))) == []
                of_its_own = Life(
                    session, ending, [*life.entries], [*life.holds], [*life.takes], Ids(StoppedClock(ending), Random(1))
                )
                told.append(go_on(of_its_own, future, moments))
        outer.rollback()
    for as_it_was, as_it_is in zip(*told, strict=True):
        assert as_it_was == as_it_is


def test_nothing_that_is_asked_or_told_afterwards_is_answered_differently(engine: Engine):
    _compare(engine)
