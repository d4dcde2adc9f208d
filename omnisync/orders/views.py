"""Pickups as answers of the API: plain data, the customer only where somebody asks for one pickup or a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.catalog import articles
from omnisync.orders import customers, pickup
from omnisync.orders.tables import Customer, HandOver, Pickup, PickupLine, Task
from omnisync.values import format_time


def one(session: Session, found: Pickup) -> dict[str, Any]:
    """A pickup without the person: what steps answer, and what may be kept under an idempotency key."""
    [view] = many(session, [found])
    return view


def many(session: Session, found: Sequence[Pickup]) -> list[dict[str, Any]]:
    """The same for many, in two queries."""
    lines = pickup.lines_of(session, [one.id for one in found])
    titles = _titles(session, lines)
    return [_view(one, lines[one.id], titles) for one in found]


def with_customers(session: Session, found: Sequence[Pickup]) -> list[dict[str, Any]]:
    """Pickups with the people who will come."""
    people = customers.by_id(session, [one.customer_id for one in found])
    views = zip(found, many(session, found), strict=True)
    return [view | {"customer": _person(people[one.customer_id])} for one, view in views]


def due(found: Pickup, lines: Sequence[PickupLine]) -> dict[str, Any]:
    """What is to be paid at the till for what is still to be handed over or was; nothing when it is paid. Null: not known."""
    currency = next((line.currency for line in lines if line.currency), None)
    if found.paid:
        return {"amount_minor": 0, "currency": currency}
    if any(line.price_minor is None for line in lines):
        return {"amount_minor": None, "currency": currency}
    total = sum((line.price_minor or 0) * (line.quantity - line.rejected) for line in lines)
    return {"amount_minor": total, "currency": currency}


def task(found: Task) -> dict[str, Any]:
    """Something to do."""
    return {
        "id": found.id, "kind": found.kind, "location": found.location, "sku": found.sku, "pickup": found.pickup_id,
        "shelf": found.shelf, "quantity": found.quantity, "created_at": format_time(found.created_at), "done_at": _time(found.done_at),
        "done_by": found.done_by,
    }  # fmt: skip


def piece(found: HandOver) -> dict[str, Any]:
    """A piece that was handed over and not rung up."""
    return {"sku": found.sku, "location": found.location, "pickup": found.pickup_id, "at": format_time(found.at)}


def _titles(session: Session, lines: Mapping[str, Sequence[PickupLine]]) -> dict[str, str]:
    skus = {line.sku for some in lines.values() for line in some}
    return {sku: info.title for sku, info in articles.known(session, sorted(skus)).items()}


def _view(found: Pickup, lines: Sequence[PickupLine], titles: dict[str, str]) -> dict[str, Any]:
    return {
        "id": found.id, "number": found.number, "state": found.state, "overdue": found.overdue, "paid": found.paid,
        "location": found.location, "channel": found.channel, "reference": found.reference, "shelf": found.shelf,
        "note": found.note, "gift": found.gift, "placed_at": format_time(found.placed_at),
        "ready_by": format_time(found.ready_by), "collect_by": format_time(found.collect_by),
        "ready_at": _time(found.ready_at), "ended_at": _time(found.ended_at), "collected_how": found.collected_how,
        "handed_over_by": found.handed_over_by, "agreed": _agreed(found), "accept_by": _time(found.accept_by),
        "accepted": _accepted(found), "reservation": found.reservation_id, "due": due(found, lines),
        "lines": [_line(line, titles.get(line.sku)) for line in lines],
    }  # fmt: skip


def _accepted(found: Pickup) -> dict[str, Any] | None:
    return None if found.accepted_at is None else {"at": _time(found.accepted_at), "by": found.accepted_by}


def _agreed(found: Pickup) -> dict[str, Any] | None:
    if found.agreed_how is None:
        return None
    return {"how": found.agreed_how, "at": _time(found.agreed_at), "by": found.agreed_by}


def _line(line: PickupLine, title: str | None) -> dict[str, Any]:
    return {
        "sku": line.sku, "title": title, "quantity": line.quantity, "picked": line.picked,
        "coming": line.coming, "rejected": line.rejected,
        "collected": line.collected, "price_minor": line.price_minor, "currency": line.currency,
    }  # fmt: skip


def _person(found: Customer) -> dict[str, Any]:
    return {"name": found.name, "email": found.email, "phone": found.phone, "language": found.language}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
