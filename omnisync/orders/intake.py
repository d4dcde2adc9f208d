"""Taking in what a channel says of its orders: promises until they are shipped, sales where the goods left at the counter.

An `OrderSeen` carries cumulative numbers, so every snapshot is compared with what was recorded, and only the difference
moves stock. Telling it twice, or an older one later, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Article, OrderSeen, Restock
from omnisync.adapters.base import OrderLine as LineSeen
from omnisync.catalog import articles
from omnisync.orders import binding
from omnisync.orders.assignment import assign
from omnisync.orders.tables import ChannelOrder, OrderLine
from omnisync.settings import ChannelSettings
from omnisync.stock import availability, came_back, ledger, promises, returns
from omnisync.stock.came_back import Source
from omnisync.stock.ends import How
from omnisync.values import Kind, Shelf, to_micros

order_line = db.table(OrderLine)
Resolve = Callable[[Article], str | None]


class RingUp(Protocol):
    """Tells how many pieces of a counter sale a pickup desk has handed over already: these move no stock again."""

    def __call__(
        self, session: Session, sku: str, location: str, quantity: int, *, sale_key: str, at: datetime, now: datetime
    ) -> int: ...


def nothing_handed_over(
    session: Session, sku: str, location: str, quantity: int, *, sale_key: str, at: datetime, now: datetime
) -> int:
    """For stores whose till never books what the pickup desk hands over."""
    return 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line that waits alone, and what mends it."""

    line_id: str
    title: str
    reason: str
    action: str


@dataclass
class Taken:
    """What taking in an order did: lines that wait, and promised pieces that it made impossible."""

    order_id: str
    stale: bool = False
    falls_later: bool = False
    """It was known before, and its channel had not yet taken it off its own numbers."""
    waiting: list[Waiting] = field(default_factory=list)
    shortages: dict[Shelf, int] = field(default_factory=dict)

    def note(self, shelf: Shelf, outcome: ledger.Recorded) -> None:
        """Remember pieces that are short now because of this."""
        if outcome.shortage:
            self.shortages[shelf] = self.shortages.get(shelf, 0) + outcome.shortage


@dataclass(frozen=True, slots=True)
class _Work:
    """Everything the steps of one order share."""

    session: Session
    channel: ChannelSettings
    order: OrderSeen
    order_id: str
    cover: binding.Cover
    open: Mapping[tuple[str, str], int]
    ring_up: RingUp
    taken: Taken
    now: datetime
    history: bool
    """It was placed before its channel was connected."""
    lapsed: bool
    """Its pieces were given back because nobody paid: only what is sent all the same moves stock."""


def take(
    session: Session,
    channel: ChannelSettings,
    order: OrderSeen,
    resolve: Resolve,
    *,
    now: datetime,
    ring_up: RingUp = nothing_handed_over,
    history: bool = False,
) -> Taken:
    """Bring the ledger up to this snapshot. An unknown line waits alone; the others take their stock at once.

    `history`: it was placed before its channel was connected. What of it is still to be sent is a promise; what was done by the
    time we first see it moves nothing.
    """
    db.lock_names(session, [promises.name_of(channel.name, order.reference)])
    order_id = f"{channel.name}:{order.id}"
    known = session.get(ChannelOrder, order_id, with_for_update=True, populate_existing=True)
    stale = known is not None and order.version < known.version
    taken = Taken(order_id, stale, falls_later=known is not None and not known.lowered)
    if taken.stale:
        return taken
    if known is not None and known.reference != order.reference:
        binding.rename(session, known, order.reference)
    row = _keep_order(session, known, channel, order, order_id, now)
    row.history = history if known is None else row.history
    binding.expire(session, channel.name, order.reference, now=now)
    # What covered it was given back with it.
    cover = binding.NOTHING if row.released_at else binding.find(session, channel.name, order.reference)
    binding.confirm(session, cover, now=now)
    lapsed = row.released_at is not None and not order.paid
    opened = promises.open_of_order(session, order_id) if known is not None else {}
    work = _Work(session, channel, order, order_id, cover, opened, ring_up, taken, now, row.history, lapsed)
    _take_lines(work, resolve, _lines_before(session, order_id) if known is not None else {})
    return taken


