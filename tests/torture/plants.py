"""Mistakes that authors of adapters make, put into the example of the documentation, and the torment that each is found by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from omnisync.adapters.base import (
    Adapter,
    Fact,
    Forged,
    Hook,
    Identified,
    ListingPage,
    Message,
    News,
    OrderSeen,
    Outcome,
    Page,
    Published,
    Shown,
    Unreadable,
)
from omnisync.adapters.client import Tools
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money, format_time, parse_time
from tests.adapters.corner.install import install

install()
from omnisync_corner import mapping  # noqa: E402  it is there once it is installed
from omnisync_corner.adapter import CornerShop  # noqa: E402

BERLIN = ZoneInfo("Europe/Berlin")


class WithoutSignature(CornerShop):
    """Whoever knows the address is believed."""

    def identify(self, hook: Hook) -> Identified:
        found = super().identify(hook)
        if not isinstance(found, Forged):
            return found
        try:
            told = json.loads(hook.body)
        except ValueError:
            return Message(str(hash(hook.body)), "unknown")
        return Message(str(told.get("event")), "order", str(told.get("order")))


class NewNameEachTime(CornerShop):
    """An event has the name of its delivery, so that it is another one each time it is sent."""

    _number = 0

    def identify(self, hook: Hook) -> Identified:
        found = super().identify(hook)
        NewNameEachTime._number += 1
        return replace(found, event_id=f"delivery-{self._number}") if isinstance(found, Message) else found


class ByOffset(CornerShop):
    """Pages are counted: the next one begins after as many orders as were read."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        all_of_them, page = list[Fact](), await super().pull(None, now=now)
        while page.more:
            all_of_them += page.facts
            page = await super().pull(page.cursor, now=now)
        all_of_them += page.facts
        start, end = int(cursor or 0), int(cursor or 0) + self._page_size
        return Page(all_of_them[start:end], str(min(end, len(all_of_them))), end < len(all_of_them))


class OnAfterAFailure(CornerShop):
    """A page that cannot be read is passed over."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        try:
            return await super().pull(cursor, now=now)
        except TryLater:
            return Page([], f"{format_time(now)}/", False)


class AllOrNothing(CornerShop):
    """One line that is refused is held against all lines of its call."""

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        answers = await super().publish(shown)
        bad = next((one for one in answers if one.outcome is Outcome.ATTENTION), None)
        return answers if bad is None else [replace(bad, unknown=False)] * len(shown)


class FloatIds(CornerShop):
    """JSON numbers are read as floating-point numbers."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await super().pull(cursor, now=now)
        return replace(page, facts=[_rounded(fact) for fact in page.facts])

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return [_rounded(fact) for fact in await super().follow(*hooks)]


def _rounded(fact: Fact) -> Fact:
    return replace(fact, id=f"{float(fact.id):.0f}") if isinstance(fact, OrderSeen) else fact


class NaiveTimes(CornerShop):
    """UTC is taken for the time on the shop's own clock."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await super().pull(cursor, now=now)
        return replace(page, facts=[_local(fact) for fact in page.facts])

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return [_local(fact) for fact in await super().follow(*hooks)]


def _local(fact: Fact) -> Fact:
    if not isinstance(fact, OrderSeen):
        return fact
    return replace(fact, placed_at=fact.placed_at.replace(tzinfo=BERLIN))


class StrictReading(CornerShop):
    """A word that is not known ends the reading of its page."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await super().pull(cursor, now=now)
        for fact in page.facts:
            if isinstance(fact, Unreadable):
                raise ValueError(fact.reason)
        return page


class OneBadApple(CornerShop):
    """A page with an order that cannot be read is given back to a person as a whole."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await super().pull(cursor, now=now)
        if not all(isinstance(fact, OrderSeen) for fact in page.facts):
            raise NeedsAttention("A page cannot be read.", action="Look at it.")
        return page


class PatientWithTheKey(CornerShop):
    """401 counts as a channel that is away for a moment, for ever."""

    async def _ask(self, path: str, **params: Any) -> Any:
        try:
            return await super()._ask(path, **params)
        except NeedsAttention as error:
            raise TryLater("Corner does not let us in just now.") from error


class EverythingIsAnArticle(CornerShop):
    """Every line of an order is taken for goods."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await super().pull(cursor, now=now)
        return replace(page, facts=[_all_goods(fact) for fact in page.facts])


