"""What a pickup holds on the shelves, and giving it back or handing it out: the only way pickups end their reservations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict, Lack, OutOfStock, Refused
from omnisync.orders.pickup import Desk
from omnisync.orders.tables import Pickup
from omnisync.stock import ends, ledger, reservations, shelves, transfers
from omnisync.stock.ends import How
from omnisync.stock.tables import Reservation
from omnisync.values import Kind, Shelf

_reservation = db.table(Reservation)


def pieces(session: Session, found: Pickup, part: Mapping[str, int]) -> dict[Shelf, int]:
    """What these lines still hold. Conflict when they hold nothing although they should: somebody else ended the reservation."""
    held = _held(session, found)
    wanted = stocked(session, found.location, part)
    if wanted and not held:
        raise Conflict("The reservation of this pickup was ended elsewhere.", code="reservation-taken")
    return {shelf: min(n, held[shelf]) for shelf, n in wanted.items() if held.get(shelf, 0) > 0}


def stocked(session: Session, location: str, part: Mapping[str, int]) -> dict[Shelf, int]:
    """These lines as pieces of shelves at a location: bundles taken apart, what is not stocked left out."""
    wanted = articles.explode(session, part.items())
    known = articles.known(session, wanted)
    return {Shelf(location, sku): n for sku, n in sorted(wanted.items()) if sku not in known or known[sku].stocked}


def end(
    session: Session,
    found: Pickup,
    how: How,
    *,
    now: datetime,
    part: Mapping[Shelf, int] | None = None,
    keep_rest: bool = False,
    rung_up: Mapping[Shelf, int] | None = None,
    at: datetime | None = None,
) -> None:
    """End the reservation or a part of it, as of that moment. Without anything held (deposits, services) there is nothing to end."""
    if keep_rest and not part:
        return
    if not _held(session, found) and not _waits(session, found):
        return
    wanted = ends.End(found.reservation_id, how, part, keep_rest, rung_up or {}, f"pickup:{found.id}", at)
    ends.end_one(session, wanted, now=now)


def gone(
    session: Session,
    found: Pickup,
    pieces: Mapping[Shelf, int],
    *,
    name: str,
    rung_up: Mapping[Shelf, int],
    at: datetime,
    now: datetime,
) -> None:
    """These left the shelf at that moment for a pickup that holds nothing any more; `rung_up` of them the till has booked."""
    cause, entries = f"pickup:{found.id}", []
    for shelf, n in sorted(pieces.items()):
        known = min(rung_up.get(shelf, 0), n)
        for part, physical in ((n - known, True), (known, False)):
            key = f"{cause}/{name}/{shelf.sku}/{'there' if physical else 'rung up'}"
            entry = ledger.Entry(
                Kind.SOLD, shelf.sku, shelf.location, part, cause, at, key,
                reason="handed over offline, after its end", physical=physical,
            )  # fmt: skip
            entries += [entry] if part else []
    ledger.record(session, entries, now=now)


def hand_back(
    session: Session,
    found: Pickup,
    part: Mapping[Shelf, int],
    *,
    at: datetime,
    rung_up: Mapping[Shelf, int],
    now: datetime,
) -> None:
    """Hold again what was handed over at that moment and is back. Nothing where nothing was held (deposits, services)."""
    ends.hand_back(session, ends.Back(found.reservation_id, part, at, f"pickup:{found.id}", rung_up), now=now)


def collected(session: Session, found: Pickup, part: Mapping[str, int]) -> dict[Shelf, int]:
    """What of these lines was handed over, as pieces of shelves, which are locked; no more than the journal says."""
    shelves.lock(session, ends.shelves_of(session, [found.reservation_id]))
    done = ends.progress(session, [found.reservation_id]).get(found.reservation_id, {})
    wanted = stocked(session, found.location, part)
    return {
        shelf: min(n, done[shelf].collected) for shelf, n in wanted.items() if shelf in done and done[shelf].collected
    }


def hold(
    session: Session, desk: Desk, found: Pickup, location: str, lines: Mapping[str, int], *, there: bool, now: datetime
) -> reservations.Held:
    """A new reservation for this pickup at a location, or why there is none; `there`: of what nobody has been promised yet. What
    its order still promises beyond the pickup stays with the order."""
    request = reservations.Request(
        id=desk.ids.new(),
        lines=tuple(reservations.Line(sku, location, n) for sku, n in sorted(lines.items())),
        expires_at=None,
        channel=found.channel,
        reference=found.reference,
        owner=found.owner,
        there=there,
        again=True,
    )
    [answer] = reservations.reserve(session, [request], now=now)
    if isinstance(answer, Refused):
        raise answer
    belong(session, {answer.id: found.id})
    return answer


def add(session: Session, found: Pickup, arrived: Mapping[Shelf, int], *, now: datetime) -> None:
    """Hold pieces that have just arrived for this pickup, also where the shelf is off sale: it is the others that are in doubt.

    OutOfStock where facts have overdrawn the shelf, so that the pieces belong to older promises.
    """
    levels = shelves.lock(session, arrived)
    frees = {shelf: level._replace(off_sale=False).free for shelf, level in levels.items()}
    lacks = [Lack(one.sku, one.location, n, max(0, frees[one])) for one, n in arrived.items() if frees[one] < n]
    if lacks:
        raise OutOfStock(lacks)
    cause = f"pickup:{found.id}"
    holds = [
        ledger.Entry(Kind.HOLD, one.sku, one.location, n, cause, now, promise=found.reservation_id)
        for one, n in sorted(arrived.items())
    ]
    ledger.record(session, holds, now=now)


def pass_on(session: Session, found: Pickup, transfer_id: str, passed: Mapping[Shelf, int], *, now: datetime) -> None:
    """What the pickup holds on these shelves is held for that transfer instead, in the same breath."""
    lines = [{"sku": shelf.sku, "location": shelf.location, "quantity": n} for shelf, n in sorted(passed.items())]
    row = {"id": transfer_id, "state": "confirmed", "lines": lines, "created_at": now, "pickup": transfer_id}
    db.insert_all(session, _reservation, [row])
    cause, entries = f"reservation:{transfer_id}", []
    for shelf, n in sorted(passed.items()):
        entries += [
            ledger.Entry(
                Kind.RELEASED,
                shelf.sku,
                shelf.location,
                n,
                cause,
                now,
                promise=found.reservation_id,
                reason="taken over",
            ),
            ledger.Entry(Kind.HOLD, shelf.sku, shelf.location, n, cause, now, promise=transfer_id),
        ]
    ledger.record(session, entries, now=now)


def for_transfer(session: Session, transfer_id: str, location: str, lines: Mapping[str, int], *, now: datetime) -> None:
    """Hold these for that transfer, and for nobody who could take them over; or why that cannot be."""
    wanted = tuple(reservations.Line(sku, location, n) for sku, n in sorted(lines.items()))
    [answer] = reservations.reserve(session, [reservations.Request(transfer_id, wanted, None, there=True)], now=now)
    if isinstance(answer, Refused):
        raise answer
    belong(session, {transfer_id: transfer_id})


def belong(session: Session, pickups: Mapping[str, str]) -> None:
    """Reservation -> pickup: from now on nobody else may take it over."""
    statement = sa.update(_reservation).where(_reservation.c.id == sa.bindparam("the_id"))
    rows = [{"the_id": reservation, "the_pickup": pickup} for reservation, pickup in pickups.items()]
    session.connection().execute(statement.values(pickup=sa.bindparam("the_pickup")), rows)


def _waits(session: Session, found: Pickup) -> bool:
    """Whether its reservation holds nothing and is open all the same, for goods that are coming. One whose last piece was rejected
    has ended before they came."""
    if not transfers.is_coming(session, found.reservation_id):
        return False
    return ends.states(session, [found.reservation_id], lock=False)[found.reservation_id].state in ends.OPEN


def _held(session: Session, found: Pickup) -> dict[Shelf, int]:
    held = ends.open_pieces(session, [found.reservation_id]).get(found.reservation_id, {})
    return {shelf: n for shelf, n in held.items() if n > 0}
