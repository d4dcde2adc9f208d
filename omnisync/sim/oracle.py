"""What must be true: at every moment, and when all faults are over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.adapters.base import OrderLine
from omnisync.commands import verify
from omnisync.orders.tables import Pickup
from omnisync.sim.town import COUNTED, pieces_of
from omnisync.stock.tables import Balance, Movement, Reservation
from omnisync.sync.tables import Case, DeadLetter, InboxMessage, ShownState
from omnisync.sync.wanted import wanted
from omnisync.values import Shelf

if TYPE_CHECKING:
    from omnisync.sim.run import Run
    from omnisync.sim.shop import Shop

_movement, _balance = db.table(Movement), db.table(Balance)


class Safety:
    """The invariants of `omnisync verify`, asked whenever the journal has grown."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: int | None = 0

    def violations(self) -> list[str]:
        """All that is wrong now."""
        with db.reading(self._engine) as session:
            last = session.execute(sa.select(sa.func.max(_movement.c.id))).scalar()
            if last == self._seen:
                return []
            self._seen = last
            return _all(verify.violations(session))


def _all(found: dict[str, list[str]]) -> list[str]:
    return [f"{name}: {text}" for name, texts in found.items() for text in texts]


def verdict(run: Run) -> list[str]:
    """What is not as it must be in the end, when nothing is under way any more."""
    with db.reading(run.engine) as session:
        found = _all(verify.violations(session))
        for question in (_wrong_levels, _waiting, _broken_promises, _wrong_shelves, _wrong_reserved, _lost_messages):
            found += question(session, run)
    return found


def journal(engine: Engine) -> list[str]:
    """Every movement of the run."""
    with db.reading(engine) as session:
        rows = session.execute(sa.select(*(_movement.c[name] for name in _COLUMNS)).order_by(_movement.c.id))
        return [" ".join(map(str, row)) for row in rows]


_COLUMNS = ("kind", "location", "sku", "quantity", "on_hand", "reserved", "cause", "recorded_at")


# ---------------------------------------------------------------- the channels


def _wrong_levels(session: Session, run: Run) -> Iterator[str]:
    """Every channel shows its buyers what it should."""
    context = run.servers[-1].context
    for name, shop in run.shops.items():
        for wish in wanted(session, context, context.channel(name), shop.trade.skus, now=run.clock.now()):
            shown = shop.offered((wish.external_id, wish.place))
            if wish.quantity is not None and shown != wish.quantity:
                yield f"{name} shows {shown} of {wish.external_id} at {wish.place or 'home'}, it should show {wish.quantity}"


def _waiting(session: Session, run: Run) -> Iterator[str]:
    """Nothing is behind, drifts, or waits for anybody."""
    rows = session.exec(
        select(ShownState).where(
            sa.or_(
                col(ShownState.behind_since).is_not(None),
                col(ShownState.drift_since).is_not(None),
                col(ShownState.provisional) != 0,
                col(ShownState.unsettled).is_not(None),
            )
        )
    )
    for row in rows:
        yield f"{row.channel} {row.external_id} {row.place}: wants {row.wanted}, is believed to show {row.believed}, {row.provisional} provisional, {row.unsettled}, drift {row.drift_since}"
    for letter in session.exec(select(DeadLetter).where(col(DeadLetter.closed_at).is_(None))):
        yield f"a letter of {letter.channel} is open: {letter.title}: {letter.reason}"
    for case in session.exec(select(Case).where(col(Case.closed_at).is_(None), col(Case.kind).in_(_MENDED))):
        yield f"a case of {case.channel} is open: {case.kind}: {case.title}"
    for message in session.exec(select(InboxMessage).where(InboxMessage.state != "applied")):
        yield f"a message of {message.channel} waits: {message.event_id} is {message.state}"


_MENDED = ("drift", "listings_gone", "stock_error")


# ---------------------------------------------------------------- the ledger against the people's books