def _all_goods(fact: Fact) -> Fact:
    if not isinstance(fact, OrderSeen):
        return fact
    lines = [
        replace(line, stocked=True, article=replace(line.article, sku=line.article.sku or "WRAP"))
        for line in fact.lines
    ]
    return replace(fact, lines=tuple(lines))


class MissingMeansNone(CornerShop):
    """A field that is not there is an empty list."""

    async def listings(self, cursor: str | None) -> ListingPage:
        page = await self._ask("/articles", after=cursor or "", limit=self._page_size)
        page = page if isinstance(page, dict) else {}
        rows = page.get("articles", [])
        found = [mapping.listing(row) for row in rows] if isinstance(rows, list) else []
        return ListingPage(found, found[-1].external_id if found else cursor, bool(page.get("more", False)))

    async def look(self, targets: Sequence[Any]) -> Any:
        page = await self._ask("/stock", ids=",".join(target.external_id for target in targets))
        rows = page.get("articles", []) if isinstance(page, dict) else []
        return [mapping.level(row) for row in rows] if isinstance(rows, list) else []


class Differences(CornerShop):
    """What is written is by how much a number changes, so that it changes again when the answer was lost."""

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        seen = {level.article.external_id: level.quantity for level in await self.look([one.target for one in shown])}
        lines = [
            {"id": one.target.external_id, "by": one.quantity - seen.get(one.target.external_id, 0)}
            for one in shown
            if one.quantity is not None
        ]
        await self._client.call("POST", "/stock", body={"lines": lines})
        return [Published(Outcome.APPLIED) for _ in shown]


class Impatient(CornerShop):
    """Whoever is told to wait asks again at once, a hundred times."""

    async def _ask(self, path: str, **params: Any) -> Any:
        for _ in range(100):
            try:
                return await super()._ask(path, **params)
            except TryLater:
                await self._client.tools.clock.sleep(1.0)
        raise TryLater("Corner does not answer.")


class ReadOnce(CornerShop):
    """An order that was read is never read again: the first that was heard of it stands."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._read: dict[str, Fact] = {}

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return [self._first(fact) for fact in await super().follow(*hooks)]

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await super().pull(cursor, now=now)
        return replace(page, facts=[self._first(fact) for fact in page.facts])

    def _first(self, fact: Fact) -> Fact:
        return self._read.setdefault(fact.id, fact) if isinstance(fact, OrderSeen) else fact


class WholeSeconds(CornerShop):
    """Pages begin strictly after the second that was read last, without overlap."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await super().pull(cursor, now=now)
        moments = [fact.version for fact in page.facts if isinstance(fact, OrderSeen)]
        if not moments:
            return page
        after = max(moments).replace(microsecond=0) + timedelta(seconds=1)
        return replace(page, cursor=f"{format_time(after)}/")


class LastHourOnly(CornerShop):
    """Whatever is older than an hour has surely been read."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        hour = now - timedelta(hours=1)
        if cursor is not None and parse_time(cursor.partition("/")[0]) < hour:
            cursor = f"{format_time(hour)}/"
        return await super().pull(cursor, now=now)


# ---------------------------------------------------------------- in front of any adapter


class InFront:
    """Some adapter with a mistake in front of it."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)


class CentsByFloat(InFront):
    """A price goes through a floating-point number, and what is behind its cents is cut off."""

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        return await self._adapter.publish([replace(one, price=one.price and _cut(one.price)) for one in shown])


def _cut(price: Money) -> Money:
    return Money(int(price.minor / 100 * 100), price.currency)


class PriceOnlyAlone(InFront):
    """What is written with the stock is the stock; the price is said to be applied with it."""

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        return await self._adapter.publish(
            [replace(one, price=None) if one.quantity is not None else one for one in shown]
        )

    async def look(self, targets: Sequence[Any]) -> Any:
        return [replace(level, price=None) for level in await self._adapter.look(targets)]


class EveryOrderIsSent(InFront):
    """How an order reaches its buyer is passed over."""

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        page = await self._adapter.pull(cursor, now=now)
        return replace(page, facts=[_to_be_sent(fact) for fact in page.facts])

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return [_to_be_sent(fact) for fact in await self._adapter.follow(*hooks)]


