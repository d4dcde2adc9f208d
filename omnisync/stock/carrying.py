"""What a shelf's movements are carried forward as when they leave the journal; pure.

Whatever is asked of the journal later must be answered alike: sums, open promises, blocked pieces by reason, deliveries in
their order, shelves off sale, and why a shelf is to be counted again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby
from typing import Any, NamedTuple, cast

from omnisync.stock.blocked import RETURN
from omnisync.stock.effects import QUANTITIES
from omnisync.stock.incoming import Awaited
from omnisync.stock.recounts import LATE, NEAR, NO_FACTS
from omnisync.values import Kind, Shelf


class Moved(NamedTuple):
    """A row of the journal, with its columns in their order."""

    id: int
    location: str
    sku: str
    kind: str
    quantity: int
    on_hand: int
    reserved: int
    blocked: int
    incoming: int
    safety: int
    backorder: int
    key: str | None
    cause: str
    promise: str | None
    reason: str | None
    due_at: datetime | None
    occurred_at: datetime
    recorded_at: datetime

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.location, self.sku)

    @property
    def changes(self) -> tuple[int, ...]:
        """Of the quantities, in their order."""
        return self[_FIRST : _FIRST + len(QUANTITIES)]  # type: ignore[return-value]

    def changing(self, **quantities: int) -> Moved:
        """The same row, had it changed these quantities and nothing else."""
        return self._replace(**cast("Any", _NOTHING | quantities))

    def opening(self, cause: str, pieces: int, **quantities: int) -> Moved:
        """A row that carries so many pieces forward."""
        row = self._replace(kind=Kind.OPENING.value, quantity=pieces, key=None, cause=cause, due_at=None)
        return row.changing(**quantities)


_NOTHING = dict.fromkeys(QUANTITIES, 0)
_FIRST = Moved._fields.index(QUANTITIES[0])


@dataclass
class _Group:
    """Pieces that stay told apart, with the movement that speaks for them."""

    row: Moved
    pieces: int = 0
    last_id: int = 0


@dataclass
class Carrying:
    """One shelf while its movements go by, in the order of the journal."""

    by: str
    """What the rest of it names as its cause."""
    ids: array[int] = field(default_factory=lambda: array("q"))
    sums: dict[str, int] = field(default_factory=_NOTHING.copy)
    promises: dict[str, _Group] = field(default_factory=dict)
    blocked: dict[tuple[str | None, str], _Group] = field(default_factory=dict)
    awaited: Awaited = field(default_factory=Awaited)
    first: Moved | None = None
    """That said something of what is on hand."""
    counts: list[Moved] = field(default_factory=list)
    """Those of the last moment at which it was counted."""
    late: list[Moved] = field(default_factory=list)
    off_sale: Moved | None = None
    latest: Moved | None = None
    """The last one, with the latest times that any of them tells."""

    def add(self, row: Moved) -> None:
        """The next movement of this shelf."""
        self.ids.append(row.id)
        before = self.latest or row
        self.latest = row._replace(
            occurred_at=max(before.occurred_at, row.occurred_at), recorded_at=max(before.recorded_at, row.recorded_at)
        )
        for name, change in zip(QUANTITIES, row.changes, strict=True):
            self.sums[name] += change
        if row.promise is not None and row.reserved:
            self._promise(row.promise, row)
        if row.blocked:
            told_apart = row.reason, row.cause if row.cause.startswith(RETURN) else self.by
            group = self.blocked.setdefault(told_apart, _Group(row))
            group.pieces, group.last_id = group.pieces + row.blocked, row.id
        if row.incoming:
            self.awaited.book(row.incoming, row.cause, row.due_at, row.id)
        self._remember(row)

    def _promise(self, name: str, row: Moved) -> None:
        group = self.promises.setdefault(name, _Group(row))
        group.pieces += row.reserved
        if not group.pieces:
            del self.promises[name]

    def _remember(self, row: Moved) -> None:
        """What recounts and off sale are decided by."""
        if row.on_hand and self.first is None:
            self.first = row
        if row.kind == Kind.OFF_SALE:
            self.off_sale = row
        elif row.kind == Kind.COUNT:
            self._count(row)
        elif row.on_hand and row.kind not in NO_FACTS and row.recorded_at - row.occurred_at >= LATE:
            self.late.append(row)

    def _count(self, row: Moved) -> None:
        if self.counts and row.occurred_at < self.counts[0].occurred_at:
            return
        if self.counts and row.occurred_at > self.counts[0].occurred_at:
            self.counts.clear()
        self.counts.append(row)
        if self.off_sale is not None and self.off_sale.recorded_at <= row.occurred_at:
            self.off_sale = None

    # ------------------------------------------------------------ what is carried

    def carried(self) -> list[Moved]:
        """Few rows that say the same, each under the number of a movement that it carries."""
        rest, found = self.sums.copy(), dict[int, Moved]()
        for row in (*self._kept(), *self._groups()):
            for name, change in zip(QUANTITIES, row.changes, strict=True):
                rest[name] -= change
            number = row.id if row.id not in found else self._free(found)
            found[number] = row._replace(id=number)
        if any(rest.values()) or not found:
            self._put_rest(found, rest)
        return [found[number] for number in sorted(found)]

    def _kept(self) -> Iterator[Moved]:
        """What recounts and off sale still go by, each once, without what else it did."""
        counts = [row for row in self.counts if row.on_hand]
        late = [row for row in self.late if self.counts and _is_late(row, self.counts[0].occurred_at)]
        first = [self.first] if counts and self.first is not None else []
        off_sale = [self.off_sale] if self.off_sale is not None else []
        for row in {row.id: row for row in (*first, *counts, *late[-1:], *off_sale)}.values():
            yield row._replace(key=None, promise=None).changing(on_hand=row.on_hand)

    def _groups(self) -> Iterator[Moved]:
        """Open promises, blocked pieces by their reason, deliveries that are still to come."""
        for group in self.promises.values():
            yield group.row.opening(group.row.cause, group.pieces, reserved=group.pieces)
        for (reason, cause), group in self.blocked.items():
            # What lifts more than was blocked for its reason comes after all that it may lift.
            number = group.row.id if group.pieces > 0 else group.last_id
            named = group.row._replace(id=number, reason=reason, promise=None)
            if group.pieces:
                yield named.opening(cause, group.pieces, blocked=group.pieces)
        for lot in self.awaited.lots:
            named = self._unnamed()._replace(id=lot.movement or 0)
            yield named.opening(lot.cause, lot.pieces, incoming=lot.pieces)._replace(due_at=lot.due_at)

    def _put_rest(self, found: dict[int, Moved], rest: dict[str, int]) -> None:
        if len(found) < len(self.ids):
            number = self._free(found)
            found[number] = self._unnamed()._replace(id=number).opening(self.by, rest["on_hand"], **rest)
        else:  # one movement said two things, as goods awaited that can be promised: so does what carries it
            number = max(number for number, row in found.items() if row.kind == Kind.OPENING)
            both = {name: getattr(found[number], name) + rest[name] for name in QUANTITIES}
            found[number] = found[number].changing(**both)

    def _unnamed(self) -> Moved:
        assert self.latest is not None, "a shelf is carried forward when something was said of it"
        return self.latest._replace(promise=None, reason=None)

    def _free(self, taken: Mapping[int, Moved]) -> int:
        return next(number for number in reversed(self.ids) if number not in taken)


def _is_late(row: Moved, counted_at: datetime) -> bool:
    """Told after the count, and so near to it that it may lie on the wrong side."""
    return abs(row.occurred_at - counted_at) < NEAR and row.recorded_at > counted_at


class Line(NamedTuple):
    """One line of an archive: a movement that leaves the journal, or what is carried forward."""

    is_carried: bool
    row: Moved


def fold(rows: Iterable[Moved], *, by: str, after: int) -> Iterator[Line]:
    """The movements of whole shelves, in the order (location, sku, id), each shelf followed by what it is carried forward as.

    Left out are shelves of which nothing was said after `after`: they were carried before.
    """
    for _, group in groupby(rows, key=lambda row: row.shelf):
        of_shelf, earlier = iter(group), list[Moved]()
        for row in of_shelf:
            if row.id > after:
                yield from _fold_shelf(chain(earlier, (row,), of_shelf), by)
                break
            earlier.append(row)


def _fold_shelf(rows: Iterable[Moved], by: str) -> Iterator[Line]:
    shelf = Carrying(by)
    for row in rows:
        shelf.add(row)
        yield Line(is_carried=False, row=row)
    for row in shelf.carried():
        yield Line(is_carried=True, row=row)
