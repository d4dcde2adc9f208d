"""Which listings show something else than they should: computed from the ledger, remembered on their rows."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from omnisync import db
from omnisync.catalog.tables import Component
from omnisync.stock.tables import Balance
from omnisync.sync import cursors, deadletters, guard, health, levels, pricing, sweep
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import OF_LISTINGS, mark
from omnisync.sync.tables import ChannelHealth, Cursor, ShownState
from omnisync.sync.wanted import BATCH, Wanted, contents_of, wanted

OVERLAP = timedelta(seconds=30)
"""A balance that was changed at noon may be committed a moment after; longer transactions are found by the full pass."""
FULL_EVERY = timedelta(minutes=5)
_UNDER_WAY = "under way"
_balance, _component, _cursor_table = db.table(Balance), db.table(Component), db.table(Cursor)
_shown = db.table(ShownState)


Seen = dict[Hashable, Hashable]
"""What a worker has computed from: shelves, prices and provisional pieces, each as it was then. What is still so needs no second look."""


@dataclass(frozen=True, slots=True)
class Task:
    """Which articles of a channel are to be computed again."""

    skus: tuple[str, ...]
    full: bool = False
    """Everything that the channel lists; whoever carries it out finds it page by page (`sweep`)."""
    scanned: bool = True
    """Whether everything that changed of late was looked at, not only what somebody named."""
    seen: Seen = field(default_factory=dict)

    def chunks(self) -> list[tuple[str, ...]]:
        """In pieces short enough that nobody waits long for the database."""
        return [self.skus[start : start + BATCH] for start in range(0, len(self.skus), BATCH)]


def task(
    session: Session,
    channel: Channel,
    *,
    now: datetime,
    full: bool = False,
    hints: Collection[str] = (),
    seen: Mapping[Hashable, Hashable] = MappingProxyType({}),
) -> Task:
    """What may have changed since the last refresh and was not seen as it is now; everything when that was too long ago."""
    changes = None if full or _full_due(session, channel, now) else _changes(session, channel, now)
    if changes is None:
        return Task((), full=True)
    fresh = {change.sku for change in changes if seen.get(change.of) != change.state}
    return Task(_related(session, fresh | set(hints)), seen={change.of: change.state for change in changes})


def hinted(session: Session, hints: Collection[str]) -> Task:
    """Just these articles and what they are parts of."""
    rows = session.execute(_SHELVES_OF, {"skus": sorted(hints)})
    seen: Seen = {change.of: change.state for change in map(_of_shelf, rows)}
    return Task(_related(session, hints), scanned=False, seen=seen)


def compute(session: Session, context: Context, channel: Channel, skus: Collection[str], *, now: datetime) -> None:
    """Write on the rows of these articles what each should show, and since when it does not."""
    shows = _showing(session, channel, skus)
    wishes = [wish for wish in wanted(session, context, channel, skus, now=now) if sweep.state_of(wish) not in shows]
    rows = _rows(session, channel, wishes)
    nobody_writes = channel.in_shadow and not health.is_live(
        session, channel
    )  # it may have gone live during this round
    known_until = _known_until(session, channel, wishes, now)
    for wish, row in zip(wishes, rows, strict=True):
        wish_for(session, row, wish, now=now, known_until=known_until)
        if nobody_writes:  # so it does not wait
            row.behind_since = None
    deadletters.shown_after_all(session, channel.name, rows, now=now)
    session.flush()


def begin_full(session: Session, channel: Channel, *, now: datetime) -> None:
    """A pass over everything begins. Whoever asks for one from now on asks for another, and one that is cut off is due again."""
    cursors.put(session, channel.name, "full", _UNDER_WAY, at=now)


def finish(session: Session, context: Context, channel: Channel, done: Task, *, now: datetime) -> None:
    """After all pieces of a task: let the guard look, remember how far we are."""
    if done.full or done.skus:
        guard.hold_back(session, context, channel, now=now)
        session.flush()
    if done.scanned:
        _advance(session, channel, now=now, full=done.full)


def advanced(session: Session, channel: Channel, *, now: datetime) -> bool:
    """Whether the time up to which we looked is so near that it need not be written down again."""
    last = _looked_until(session, channel)
    return last is not None and now - last < OVERLAP / 2


def ask_for_all(session: Session, channel: Channel) -> None:
    """Let the next refresh look at every listing: mappings, settings or the listings themselves have changed."""
    session.execute(
        sa.delete(_cursor_table).where(_cursor_table.c.channel == channel.name, _cursor_table.c.name == "full")
    )


def compare_all(session: Session, channel: Channel, *, now: datetime) -> None:
    """Let every listing be computed and read back again, and the channel be called at once. What it has accepted keeps its time to
    arrive: nobody is accused of dropping what is on its way."""
    ask_for_all(session, channel)
    ours = sa.update(_shown).where(_shown.c.channel == channel.name)
    session.execute(ours.values(look_at=now))
    session.execute(ours.where(_shown.c.unsettled.is_distinct_from("accepted")).values(next_try_at=None))
    session.execute(sa.update(ChannelHealth).where(col(ChannelHealth.channel) == channel.name).values(retry_at=None))


def wish_for(
    session: Session, row: ShownState, wish: Wanted, *, now: datetime, known_until: datetime | None = None
) -> None:
    """Set what a row should show. It is behind from the change of stock that made it differ; where something else did (a price, a
    rule, a level of another channel, a new listing), from now on. Stock that changed before `known_until` was computed before."""
    by_stock = row.wanted not in (None, wish.quantity) and wish.changed_at is not None
    if by_stock and known_until is not None and wish.changed_at is not None:
        by_stock = wish.changed_at >= known_until
    waits_for_budget = not row.failures and row.unsettled != "accepted"
    if waits_for_budget and wish.quantity is not None and wish.quantity < (row.wanted or 0):
        row.next_try_at = (
            None  # what may not be offered any more waits for no budget; for what was accepted see `claims.waiting`
        )
    if row.sku != wish.sku:
        levels.is_now_of(session, row, wish.sku, now=now)
    row.wanted = wish.quantity
    row.emptied_since = None if wish.quantity else row.emptied_since
    row.wanted_price_minor = None if wish.price is None else wish.price.minor
    row.wanted_price_currency = None if wish.price is None else wish.price.currency
    mark(row, since=wish.changed_at if by_stock else None, now=now)


def _known_until(session: Session, channel: Channel, wishes: Sequence[Wanted], now: datetime) -> datetime | None:
    """Before which every change of stock was computed already; None where nothing asks for it."""
    if all(wish.changed_at is None or now - wish.changed_at <= OVERLAP for wish in wishes):
        return None
    looked_until = _looked_until(session, channel)
    return None if looked_until is None else looked_until - OVERLAP


# ---------------------------------------------------------------- whom to look at


@dataclass(frozen=True, slots=True)
class _Change:
    """Something that a listing's number or price is made of, and how it stands now."""

    sku: str
    of: Hashable
    state: Hashable


