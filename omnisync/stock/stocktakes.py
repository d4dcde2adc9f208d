"""A stocktake: everything at one location is counted while sales go on, and all differences are booked together.

Each count keeps its moment, so that booking it later is the same as having booked it then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Article
from omnisync.clock import Ids
from omnisync.errors import Conflict, Forbidden, InvalidRequest, NotFound
from omnisync.stock import known, ledger
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Balance, Stocktake, StocktakeLine
from omnisync.values import Kind, Shelf

_AT_ONCE = 1_000
_take, _line = db.table(Stocktake), db.table(StocktakeLine)
_balance, _article = db.table(Balance), db.table(Article)


@dataclass(frozen=True, slots=True)
class Count:
    """Somebody counted one SKU."""

    sku: str
    quantity: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU as it stands: what should have lain there when it was counted (at the cut-off, if nobody did), and what did."""

    sku: str
    expected: int
    counted: int | None
    counted_at: datetime | None
    counted_by: str | None
    cost_minor: int | None
    currency: str | None

    @property
    def difference(self) -> int:
        """Pieces more than expected; 0 while nobody has counted."""
        return 0 if self.counted is None else self.counted - self.expected

    @property
    def value_minor(self) -> int | None:
        """The difference at cost, where the cost is known."""
        return None if self.cost_minor is None else self.difference * self.cost_minor


def open_one(session: Session, ids: Ids, location: str, *, by: str, now: datetime) -> Stocktake:
    """The cut-off: write down what is expected there. Until it ends nobody can order a pickup there; Conflict if one is open."""
    db.lock_names(session, [f"stocktake:{location}"])
    if location in closed(session):
        raise Conflict(f"A stocktake of {location} is open already.", code="stocktake-open", location=location)
    made = Stocktake(id=ids.new(), location=location, opened_at=now, opened_by=by)
    session.add(made)
    session.flush()
    expected = sa.select(sa.literal(made.id), _balance.c.sku, _balance.c.on_hand).where(
        _balance.c.location == location, _balance.c.on_hand != 0
    )
    session.execute(sa.insert(_line).from_select(["stocktake_id", "sku", "expected"], expected))
    return made


def count(
    session: Session, stocktake_id: str, counts: Sequence[Count], *, by: str, at: str | None = None, now: datetime
) -> list[Line]:
    """Keep what was counted, without any effect yet; of two counts of a SKU the later one holds. Answers what was expected of these,
    which the counter is told now and not before."""
    found = _open(session, stocktake_id, at)
    errors = [
        {"field": f"counts.{n}.counted_at", "message": "lies between the cut-off and now"}
        for n, one in enumerate(counts)
        if not found.opened_at <= one.at <= now
    ]
    if errors:
        raise InvalidRequest(errors)
    last = {one.sku: one for one in sorted(counts, key=lambda one: one.at)}
    _make_lines(session, found, last)
    for sku, one in sorted(last.items()):
        newer = sa.or_(_line.c.counted_at.is_(None), _line.c.counted_at <= one.at)
        session.execute(
            sa.update(_line)
            .where(_line.c.stocktake_id == found.id, _line.c.sku == sku, newer)
            .values(counted=one.quantity, counted_at=one.at, counted_by=by)
        )
    return lines(session, found, skus=last)


def book(session: Session, stocktake_id: str, *, by: str, now: datetime) -> Stocktake:
    """All counts take effect together, each as of its moment. What nobody has counted stays as it is."""
    found = _end(session, stocktake_id, "booked", by, now)
    counted = sa.select(_line).where(_line.c.stocktake_id == found.id, _line.c.counted.is_not(None))
    cause = f"stocktake:{found.id}"
    entries = [
        Entry(Kind.COUNT, row.sku, found.location, row.counted, cause, row.counted_at, key=_key(found, row.sku))
        for row in session.execute(counted.order_by(_line.c.sku))
    ]
    ledger.record(session, entries, now=now)
    return found


def abandon(session: Session, stocktake_id: str, *, by: str, now: datetime) -> Stocktake:
    """As if nobody had counted."""
    return _end(session, stocktake_id, "abandoned", by, now)


def closed(session: Session) -> frozenset[str]:
    """Locations where nothing can be ordered for pickup, because everything there is being counted."""
    return frozenset(session.execute(sa.select(_take.c.location).where(_take.c.ended_at.is_(None))).scalars())


# ---------------------------------------------------------------- reading


def load(session: Session, stocktake_id: str, *, at: str | None = None, lock: bool = False) -> Stocktake:
    """The stocktake of that id, if it is of this store."""
    found = session.get(Stocktake, stocktake_id, populate_existing=True, with_for_update=True if lock else None)
    if found is None:
        raise NotFound(f"There is no stocktake {stocktake_id}.")
    if at is not None and at != found.location:
        raise Forbidden("This is the stocktake of another store.")
    return found


def page(session: Session, location: str | None, *, after: str = "", limit: int = 100) -> Sequence[Stocktake]:
    """Stocktakes by id, which is by age."""
    statement = sa.select(Stocktake).where(_take.c.id > after).order_by(_take.c.id).limit(limit)
    if location is not None:
        statement = statement.where(_take.c.location == location)
    return session.execute(statement).scalars().all()


