"""What a channel says happened, brought into the ledger. Whatever cannot be booked waits alone, as a dead letter."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Counted, Delivered, Fact, LevelSeen, OrderSeen, Sale, Unreadable
from omnisync.catalog import articles
from omnisync.errors import NeedsAttention, Refused
from omnisync.orders import intake
from omnisync.stock import availability, came_back, known, ledger
from omnisync.stock import returns as told_returns
from omnisync.stock.came_back import Source
from omnisync.sync import cases, conflicts, deadletters, firsts, looks, orders, places, returns, silence, wire
from omnisync.sync.booking import Booking
from omnisync.sync.context import Channel, Context
from omnisync.sync.deadletters import Letter
from omnisync.sync.resolve import articles_of, resolver
from omnisync.values import Kind, Shelf, to_micros

log = logging.getLogger(__name__)


def apply(
    session: Session,
    context: Context,
    channel: Channel,
    facts: Sequence[Fact],
    *,
    now: datetime,
    trusted: bool = False,
    booked: list[Fact] | None = None,
) -> int:
    """Book these facts in their order, each whole or not at all; the number that now wait for a person. Those are added to
    `booked` of which nothing waits, nor of anything told of the same order or receipt after them."""
    return apply_all(session, context, channel, [Told(facts)], now=now, trusted=trusted, booked=booked)


@dataclass(frozen=True, slots=True)
class Told:
    """Facts that came together, and the message that brought them."""

    facts: Sequence[Fact]
    message_id: int | None = None


def apply_all(
    session: Session,
    context: Context,
    channel: Channel,
    told: Sequence[Told],
    *,
    now: datetime,
    trusted: bool = False,
    booked: list[Fact] | None = None,
) -> int:
    """The same for the facts of several messages, one after the other."""
    resolve = resolver(session, channel.name, articles_of(fact for one in told for fact in one.facts))
    channel = places.known(session, channel, (fact for one in told for fact in one.facts))
    booking = Booking(session, context, channel, resolve, now, trusted, since=firsts.since(session, channel))
    silence.note(session, channel, (fact for one in told for fact in one.facts), now=now)
    whole: list[Fact] = [] if booked is None else booked
    waiting = 0
    each = [(replace(booking, message_id=one.message_id), fact) for one in told for fact in one.facts]
    for are_hints, run in groupby(each, key=lambda one: _is_hint(channel, one[1])):
        some = list(run)
        if are_hints and _hint(booking, [fact for _, fact in some]):
            continue
        for of_message, fact in some:
            waits = _book(of_message, fact)
            waiting += waits
            if waits:
                whole[:] = [one for one in whole if key_of(one) != key_of(fact)]
            else:
                whole.append(fact)
    return waiting


def _is_hint(channel: Channel, fact: Fact) -> bool:
    """Whether it is the level of a shelf that is ours: nothing to be booked, perhaps something to be looked at."""
    return isinstance(fact, LevelSeen) and _shelf_owned(channel, fact) is None


def _hint(booking: Booking, levels: Sequence[Any]) -> bool:
    """Take these levels together; False where one of them cannot be taken, so that it is to be found."""
    try:
        with booking.session.begin_nested():
            looks.hint(booking.session, booking.channel, levels, now=booking.now)
            booking.session.flush()
    except Exception as bug:
        if db.is_transient(bug) or db.is_unavailable(bug):
            raise
        return False
    return True


def key_of(fact: Fact) -> str:
    """What names a fact within its channel."""
    if isinstance(fact, OrderSeen):
        return f"order/{fact.id}"
    if isinstance(fact, LevelSeen):
        moment = to_micros(fact.at) if fact.at is not None else "now"
        return f"level/{fact.article.external_id}/{fact.place or ''}/{fact.version or moment}"
    return f"fact/{fact.key}"


def _book(booking: Booking, fact: Fact) -> int:
    try:
        with booking.session.begin_nested():
            waiting = 0 if _is_foreign(booking, fact) else _BOOKINGS[type(fact)](booking, fact)
            booking.session.flush()
    except NeedsAttention as trouble:
        return _wait(booking, fact, trouble.message, trouble.action)
    except Refused as refused:
        return _wait(booking, fact, refused.message, "Correct it at the channel or in the settings, then replay.")
    except Exception as bug:
        if db.is_transient(bug) or db.is_unavailable(bug):
            raise
        # One fact that we fail on must stop neither its page nor its channel: it waits where everybody sees it.
        log.exception("A fact of %s cannot be booked", booking.channel.name)
        action = "This is a fault of omnisync: replay after an update, or book it by hand and discard."
        return _wait(booking, fact, f"{deadletters.NOT_BOOKED} ({type(bug).__name__}).", action)
    if not isinstance(fact, LevelSeen) and not waiting:
        deadletters.mended(booking.session, booking.channel.name, key_of(fact), now=booking.now)
    return waiting


def _is_foreign(booking: Booking, fact: Fact) -> bool:
    return isinstance(fact, Sale | Counted | Delivered | LevelSeen) and booking.resolve.is_foreign(fact.article)


def _wait(booking: Booking, fact: Fact, reason: str, action: str) -> int:
    letter = Letter("fact", key_of(fact), _title(fact), reason, action, wire.to_json(fact), booking.message_id)
    if deadletters.is_discarded(booking.session, booking.channel.name, letter):
        return 0
    deadletters.keep(booking.session, booking.context, booking.channel.name, letter, now=booking.now)
    return 1


def _title(fact: Fact) -> str:
    if isinstance(fact, OrderSeen):
        return f"Order {fact.reference}"
    if isinstance(fact, Unreadable):
        return f"Unreadable: {fact.key}"
    named = fact.article.title or fact.article.sku or fact.article.barcode or fact.article.external_id or "?"
    return f"{type(fact).__name__} of {fact.quantity} × {named}"


# ---------------------------------------------------------------- what a till says


def _sale(booking: Booking, sale: Sale) -> int:
    key = f"{booking.channel.name}:{sale.key}"
    if booking.is_history(sale.at) or _is_booked(booking.session, key):
        return 0
    sku, at = booking.sku(sale), booking.moment(sale.at)
    pieces = _stocked(booking.session, sku, abs(sale.quantity))
    location = _sold_at(booking, sale.place, pieces)
    for number, (part, quantity) in enumerate(pieces.items()):
        # The first piece bears the sale's own name, whatever it is mapped to later.
        name = f"{key}/{number}" if number else key
        if sale.quantity > 0:
            _sold(booking, Shelf(location, part), quantity, name, at)
        else:
            _came_back(booking, _entry(Kind.RETURNED, Shelf(location, part), quantity, name, at), key)
    if sale.quantity < 0:
        shelves = {Shelf(location, part) for part in pieces}
        returns.note(booking.session, booking.context, booking.channel, shelves, now=booking.now)
        returns.note_other_channels(booking.session, booking.context, booking.channel, now=booking.now)
    looks.ordered(booking.session, booking.channel, sku, sale.quantity, at, sale.place, now=booking.now)
    if sale.quantity < 0:
        looks.taken_back(booking.session, booking.channel, sku, now=booking.now)
    return 0


def _sold(booking: Booking, shelf: Shelf, quantity: int, key: str, at: datetime) -> None:
    again = booking.context.ring_up(
        booking.session, shelf.sku, shelf.location, quantity, sale_key=key, at=at, now=booking.now
    )
    entry = _entry(Kind.SOLD, shelf, quantity - again, key, at)
    desk = replace(
        entry, quantity=again, key=f"{key}/handed-over", physical=False, reason="handed over by the pickup desk"
    )
    _record(booking, *(one for one in (entry, desk) if one.quantity))


def _came_back(booking: Booking, entry: ledger.Entry, name: str) -> None:
    """Book what its receipt has not brought back already; what it has stands in the journal and moves nothing."""
    left = max(0, entry.quantity - told_returns.came_with_receipt(booking.session, name, entry.shelf))
    told_before = replace(entry, kind=Kind.RETURNED, physical=False, reason="came back with its receipt already")
    if entry.kind is Kind.RETURNED and left:
        settings = booking.channel.settings
        source = Source(settings.name, intake.is_checked(settings, counter=True), counter=True)
        came_back.book(booking.session, replace(entry, quantity=left), source, now=booking.now)
    else:
        _record(booking, replace(entry, quantity=left) if left else told_before)


def _is_booked(session: Session, key: str) -> bool:
    return session.execute(_BOOKED, {"keys": [key, f"{key}/handed-over"]}).first() is not None


_BOOKED = known.effects(("key",), lambda effect: db.among(effect.key, db.many("keys"))).limit(1)


def _delivered(booking: Booking, delivery: Delivered) -> int:
    name = f"{booking.channel.name}:{delivery.key}"
    if booking.is_history(delivery.at) or _was_delivered(booking.session, name):
        return 0
    sku, at = booking.sku(delivery), booking.moment(delivery.at)
    location = _owned_place(booking, delivery.place, "goods in and out")
    kind = Kind.RECEIVED if delivery.quantity > 0 else Kind.MISSING
    for part, quantity in _stocked(booking.session, sku, abs(delivery.quantity)).items():
        entry = _entry(kind, Shelf(location, part), quantity, f"{name}/{part}", at)
        entry = replace(entry, reason=delivery.reason or None)
        if kind is Kind.RECEIVED:
            _came_back(booking, entry, name)
        else:
            _record(booking, entry)
    return 0


def _was_delivered(session: Session, name: str) -> bool:
    """Whether it is booked, also as another article that it was mapped to then."""
    found = session.execute(_PARTS, {"first": f"{name}/", "behind": f"{name}0"})  # a zero comes right behind the slash
    return any(key == f"{name}/{sku}" for key, sku in found)


_PARTS = known.effects(
    ("key", "sku"), lambda effect: sa.and_(effect.key >= sa.bindparam("first"), effect.key < sa.bindparam("behind"))
)


def _counted(booking: Booking, count: Counted) -> int:
    if booking.is_history(count.at):
        return 0
    sku, at = booking.sku(count), booking.moment(count.at)
    location = _place(booking, count.place)
    if not _stocked(booking.session, sku, 1):
        return 0
    if location in booking.channel.owned:
        _record(
            booking,
            _entry(Kind.COUNT, Shelf(location, sku), count.quantity, f"{booking.channel.name}:{count.key}", at),
        )
        return 0
    level = availability.levels(booking.session, [Shelf(location, sku)]).get(Shelf(location, sku))
    if (level.on_hand if level else 0) != count.quantity:
        cases.count_differs(
            booking.session,
            booking.context,
            booking.channel.name,
            Shelf(location, sku),
            count.quantity,
            now=booking.now,
        )
    return 0


def _level(booking: Booking, level: LevelSeen) -> int:
    location = _shelf_owned(booking.channel, level)
    if location is None:
        looks.hint(booking.session, booking.channel, [level], now=booking.now)
        return 0
    # The channel owns this stock: what it shows is what lies there.
    sku, at = booking.sku(level), booking.moment(level.at or booking.now)
    shelf, on_hand = Shelf(location, sku), level.quantity + level.allocated
    known = availability.levels(booking.session, [shelf]).get(shelf)
    if (known.on_hand if known else 0) != on_hand and _stocked(booking.session, sku, 1):
        key = f"{booking.channel.name}:{key_of(replace(level, at=at))}"
        _record(booking, _entry(Kind.COUNT, shelf, max(0, on_hand), key, at))
    return 0


def _shelf_owned(channel: Channel, level: LevelSeen) -> str | None:
    """The location whose stock the channel counts for us; None where the stock is ours."""
    location = channel.location_of(level.place) or _only(channel.owned)
    return location if location in channel.owned else None


def _unreadable(booking: Booking, part: Unreadable) -> int:
    raise NeedsAttention(part.reason, action=part.action)


_BOOKINGS: dict[type, Callable[[Booking, Any], int]] = {
    OrderSeen: orders.book,
    Sale: _sale,
    Counted: _counted,
    Delivered: _delivered,
    LevelSeen: _level,
    Unreadable: _unreadable,
}


# ---------------------------------------------------------------- places and entries


def _place(booking: Booking, place: str | None) -> str:
    """Our location. An unmapped place needs a person; without a place there must be only one it can be."""
    if place is not None:
        location = booking.channel.location_of(place)
        if location is None:
            raise NeedsAttention(
                f"The place {place} belongs to no location.",
                action=f"Add {place} to location_map of channel {booking.channel.name}, then replay.",
                code="unmapped-place",
            )
        return location
    only = _only(booking.channel.settings.locations) or _only(booking.channel.owned)
    if only is None:
        raise NeedsAttention(
            "It does not say where it happened, and this channel serves several locations.",
            action="Set a place for this till in its adapter's settings, then replay.",
            code="place-missing",
        )
    return only


def _sold_at(booking: Booking, place: str | None, pieces: Mapping[str, int]) -> str:
    """Where the pieces left: as said; for a channel without any places the first location that has them."""
    settings = booking.channel.settings
    if place is not None or settings.location_map or len(settings.locations) == 1:
        return _place(booking, place)
    shelves = [Shelf(location, sku) for location in settings.locations for sku in pieces]
    levels = availability.levels(booking.session, shelves)
    for location in settings.locations:
        found = ((levels.get(Shelf(location, sku)), quantity) for sku, quantity in pieces.items())
        if all(level is not None and level.available >= quantity for level, quantity in found):
            return location
    return settings.locations[0]


def _owned_place(booking: Booking, place: str | None, what: str) -> str:
    location = _place(booking, place)
    if location not in booking.channel.owned:
        raise NeedsAttention(
            f"{booking.channel.name} tells of {what} at {location}, but does not own the stock there.",
            action=f'Set stock_owner of {location} to "{booking.channel.name}" and replay, or book it in omnisync and discard.',
            code="not-owner",
        )
    return location


def _only(codes: Sequence[str] | frozenset[str]) -> str | None:
    return next(iter(codes)) if len(codes) == 1 else None


def _stocked(session: Session, sku: str, quantity: int) -> dict[str, int]:
    """What this moves in the ledger: the components of a bundle, nothing for deposit, shipping and the like."""
    pieces = articles.explode(session, [(sku, quantity)])
    known = articles.known(session, pieces)
    return {part: n for part, n in sorted(pieces.items()) if n and (part not in known or known[part].stocked)}


def _entry(kind: Kind, shelf: Shelf, quantity: int, key: str, at: datetime) -> ledger.Entry:
    return ledger.Entry(kind, shelf.sku, shelf.location, quantity, cause=key, occurred_at=at, key=key)


def _record(booking: Booking, *entries: ledger.Entry) -> None:
    recorded = ledger.record(booking.session, entries, now=booking.now)
    short = {entry.shelf: one.shortage for entry, one in zip(entries, recorded, strict=True) if one.shortage}
    cause = entries[0].cause if entries else ""
    conflicts.note(booking.session, booking.context, booking.channel.name, cause, short, now=booking.now)
