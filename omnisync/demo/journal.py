"""What omnisync wrote down, read again from the journal row by row, without asking the code that wrote it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Price
from omnisync.commands import verify
from omnisync.demo.books import Books
from omnisync.demo.plan import CHANNELS
from omnisync.stock.tables import Balance, Movement, Promise, Reservation, Shortage
from omnisync.sync import deadletters
from omnisync.sync.tables import Case, Conflict, DeadLetter, Sent

_movement, _reservation, _promise = db.table(Movement), db.table(Reservation), db.table(Promise)
_sent, _conflict, _balance, _letter = db.table(Sent), db.table(Conflict), db.table(Balance), db.table(DeadLetter)
_price, _shortage, _case = db.table(Price), db.table(Shortage), db.table(Case)
TAKEN_OVER = "taken over"
_SIGN = {"order": 1, "sold": 1, "released": -1}


@dataclass(frozen=True, slots=True)
class Shelf:
    """The sums of one shelf, by the journal."""

    on_hand: int = 0
    reserved: int = 0
    blocked: int = 0
    safety: int = 0
    off_sale: bool = False

    @property
    def available(self) -> int:
        return 0 if self.off_sale else max(0, self.on_hand - self.blocked - self.reserved - self.safety)


def oversold(session: Session) -> int:
    """Pieces that holds promised beyond what lay free on the shelf at that moment, replayed from the first row on."""
    levels: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])  # free pieces, pieces being passed on
    passed: dict[tuple[str, str, str], int] = Counter()
    too_many = 0
    for row in session.execute(sa.select(_movement).order_by(_movement.c.id).execution_options(yield_per=2000)):
        level = levels[row.location, row.sku]
        before = level[0]
        level[0] += row.on_hand - row.blocked - row.safety - row.reserved
        if row.kind == "released" and row.reason == TAKEN_OVER:
            passed[row.location, row.sku, row.cause] += row.quantity
            level[0] -= row.quantity  # these pieces are on their way to the very promise that takes them over
        elif row.kind == "hold":
            own = min(row.quantity, passed.pop((row.location, row.sku, row.cause), 0))
            level[0] += own
            too_many += max(0, row.quantity - own - max(0, before))
    return too_many


def wrong_tallies(session: Session, books: Books) -> list[str]:
    """Where what buyers got at their channels is not, piece by piece, what omnisync promised or sold for them: nothing may
    be lost, nothing may count twice."""
    written = Counter(dict.fromkeys(books.bought, 0))
    written.update(_ordered(session))
    written.update(_reserved_for_orders(session, books.fetched))
    return [
        f"{channel}: buyers got {books.bought[channel, sku]} of {sku}, omnisync wrote down {number}"
        for (channel, sku), number in sorted(written.items())
        if number != books.bought[channel, sku]
    ]


def _ordered(session: Session) -> Counter[tuple[str, str]]:
    """Orders and counter sales by (channel, SKU), less what was cancelled; what a reservation took over counts there."""
    found: Counter[tuple[str, str]] = Counter()
    columns = (_movement.c.kind, _movement.c.sku, _movement.c.quantity, _movement.c.key, _movement.c.promise)
    for row in session.execute(sa.select(*columns).where(_movement.c.kind.in_(_SIGN))):
        channel = (row.promise or row.key or "").partition(":")[0]
        if channel in CHANNELS:
            found[channel, row.sku] += _SIGN[row.kind] * row.quantity
    return found


def _reserved_for_orders(session: Session, fetched: Collection[tuple[str, str]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for row in session.execute(sa.select(_reservation).where(_reservation.c.reference.is_not(None))):
        if (row.channel, row.reference) in fetched:
            for line in row.lines:
                found[row.channel, line["sku"]] += line["quantity"]
    return found


def lost_holds(session: Session, granted: Iterable[str]) -> list[str]:
    """Reservations that were answered with 2xx and are not written down."""
    known = set(session.execute(sa.select(_reservation.c.id)).scalars())
    return [f"hold {name} was granted and is not in the database" for name in sorted(set(granted) - known)]


def broken_invariants(session: Session) -> list[str]:
    """What `omnisync verify` finds."""
    return [f"{name}: {text}" for name, texts in verify.violations(session).items() for text in texts]


def conflicts(session: Session) -> int:
    """Pieces that channels sold from one another."""
    return int(session.execute(sa.select(sa.func.coalesce(sa.func.sum(_conflict.c.quantity), 0))).scalar_one())


def unexplained_conflicts(session: Session) -> list[str]:
    """Conflicts without a shortage of their shelf, or without a case that proposes what to do."""
    same = sa.and_(
        _shortage.c.id == _conflict.c.shortage_id,
        _shortage.c.location == _conflict.c.location,
        _shortage.c.sku == _conflict.c.sku,
    )
    found = session.execute(sa.select(_conflict, _shortage.c.id.label("short")).outerjoin(_shortage, same))
    cases = session.execute(sa.select(_case.c.details).where(_case.c.kind == "conflict", _case.c.proposal != ""))
    proposed = {(details["location"], details["sku"]) for details in cases.scalars()}
    return [
        f"{row.channel}: {row.quantity} of {row.sku} at {row.location} were sold twice ({row.order_id}), "
        + ("and nothing is proposed" if row.short is not None else "and no shortage says so")
        for row in found
        if row.short is None or (row.location, row.sku) not in proposed
    ]


def own_faults(session: Session) -> list[str]:
    """What was put aside because we failed on it, in words; somebody may have seen to it since."""
    ours = sa.or_(*(_letter.c.reason.startswith(words) for words in (deadletters.NOT_BOOKED, deadletters.NOT_WRITTEN)))
    rows = session.execute(sa.select(_letter).where(ours).order_by(_letter.c.opened_at))
    return [f"{row.channel}: {row.title}: {row.reason}" for row in rows]


def propagation(session: Session, since: datetime) -> list[float]:
    """Milliseconds from a change of stock after `since` until a channel showed it, one for each number that was applied."""
    statement = sa.select(_sent.c.changed_at, _sent.c.applied_at).where(
        _sent.c.applied_at.is_not(None), _sent.c.changed_at >= since, _sent.c.quantity.is_not(None)
    )
    return [
        (row.applied_at - row.changed_at) / timedelta(milliseconds=1)
        for row in session.execute(statement)
        if row.applied_at >= row.changed_at
    ]


def base_prices(session: Session) -> dict[str, int]:
    """The newest base price of every article, in cents."""
    statement = sa.select(_price).where(_price.c.kind == "base").order_by(_price.c.valid_from, _price.c.created_at)
    return {row.sku: row.amount_minor for row in session.execute(statement)}


def percentile(values: Iterable[float], per_cent: int) -> float:
    """The smallest value that so many per cent do not exceed; 0 when there is none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * per_cent // 100) - 1)] if ordered else 0.0


def shelves(session: Session) -> Mapping[tuple[str, str], Shelf]:
    """Every shelf by (location, SKU), summed from the journal; only what is off sale stands on the balance alone."""
    sums = (sa.func.sum(_movement.c[name]) for name in ("on_hand", "reserved", "blocked", "safety"))
    statement = sa.select(_movement.c.location, _movement.c.sku, *sums).group_by(_movement.c.location, _movement.c.sku)
    off_sale = set(_off_sale(session))
    return {
        (location, sku): Shelf(int(on_hand), int(reserved), int(blocked), int(safety), (location, sku) in off_sale)
        for location, sku, on_hand, reserved, blocked, safety in session.execute(statement)
    }


def _off_sale(session: Session) -> Iterator[Any]:
    statement = sa.select(_balance.c.location, _balance.c.sku).where(_balance.c.off_sale)
    return ((row.location, row.sku) for row in session.execute(statement))
