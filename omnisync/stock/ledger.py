"""Writing facts into the journal: whatever happened is recorded, even below zero, and balances follow in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import backorder
from omnisync.stock import archives, incoming, known, shelves, shortages
from omnisync.stock.effects import EFFECTS, Effect, Level, change_of
from omnisync.stock.incoming import Awaited
from omnisync.stock.tables import Movement
from omnisync.values import Kind, Shelf

movement = db.table(Movement)
_CLOCKS_APART = timedelta(hours=1)
"""A shelf that has not changed since so long before a moment has no movement after it, however far clocks are apart."""


@dataclass(slots=True)
class Entry:
    """What somebody says happened on one shelf.

    `quantity` is positive pieces; for COUNT the counted level, for SAFETY and BACKORDER the new level (all >= 0); OFF_SALE has none. `key` names the effect
    for ever: the same key twice is one movement. `physical=False` stands in the journal but moves no on_hand: the second
    of a till and a pickup desk that both book one hand-over.
    """

    kind: Kind
    sku: str
    location: str
    quantity: int
    cause: str
    occurred_at: datetime
    key: str | None = None
    reason: str | None = None
    promise: str | None = None
    physical: bool = True
    due_at: datetime | None = None
    """When what is awaited is expected."""
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.location, self.sku)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one entry; `shortage` counts the promised pieces that it made impossible."""

    duplicate: bool = False
    shortage: int = 0


_RECORDED, _DUPLICATE = Recorded(), Recorded(duplicate=True)
"""What becomes of nearly all."""


