"""Goods of a transfer that its sender cannot find, or that are not fit to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from omnisync.errors import Forbidden
from omnisync.orders import picking, pickup, sending, tasks
from omnisync.orders.picking import Rejected
from omnisync.orders.pickup import OMNISYNC, Actor, Desk
from omnisync.stock import transfers
from omnisync.stock.tables import Transfer


def cannot_send(
    session: Session, desk: Desk, transfer_id: str, missing: Sequence[Rejected], *, actor: Actor, now: datetime
) -> Transfer:
    """These will never be sent: the sender's stock is corrected at once, and the pickup that waits for them lacks them again.

    The rest of the transfer stays as it is.
    """
    asked = transfers.load(session, transfer_id)
    if actor.location not in (None, asked.from_location):
        raise Forbidden("This transfer is sent by another store.")
    found = sending.locked(session, asked.pickup_id)
    gone = transfers.call_off(session, transfer_id, picking.summed(missing), by=actor.name, now=now)
    cause = f"transfer:{transfer_id}"
    picking.correct(session, desk, asked.from_location, missing, pickup_id=asked.pickup_id, cause=cause, now=now)
    transfer = transfers.load(session, transfer_id)
    sending.close_tasks(session, transfer, actor.name, now)
    for line in transfers.lines_of(session, [transfer_id])[transfer_id]:
        if line.sku in gone and line.unsent:
            tasks.lower_send(session, transfer_id, line.sku, line.unsent)
    if found is not None and sending.never_come(session, transfer, found, gone, now=now):
        lines = [{"sku": one.sku, "quantity": one.quantity, "reason": one.why.value} for one in missing]
        waiting = pickup.load(session, found.id, OMNISYNC)
        desk.tell(session, "cannot_send", waiting, by=actor, now=now, source=asked.from_location, lines=lines)
    return transfer
