"""Each a mistake that somebody could make, put in with `plants.put`, which replaces what is there and refuses what is not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import http, writer
from omnisync.adapters.base import Answer, Message, OrderLine, OrderSeen
from omnisync.catalog import articles, bundles
from omnisync.demo import plants
from omnisync.orders import binding, breaking, intake
from omnisync.sim import server
from omnisync.stock import (
    came_back,
    decide,
    effects,
    ends,
    idempotency,
    ledger,
    promises,
    reservations,
    shelves,
    shortages,
    stocktakes,
    transfers,
)
from omnisync.stock.effects import Level
from omnisync.sync import inbox, polling, reconcile, settle
from omnisync.values import Kind, Shelf

# ---------------------------------------------------------------- the journal


def forget_the_keys_of_facts() -> None:
    """A fact that is told twice is written twice."""
    real = ledger.record

    def record(session: Session, entries: Sequence[ledger.Entry], *, now: datetime) -> list[ledger.Recorded]:
        return real(session, [replace(entry, key=None) for entry in entries], now=now)

    plants.put(ledger, "record", record)


def count_late_facts_again() -> None:
    """A sale from before the count is taken off what was counted."""

    def only_counts(book: Any, entry: ledger.Entry) -> None:
        if entry.kind is Kind.COUNT:
            book.counted_at[entry.shelf] = book.counts[entry.shelf] = entry.occurred_at

    plants.put(ledger._Book, "_settle_late", only_counts)


def count_over_later_movements() -> None:
    """A count that comes late makes the shelf of now what lay there then."""
    plants.put(ledger, "later_changes", lambda session, moments: defaultdict(int))


def release_twice() -> None:
    """What is released frees two pieces for one."""
    plants.put(effects, "EFFECTS", effects.EFFECTS | {Kind.RELEASED: effects.Effect(reserved=-2)})


def leave_shortages_open() -> None:
    """A shortage that facts have mended is never closed."""
    real = shortages._run

    def run(session: Session, statement: Any, rows: list[dict[str, Any]]) -> None:
        if statement is not shortages._CLOSE:
            real(session, statement, rows)

    plants.put(shortages, "_run", run)


def lock_as_they_come() -> None:
    """Shelves are locked from the last to the first, not as everybody else does it."""
    backwards = (shelves.balance.c.location.desc(), shelves.balance.c.sku.desc())
    plants.put(shelves, "_LOCK", shelves._LOCK.order_by(None).order_by(*backwards))


# ---------------------------------------------------------------- holds


def _without_the_guard() -> None:
    def hold(session: Session, pieces: Mapping[Shelf, int], *, now: datetime) -> None:
        shelves.write(session, {shelf: Level(reserved=n) for shelf, n in pieces.items()}, now=now)

    plants.put(shelves, "hold", hold)


def promise_the_safety_stock() -> None:
    """The pieces kept back for safety are promised too."""
    _without_the_guard()
    free = property(lambda level: 0 if level.off_sale else level.on_hand - level.blocked - level.reserved)
    plants.put(Level, "free", free)


def promise_what_is_blocked() -> None:
    """Pieces on display or to be checked are promised too."""
    _without_the_guard()
    free = property(lambda level: 0 if level.off_sale else level.on_hand - level.reserved - level.safety)
    plants.put(Level, "free", free)


def promise_what_is_off_sale() -> None:
    """What nobody could find is promised again."""
    _without_the_guard()
    plants.put(Level, "free", property(lambda level: level.on_hand - level.blocked - level.reserved - level.safety))


def grant_a_part_of_a_basket() -> None:
    """A refused basket keeps the pieces that were there for it."""

    def verdicts(
        wishes: Sequence[decide.Wish], free: Mapping[Shelf, int], off_sale: Collection[Shelf] = ()
    ) -> list[Any]:
        left = defaultdict(int, free)
        answers = []
        for wish in wishes:
            answers += decide.decide([wish], left, off_sale)
            for shelf, n in wish.pieces.items():
                left[shelf] -= min(n, max(0, left[shelf]))
        return answers

    plants.put(reservations, "decide", verdicts)


def confirm_what_has_expired() -> None:
    """A hold past its time can be confirmed and collected until the worker comes by."""
    plants.put(ends.State, "overdue", lambda state, now: False)


def expire_whatever_is_old() -> None:
    """The expiry looks at the time alone, not at what became of the hold."""

    def overdue(session: Session, wanted: Any, *, now: datetime, limit: int) -> ends.Overdue:
        table = ends.reservation
        rows = session.execute(sa.select(table.c.id, table.c.lines).where(table.c.expires_at <= now)).all()
        touched = {row.id: {Shelf(line["location"], line["sku"]) for line in row.lines} for row in rows}
        found = {name: at for name, at in touched.items() if wanted is None or not at.isdisjoint(wanted)}
        return ends.Overdue(tuple(found), frozenset(at for shelves in found.values() for at in shelves))

    real = ends._checked

    def checked(one: ends.End, state: ends.State | None, now: datetime) -> ends.State:
        return state if one.how is ends.How.EXPIRE and state is not None else real(one, state, now)

    plants.put(ends, "overdue", overdue)
    plants.put(ends, "_checked", checked)


def keep_the_rest_of_a_part() -> None:
    """What the customer leaves behind stays reserved for nobody."""
    real = ends._entries

    def entries(one: ends.End, left: dict[Shelf, int], now: datetime) -> list[ledger.Entry]:
        return real(replace(one, keep_rest=one.keep_rest or one.pieces is not None), left, now)

    plants.put(ends, "_entries", entries)


def take_a_hold_twice() -> None:
    """A hold that is taken over stays open beside its successor."""
    plants.put(ends, "taken_over", lambda session, taken, *, now: None)


def let_anybody_take_a_hold() -> None:
    """Whoever knows the name of a hold may have its pieces."""
    real = reservations._check_takeover

    def check(request: reservations.Request, state: ends.State | None, now: datetime) -> None:
        real(request, state and replace(state, owner=request.owner), now)

    plants.put(reservations, "_check_takeover", check)


def expire_what_an_order_stands_on() -> None:
    """A hold that took over its order's promise still runs out."""
    plants.put(reservations._Prepared, "until", lambda prepared, request: request.expires_at)


