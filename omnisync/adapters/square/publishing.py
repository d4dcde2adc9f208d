"""Showing numbers: absolute counts per location, and prices, so that one bad line spoils no other.

Square has no compare-and-set, but it orders all changes of a shelf by the time they occurred: a count that carries the
moment our number was true keeps every sale made after it, and never replaces a newer count. What was sold before that
moment and is not known to us yet shows in the level read just before: then nothing is written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from omnisync.adapters.base import LevelSeen, Outcome, Published, Shown, Target
from omnisync.adapters.square import catalog, inventory
from omnisync.adapters.square.wire import Fault, Json, Rejected, Wire, faults
from omnisync.clock import Clock
from omnisync.values import format_time

OLDEST = timedelta(hours=23, minutes=55)
"""Square refuses what occurred more than 24 hours ago."""
STALE = ("VERSION_MISMATCH", "CONFLICT")
ROUNDS = 3
ORDER = (Outcome.ATTENTION, Outcome.CHANGED, Outcome.TRY_LATER, Outcome.ACCEPTED, Outcome.APPLIED)
"""Where stock and price of one listing end differently, the first of these is told."""
UNKNOWN = (
    "Look whether the variation still exists in Square and is sold at this location; then match the listing again."
)


class Publishing:
    """Writes to the places of the location map only."""

    def __init__(self, wire: Wire, places: Sequence[str], clock: Clock) -> None:
        self._wire, self._places, self._clock = wire, frozenset(places), clock

    async def look(self, targets: Sequence[Target]) -> list[LevelSeen]:
        """Levels and prices as Square shows them; what it has never counted, or deleted, is left out."""
        placed = [target for target in targets if target.place]
        if not placed:
            return []
        objects = sorted({target.external_id for target in placed})
        counts = await self._levels(placed)
        variations = await self._wire.variations(objects)
        seen = []
        for target in placed:
            count, variation = counts.get((target.external_id, target.place)), variations.get(target.external_id)
            # The counts of a variation outlive it.
            level = inventory.level(count, catalog.price_at(variation, target.place)) if count and variation else None
            if level:
                seen.append(level)
        return seen

    async def publish(self, shown: Sequence[Shown]) -> list[Published]:
        """Stock first: it can be sold twice, a price cannot."""
        stock = await self._stock({at: one for at, one in enumerate(shown) if one.quantity is not None})
        prices = await self._prices({at: one for at, one in enumerate(shown) if one.price is not None})
        return [_worst(stock.get(at), prices.get(at)) for at in range(len(shown))]

    # ------------------------------------------------------------ stock

    async def _stock(self, wanted: Mapping[int, Shown]) -> dict[int, Published]:
        fates: dict[int, Published] = {
            at: _attention("This listing names no location of the location map.", "Map the location in the settings.")
            for at, one in wanted.items()
            if one.target.place not in self._places
        }
        placed = {at: one for at, one in wanted.items() if at not in fates}
        if not placed:
            return fates
        levels = await self._levels([one.target for one in placed.values()])
        writes: dict[int, Shown] = {}
        for at, one in placed.items():
            fate = _without_writing(one, levels.get((one.target.external_id, one.target.place)))
            if fate:
                fates[at] = fate
            else:
                writes[at] = one
        return fates | await self._write(writes)

    async def _levels(self, targets: Sequence[Target]) -> dict[tuple[str, str | None], Json]:
        places = sorted({target.place for target in targets if target.place})
        counts = await self._wire.counts([target.external_id for target in targets], places)
        return {(count["catalog_object_id"], count["location_id"]): count for count in counts}

    async def _write(self, writes: Mapping[int, Shown]) -> dict[int, Published]:
        """All in one request; refused, it is halved until the refusal reaches only its cause."""
        if not writes:
            return {}
        changes = [self._count(one) for one in writes.values()]
        try:
            counts = await self._wire.change_inventory(changes, _key(changes))
        except Rejected as rejected:
            if len(writes) == 1:
                unknown = rejected.because("NOT_FOUND")
                return {at: _attention(rejected.message, UNKNOWN, unknown=unknown) for at in writes}
            half = len(writes) // 2
            first, second = dict(list(writes.items())[:half]), dict(list(writes.items())[half:])
            return await self._write(first) | await self._write(second)
        after = {(count["catalog_object_id"], count["location_id"]): count for count in counts}
        return {at: _fate(one, after.get((one.target.external_id, one.target.place))) for at, one in writes.items()}

    def _count(self, one: Shown) -> Json:
        return {
            "type": "PHYSICAL_COUNT",
            "physical_count": {
                "reference_id": f"{inventory.OURS}{one.tag}"[:255],
                "catalog_object_id": one.target.external_id,
                "state": inventory.IN_STOCK,
                "location_id": one.target.place,
                "quantity": str(one.quantity),
                "occurred_at": format_time(self._moment(one.at)),
            },
        }

    def _moment(self, at: datetime) -> datetime:
        """The moment on Square's clock, neither in its future nor older than it takes."""
        their_now = self._clock.now() + self._wire.skew
        return max(min(at + self._wire.skew, their_now), their_now - OLDEST)

    # ------------------------------------------------------------ prices

    async def _prices(self, wanted: Mapping[int, Shown]) -> dict[int, Published]:
        """A price belongs to the variation: several places of one are one write, the last one given wins."""
        prices = {one.target.external_id: one for one in wanted.values()}
        fates: dict[str, Published] = {}
        for _ in range(ROUNDS):
            stale = await self._price_round({name: one for name, one in prices.items() if name not in fates}, fates)
            if not stale:
                break
        changed = Published(Outcome.TRY_LATER, reason="Somebody edits this article in Square right now.")
        return {at: fates.get(one.target.external_id, changed) for at, one in wanted.items()}

    async def _price_round(self, prices: Mapping[str, Shown], fates: dict[str, Published]) -> bool:
        """Read, write what differs; True when somebody changed an object in between and it must be read again."""
        found = await self._wire.variations(list(prices))
        writes: list[Json] = []
        for name, one in prices.items():
            if name not in found:
                fates[name] = _attention("Square does not know this variation.", UNKNOWN, unknown=True)
            elif one.price and self._differs(found[name], one):
                writes.append(catalog.priced(found[name], one.price, self._places))
            else:
                fates[name] = Published(Outcome.APPLIED)
        refused = await self._upsert(writes)
        for item in writes:
            fault = refused.get(item["id"])
            if fault is None:
                fates[item["id"]] = Published(Outcome.APPLIED)
            elif fault.code not in STALE:
                fates[item["id"]] = _attention(f"{fault.code}: {fault.detail}", "Correct the article in Square.")
        return any(item["id"] not in fates for item in writes)

    def _differs(self, variation: Json, one: Shown) -> bool:
        return any(catalog.price_at(variation, place) != one.price for place in (None, *self._places))

    async def _upsert(self, objects: Sequence[Json]) -> dict[str, Fault]:
        """What was refused, with its reason. A request with one object knows whose fault it is; others are asked again alone."""
        if not objects:
            return {}
        try:
            answer = await self._wire.upsert(objects, _key(objects))
        except Rejected as rejected:
            if len(objects) == 1:
                return {objects[0]["id"]: rejected.faults[0] if rejected.faults else Fault("REJECTED", "")}
            missing: Sequence[Json] = objects
        else:
            done = {item["id"] for item in answer.get("objects", [])}
            missing = [item for item in objects if item["id"] not in done]
            if len(objects) == 1 and missing:
                return {missing[0]["id"]: (faults(answer) or [Fault("REJECTED", "")])[0]}
        refused: dict[str, Fault] = {}
        for item in missing:
            refused |= await self._upsert([item])
        return refused


def _without_writing(one: Shown, count: Json | None) -> Published | None:
    """The fate of a write that is not needed, or that would overwrite something we do not know yet; None to write."""
    level = inventory.level(count) if count else None
    if level is None:
        return None
    if level.quantity == one.quantity:
        return Published(Outcome.APPLIED, actual=level.quantity)
    if one.compare is not None and level.quantity != one.compare:
        return Published(
            Outcome.CHANGED, actual=level.quantity, reason="The till shows something else than we believed."
        )
    return None


def _fate(one: Shown, count: Json | None) -> Published:
    level = inventory.level(count) if count else None
    if level is None or level.quantity == one.quantity:
        return Published(Outcome.APPLIED, actual=one.quantity)
    return Published(Outcome.CHANGED, actual=level.quantity, reason="Something was sold or counted since.")


def _worst(*fates: Published | None) -> Published:
    told = [fate for fate in fates if fate]
    return min(told, key=lambda fate: ORDER.index(fate.outcome)) if told else Published(Outcome.APPLIED)


def _attention(reason: str, action: str, *, unknown: bool = False) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action, unknown=unknown)


def _key(body: Any) -> str:
    """The idempotency key of a write is its content: the same write again is the same, another one never collides."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