def _to_be_sent(fact: Fact) -> Fact:
    return replace(fact, pickup=False) if isinstance(fact, OrderSeen) else fact


class ReadyIsCollected(InFront):
    """What lies ready is reported as handed over."""

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return await self._adapter.tell(
            [replace(one, kind="collected") if one.kind == "ready" else one for one in news]
        )


class SaysItTold(InFront):
    """What cannot be told just now counts as told."""

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        try:
            return (
                await self._adapter.tell(news) if news[0].kind == "ready" else [Published(Outcome.APPLIED)] * len(news)
            )
        except TryLater:
            return [Published(Outcome.APPLIED)] * len(news)


class EndsAreNoNews(InFront):
    """Only what goes well is told."""

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        told = iter(await self._adapter.tell([one for one in news if one.kind not in ENDS]))
        return [Published(Outcome.APPLIED) if one.kind in ENDS else next(told) for one in news]


class NobodyIsAsked(InFront):
    """What the channel does not take is let go."""

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        answers = await self._adapter.tell(news)
        return [Published(Outcome.APPLIED) if one.outcome is Outcome.ATTENTION else one for one in answers]


ENDS = ("cancelled", "expired")


@dataclass(frozen=True)
class Front:
    """A mistake in front of this adapter, and the torment that finds it."""

    torment: str
    adapter: str
    made: Callable[[Adapter], Any]


FRONTS: Mapping[str, Front] = {
    "cents by floating-point numbers": Front("prices", "vendure", CentsByFloat),
    "a price that comes with stock is dropped": Front("prices", "oscar", PriceOnlyAlone),
    "pickups taken for parcels": Front("pickups", "vendure", EveryOrderIsSent),
    "ready reported as collected": Front("pickups", "square", ReadyIsCollected),
    "told, whatever was answered": Front("pickups", "vendure", SaysItTold),
    "ends are not told": Front("pickups that the store calls off", "square", EndsAreNoNews),
    "nobody is asked to cancel": Front("pickups that the store calls off", "shopware", NobodyIsAsked),
    "that nobody paid is not told": Front("orders that nobody pays", "woocommerce", EndsAreNoNews),
    "nobody is asked to cancel what nobody pays": Front("orders that nobody pays", "shopify", NobodyIsAsked),
}


@dataclass(frozen=True)
class Plant:
    """A mistake, and the torment that finds it."""

    torment: str
    made: Callable[..., Adapter]


PLANTS: Mapping[str, Plant] = {
    "signature not checked": Plant("forged webhooks", WithoutSignature),
    "duplicate id per delivery": Plant("duplicates", NewNameEachTime),
    "page cursor by offset": Plant("pages that shift while being read", ByOffset),
    "cursor advanced on a failed page": Plant("5xx", OnAfterAFailure),
    "one bad line fails the batch": Plant("part of a batch refused", AllOrNothing),
    "float ids": Plant("ids above 2^53", FloatIds),
    "naive local times": Plant("time zones and DST", NaiveTimes),
    "unknown enum crashes the whole page": Plant("unknown fields and enum values", StrictReading),
    "one bad order fails its page": Plant("one poisoned line", OneBadApple),
    "401 counted as try later for ever": Plant("expired and revoked credentials", PatientWithTheKey),
    "gift wrap counted as article": Plant("an order with deposit and gift wrap", EverythingIsAnArticle),
    "a missing field means an empty list": Plant("schema drift", MissingMeansNone),
    "differences written": Plant("timeout after effect", Differences),
    "Retry-After passed over": Plant("429", Impatient),
    "first version wins": Plant("reordering", ReadOnce),
    "cursor of whole seconds": Plant("two orders in one second", WholeSeconds),
    "old orders passed over": Plant("a day's delay", LastHourOnly),
}


def make(plant: Plant) -> Callable[..., Adapter]:
    """The example's `make`, with the mistake in it."""

    def made(
        name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools
    ) -> Adapter:
        keys = ("base_url", "api_key", "webhook_secret", "page_size")
        return plant.made(name, *(settings[key] for key in keys), tools)

    return made