# ---------------------------------------------------------------- sets


def hold_sets_unopened() -> None:
    """A hold on a set looks for the set on the shelf."""
    plants.put(bundles, "among", lambda session, skus: set())


def order_sets_unopened() -> None:
    """An order of a set is booked as one piece of the set."""

    def explode(session: Session, lines: Iterable[tuple[str, int]]) -> dict[str, int]:
        pieces: dict[str, int] = defaultdict(int)
        for sku, n in lines:
            pieces[sku] += n
        return dict(pieces)

    plants.put(articles, "explode", explode)


# ---------------------------------------------------------------- orders


def restock_with_the_refund() -> None:
    """Money that goes back brings goods that stay away."""
    real = intake._restock

    def restock(work: Any, seen: OrderLine, each: Mapping[str, int], done: Any, *, physical: bool) -> None:
        real(work, seen, each, done, physical=physical)
        back = max(0, seen.cancelled - done.cancelled) if seen.shipped == seen.quantity else 0
        for sku, n in each.items() if back else ():
            shelf = Shelf(work.channel.locations[0], sku)
            entry = intake._back(
                work, shelf, back * n, f"{work.order_id}/{seen.id}/{work.order.version}/{sku}", "refund"
            )
            ledger.record(work.session, [entry], now=work.now)

    plants.put(intake, "_restock", restock)


def restock_each_time_it_is_told() -> None:
    """Goods that came back come back again with every newer message of their order."""
    real = intake._back

    def back(work: Any, shelf: Shelf, quantity: int, key: str, reason: str, *, physical: bool = True) -> ledger.Entry:
        return real(work, shelf, quantity, f"{key}/{work.order.version}", reason, physical=physical)

    plants.put(intake, "_back", back)


def believe_older_messages() -> None:
    """The message that comes last wins, however old it is."""
    real = intake.take

    def take(session: Session, channel: Any, order: OrderSeen, *more: Any, **details: Any) -> intake.Taken:
        known = session.get(intake.ChannelOrder, f"{channel.name}:{order.id}")
        newest = max(order.version, known.version) if known else order.version
        return real(session, channel, replace(order, version=newest), *more, **details)

    plants.put(intake, "take", take)


def cancel_at_both_ends() -> None:
    """A cancelled piece is given back by the order and by the hold it is bound to."""
    real = intake._end

    def end(work: Any, seen: OrderLine, sku: str, kind: Kind, quantity: int, total: int) -> int:
        ended = real(work, seen, sku, kind, quantity, total)
        return 0 if kind is Kind.RELEASED else ended

    plants.put(intake, "_end", end)


