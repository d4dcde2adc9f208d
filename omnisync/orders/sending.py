"""Goods that another location sends for a pickup: which they are, their way, and their arrival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Forbidden, Refused
from omnisync.orders import holding, pickup, tasks
from omnisync.orders.pickup import OMNISYNC, Actor, Desk
from omnisync.orders.states import OPEN
from omnisync.orders.tables import Pickup, PickupLine, Task
from omnisync.settings import LocationSettings
from omnisync.stock import ends, transfers
from omnisync.stock.effects import Level
from omnisync.stock.tables import Transfer
from omnisync.values import Shelf

if TYPE_CHECKING:
    from omnisync.orders.placing import Line

_pickup, _line = db.table(Pickup), db.table(PickupLine)
Rest = Literal["keep", "lost"]


def plan(
    session: Session, desk: Desk, location: str, lines: Sequence[Line], levels: Mapping[Shelf, Level]
) -> dict[str, dict[str, int]] | None:
    """Location -> SKU -> pieces: as many as possible from the store itself, the rest from others, warehouses first. None when
    all of them together have too few."""
    left = {shelf: level.available for shelf, level in levels.items()}
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        each = articles.explode(session, [(line.sku, 1)])
        known = articles.known(session, each)
        stocked = {sku: n for sku, n in each.items() if sku not in known or known[sku].stocked}
        missing = line.quantity
        for code in sources(desk, location):
            fits = min((left.get(Shelf(code, sku), 0) // n for sku, n in stocked.items()), default=missing)
            if taken := min(missing, fits):
                found.setdefault(code, {})[line.sku] = taken
                missing -= taken
                for sku, n in stocked.items():
                    left[Shelf(code, sku)] = left.get(Shelf(code, sku), 0) - taken * n
        if missing:
            return None
    return found


def sources(desk: Desk, here: str) -> list[str]:
    """Where pieces for this location may come from: itself, then warehouses, then stores."""

    def rank(location: LocationSettings) -> int:
        return 0 if location.code == here else 1 if location.kind == "warehouse" else 2

    return [location.code for location in sorted(desk.settings.locations, key=rank)]


def start(
    session: Session, desk: Desk, found: Pickup, source: str, lines: Mapping[str, int], *, due: datetime, now: datetime
) -> None:
    """What this pickup holds at `source` is held for its transfer instead, until somebody sends it."""
    asked = _ask(session, desk, found, source, lines, due=due, kept=True, now=now)
    holding.pass_on(session, found, asked.id, holding.stocked(session, source, lines), now=now)


def ask(
    session: Session, desk: Desk, found: Pickup, source: str, lines: Mapping[str, int], *,
    due: datetime, kept: bool, now: datetime,
) -> None:  # fmt: skip
    """Have these sent from `source`, where they are held for the transfer until then. OutOfStock where it has too few.

    `kept`: they are meant for this pickup and for nobody else.
    """
    asked = _ask(session, desk, found, source, lines, due=due, kept=kept, now=now)
    holding.for_transfer(session, asked.id, source, lines, now=now)


def _ask(
    session: Session, desk: Desk, found: Pickup, source: str, lines: Mapping[str, int], *,
    due: datetime, kept: bool, now: datetime,
) -> Transfer:  # fmt: skip
    promise = found.reservation_id if kept else None
    wanted = transfers.Sending(source, found.location, lines, due, found.id, promise)
    asked = transfers.ask(session, desk.ids, wanted, now=now)
    tasks.receive(session, desk, found.location, asked.id, pickup_id=found.id, now=now)
    for sku, quantity in sorted(lines.items()):
        tasks.send(session, desk, source, sku, quantity, pickup_id=found.id, transfer_id=asked.id, now=now)
        if kept:
            _change(session, found.id, sku, coming=quantity)
    return asked


def call_off(session: Session, found: Pickup, *, by: str, now: datetime) -> None:
    """Nobody waits for these any more: what has not been sent yet is given back, and nobody is asked to send it."""
    for transfer_id in transfers.open_of(session, found.id):
        transfers.call_off(session, transfer_id, by=by, now=now)
        close_tasks(session, transfers.load(session, transfer_id), by, now)


def close_tasks(session: Session, transfer: Transfer, by: str, now: datetime) -> None:
    """Those of which nothing is left to do."""
    lines = transfers.lines_of(session, [transfer.id])[transfer.id]
    tasks.close_sends(session, transfer.id, {line.sku for line in lines if not line.unsent}, by=by, now=now)
    if transfer.received_at is not None:
        tasks.close_receive(session, transfer.id, by=by, now=now)


def receive(
    session: Session,
    desk: Desk,
    transfer_id: str,
    part: Mapping[str, int] | None = None,
    *,
    rest: Rest = "keep",
    actor: Actor,
    now: datetime,
) -> Transfer:
    """Goods are here: what came for a pickup that still wants it is held for it at once, before anybody else can take it."""
    asked = transfers.load(session, transfer_id)
    if actor.location not in (None, asked.to_location):
        raise Forbidden("This transfer goes to another store.")
    found = locked(session, asked.pickup_id)
    arrived = transfers.receive(session, transfer_id, part, rest_lost=rest == "lost", by=actor.name, now=now)
    transfer = arrived.transfer
    close_tasks(session, transfer, actor.name, now)
    if found is None or not _is_for(transfer, found):
        return transfer
    for sku, n in _awaited(session, found, arrived.received):
        held = _hold(session, desk, found, sku, n, now)
        _change(session, found.id, sku, coming=-n, rejected=0 if held else n)
    _lack(session, found, arrived.lost, now)
    lines = [{"sku": sku, "quantity": n} for sku, n in sorted(arrived.received.items())]
    desk.tell(session, "goods_arrived", pickup.load(session, found.id, OMNISYNC), by=OMNISYNC, now=now, lines=lines)
    return transfer


def never_come(session: Session, transfer: Transfer, found: Pickup, lost: Mapping[str, int], *, now: datetime) -> bool:
    """The pickup, if these were meant for it and it still waits for them, lacks them again."""
    if not _is_for(transfer, found):
        return False
    _lack(session, found, lost, now)
    return True


def _is_for(transfer: Transfer, found: Pickup) -> bool:
    return transfer.promise is not None and found.location == transfer.to_location and found.state in OPEN


def _lack(session: Session, found: Pickup, lost: Mapping[str, int], now: datetime) -> None:
    for sku, n in _awaited(session, found, lost):
        _change(session, found.id, sku, coming=-n, rejected=n)
    _end_empty(session, found, now)


def _awaited(session: Session, found: Pickup, pieces: Mapping[str, int]) -> list[tuple[str, int]]:
    """Those that the pickup still waits for: it may have moved away and back while they were on their way."""
    coming = {line.sku: line.coming for line in pickup.lines_of(session, [found.id])[found.id]}
    return [(sku, awaited) for sku, n in sorted(pieces.items()) if (awaited := min(n, coming.get(sku, 0)))]


def locked(session: Session, pickup_id: str | None) -> Pickup | None:
    """The pickup, before anything of its transfers is locked: whoever cancels it goes the same way."""
    if pickup_id is None:
        return None
    return session.get(Pickup, pickup_id, populate_existing=True, with_for_update=True)


def finish(session: Session, desk: Desk, task_id: str, *, actor: Actor, now: datetime) -> Task:
    """Somebody did a task; to have sent goods is to book them out, to have received a transfer is to take all of it in."""
    asked = session.get(Task, task_id)
    locked(session, None if asked is None else asked.pickup_id)
    done = tasks.done(session, task_id, actor, now=now)
    if done.kind == tasks.Job.SEND and done.transfer_id is not None and done.sku is not None:
        transfers.send(session, done.transfer_id, [done.sku], now=now)
    if done.kind == tasks.Job.RECEIVE and done.transfer_id is not None:
        receive(session, desk, done.transfer_id, actor=actor, now=now)
    return done


def _hold(session: Session, desk: Desk, found: Pickup, sku: str, n: int, now: datetime) -> bool:
    """False where facts have overdrawn the shelf: the pieces belong to older promises, and the pickup lacks them again."""
    try:
        with session.begin_nested():
            if ends.states(session, [found.reservation_id])[found.reservation_id].state in ends.OPEN:
                holding.add(session, found, holding.stocked(session, found.location, {sku: n}), now=now)
                return True
            made = holding.hold(session, desk, found, found.location, {sku: n}, there=False, now=now)
    except Refused:
        return False
    session.execute(sa.update(_pickup).where(_pickup.c.id == found.id).values(reservation_id=made.id))
    session.refresh(found)
    return True


def _end_empty(session: Session, found: Pickup, now: datetime) -> None:
    """A reservation that was only waiting for goods that never came holds nothing and ends."""
    pieces = ends.open_pieces(session, [found.reservation_id]).get(found.reservation_id, {})
    if not any(pieces.values()) and not transfers.is_coming(session, found.reservation_id):
        ends.end(session, [ends.End(found.reservation_id, ends.How.RELEASE, cause=f"pickup:{found.id}")], now=now)


def _change(session: Session, pickup_id: str, sku: str, *, coming: int = 0, rejected: int = 0) -> None:
    session.execute(
        sa.update(_line)
        .where(_line.c.pickup_id == pickup_id, _line.c.sku == sku)
        .values(coming=_line.c.coming + coming, rejected=_line.c.rejected + rejected)
    )