def _wrong_shelves(session: Session, run: Run) -> Iterator[str]:
    """What lies on the shelves is what the people put there and took. Where nobody says from which store something was taken,
    the stores are taken together."""
    ours: Counter[tuple[str, str]] = Counter()
    theirs: Counter[tuple[str, str]] = Counter()
    for row in session.execute(sa.select(_balance)):
        ours[_name(Shelf(row.location, row.sku))] += row.on_hand
    for shelf, pieces in run.books.on_hand.items():
        theirs[_name(Shelf(*shelf))] += pieces
    for name in sorted(ours.keys() | theirs.keys()):
        if ours[name] != theirs[name]:
            yield f"{name[1]} at {name[0]}: {theirs[name]} are there, the ledger says {ours[name]}"


def _name(shelf: Shelf) -> tuple[str, str]:
    return (shelf.location if shelf.sku in COUNTED else "all stores", shelf.sku)


def _wrong_reserved(session: Session, run: Run) -> Iterator[str]:
    """What is reserved is what buyers and clients were promised and did not get yet."""
    ours: Counter[str] = Counter()
    for row in session.execute(sa.select(_balance)):
        ours[row.sku] += row.reserved
    theirs: Counter[str] = Counter()
    for shop in run.shops.values():
        for sku, pieces in _promised_by(shop, run):
            theirs[sku] += pieces
    for promise in run.books.promises():
        for (_, sku), pieces in promise.pieces.items() if promise.state in _OPEN else ():
            theirs[sku] += pieces
    for sku in sorted(ours.keys() | theirs.keys()):
        if ours[sku] != theirs[sku]:
            yield f"{sku}: {theirs[sku]} are promised, the ledger says {ours[sku]}"


_OPEN = ("confirmed", "placed", "picking", "ready")


def _promised_by(shop: Shop, run: Run) -> Iterator[tuple[str, int]]:
    for order in shop.orders.values():
        if order.counter or (shop.name, order.reference) in run.books.bound:
            continue
        for line in order.lines:
            for part, each in pieces_of(str(line.article.sku)).items():
                yield part, each * _open(line)


def _open(line: OrderLine) -> int:
    """What is still to be sent; of a piece that was sent and whose price was given back there is nothing."""
    return max(0, line.quantity - line.cancelled - line.shipped)


# ---------------------------------------------------------------- what we said


def _broken_promises(session: Session, run: Run) -> Iterator[str]:
    """Each promise that a client was told of stands, as it was told last, and there is no other."""
    kept = {row.id: row for row in session.exec(select(Reservation))}
    pickups = {row.id: row for row in session.exec(select(Pickup))}
    for promise in run.books.holds.values():
        state = kept[promise.id].state if promise.id in kept else "lost"
        if state != (promise.state if promise.state != "held" else "expired"):
            yield f"reservation {promise.id} was told to be {promise.state} and is {state}"
    for promise in run.books.pickups.values():
        state = pickups[promise.id].state if promise.id in pickups else "lost"
        if state != promise.state and not (state == "expired" and _is_over(promise.until, run)):
            yield f"pickup {promise.id} was told to be {promise.state} and is {state}"
        promise.state = state
    for name in pickups.keys() - run.books.pickups.keys():
        yield f"pickup {name} was placed and nobody knows of it"
    loose = {name for name, row in kept.items() if row.pickup is None} - run.books.holds.keys()
    for name in sorted(loose):
        yield f"reservation {name} was made and nobody knows of it"


def _is_over(until: datetime | None, run: Run) -> bool:
    return until is not None and until <= run.clock.latest


def _lost_messages(session: Session, run: Run) -> Iterator[str]:
    """Every webhook that we said yes to is in the inbox."""
    columns = (col(InboxMessage.channel), col(InboxMessage.event_id), col(InboxMessage.body_hash))
    kept = {tuple(row) for row in session.execute(sa.select(*columns))}
    for message in run.books.messages:
        if message not in kept:
            yield f"{message[0]} was told yes for {message[1]}, which is nowhere"