def ship_without_the_promise() -> None:
    """A shipment takes the piece from the shelf and leaves it reserved."""
    real = promises._ending

    def ending(found: Any, kind: Kind, *more: Any) -> ledger.Entry:
        return replace(real(found, Kind.SOLD if kind is Kind.SHIPPED else kind, *more), promise=None)

    plants.put(promises, "_ending", ending)


def bind_orders_to_dead_holds() -> None:
    """A hold past its time still covers the order of its reference."""
    plants.put(binding, "expire", lambda session, channel, reference, *, now: None)


def lose_a_transfer() -> None:
    """Goods that one store sends another one arrive and are put on no shelf."""
    real = transfers._arrival

    def arrival(*arrived: Any) -> list[ledger.Entry]:
        return [entry for entry in real(*arrived) if entry.kind is not Kind.RECEIVED]

    plants.put(transfers, "_arrival", arrival)


def decide_a_return_twice() -> None:
    """Whoever looks at a return again decides about its pieces again."""
    plants.put(came_back, "_open", lambda session, number, at: came_back._load(session, number))


def book_a_stocktake_as_of_now() -> None:
    """Counts take effect when they are booked, whatever was sold since."""

    def record(session: Session, entries: Sequence[ledger.Entry], *, now: datetime) -> object:
        return ledger.record(session, [replace(entry, occurred_at=now) for entry in entries], now=now)

    plants.put(stocktakes, "ledger", SimpleNamespace(record=record, later_changes=ledger.later_changes))


def break_what_is_packed() -> None:
    """A bag that is packed counts as if nobody had picked it."""
    plants.put(breaking, "_packed", lambda session, found, shelf: 0)


# ---------------------------------------------------------------- keys


def answer_any_body_with_the_first() -> None:
    """The same key with another body gets the answer to the first."""
    real = idempotency._answer

    def answer(call: idempotency.Call, answers: Any, *, replayed: bool) -> Any:
        same = replace(call, body_hash=answers[call.name][0]) if call.name in answers else call
        return real(same, answers, replayed=replayed)

    plants.put(idempotency, "_answer", answer)


def keep_no_answers() -> None:
    """A request that is repeated under its key is served again."""
    plants.put(idempotency, "_keep", lambda session, fresh, made, now: None)


def forget_the_path_of_a_key() -> None:
    """A key that was used on one path answers on all of them."""

    def call(scope: str, *more: Any) -> idempotency.Call:
        return idempotency.Call(scope.split(" ")[0], *more)

    for door in (http, server):
        plants.put(door, "Call", call)


def fail_everybody_with_one() -> None:
    """An error of one request fails all that are committed together with it."""

    def commit(batches: writer.Batches, units: list[Any]) -> list[Any]:
        try:
            return batches._commit_once(units)
        except Exception as error:
            return [error] * len(units)

    plants.put(writer.Batches, "_commit", commit)


# ---------------------------------------------------------------- channels


def say_yes_before_it_is_stored() -> None:
    """A message is acknowledged, and whoever dies now has lost it."""

    async def receive(context: Any, channel: Any, hook: Any) -> Answer:
        found = channel.adapter.identify(hook)
        return Answer(200) if isinstance(found, Message) else found

    plants.put(inbox, "receive", receive)


def move_the_cursor_first() -> None:
    """A page counts as read before it is booked."""

    async def next_page(context: Any, channel: Any) -> Any:
        before = await context.store.read(lambda session: polling.cursor(session, channel.name, polling.FACTS))
        now = context.clock.now()
        page = await channel.adapter.pull(before, now=now)
        await context.store.write(
            lambda session: polling.advance(session, channel.name, polling.FACTS, page.cursor, now=now)
        )
        await context.store.write(
            lambda session: polling.facts.apply(session, context, channel, page.facts, now=now, booked=[])
        )
        return page

    plants.put(polling, "_next_page", next_page)


def spoil_a_batch_with_one_line() -> None:
    """One line that its channel cannot take fails all lines of its call."""

    async def give_up(channel: Any, shown: Sequence[Any], report: Any, alone: Any) -> list[Any]:
        return [alone] * len(shown)

    plants.put(reconcile, "_halve", give_up)


def let_older_answers_win() -> None:
    """The answer to a write that a newer one has replaced is booked as if it were the newest."""
    real = settle._rows

    def rows(session: Session, channel: Any, claimed: Sequence[Any]) -> Any:
        found = real(session, channel, claimed)
        for one in claimed:
            if (row := found.get(one.key)) is not None:
                row.tag, row.in_flight_until = one.shown.tag, row.in_flight_until or one.shown.at
        return found

    plants.put(settle, "_rows", rows)
