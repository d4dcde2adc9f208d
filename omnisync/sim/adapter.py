"""The adapter of a simulated channel: what lies between it and us loses, delays, repeats and lies, as the weather is."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from omnisync.adapters.base import (
    Article,
    Check,
    Fact,
    Forged,
    Hook,
    Identified,
    LevelSeen,
    ListingPage,
    Message,
    News,
    OrderSeen,
    Outcome,
    Page,
    Published,
    Shown,
    Subscription,
    Target,
)
from omnisync.errors import NeedsAttention, TryLater
from omnisync.sim.shop import LISTED_LATE_AT_MOST, Shop, Spot, Told
from omnisync.sim.time import Loop
from omnisync.sim.weather import Weather
from omnisync.values import from_micros, to_micros

Answer = TypeVar("Answer")
PAGE = 20
TIMEOUT_SECONDS = 30.0


class Wire:
    """What everybody who calls this channel has to put up with; it outlives all processes of ours."""

    def __init__(self, shop: Shop, weather: Weather, loop: Loop, say: Callable[[str], None]) -> None:
        self.shop, self.weather, self.loop, self.say = shop, weather, loop, say
        self.chance: random.Random = weather.chance(f"wire of {shop.name}")
        self._down_until = self._refused_until = self._stale_until = 0.0
        self._stale: dict[Spot, int] = {}

    async def call(self, verb: str, effect: Callable[[], Answer]) -> Answer:
        """Do something at the channel, if the call gets there, and bring back what it says, if that gets here."""
        await self._wait(0.05, 1.0)
        self._may_fail(verb)
        if self.weather.strikes("call lost"):
            await self._no_answer(verb, "is lost")
        answer = effect()
        self.say(f"{self.shop.name} {verb}")
        if self.weather.strikes("answer lost"):
            await self._no_answer(verb, "is not answered")
        await self._wait(0.0, 0.5)
        return answer

    async def _wait(self, least: float, most: float) -> None:
        await self.shop.clock.sleep(self.chance.uniform(least, most))

    async def _no_answer(self, verb: str, how: str) -> None:
        self.say(f"{self.shop.name} {verb} {how}")
        await self.shop.clock.sleep(TIMEOUT_SECONDS)
        raise TryLater(f"{self.shop.name} did not answer.")

    def _may_fail(self, verb: str) -> None:
        now, seconds = self.loop.time(), self.chance.uniform(60, 3600)
        if self.weather.strikes("outage"):
            self._down_until = now + seconds
        if self.weather.strikes("key refused"):
            self._refused_until = now + seconds
        if now < self._down_until:
            raise TryLater(f"{self.shop.name} cannot be reached.")
        if now < self._refused_until:
            raise NeedsAttention("Our key is refused.", action="Renew the key.", code="credentials")
        if self.weather.strikes("rate limit"):
            raise TryLater("Too many calls.", retry_after_seconds=self.chance.choice((1.0, 30.0, 300.0)))

    def calm(self) -> None:
        """It is reachable and tells the truth again."""
        self._down_until = self._refused_until = self._stale_until = 0.0

    def levels(self) -> dict[Spot, int]:
        """What it says it shows: for a while that can be what it showed before."""
        now = self.loop.time()
        if now >= self._stale_until:
            self._stale = dict(self.shop.stock)
            if self.weather.strikes("stale levels"):
                self._stale_until = now + self.chance.uniform(30, 1800)
        return self._stale

    def later(self, shown: Shown) -> None:
        """A write that is long thought lost still has its effect."""
        seconds = self.chance.uniform(1, 900)
        self.loop.call_later(seconds, self._land, shown)

    def _land(self, shown: Shown) -> None:
        self.say(f"{self.shop.name} {shown.target.external_id} shows {shown.quantity} late")
        self.shop.take(shown)


class Adapter:
    """The engine's side of the wire; one for each process."""

    def __init__(self, wire: Wire) -> None:
        self.wire, self.shop = wire, wire.shop
        self.name, self.can = self.shop.name, self.shop.can

    # ------------------------------------------------------------ words in

    def identify(self, hook: Hook) -> Identified:
        if hook.headers.get("x-signature") != self.name:
            return Forged("The signature does not match.")
        return Message(hook.headers["x-event"], "orders/updated")

    def read(self, hook: Hook) -> Sequence[Fact]:
        return []

    def subject(self, hook: Hook) -> str | None:
        told = json.loads(hook.body)
        return f"{told['order']}/{told['state']}" if self.shop.trade.tells_then else str(told["order"])

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        told = json.loads(hooks[0].body)
        if self.shop.trade.tells_then:
            return [self.shop.state_of(told["order"], told["state"])]
        return [await self.wire.call(f"reads order {told['order']}", lambda: self.shop.orders[told["order"]])]

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        return await self.wire.call("tells", lambda: self._page(cursor))

    def _page(self, cursor: str | None) -> Page:
        """What can be read after the cursor. A cursor at the end is read from a while before it, one within a page just there."""
        after, now = self._after(cursor), self.shop.clock.true()
        known = [told for told in self.shop.told if after < (told.at, told.key) and told.at <= now]
        short = self.wire.weather.strikes("short pages")
        page = known[: self.wire.chance.randint(1, PAGE) if short else PAGE]
        more = len(known) > len(page) and not short
        if not more:
            page = [told for told in page if not self._is_listed_late(told.at, now)]
        last = (page[-1].at, page[-1].key) if page else after
        facts = {_name(told): self._as_it_stands(told.fact) for told in page}
        return Page(list(facts.values()), f"{to_micros(last[0])} {last[1]} {'within' if more else 'end'}", more)

    def _as_it_stands(self, fact: Fact) -> Fact:
        return self.shop.orders[fact.id] if isinstance(fact, OrderSeen) else fact

    def _after(self, cursor: str | None) -> tuple[datetime, str]:
        if cursor is None:
            return (from_micros(0), "")
        at, key, place = cursor.split(" ")
        overlap = timedelta(seconds=self.can.overlap_seconds) if place == "end" else timedelta()
        return (from_micros(int(at)) - overlap, "" if overlap else key)

    def _is_listed_late(self, at: datetime, now: datetime) -> bool:
        return at > now - LISTED_LATE_AT_MOST and self.wire.weather.strikes("orders listed late")

    async def listings(self, cursor: str | None) -> ListingPage:
        return await self.wire.call("lists", lambda: ListingPage(list(self.shop.offers.values()), None))

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        return await self.wire.call("shows", lambda: [self._level(target) for target in targets])

    def _level(self, target: Target) -> LevelSeen:
        spot = (target.external_id, target.place or "")
        allocated = self.shop.allocated[spot]
        shown = self.wire.levels()[spot] - allocated
        return LevelSeen(Article(target.external_id), shown, place=target.place, allocated=allocated)

    # ------------------------------------------------------------ numbers out

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        said = ", ".join(f"{one.target.external_id}{one.target.place or ''}={one.quantity}" for one in shown)
        if self.wire.weather.strikes("write lands late"):
            for one in shown:
                self.wire.later(one)
            await self.wire.call(f"is to show {said} some day", lambda: None)
            raise TryLater(f"{self.name} did not answer.")
        return await self.wire.call(f"is to show {said}", lambda: [self._write(one) for one in shown])

    def _write(self, shown: Shown) -> Published:
        weather = self.wire.weather
        if weather.strikes("line refused"):
            return Published(Outcome.ATTENTION, reason="Not now.", action="Look at the listing.")
        if weather.strikes("line not found"):
            return Published(Outcome.ATTENTION, reason="Not found.", action="Put it up again.", unknown=True)
        if self.can.applied_at_once:
            lies = weather.strikes("write taken and not shown")
            return Published(Outcome.APPLIED) if lies else self.shop.take(shown)
        if not weather.strikes("write dropped"):
            self.wire.loop.call_later(self.wire.chance.uniform(1, 60), self.shop.land, shown)
        return Published(Outcome.ACCEPTED)

    # ------------------------------------------------------------ what has no part in this

    async def check(self) -> Sequence[Check]:
        return []

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return [Published(Outcome.APPLIED)] * len(news)

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return wanted

    async def fetch_key(self, kid: str) -> bytes:
        return b""

    async def done(self, receipts: Sequence[str]) -> None:
        return None

    async def close(self) -> None:
        return None


def _name(told: Told) -> str:
    return f"order/{told.fact.id}" if isinstance(told.fact, OrderSeen) else told.key