def _take_lines(work: _Work, resolve: Resolve, before: Mapping[str, OrderLine]) -> None:
    covered = dict(work.cover.pieces)
    for seen in (*work.order.lines, *_gone(work.order, before)):
        line = before.get(seen.id) or OrderLine(order_id=work.order_id, line_id=seen.id)
        done = _Done.of(line)
        sku, waiting = (line.sku, None) if done.booked else _identify(work, seen, resolve)
        if waiting is not None:
            work.taken.waiting.append(waiting)
        elif sku is not None and _moves_stock(work, sku, seen):
            _settle(work, seen, sku, done, covered)
        _keep_line(work.session, line, seen, sku, waiting)


def _gone(order: OrderSeen, before: Mapping[str, OrderLine]) -> list[LineSeen]:
    """Lines that the channel no longer shows: somebody took them off the order."""
    seen = {line.id for line in order.lines}
    return [
        LineSeen(
            line.line_id, Article(line.external_article, line.sku, line.barcode, line.title), line.quantity,
            cancelled=line.quantity, shipped=line.shipped, stocked=line.stocked and line.waiting is None,
        )
        for line in before.values()
        if line.line_id not in seen
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Done:
    """How far this line is in the ledger already; a line that waited is not in it at all."""

    booked: bool = False
    net: int = 0
    cancelled: int = 0
    shipped: int = 0

    @classmethod
    def of(cls, line: OrderLine) -> _Done:
        if line.waiting is not None or line.sku is None:
            return cls()
        return cls(True, line.quantity - line.cancelled, line.cancelled, max(line.shipped, line.sent))


def _identify(work: _Work, seen: LineSeen, resolve: Resolve) -> tuple[str | None, Waiting | None]:
    if not seen.stocked or work.order.elsewhere:
        return resolve(seen.article), None
    sku = resolve(seen.article)
    if sku is None:
        name = seen.article.sku or seen.article.barcode or seen.article.external_id or "without a name"
        return None, Waiting(
            seen.id,
            seen.article.title or name,
            f"No article is known as {name}.",
            "Map this line to a SKU, or import the article.",
        )
    places = {seen.place, *(restock.place for restock in seen.restocks)} - {None}
    unmapped = sorted(place for place in places if place not in work.channel.location_map)  # type: ignore[type-var]
    if unmapped:
        return sku, Waiting(
            seen.id,
            seen.article.title or sku,
            f"The place {unmapped[0]} belongs to no location.",
            f"Add {unmapped[0]} to location_map of channel {work.channel.name}.",
        )
    if work.order.counter and seen.place is None and len(work.channel.locations) > 1:
        return sku, Waiting(
            seen.id,
            seen.article.title or sku,
            "A counter sale without a place.",
            "Set a place for this till in its adapter's settings.",
        )
    return sku, None


def _moves_stock(work: _Work, sku: str, seen: LineSeen) -> bool:
    info = articles.known(work.session, [sku]).get(sku)
    return seen.stocked and not work.order.elsewhere and (info is None or info.stocked)


def _settle(work: _Work, seen: LineSeen, sku: str, done: _Done, covered: dict[str, int]) -> None:
    """Move each SKU of the line (one, or the components of a bundle) by the difference to what was done."""
    each = articles.explode(work.session, [(sku, 1)])
    known = work.history and not done.booked
    if known:  # as far as it got before we came
        done = _Done(True, max(0, seen.quantity - seen.cancelled), seen.cancelled, seen.shipped)
    if work.order.counter:
        _sell(work, seen, each, done)
    elif not (known and work.order.closed):
        lines_covered = _cover(seen.quantity, each, covered)
        for part, pieces in each.items():
            _promise(work, seen, part, pieces, done, lines_covered)
    _restock(work, seen, each, done, physical=not known)


# ---------------------------------------------------------------- promises


def _cover(quantity: int, each: Mapping[str, int], covered: dict[str, int]) -> int:
    """How many of this line a reservation keeps; taken from what is still covered."""
    lines = min(quantity, *(covered.get(part, 0) // pieces for part, pieces in each.items()))
    for part, pieces in each.items():
        covered[part] = covered.get(part, 0) - lines * pieces
    return lines


def _promise(work: _Work, seen: LineSeen, sku: str, each: int, done: _Done, covered: int) -> None:
    shipped = max(seen.shipped, done.shipped)
    shipping = (shipped - done.shipped) * each
    # What is sent had to be there, also where its price has been given back by the time we hear of both.
    target = max(0, seen.quantity - covered - seen.cancelled - done.shipped, shipped - done.shipped - covered) * each
    if work.lapsed:
        target = min(target, shipping)
    opened = work.open.get((seen.id, sku), 0)
    released = 0
    if target > opened:
        _make(work, seen, sku, target - opened)
    elif target < opened:
        released = _end(work, seen, sku, Kind.RELEASED, opened - target, seen.cancelled)
    sent = _end(work, seen, sku, Kind.SHIPPED, min(shipping, target), shipped)
    if covered:
        cancelling = max(0, seen.cancelled - done.cancelled) * each - released
        binding.pass_on(work.session, work.cover, How.COLLECT, {sku: max(0, shipping - sent)}, now=work.now)
        binding.pass_on(work.session, work.cover, How.RELEASE, {sku: max(0, cancelling)}, now=work.now)


def _make(work: _Work, seen: LineSeen, sku: str, quantity: int) -> None:
    wanted = [
        promises.Wanted(
            work.channel.name, work.order.reference, work.order_id, seen.id, shelf, pieces, work.order.placed_at
        )
        for shelf, pieces in _shelves(work, seen, sku, quantity).items()
    ]
    for one, outcome in zip(wanted, promises.make(work.session, wanted, now=work.now), strict=True):
        work.taken.note(one.shelf, outcome)


def _shelves(work: _Work, seen: LineSeen, sku: str, quantity: int) -> dict[Shelf, int]:
    if seen.place is not None:
        return {Shelf(work.channel.location_map[seen.place], sku): quantity}
    levels = availability.levels(work.session, [Shelf(location, sku) for location in work.channel.locations])
    return assign(sku, quantity, work.channel.locations, levels)


def _end(work: _Work, seen: LineSeen, sku: str, kind: Kind, quantity: int, total: int) -> int:
    if quantity <= 0:
        return 0
    key = f"{work.order_id}/{seen.id}/{kind.value}/{to_micros(work.order.version)}/{total}"
    return promises.end(
        work.session, work.order_id, seen.id, sku, kind, quantity,
        key=key, occurred_at=work.order.version, now=work.now,
    )  # fmt: skip


# ---------------------------------------------------------------- counter sales and returns


def _sell(work: _Work, seen: LineSeen, each: Mapping[str, int], done: _Done) -> None:
    net = max(0, seen.quantity - seen.cancelled)
    location = work.channel.location_map[seen.place] if seen.place is not None else work.channel.locations[0]
    key = f"{work.order_id}/{seen.id}/counter/{to_micros(work.order.version)}/{net}"
    for sku, pieces in each.items():
        if net > done.net:
            _sold(work, Shelf(location, sku), (net - done.net) * pieces, f"{key}/{sku}")
        elif net < done.net:
            pieces_back, why = (done.net - net) * pieces, "voided at the counter"
            ledger.record(
                work.session, [_back(work, Shelf(location, sku), pieces_back, f"{key}/{sku}", why)], now=work.now
            )


def _sold(work: _Work, shelf: Shelf, quantity: int, key: str) -> None:
    at = work.order.placed_at
    again = work.ring_up(work.session, shelf.sku, shelf.location, quantity, sale_key=key, at=at, now=work.now)
    entries = [
        ledger.Entry(Kind.SOLD, shelf.sku, shelf.location, quantity - again, f"order:{work.order_id}", at, key=key),
        ledger.Entry(
            Kind.SOLD, shelf.sku, shelf.location, again, f"order:{work.order_id}", at,
            key=f"{key}/handed-over", reason="handed over by the pickup desk", physical=False,
        ),
    ]  # fmt: skip
    for outcome in ledger.record(work.session, [entry for entry in entries if entry.quantity], now=work.now):
        work.taken.note(shelf, outcome)


def _back(work: _Work, shelf: Shelf, quantity: int, key: str, reason: str, *, physical: bool = True) -> ledger.Entry:
    cause, at = f"order:{work.order_id}", work.order.version
    return ledger.Entry(
        Kind.RETURNED, shelf.sku, shelf.location, quantity, cause, at, key=key, reason=reason, physical=physical
    )


def is_checked(channel: ChannelSettings, *, counter: bool) -> bool:
    """Whether somebody has to look at what comes back, before it can be sold: where it had been sent, unless the settings say
    otherwise."""
    return (channel.policy.returns or ("sellable" if counter else "check")) == "check"


def _restock(work: _Work, seen: LineSeen, each: Mapping[str, int], done: _Done, *, physical: bool) -> None:
    """Goods that came back, at most as many as had left, each restock once. One of before stands in the journal and moves
    nothing, so that it is not booked when it is told again."""
    gone = seen.quantity - seen.cancelled if work.order.counter else max(seen.shipped, done.shipped)
    room, counter = gone, work.order.counter
    source = Source(
        work.channel.name, is_checked(work.channel, counter=counter), counter, work.order_id, work.order.reference
    )
    for restock in seen.restocks:
        pieces = min(restock.quantity, room)
        room -= pieces
        if pieces > 0:
            location = _restock_location(work, seen, restock)
            loose = None if restock.told_as is None else f"{work.channel.name}:{restock.told_as}"
            again = loose is not None and returns.came_loose(work.session, loose, each)
            reason = "restocked" if physical else "restocked before the channel was connected"
            for sku, n in each.items():
                key = f"{work.order_id}/{seen.id}/restock/{restock.id}/{sku}"
                key = key if loose is None else returns.key_with_receipt(loose, seen.id, sku)
                why = "came back without its receipt already" if again else reason
                entry = _back(work, Shelf(location, sku), pieces * n, key, why, physical=physical and not again)
                came_back.book(work.session, entry, source, now=work.now)


def _restock_location(work: _Work, seen: LineSeen, restock: Restock) -> str:
    place = restock.place or seen.place
    if place is not None:
        return work.channel.location_map[place]
    shipped_from = promises.of_line(work.session, work.order_id, seen.id)
    return shipped_from[0].location if shipped_from else work.channel.locations[0]


# ---------------------------------------------------------------- rows


def _lines_before(session: Session, order_id: str) -> dict[str, OrderLine]:
    return {line.line_id: line for line in session.execute(_LINES, {"order_id": order_id}).scalars()}


_LINES = (
    sa.select(OrderLine)
    .where(order_line.c.order_id == sa.bindparam("order_id"))
    .execution_options(populate_existing=True)
)


def _keep_order(
    session: Session,
    known: ChannelOrder | None,
    channel: ChannelSettings,
    order: OrderSeen,
    order_id: str,
    now: datetime,
) -> ChannelOrder:
    row = known or ChannelOrder(
        id=order_id, channel=channel.name, external_id=order.id, reference=order.reference, version=order.version,
        placed_at=order.placed_at, seen_at=now,
    )  # fmt: skip
    for name in ("reference", "version", "counter", "pickup", "paid", "lowered", "elsewhere", "closed", "currency"):
        setattr(row, name, getattr(order, name))
    row.totals, row.seen_at = dict(order.totals), now
    row.collect_at = _collected_at(channel, order) if order.pickup else None
    session.add(row)
    session.flush()
    return row


def _collected_at(channel: ChannelSettings, order: OrderSeen) -> str | None:
    """Where all of it is collected; a channel with one location need not say."""
    places = {line.place for line in order.lines if line.stocked} - {None}
    found = {channel.location_map.get(place or "") for place in places} or set(channel.locations)
    return found.pop() if len(found) == 1 else None


def _keep_line(session: Session, line: OrderLine, seen: LineSeen, sku: str | None, waiting: Waiting | None) -> None:
    line.sku, line.waiting, line.title = sku, waiting.reason if waiting else None, seen.article.title
    line.external_article, line.barcode = seen.article.external_id, seen.article.barcode
    line.quantity, line.cancelled, line.stocked = seen.quantity, seen.cancelled, seen.stocked
    line.shipped = max(line.shipped, seen.shipped)
    line.restocked = max(line.restocked, sum(restock.quantity for restock in seen.restocks))
    line.price_minor = seen.unit_price.minor if seen.unit_price else None
    session.add(line)


def waiting_orders(session: Session, channel: str, *, limit: int = 500) -> Sequence[str]:
    """External ids of this channel's orders with a line that waits: read again when something was mapped."""
    orders = db.table(ChannelOrder)
    statement = (
        sa.select(orders.c.external_id)
        .join(order_line, order_line.c.order_id == orders.c.id)
        .where(orders.c.channel == channel, order_line.c.waiting.is_not(None))
        .distinct()
        .limit(limit)
    )
    return list(session.execute(statement).scalars())