def _changes(session: Session, channel: Channel, now: datetime) -> list[_Change] | None:
    since = _looked_until(session, channel)
    if since is None:
        return None
    since -= OVERLAP
    priced = pricing.changed(session, channel, since=since, now=now)
    if priced is None:
        return None
    shelves = session.execute(_SHELVES_SINCE, {"since": since})
    return [
        *map(_of_shelf, shelves),
        *(_Change(sku, ("price", sku), at) for sku, at in priced.items()),
        *_provisional(session, since),
    ]


_SHELVES = sa.select(
    _balance.c.sku, _balance.c.location, _balance.c.changed_at, _balance.c.on_hand, _balance.c.reserved,
    _balance.c.blocked, _balance.c.safety, _balance.c.off_sale,
)  # fmt: skip
_SHELVES_OF = _SHELVES.where(db.among(_balance.c.sku, db.many("skus")))
_SHELVES_SINCE = _SHELVES.where(_balance.c.changed_at >= sa.bindparam("since"))


def _of_shelf(row: sa.Row[Any]) -> _Change:
    # The time alone would not do: of two transactions the one that began first may commit last.
    return _Change(row.sku, (row.location, row.sku), tuple(row)[2:])


def _provisional(session: Session, since: datetime) -> list[_Change]:
    # Provisional pieces of any channel count here: what one channel seems to have sold, the others must not offer.
    return [
        _Change(row.sku, (row.channel, row.external_id, row.place), (row.provisional, row.provisional_at))
        for row in session.execute(_PROVISIONAL_SINCE, {"since": since})
    ]


