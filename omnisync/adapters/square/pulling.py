"""Reading what changed: orders, then inventory changes, then counts, each with its own watermark, a page at a time.

Orders come first, so that a lower count is already explained by the sale that caused it. A stage's watermark moves only
after its last page: Square sorts changes by the time they occurred but filters them by the time it learnt of them.

What is told late is found by looking back behind the watermark. But all that we write comes back as a change and a count: such a round is
made every half minute, and those between, one before each write, read what is new since it began and move no watermark.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from omnisync.adapters.base import Fact, OrderSeen, Page
from omnisync.adapters.square import inventory, orders
from omnisync.adapters.square.wire import Json, Rejected, Wire, rows
from omnisync.adapters.square.words import unread_order
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

OVERLAP, SHORT_OVERLAP = timedelta(seconds=120), timedelta(seconds=10)
THOROUGH_EVERY = timedelta(seconds=30)
LOCATIONS_PER_SEARCH = 10
FIRST_READ = timedelta(days=90)
"""How far back the first round looks for orders that are still open, unless it is told where to begin."""
PAGE_LIFE = timedelta(minutes=5)
"""Square's page cursors do not live for ever and show nothing newer than their first request: after such a pause the round
starts again, each stage at its watermark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a pull stands: the stage, Square's page in it, when it was asked for, the newest time seen, all watermarks; when a thorough
    round began last, and whether that is this one."""

    stage: str = ""
    page: str | None = None
    asked: str | None = None
    newest: str | None = None
    since: Mapping[str, str] = field(default_factory=dict)
    thorough_at: str | None = None
    thorough: bool = True

    @classmethod
    def read(cls, cursor: str | None) -> Mark:
        """From the beginning without one, and after a version of ours that wrote another kind."""
        if cursor is None:
            return cls()
        try:
            stage, page, asked, newest, since, thorough_at, thorough = from_cursor(cursor, 7)
            times = (page or None, asked or None, newest or None)
            return cls(stage, *times, json.loads(since), thorough_at or None, bool(thorough))
        except ValueError:
            return cls()

    def write(self) -> str:
        since = json.dumps(dict(sorted(self.since.items())), separators=(",", ":"))
        far = (self.thorough_at or "", "thorough" if self.thorough else "")
        return to_cursor(self.stage, self.page or "", self.asked or "", self.newest or "", since, *far)

    def begin(self, now: datetime) -> Mark:
        """A thorough round, if it is time again."""
        thorough = self.thorough_at is None or now - parse_time(self.thorough_at) >= THOROUGH_EVERY
        return replace(self, thorough=thorough, thorough_at=format_time(now) if thorough else self.thorough_at)


@dataclass(frozen=True, slots=True)
class Read:
    """One page of one stage."""

    facts: Sequence[Fact]
    page: str | None
    times: Sequence[datetime]


class Pulling:
    """Reads the places of the location map; those added later are read from the beginning."""

    def __init__(self, wire: Wire, places: Sequence[str], start_at: str | None = None) -> None:
        self._wire, self._start_at = wire, start_at
        ordered = sorted(places)
        groups = [ordered[at : at + LOCATIONS_PER_SEARCH] for at in range(0, len(ordered), LOCATIONS_PER_SEARCH)]
        readers = {"orders": self._orders, "changes": self._changes, "counts": self._counts}
        self._stages = {
            f"{what} {','.join(group)}": (reader, group) for what, reader in readers.items() for group in groups
        }
        self._places = ordered

    async def pull(self, cursor: str | None, now: datetime) -> Page:
        """One page of one stage."""
        names = list(self._stages)
        if not names:
            return Page((), cursor)
        mark = Mark.read(cursor)
        paused = mark.asked is None or now - parse_time(mark.asked) > PAGE_LIFE
        if paused or mark.stage not in self._stages:
            mark = Mark(names[0], since=mark.since)
        if mark.stage == names[0] and mark.page is None:
            mark = mark.begin(now)
        mark = replace(mark, asked=format_time(now), since={**self._beginnings(now), **mark.since})
        read = await self._page(mark)
        after = _turn(mark, read, names, self._passed(mark))
        return Page(read.facts, after.write(), more=after.page is not None or after.stage != names[0])

    async def _page(self, mark: Mark) -> Read:
        reader, group = self._stages[mark.stage]
        since = self._since(mark)
        try:
            return await reader(group, since, mark.page)
        except Rejected as rejected:
            if mark.page is None or not rejected.because("INVALID_CURSOR"):
                raise
            # Square forgets its page cursors after a while; the watermark has not moved, so nothing is lost.
            return await reader(group, since, None)

    def _beginnings(self, now: datetime) -> Mapping[str, str]:
        """Watermarks of the first round: the years before are not read. Levels are: they say what is there now."""
        began = format_time(now - FIRST_READ + OVERLAP)
        return {} if self._start_at else {name: began for name in self._stages if not name.startswith("counts")}

    def _since(self, mark: Mark) -> str | None:
        watermark = mark.since.get(mark.stage)
        if not mark.thorough and mark.thorough_at:
            return format_time(parse_time(mark.thorough_at) + self._wire.skew - SHORT_OVERLAP)
        return format_time(parse_time(watermark) - OVERLAP) if watermark else self._start_at

    def _passed(self, mark: Mark) -> str | None:
        """What came before that was read for good, if Square's clock is known: ten thousand counts of last night are not the newest, and
        read again, until somebody sells something. Once more as far back as what may be told late, for a clock that is not quite right."""
        if not (self._wire.clock_known and mark.thorough_at):
            return None
        return format_time(parse_time(mark.thorough_at) + self._wire.skew - OVERLAP)

    async def _orders(self, places: Sequence[str], since: str | None, page: str | None) -> Read:
        answer = await self._wire.search_orders(places, since, page)
        found = rows(answer, "orders")
        times = [parse_time(order["updated_at"]) for order in found]
        return Read(await self.facts_of(found), answer.get("cursor") or None, times)

    async def _changes(self, places: Sequence[str], since: str | None, page: str | None) -> Read:
        answer = await self._wire.changes_page(places, since=since, page=page)
        found = rows(answer, "changes")
        times = [inventory.learnt_at(change) for change in found]
        return Read(await self.facts_of_changes(found), answer.get("cursor") or None, times)

    async def _counts(self, places: Sequence[str], since: str | None, page: str | None) -> Read:
        answer = await self._wire.counts_page(places, since=since, page=page)
        levels = [level for count in rows(answer, "counts") if (level := inventory.level(count))]
        return Read(levels, answer.get("cursor") or None, [level.at for level in levels if level.at])

    # ------------------------------------------------------------ following

    async def facts_of(self, found: Sequence[Json]) -> list[Fact]:
        """Orders as they are now. An order of returns speaks of the orders that the goods were sold with."""
        sources = {
            one["source_order_id"]
            for order in found
            for one in order.get("returns") or ()
            if one.get("source_order_id")
        }
        known = {order["id"]: order for order in found}
        known |= {order["id"]: order for order in await self._wire.orders(sorted(sources - known.keys()))}
        returns = await self._returns(list(known.values()))
        facts: list[Fact] = []
        for order in known.values():
            back = returns.get(order["id"], [])
            facts += _told(order, back)
        return facts

    async def facts_of_changes(self, changes: Sequence[Json]) -> list[Fact]:
        """Counts and movements, and the orders behind returns and behind sales that reached Square late."""
        others = [change for change in changes if not inventory.is_ours(change)]
        facts = await self.facts_of(await self._wire.orders(_orders_behind(others)))
        restocked = {
            restock.id
            for fact in facts
            if isinstance(fact, OrderSeen)
            for line in fact.lines
            for restock in line.restocks
        }
        rest = [
            change for change in others if not inventory.sold_order(change) and inventory.id_of(change) not in restocked
        ]
        return [*facts, *(fact for change in rest if (fact := inventory.change_fact(change)))]

    async def _returns(self, found: Sequence[Json]) -> dict[str, list[Json]]:
        """Of each order with refunds, the adjustments that put its goods back on a shelf: a refund alone moves none."""
        refunded = [order for order in found if order.get("refunds") or order.get("returns")]
        family = _families(refunded)
        objects = sorted(
            {item["catalog_object_id"] for order in refunded for item in _goods(order) if item.get("catalog_object_id")}
        )
        if not objects:
            return {}
        oldest = min(parse_time(order["created_at"]) for order in refunded)
        changes = await self._wire.changes(objects, self._places, format_time(oldest - OVERLAP))
        back: dict[str, list[Json]] = {}
        for change in changes:
            caused_by = inventory.returned_order(change)
            source = family.get(caused_by or "") or family.get(str((change.get("adjustment") or {}).get("refund_id")))
            if caused_by and source:
                back.setdefault(source, []).append(change["adjustment"])
        return back


def _told(order: Json, back: Sequence[Json]) -> Sequence[Fact]:
    """An order that nobody can read stands alone."""
    try:
        return orders.order_facts(order, back, max((parse_time(one["created_at"]) for one in back), default=None))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        return [unread_order(str(order["id"]), error)]


def _orders_behind(changes: Sequence[Json]) -> list[str]:
    """Orders whose goods came back, and those whose sale reached Square so late that their own time is past the watermark."""
    back = [inventory.returned_order(change) for change in changes]
    late = [
        inventory.sold_order(change) for change in changes if inventory.learnt_late(change, OVERLAP.total_seconds())
    ]
    return [order for order in (*back, *late) if order]


def _families(refunded: Sequence[Json]) -> dict[str, str]:
    """Ids of orders, of their return orders and of their refunds -> the order the goods were sold with."""
    family: dict[str, str] = {}
    for order in refunded:
        sources = [one["source_order_id"] for one in order.get("returns") or () if one.get("source_order_id")]
        home = sources[0] if len(sources) == 1 else order["id"]
        family[order["id"]] = home
        for refund in order.get("refunds") or ():
            family[refund["id"]] = home
    return family


def _goods(order: Json) -> list[Json]:
    back = [item for one in order.get("returns") or () for item in one.get("return_line_items") or ()]
    return [*(order.get("line_items") or ()), *back]


def _turn(mark: Mark, read: Read, names: Sequence[str], passed: str | None) -> Mark:
    newest = max([*read.times, *([parse_time(mark.newest)] if mark.newest else [])], default=None)
    text = format_time(newest) if newest else None
    if read.page:
        return replace(mark, page=read.page, newest=text)
    since = {name: at for name, at in mark.since.items() if name in names}
    known = [at for at in (text, since.get(mark.stage), passed) if at]
    if known and mark.thorough:
        since[mark.stage] = max(known, key=parse_time)
    following = names[(names.index(mark.stage) + 1) % len(names)]
    return replace(mark, stage=following, page=None, newest=None, since=since)