@dataclass
class _Book:
    """The shelves of one batch while its entries are being worked out; pure."""

    levels: dict[Shelf, Level]
    counted_at: dict[Shelf, datetime]
    later: Mapping[tuple[Shelf, datetime], int]
    """on_hand changes in the journal after a count's moment, for each count of the batch."""
    rows: list[tuple[Entry, Level]] = field(default_factory=list)
    rows_of: dict[Shelf, list[tuple[Entry, Level]]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[Shelf, datetime] = field(default_factory=dict)
    coming: Mapping[Shelf, Awaited] = field(default_factory=dict)
    """What is awaited on the shelves of which the batch says something about it."""
    awaited_can_be_had: Collection[str] = ()
    """SKUs of which what is awaited may be promised."""
    off_sale: dict[Shelf, datetime] = field(default_factory=dict)
    """Taken off sale at that moment, and not counted since."""

    def add(self, entry: Entry) -> Recorded:
        before = self.levels[entry.shelf]
        self._put(entry, self._change(entry, before))
        self._settle_late(entry)
        more = self.levels[entry.shelf].short - before.short
        return Recorded(shortage=more) if more > 0 else _RECORDED

    def _change(self, entry: Entry, before: Level) -> Level:
        if entry.kind is Kind.COUNT:
            return Level(on_hand=entry.quantity - self._on_hand_at(entry.shelf, entry.occurred_at))
        if entry.kind is Kind.SAFETY:
            return Level(safety=entry.quantity - before.safety)
        if entry.kind is Kind.BACKORDER:
            return Level(backorder=entry.quantity - before.backorder)
        change = change_of(entry.kind, entry.quantity, before, physical=entry.physical)
        return self._coming(entry, change) if change.incoming else change

    def _coming(self, entry: Entry, change: Level) -> Level:
        coming = self.coming[entry.shelf]
        before = coming.promisable
        coming.book(change.incoming, entry.cause, entry.due_at)
        can_be_had = entry.sku in self.awaited_can_be_had
        return change._replace(backorder=coming.promisable - before) if can_be_had else change

    def _on_hand_at(self, shelf: Shelf, moment: datetime) -> int:
        after = self.later.get((shelf, moment), 0)
        if shelf in self.rows_of:
            after += sum(change.on_hand for row, change in self.rows_of[shelf] if row.occurred_at > moment)
        return self.levels[shelf].on_hand - after

    def _settle_late(self, entry: Entry) -> None:
        """A fact from before the last count is already in that count: it stands in the journal with an equal correction.

        Of two things at the very same moment the one that was recorded first came first.
        """
        shelf, counted_at = entry.shelf, self.counted_at.get(entry.shelf)
        on_hand = self.rows[-1][1].on_hand
        late = counted_at is not None and entry.occurred_at < counted_at
        if counted_at is not None and late and on_hand:
            # No key of any source begins like this, so nobody's own fact can be taken for a correction.
            key = f"counted:{entry.key}" if entry.key else None
            correction = replace(
                entry,
                kind=Kind.COUNTED_ALREADY,
                occurred_at=counted_at,
                key=key,
                promise=None,
                reason="in the count already",
            )
            self._put(correction, Level(on_hand=-on_hand))
        elif entry.kind is Kind.COUNT and not late:
            self.counted_at[shelf] = self.counts[shelf] = entry.occurred_at
            if self.off_sale.get(shelf, entry.occurred_at) <= entry.occurred_at:
                self.off_sale.pop(shelf, None)
        elif entry.kind is Kind.OFF_SALE:
            self.off_sale[shelf] = entry.occurred_at

    def changes(self) -> dict[Shelf, Level]:
        """What became of each shelf, all in all; those of which nothing did are left out."""
        sums = {shelf: reduce(Level.plus, [change for _, change in rows]) for shelf, rows in self.rows_of.items()}
        return {shelf: change for shelf, change in sums.items() if any(change)}

    def _put(self, entry: Entry, change: Level) -> None:
        self.rows.append((entry, change))
        self.rows_of[entry.shelf].append((entry, change))
        self.levels[entry.shelf] = self.levels[entry.shelf].plus(change)


def record(session: Session, entries: Sequence[Entry], *, now: datetime) -> list[Recorded]:
    """Write facts down, one answer each, in their order. An entry whose key is in the journal already changes nothing.

    Shelves are locked in one order; shortages open, grow and close with the levels. Entries are as their source checked them:
    a negative quantity is a ValueError, for then a caller has a bug.
    """
    if any(entry.quantity < 0 for entry in entries):
        raise ValueError("quantities of entries are never negative; the kind says the direction")
    locked = shelves.lock_or_make(session, {entry.shelf for entry in entries}, now=now)
    known = _known_keys(session, entries)
    fresh = [entry for entry in _first_of_each_key(entries) if entry.key not in known]
    book = _open_book(session, fresh, locked, now)
    outcomes = {id(entry): book.add(entry) for entry in fresh}
    insert(session, book.rows, now=now)
    changes = dict.fromkeys((*locked.made, *book.counts), Level()) | book.changes()
    shelves.write(session, changes, now=now, counted_at=book.counts)
    shelves.take_off_sale(session, book.off_sale, now=now)
    shelves.expect(session, {shelf: coming.due_at for shelf, coming in book.coming.items()})
    shortages.settle(session, locked, book.levels, {row.shelf: row.cause for row, _ in book.rows}, now=now)
    return [outcomes.get(id(entry), _DUPLICATE) for entry in entries]


def _open_book(session: Session, entries: Sequence[Entry], locked: shelves.Locked, now: datetime) -> _Book:
    """With what is awaited where the batch says something about it, and new shelves as their articles want them."""
    dated = {entry.shelf for entry in entries if EFFECTS.get(entry.kind, _NONE).incoming}
    rules = backorder.of(session, {shelf.sku for shelf in dated | locked.made}, lock=True)
    coming = incoming.awaited(session, dated)
    counts = [
        (entry.shelf, entry.occurred_at)
        for entry in entries
        if entry.kind is Kind.COUNT and _changed_since(entry, locked)
    ]
    archives.check_counts(session, counts, now=now)
    book = _Book(
        dict(locked), dict(locked.counted_at), later_changes(session, counts),
        coming={shelf: coming[shelf] for shelf in dated},
        awaited_can_be_had={sku for sku, rule in rules.items() if rule.day is not None},
    )  # fmt: skip
    for shelf in sorted(locked.made):
        if pieces := rules[shelf.sku].pieces if shelf.sku in rules else 0:
            book.add(Entry(Kind.BACKORDER, shelf.sku, shelf.location, pieces, "article", now))
    return book


_NONE = Effect()


def is_known(session: Session, key: str) -> bool:
    """Whether an effect of this name has been recorded, ever."""
    return session.execute(known.effects(("key",), lambda effect: effect.key == key)).first() is not None


def insert(session: Session, rows: Iterable[tuple[Entry, Level]], *, now: datetime) -> None:
    """Append to the journal, one statement for all. Balances are the caller's business, in the same transaction."""
    db.insert_all(session, movement, [_row(entry, change, now) for entry, change in rows])


def _row(entry: Entry, change: Level, now: datetime) -> dict[str, Any]:
    return {
        "location": entry.location, "sku": entry.sku, "kind": entry.kind.value, "quantity": entry.quantity,
        "on_hand": change.on_hand, "reserved": change.reserved, "blocked": change.blocked, "incoming": change.incoming,
        "safety": change.safety, "backorder": change.backorder, "due_at": entry.due_at, "key": entry.key, "cause": entry.cause, "promise": entry.promise,
        "reason": entry.reason, "occurred_at": entry.occurred_at, "recorded_at": now,
    }  # fmt: skip


def _first_of_each_key(entries: Sequence[Entry]) -> list[Entry]:
    seen: set[str] = set()
    first = []
    for entry in entries:
        if entry.key is None or entry.key not in seen:
            first.append(entry)
        if entry.key is not None:
            seen.add(entry.key)
    return first


def _known_keys(session: Session, entries: Sequence[Entry]) -> set[str | None]:
    keys = [entry.key for entry in entries if entry.key is not None]
    if not keys:
        return set()
    return set(session.execute(_KNOWN, {"keys": keys}).scalars())


_KEYS = sa.bindparam("keys", type_=db.Many())
_KNOWN = known.effects(("key",), lambda effect: db.among(effect.key, _KEYS))


def _changed_since(entry: Entry, locked: shelves.Locked) -> bool:
    """Whether the journal may hold anything of this shelf after the entry's moment."""
    changed_at = locked.changed_at.get(entry.shelf)
    return changed_at is not None and changed_at > entry.occurred_at - _CLOCKS_APART


_MOMENT = db.rows("moment", movement.c.location, movement.c.sku, movement.c.occurred_at)
_LATER = (
    sa.select(_MOMENT.c.location, _MOMENT.c.sku, _MOMENT.c.occurred_at, sa.func.sum(movement.c.on_hand))
    .join(movement, sa.and_(movement.c.location == _MOMENT.c.location, movement.c.sku == _MOMENT.c.sku))
    .where(movement.c.occurred_at > _MOMENT.c.occurred_at)
    .group_by(_MOMENT.c.location, _MOMENT.c.sku, _MOMENT.c.occurred_at)
)


def later_changes(session: Session, moments: Iterable[tuple[Shelf, datetime]]) -> Mapping[tuple[Shelf, datetime], int]:
    """For each shelf and moment: how on_hand changed after it, by the journal. One query for all."""
    later: dict[tuple[Shelf, datetime], int] = defaultdict(int)
    wanted = [{"location": at.location, "sku": at.sku, "occurred_at": moment} for at, moment in set(moments)]
    for location, sku, moment, change in session.execute(_LATER, {"moment": wanted}) if wanted else ():
        later[Shelf(location, sku), moment] = int(change)
    return later