_PROVISIONAL_SINCE = sa.select(
    _shown.c.sku, _shown.c.channel, _shown.c.external_id, _shown.c.place, _shown.c.provisional, _shown.c.provisional_at,
).where(_shown.c.provisional_at >= sa.bindparam("since"))  # fmt: skip


def _related(session: Session, skus: Collection[str]) -> tuple[str, ...]:
    """These, what the bundles among them hold, and all bundles that hold any of it: a bundle that seems sold takes its parts along."""
    found = {*skus, *chain.from_iterable(contents_of(session, skus).values())}
    level = sorted(found)
    while level:
        above: set[str] = set()
        for start in range(0, len(level), BATCH):
            chunk = level[start : start + BATCH]
            above |= set(session.execute(_BUNDLES, {"skus": chunk}).scalars())
        level = sorted(above - found)
        found |= above
    return tuple(sorted(found))


_BUNDLES = sa.select(_component.c.bundle).where(db.among(_component.c.sku, db.many("skus")))


def _showing(session: Session, channel: Channel, skus: Collection[str]) -> set[tuple[Any, ...]]:
    """What the rows want that show just this: nothing is to be done about these."""
    rows = session.execute(_STANDING, {"channel": channel.name, "skus": sorted(skus)}).all()
    return {tuple(row)[:-1] for row in rows if row[-1]}


_STANDING = sweep.stands().where(_shown.c.channel == sa.bindparam("channel"), db.among(_shown.c.sku, db.many("skus")))


def _rows(session: Session, channel: Channel, wishes: Sequence[Wanted]) -> list[ShownState]:
    """The row of each wish, made where there is none."""
    found: dict[tuple[str, str], ShownState] = {}
    names = sorted({wish.external_id for wish in wishes})
    for start in range(0, len(names), BATCH):
        given = {"channel": channel.name, "external_ids": names[start : start + BATCH]}
        found |= {(row.external_id, row.place): row for row in session.execute(OF_LISTINGS, given).scalars()}
    for wish in wishes:
        key = (wish.external_id, wish.place)
        if key not in found:
            found[key] = ShownState(channel=channel.name, external_id=key[0], place=key[1], sku=wish.sku)
            session.add(found[key])
    return [found[wish.external_id, wish.place] for wish in wishes]


# ---------------------------------------------------------------- how far we are


def _full_due(session: Session, channel: Channel, now: datetime) -> bool:
    row = cursors.find(session, channel.name, "full")
    return row is None or row.value == _UNDER_WAY or now - row.at >= FULL_EVERY


def _looked_until(session: Session, channel: Channel) -> datetime | None:
    row = cursors.find(session, channel.name, "balances")
    return None if row is None else row.at


def _advance(session: Session, channel: Channel, *, now: datetime, full: bool) -> None:
    cursors.put(session, channel.name, "balances", None, at=now)
    if full:
        begun = sa.and_(_cursor_table.c.channel == channel.name, _cursor_table.c.name == "full", _cursor_table.c.value == _UNDER_WAY)  # fmt: skip
        session.execute(sa.update(_cursor_table).where(begun).values(value=None, at=now))
