"""Placing pickups: the whole order is held in its store or nothing is. A batch is the primitive; one is a batch of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles, prices
from omnisync.errors import Conflict, InvalidRequest, Refused
from omnisync.orders import hoarding, holding, hours, letters, mail, numbers, pauses, pickup, sending
from omnisync.orders.customers import RETENTION, Person
from omnisync.orders.pickup import OMNISYNC, Actor, Desk
from omnisync.orders.states import State
from omnisync.orders.tables import Customer, Pickup, PickupLine
from omnisync.stock import availability, promises, reservations, stocktakes
from omnisync.stock.effects import Level
from omnisync.values import Money, Shelf

_pickup, _line, _customer = db.table(Pickup), db.table(PickupLine), db.table(Customer)


@dataclass(frozen=True, slots=True)
class Line:
    """So many pieces of one SKU, and what the customer pays for each."""

    sku: str
    quantity: int
    price: Money | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A click-and-collect order as a shop places it. `reservation` names an earlier hold of the same owner."""

    location: str
    customer: Person
    lines: tuple[Line, ...]
    reference: str | None = None
    channel: str | None = None
    paid: bool = False
    note: str = ""
    gift: bool = False
    reservation: str | None = None
    owner: str | None = None
    """Prefix of the API key that places it. Without one it came by itself, or the store puts it aside: then a pause of the store
    does not stop it."""
    by: Actor | None = None
    """Who of the store puts it aside; nobody there need be told then."""
    id: str | None = None
    """Of the pickup, where whoever asks has named it so that asking twice is asking once."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A pickup with its secret code, which is shown to the shop now and never to the staff."""

    pickup: Pickup
    lines: tuple[Line, ...]
    code: str


@dataclass(frozen=True, slots=True)
class _Draft:
    """A pickup that is only refused now if the shelves cannot keep it."""

    id: str
    wanted: Wanted
    lines: tuple[Line, ...]
    request: reservations.Request
    coming: Mapping[str, Mapping[str, int]]
    """Location -> SKU -> pieces that are sent from there."""


def place(session: Session, desk: Desk, wanted: Wanted, *, now: datetime) -> Placed:
    """Place one pickup or raise why not."""
    [answer] = place_batch(session, desk, [wanted], now=now)
    if isinstance(answer, Refused):
        raise answer
    return answer


def place_batch(session: Session, desk: Desk, orders: Sequence[Wanted], *, now: datetime) -> list[Placed | Refused]:
    """Place many, each whole or refused, in their order. Shelves are locked first, then the counters of the numbers.

    A pickup that came with its channel's order (`arriving`) is the one that is placed; Conflict `already-placed` where they differ.
    HoldTooLarge, TooManyHolds where a key goes beyond its limits.
    """
    free = _free_ids(session, desk, len(orders))
    ids = [wanted.id or name for wanted, name in zip(orders, free, strict=True)]
    answers: list[Placed | Refused | None] = [None] * len(orders)
    drafts: dict[int, _Draft] = {}
    levels = _levels(session, desk, orders)
    counted, closed = stocktakes.closed(session), pauses.closed(session, now=now)
    came = _came_by_themselves(session, orders)
    limits = hoarding.Limits.of(session, desk.settings.limits, orders)
    for index, wanted in enumerate(orders):
        try:
            if found := came.get((wanted.channel, wanted.reference)):
                answers[index] = _adopt(session, desk, found, wanted)
                continue
            pickup.check_open(desk, wanted.location, closed if wanted.owner else counted)
            draft = _draft(session, desk, ids[index], wanted, levels)
            limits.admit(wanted)
            drafts[index] = draft
        except Refused as refused:
            answers[index] = refused
    for index, faults in _in_other_currencies(session, drafts, now).items():
        answers[index] = InvalidRequest(faults)
        del drafts[index]
    held = reservations.reserve(session, [draft.request for draft in drafts.values()], now=now) if drafts else []
    granted = {}
    for (index, draft), answer in zip(drafts.items(), held, strict=True):
        if isinstance(answer, Refused):
            answers[index] = answer
        else:
            granted[index] = draft
    for index, placed in zip(granted, _write(session, desk, list(granted.values()), now), strict=True):
        answers[index] = placed
    return [answer for answer in answers if answer is not None]


