"""Goods that one location sends another for nobody in particular, as when a warehouse fills up a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from omnisync.catalog import articles
from omnisync.errors import Conflict, Forbidden, InvalidRequest
from omnisync.orders import holding, hours, sending, tasks
from omnisync.orders.pickup import Actor, Desk
from omnisync.stock import transfers
from omnisync.stock.tables import Transfer


@dataclass(frozen=True, slots=True)
class Wanted:
    """SKU -> pieces that go from one location to another; `sent`: they have left already."""

    source: str
    target: str
    lines: Mapping[str, int]
    due_at: datetime | None = None
    sent: bool = False


def ask(session: Session, desk: Desk, wanted: Wanted, *, actor: Actor, now: datetime) -> Transfer:
    """Have these sent: held where they lie until they are. OutOfStock where there are too few. Due as goods for a pickup would be,
    if nobody says when.

    What has left already is a fact: it is written down, also where the ledger knew of fewer.
    """
    _check(session, desk, wanted, actor, now)
    due = wanted.due_at or hours.after_transfer(now, desk.location(wanted.target))
    asked = transfers.ask(
        session, desk.ids, transfers.Sending(wanted.source, wanted.target, wanted.lines, due), now=now
    )
    tasks.receive(session, desk, wanted.target, asked.id, pickup_id=None, now=now)
    if wanted.sent:
        return transfers.send(session, asked.id, now=now)
    for sku, n in sorted(wanted.lines.items()):
        tasks.send(session, desk, wanted.source, sku, n, pickup_id=None, transfer_id=asked.id, now=now)
    holding.for_transfer(session, asked.id, wanted.source, wanted.lines, now=now)
    return asked


def send(session: Session, transfer_id: str, *, actor: Actor, now: datetime) -> Transfer:
    """All that still lies there has left, whoever it is for. Conflict where nothing does."""
    asked = transfers.load(session, transfer_id)
    sending.locked(session, asked.pickup_id)
    if actor.location not in (None, asked.from_location):
        raise Forbidden("This transfer is sent by another store.")
    asked = transfers.load(session, transfer_id, lock=True)
    if not any(line.unsent for line in transfers.lines_of(session, [transfer_id])[transfer_id]):
        raise Conflict("Nothing of this transfer is still to be sent.", code="already-sent")
    sent = transfers.send(session, transfer_id, now=now)
    sending.close_tasks(session, sent, actor.name, now)
    return sent


def call_off(session: Session, transfer_id: str, *, actor: Actor, now: datetime) -> Transfer:
    """Nobody wants these any more: what has not been sent is free again where it lies, and what is on its way comes all the same.

    What is for a pickup ends with it. Conflict where everything has been sent.
    """
    asked = transfers.load(session, transfer_id, lock=True)
    if actor.location not in (None, asked.from_location, asked.to_location):
        raise Forbidden("This transfer belongs to other stores.")
    if asked.pickup_id is not None:
        raise Conflict(
            "A pickup waits for these goods: cancel or move that.", code="for-pickup", pickup=asked.pickup_id
        )
    if not any(line.unsent for line in transfers.lines_of(session, [transfer_id])[transfer_id]):
        raise Conflict("Nothing of this transfer is still to be sent.", code="already-sent")
    transfers.call_off(session, transfer_id, by=actor.name, now=now)
    sending.close_tasks(session, asked, actor.name, now)
    return asked


def _check(session: Session, desk: Desk, wanted: Wanted, actor: Actor, now: datetime) -> None:
    if actor.location not in (None, wanted.source, wanted.target):
        raise Forbidden("A store asks for goods for itself, or sends its own.")
    for name, code in (("from_location", wanted.source), ("to_location", wanted.target)):
        desk.location(code, field=name)
    if wanted.source == wanted.target:
        raise InvalidRequest.of("to_location", "is another location")
    if wanted.due_at is not None and wanted.due_at < now:
        raise InvalidRequest.of("due_at", "is not in the past")
    each = {sku: articles.explode(session, [(sku, 1)]) for sku in wanted.lines}
    known = articles.known(session, {sku for parts in each.values() for sku in parts} | set(wanted.lines))
    errors = [
        {"field": "lines", "message": f"There is no article {sku}." if sku not in known else f"{sku} is not stocked."}
        for sku, parts in each.items()
        if sku not in known or not any(known[part].stocked for part in parts)
    ]
    if errors:
        raise InvalidRequest(errors)
