"""Packing a pickup: pick, put aside ready, and say what could not be packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict, InvalidRequest
from omnisync.orders import customers, holding, hours, letters, pickup, sending, states, tasks
from omnisync.orders.pickup import OMNISYNC, Actor, Desk
from omnisync.orders.states import Step
from omnisync.orders.tables import Pickup, PickupLine
from omnisync.stock import ledger
from omnisync.stock.ends import How
from omnisync.values import Kind

_line = db.table(PickupLine)


class Why(StrEnum):
    """Why pieces cannot be packed."""

    NOT_FOUND = "not_found"
    DAMAGED = "damaged"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a reason does to the shelf besides giving the promise back."""

    kind: Kind
    off_sale: bool = False
    count: bool = False


CONSEQUENCES = {
    Why.NOT_FOUND: Consequence(Kind.MISSING, off_sale=True, count=True),
    Why.DAMAGED: Consequence(Kind.DAMAGED),
    Why.MISMATCH: Consequence(Kind.MISSING, count=True),
}


@dataclass(frozen=True, slots=True)
class Rejected:
    """Pieces of one SKU that cannot be packed, and why."""

    sku: str
    quantity: int
    why: Why


def pick(
    session: Session,
    desk: Desk,
    pickup_id: str,
    *,
    actor: Actor,
    now: datetime,
    picked: Mapping[str, int] | None = None,
) -> Pickup:
    """Accept it and start packing; with `picked`, note how many pieces of each SKU lie in the bag so far."""
    found = pickup.load(session, pickup_id, actor, lock=True)
    if picked is None and found.state != states.State.PLACED:
        raise states.wrong_state(found, Step.PICK)
    if picked:
        pickup.check_part({sku: n for sku, n in picked.items() if n}, pickup.here_lines(session, pickup_id))
        _set_picked(session, pickup_id, picked)
    if found.state != states.State.PLACED:
        return states.advance(session, pickup_id, Step.PICK)
    moved = states.advance(session, pickup_id, Step.PICK, accepted_at=now, accepted_by=actor.name)
    desk.tell(session, "picking", moved, by=actor, now=now)
    return moved


def ready(session: Session, desk: Desk, pickup_id: str, shelf: str, *, actor: Actor, now: datetime) -> Pickup:
    """Everything open is packed and lies on that shelf; from now on the customer has the collect days at least."""
    found = pickup.load(session, pickup_id, actor, lock=True)
    still_open = pickup.something_open(session, found)
    if pickup.here_lines(session, pickup_id) != still_open:
        raise Conflict("Goods for this pickup are still on their way.", code="goods-coming", state=found.state)
    latest = max(found.collect_by, hours.collect_by(now, desk.location(found.location)))
    taken = {} if found.accepted_at else {"accepted_at": now, "accepted_by": actor.name}
    moved = states.advance(session, pickup_id, Step.READY, shelf=shelf, ready_at=now, collect_by=latest, **taken)
    _set_picked(session, pickup_id, still_open)
    customers.keep(session, moved.customer_id, latest)
    letters.write(session, desk, letters.Occasion.READY, moved, now=now)
    desk.tell(session, "ready", moved, by=actor, now=now, shelf=shelf)
    return moved


def scan(session: Session, desk: Desk, pickup_id: str, code: str, *, actor: Actor, now: datetime) -> Pickup:
    """A piece with this barcode (any of its article's, or its SKU) goes into the bag. Conflict when it is not wanted."""
    code = code.strip()
    sku = articles.by_barcode(session, [code]).get(code, code)
    still_here = pickup.here_lines(session, pickup_id)
    if sku not in still_here:
        raise Conflict("This article does not belong to this pickup.", code="not-in-pickup", sku=sku)
    [line] = [one for one in pickup.lines_of(session, [pickup_id])[pickup_id] if one.sku == sku]
    if line.picked >= still_here[sku]:
        raise Conflict("All pieces of this article lie in the bag already.", code="all-picked", sku=sku)
    return pick(session, desk, pickup_id, actor=actor, now=now, picked={sku: line.picked + 1})