def _came_by_themselves(session: Session, orders: Sequence[Wanted]) -> dict[tuple[str | None, str | None], Pickup]:
    """Pickups that came with an order of a channel, of which the shop tells us once more. Nobody books such an order meanwhile."""
    names = {(one.channel, one.reference) for one in orders if one.owner and one.channel and one.reference}
    if not names:
        return {}
    db.lock_names(session, [promises.name_of(channel or "", reference or "") for channel, reference in names])
    here = db.in_pairs(_pickup.c.channel, _pickup.c.reference, sorted(names))
    found = session.exec(select(Pickup).where(here, col(Pickup.owner).is_(None)).with_for_update())
    return {(one.channel, one.reference): one for one in found}


def _adopt(session: Session, desk: Desk, found: Pickup, wanted: Wanted) -> Placed:
    """The shop's own word on who comes; the pieces are held already."""
    lines = _merged(wanted.lines)
    ours = {line.sku: line.quantity for line in pickup.lines_of(session, [found.id])[found.id]}
    if found.location != wanted.location or ours != {line.sku: line.quantity for line in lines}:
        raise Conflict(
            f"Order {wanted.reference} of {wanted.channel} came by itself and is pickup {found.number}, with other lines or at "
            "another location. Cancel that one first.",
            code="already-placed",
            pickup=found.id,
        )
    person = wanted.customer
    session.execute(
        sa.update(_customer)
        .where(_customer.c.id == found.customer_id)
        .values(name=person.name, email=person.email, phone=person.phone, language=person.language)
    )
    found.owner, found.note, found.gift, found.paid = wanted.owner, wanted.note, wanted.gift, found.paid or wanted.paid
    session.add(found)
    session.flush()
    return Placed(found, lines, desk.codes.of(found.id))


def _free_ids(session: Session, desk: Desk, count: int) -> list[str]:
    """New ids whose codes nobody has: forty bits are few enough to meet again one day."""
    made: dict[str, str] = {}
    while len(made) < count:
        fresh = [desk.ids.new() for _ in range(count - len(made))]
        made |= {_hash_of(desk, one): one for one in fresh}
        taken = session.execute(sa.select(_pickup.c.code_hash).where(_pickup.c.code_hash.in_(list(made)))).scalars()
        for code_hash in taken:
            del made[code_hash]
    return list(made.values())


def _hash_of(desk: Desk, pickup_id: str) -> str:
    return desk.codes.hash(desk.codes.of(pickup_id)) or ""


def _levels(session: Session, desk: Desk, orders: Sequence[Wanted]) -> Mapping[Shelf, Level]:
    """What all locations have, where goods may come from others; a look without locks, for the guard decides."""
    skus = {line.sku for one in orders if _may_come(desk, one) for line in one.lines}
    return availability.levels_of(session, sorted(articles.explode(session, [(sku, 1) for sku in skus])))


def _may_come(desk: Desk, wanted: Wanted) -> bool:
    """A hold of before lies in the store itself."""
    return wanted.reservation is None and desk.location(wanted.location).pickup == "network"


def _draft(session: Session, desk: Desk, pickup_id: str, wanted: Wanted, levels: Mapping[Shelf, Level]) -> _Draft:
    known = {channel.name for channel in desk.settings.channels}
    if wanted.channel is not None and wanted.channel not in known:
        raise InvalidRequest.of("channel", f"There is no channel {wanted.channel!r}.")
    lines = _merged(wanted.lines)
    plan = sending.plan(session, desk, wanted.location, lines, levels) if _may_come(desk, wanted) else None
    where = plan or {wanted.location: {line.sku: line.quantity for line in lines}}
    request = reservations.Request(
        id=desk.ids.new(),
        lines=tuple(reservations.Line(sku, code, n) for code, part in where.items() for sku, n in part.items()),
        expires_at=None,
        channel=wanted.channel,
        reference=wanted.reference,
        owner=wanted.owner,
        takes=wanted.reservation,
        there=True,
    )
    return _Draft(
        pickup_id, wanted, lines, request, {code: part for code, part in where.items() if code != wanted.location}
    )


def _in_other_currencies(
    session: Session, drafts: Mapping[int, _Draft], now: datetime
) -> dict[int, list[dict[str, str]]]:
    """The faults of orders whose customer would be asked for another currency than the articles have there."""
    pairs = {(line.sku, draft.wanted.channel) for draft in drafts.values() for line in draft.wanted.lines if line.price}
    quotes = prices.price_at(session, pairs, now) if pairs else {}
    found: dict[int, list[dict[str, str]]] = {}
    for index, draft in drafts.items():
        for number, line in enumerate(draft.wanted.lines):
            quote = quotes.get((line.sku, draft.wanted.channel))
            if line.price and quote and quote.price.currency != line.price.currency:
                fault = {"field": f"lines.{number}.currency", "message": _sold_in(quote.price.currency, line)}
                found.setdefault(index, []).append(fault)
    return found