def lines(
    session: Session, found: Stocktake, *, skus: Iterable[str] | None = None, after: str = "", limit: int | None = None
) -> list[Line]:
    """Lines by SKU, each with what should have lain there at the moment of its count, as far as is known by now."""
    statement = (
        sa.select(_line, _article.c.cost_minor, _article.c.currency)
        .outerjoin(_article, _article.c.sku == _line.c.sku)
        .where(_line.c.stocktake_id == found.id, _line.c.sku > after)
        .order_by(_line.c.sku)
        .limit(limit)
    )
    if skus is not None:
        statement = statement.where(db.among(_line.c.sku, sorted(skus)))
    rows = session.execute(statement).all()
    then = {row.sku: row.known for row in rows if row.known is not None}
    open_ones = {row.sku: row.counted_at for row in rows if row.counted_at is not None and row.sku not in then}
    then |= _expected(session, found, open_ones)
    return [
        Line(
            row.sku, then.get(row.sku, row.expected), row.counted, row.counted_at, row.counted_by, row.cost_minor,
            row.currency,
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """How far a stocktake is, and what it would change."""

    lines: int
    counted: int
    different: int
    missing: int
    found: int
    value_minor: Mapping[str, int]
    """Currency -> the differences at cost."""
    without_cost: int
    """Lines with a difference whose cost nobody knows."""


def summary(session: Session, found: Stocktake) -> Summary:
    """Over all lines."""
    all_lines = lines(session, found)
    different = [line for line in all_lines if line.difference]
    value: Counter[str] = Counter()
    for line in different:
        if line.value_minor is not None and line.currency is not None:
            value[line.currency] += line.value_minor
    return Summary(
        lines=len(all_lines),
        counted=sum(line.counted is not None for line in all_lines),
        different=len(different),
        missing=sum(max(0, -line.difference) for line in different),
        found=sum(max(0, line.difference) for line in different),
        value_minor=dict(sorted(value.items())),
        without_cost=sum(line.value_minor is None or line.currency is None for line in different),
    )


def _expected(session: Session, found: Stocktake, counted: Mapping[str, datetime]) -> dict[str, int]:
    """SKU -> what the ledger knows to have lain there at that moment. Of one that was booked: before that."""
    shelves = {Shelf(found.location, sku): moment for sku, moment in counted.items()}
    statement = sa.select(_balance.c.sku, _balance.c.on_hand).where(
        _balance.c.location == found.location, db.among(_balance.c.sku, sorted(counted))
    )
    there = {row.sku: row.on_hand for row in session.execute(statement)} if counted else {}
    later, own = ledger.later_changes(session, shelves.items()), _booked(session, found, counted)
    return {at.sku: there.get(at.sku, 0) - later[at, moment] - own.get(at.sku, 0) for at, moment in shelves.items()}


def write_down_expected(session: Session, until: datetime) -> None:
    """What should have lain there at each count of ended stocktakes up to that moment, while the journal still tells it."""
    counted = _line.c.known.is_(None) & (_line.c.counted_at <= until) & _take.c.ended_at.is_not(None)
    statement = sa.select(_take.c.id).join(_line, _line.c.stocktake_id == _take.c.id).where(counted).distinct()
    for name in list(session.execute(statement).scalars()):
        found, after = load(session, name), ""
        while page := lines(session, found, after=after, limit=_AT_ONCE):
            after = page[-1].sku
            rows = [
                {"of": name, "this": one.sku, "then": one.expected}
                for one in page
                if one.counted_at is not None and one.counted_at <= until
            ]
            session.connection().execute(_WRITE_DOWN, rows) if rows else None


_WRITE_DOWN = (
    sa.update(_line)
    .where(_line.c.stocktake_id == sa.bindparam("of"), _line.c.sku == sa.bindparam("this"), _line.c.known.is_(None))
    .values(known=sa.bindparam("then"))
)


def _booked(session: Session, found: Stocktake, skus: Iterable[str]) -> dict[str, int]:
    """What it has changed itself, if it was booked."""
    keys = [_key(found, sku) for sku in sorted(skus)] if found.ended_how == "booked" else []
    own = known.effects(("sku", "on_hand"), lambda effect: db.among(effect.key, keys))
    return {row.sku: row.on_hand for row in session.execute(own)} if keys else {}


def _key(found: Stocktake, sku: str) -> str:
    return f"stocktake:{found.id}/{sku}"


def _make_lines(session: Session, found: Stocktake, skus: Iterable[str]) -> None:
    """For what was not expected there at all."""
    rows: list[dict[str, Any]] = [{"stocktake_id": found.id, "sku": sku, "expected": 0} for sku in sorted(skus)]
    db.insert_new(session, _line, rows, key=("stocktake_id", "sku"), returning=("sku",))


def _open(session: Session, stocktake_id: str, at: str | None) -> Stocktake:
    found = load(session, stocktake_id, at=at, lock=True)
    if found.ended_how is not None:
        raise Conflict(f"This stocktake was {found.ended_how} already.", code="already-ended", how=found.ended_how)
    return found


def _end(session: Session, stocktake_id: str, how: str, by: str, now: datetime) -> Stocktake:
    found = _open(session, stocktake_id, None)
    found.ended_at, found.ended_by, found.ended_how = now, by, how
    session.flush()
    return found