def reject(
    session: Session, desk: Desk, pickup_id: str, rejected: Sequence[Rejected], *,
    actor: Actor, now: datetime, ask_first: bool = False,
) -> Pickup:  # fmt: skip
    """These pieces are not there or not fit to be sold: the stock is corrected at once, the rest of the pickup stays open.

    With nothing left the pickup is cancelled, unless somebody asks first what is to be done.
    """
    found = pickup.load(session, pickup_id, actor, lock=True)
    part = summed(rejected)
    states.advance(session, pickup_id, Step.REJECT)
    still_open = pickup.open_lines(session, pickup_id)
    pickup.check_part(part, pickup.here_lines(session, pickup_id))
    pieces = holding.pieces(session, found, part)
    holding.end(session, found, How.RELEASE, part=pieces, keep_rest=True, now=now)
    correct(session, desk, found.location, rejected, pickup_id=found.id, cause=f"pickup:{found.id}", now=now)
    for sku, n in part.items():
        _add_rejected(session, pickup_id, sku, n)
    desk.tell(
        session,
        "rejected",
        found,
        by=actor,
        now=now,
        lines=[{"sku": one.sku, "quantity": one.quantity, "reason": one.why.value} for one in rejected],
    )
    if part == still_open and not ask_first:
        return _nothing_left(session, desk, pickup_id, actor, now)
    return pickup.load(session, pickup_id, actor)


def give_up(session: Session, desk: Desk, pickup_id: str, lines: Mapping[str, int], *, now: datetime) -> Pickup:
    """These lines cannot be kept, for their pieces are somebody else's: given back, and the pickup lacks them."""
    found = states.advance(session, pickup_id, Step.REJECT)
    pickup.check_part(lines, pickup.here_lines(session, pickup_id))
    holding.end(session, found, How.RELEASE, part=holding.pieces(session, found, lines), keep_rest=True, now=now)
    for sku, n in sorted(lines.items()):
        _add_rejected(session, pickup_id, sku, n)
    told = [{"sku": sku, "quantity": n, "reason": "shortage"} for sku, n in sorted(lines.items())]
    desk.tell(session, "rejected", found, by=OMNISYNC, now=now, lines=told)
    return found


def _nothing_left(session: Session, desk: Desk, pickup_id: str, actor: Actor, now: datetime) -> Pickup:
    ended = states.advance(session, pickup_id, Step.CANCEL, ended_at=now, overdue=False)
    sending.call_off(session, ended, by="rejected", now=now)
    tasks.close_overdue(session, pickup_id, by="rejected", now=now)
    letters.write(session, desk, letters.Occasion.CANCELLED, ended, now=now)
    desk.tell(session, "cancelled", ended, by=actor, now=now, reason="rejected")
    return ended


def summed(rejected: Sequence[Rejected]) -> dict[str, int]:
    """SKU -> pieces, equal lines as one."""
    if not rejected:
        raise InvalidRequest.of("lines", "Name at least one line.")
    part: dict[str, int] = {}
    for one in rejected:
        part[one.sku] = part.get(one.sku, 0) + one.quantity
    return part


def correct(
    session: Session, desk: Desk, location: str, rejected: Sequence[Rejected], *,
    pickup_id: str | None, cause: str, now: datetime,
) -> None:  # fmt: skip
    """Write down what each reason says of the shelf, and have somebody count it where that is needed."""
    for one in rejected:
        consequence = CONSEQUENCES[one.why]
        pieces = holding.stocked(session, location, {one.sku: one.quantity})
        why = f"rejected: {one.why.value}"
        entries = [
            ledger.Entry(consequence.kind, at.sku, location, n, cause, now, reason=why) for at, n in pieces.items()
        ]
        if consequence.off_sale:
            entries += [replace(entry, kind=Kind.OFF_SALE, quantity=0) for entry in entries]
        ledger.record(session, entries, now=now)
        if consequence.count:
            for at in pieces:
                tasks.count(session, desk, location, at.sku, pickup_id=pickup_id, now=now)


def _set_picked(session: Session, pickup_id: str, picked: Mapping[str, int]) -> None:
    for sku, n in sorted(picked.items()):
        session.execute(sa.update(_line).where(_line.c.pickup_id == pickup_id, _line.c.sku == sku).values(picked=n))


def _add_rejected(session: Session, pickup_id: str, sku: str, n: int) -> None:
    """A rejected piece is not in the bag: no more can be picked than is still open."""
    left = _line.c.quantity - _line.c.collected - _line.c.rejected - n
    session.execute(
        sa.update(_line)
        .where(_line.c.pickup_id == pickup_id, _line.c.sku == sku)
        .values(rejected=_line.c.rejected + n, picked=sa.case((_line.c.picked > left, left), else_=_line.c.picked))
    )