def _sold_in(currency: str, line: Line) -> str:
    return f"{line.sku} is sold in {currency} here. Send its price in {currency}, or set prices in the other currency."


def _merged(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Equal lines as one, by SKU."""
    if not lines:
        raise InvalidRequest.of("lines", "A pickup has at least one line.")
    prices: dict[str, Money | None] = {}
    for line in lines:
        if prices.setdefault(line.sku, line.price) != line.price:
            raise InvalidRequest.of("lines", f"{line.sku} stands there twice with different prices.")
    if len({price.currency for price in prices.values() if price}) > 1:
        raise InvalidRequest.of("lines", "All prices of a pickup are in one currency.")
    pieces: Counter[str] = Counter()
    for line in lines:
        pieces[line.sku] += line.quantity
    return tuple(Line(sku, pieces[sku], prices[sku]) for sku in sorted(pieces))


def _write(session: Session, desk: Desk, drafts: Sequence[_Draft], now: datetime) -> list[Placed]:
    if not drafts:
        return []
    counts = Counter(draft.wanted.location for draft in drafts)
    given = numbers.take(session, counts, desk.places())
    rows = [_row(desk, draft, given[draft.wanted.location].pop(0), now) for draft in drafts]
    session.execute(sa.insert(_customer), [_person(draft, row, now) for draft, row in zip(drafts, rows, strict=True)])
    session.execute(sa.insert(_pickup), rows)
    session.execute(sa.insert(_line), [one for draft in drafts for one in _lines(draft)])
    holding.belong(session, {draft.request.id: draft.id for draft in drafts})
    found = session.exec(select(Pickup).where(col(Pickup.id).in_([draft.id for draft in drafts])))
    pickups = {one.id: one for one in found}
    return [_told(session, desk, draft, pickups[draft.id], now) for draft in drafts]


def _told(session: Session, desk: Desk, draft: _Draft, found: Pickup, now: datetime) -> Placed:
    for source, part in sorted(draft.coming.items()):
        sending.start(session, desk, found, source, part, due=found.ready_by, now=now)
    if draft.wanted.by is None:
        mail.write_to_store(session, desk, found, [(line.sku, line.quantity) for line in draft.lines], now=now)
    letters.write(session, desk, letters.Occasion.PLACED, found, now=now)
    desk.tell(session, "placed", found, by=draft.wanted.by or Actor(found.channel or OMNISYNC.name), now=now)
    return Placed(found, draft.lines, desk.codes.of(draft.id))


def _row(desk: Desk, draft: _Draft, number: str, now: datetime) -> dict[str, Any]:
    location = desk.location(draft.wanted.location)
    promise = hours.after_transfer if draft.coming else hours.ready_by
    ready, accept = promise(now, location), hours.accept_by(promise, now, location)
    return {
        "id": draft.id, "number": number, "code_hash": _hash_of(desk, draft.id), "channel": draft.wanted.channel,
        "reference": draft.wanted.reference, "location": location.code, "state": State.PLACED.value,
        "overdue": False, "paid": draft.wanted.paid, "gift": draft.wanted.gift, "note": draft.wanted.note,
        "reservation_id": draft.request.id, "customer_id": desk.ids.new(), "owner": draft.wanted.owner,
        "placed_at": now, "accept_by": accept, "ready_by": ready, "collect_by": hours.collect_by(ready, location), "version": 0,
    }  # fmt: skip


def _person(draft: _Draft, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    person = draft.wanted.customer
    return {
        "id": row["customer_id"], "name": person.name, "email": person.email, "phone": person.phone,
        "language": person.language, "created_at": now, "erase_after": row["collect_by"] + RETENTION,
    }  # fmt: skip


def _lines(draft: _Draft) -> list[dict[str, Any]]:
    return [
        {
            "pickup_id": draft.id, "sku": line.sku, "quantity": line.quantity, "picked": 0, "rejected": 0, "collected": 0,
            "price_minor": line.price.minor if line.price else None,
            "currency": line.price.currency if line.price else None,
        }
        for line in draft.lines
    ]  # fmt: skip
