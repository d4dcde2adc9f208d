"""A channel in memory with stock, buyers and faults of its own, behind the real adapter protocol."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from omnisync.adapters.base import (
    Answer,
    Article,
    Can,
    Check,
    Fact,
    Forged,
    Hook,
    Identified,
    LevelSeen,
    Listing,
    ListingPage,
    Message,
    News,
    OrderLine,
    OrderSeen,
    Outcome,
    Page,
    Published,
    Restock,
    Shown,
    Subscription,
    Target,
    Write,
)
from omnisync.adapters.client import TheirClock
from omnisync.clock import Clock
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money, format_time, parse_time

Spot = tuple[str, str]
"""(external id, place)"""


@dataclass
class Faults:
    """Switches: each counts how often it still strikes."""

    down: bool = False
    credentials: bool = False
    rate_limit: int = 0
    timeout_after_effect: int = 0
    timeout_before_effect: int = 0
    accept_and_drop: int = 0
    drop_silently: dict[str, int] = field(default_factory=dict)
    """External id -> how many of its next writes are answered as applied and thrown away."""
    delay_writes: int = 0
    """These writes are not answered and take effect only when `land_late_writes` is called."""
    poison: set[str] = field(default_factory=set)
    """External ids that break a whole batch with a bug of the adapter."""
    unknown: set[str] = field(default_factory=set)
    """External ids that the channel itself refuses, line by line."""
    not_found: set[str] = field(default_factory=set)
    """External ids that it answers writes for as if they did not exist, though they do."""
    lose_hooks: bool = False


class FakeChannel:
    """Both sides: the shop with its stock and buyers, and the adapter that talks to it."""

    def __init__(self, name: str, clock: Clock, can: Can | None = None, *, places: Sequence[str] = ("",)) -> None:
        self.name = name
        self.can = can or Can(write=Write.ABSOLUTE, batch_size=50)
        self.clock = clock
        self.places = tuple(places)
        self.stock: dict[Spot, int] = {}
        self.allocated: dict[Spot, int] = {}
        self.prices: dict[str, Money] = {}
        self.offers: dict[str, Listing] = {}
        self.orders: dict[str, OrderSeen] = {}
        self.facts: list[Fact] = []
        self.faults = Faults()
        self.their_clock = TheirClock()
        self.hooks: deque[Hook] = deque()
        self.log: list[Shown] = []
        self.dropped: list[str] = []
        """The tags of writes that it said it applied and did not."""
        self.calls: list[str] = []
        self.told: list[News] = []
        self.put_away: list[str] = []
        self._tags: dict[str, Published] = {}
        self._late: list[Shown] = []
        self._next_order = 1001

    # ------------------------------------------------------------ the shop

    def offer(self, sku: str, *, external_id: str | None = None, stock: int = 0, **more: object) -> str:
        """Put an article on sale; its id at this channel."""
        external_id = external_id or f"id-{sku}"
        self.offers[external_id] = Listing(external_id, sku, **more)  # type: ignore[arg-type]
        for place in self.places:
            self.stock[external_id, place] = stock
        return external_id

    def end(self, *external_ids: str) -> None:
        """Take offers off the shop altogether."""
        for external_id in external_ids:
            del self.offers[external_id]
            for place in self.places:
                del self.stock[external_id, place]

    def shows(self, sku: str, place: str = "") -> int:
        """What a buyer sees."""
        spot = self._spot(sku, place)
        return self.stock[spot] - self.allocated.get(spot, 0)

    def buy(
        self, sku: str, quantity: int = 1, *, place: str | None = None, hook: bool = True, counter: bool = False
    ) -> OrderSeen:
        """A buyer orders; the channel lowers its own number and, if it works, sends a webhook."""
        spot = self._spot(sku, place or self.places[0])
        if self.can.allocates:
            self.allocated[spot] = self.allocated.get(spot, 0) + quantity
        else:
            self.stock[spot] -= quantity
        number, now = self._next_order, self.clock.now()
        self._next_order += 1
        named = place if self.can.many_locations else None
        line = OrderLine(f"{number}-1", Article(external_id=spot[0], sku=sku), quantity, place=named)
        order = OrderSeen(f"{number}", f"#{number}", now, now, (line,), counter=counter)
        return self._changed(order, hook)

    def cancel(self, order: OrderSeen, *, hook: bool = True, relist: bool = True) -> OrderSeen:
        """The buyer changes their mind; some channels offer the pieces again by themselves."""
        line = order.lines[0]
        spot = (str(line.article.external_id), line.place or self.places[0])
        self.stock[spot] += line.quantity if relist else 0
        later = self.clock.now() + timedelta(microseconds=1)
        return self._changed(replace(order, lines=(replace(line, cancelled=line.quantity),), version=later), hook)

    def ship(self, order: OrderSeen) -> OrderSeen:
        """All of it leaves."""
        later = self.clock.now() + timedelta(microseconds=2)
        sent = tuple(replace(line, shipped=line.quantity) for line in order.lines)
        return self._changed(replace(order, lines=sent, version=later), hook=True)

    def send_and_pay_back(self, order: OrderSeen) -> OrderSeen:
        """All of it leaves, and for all of it the price is given back: the buyer keeps it."""
        for line in order.lines if self.can.allocates else ():
            spot = (str(line.article.external_id), line.place or self.places[0])
            self.stock[spot] -= line.quantity
            self.allocated[spot] -= line.quantity
        kept = tuple(replace(line, shipped=line.quantity, cancelled=line.quantity) for line in order.lines)
        later = self.clock.now() + timedelta(microseconds=2)
        return self._changed(replace(order, lines=kept, version=later), hook=True)

    def refund(self, order: OrderSeen) -> OrderSeen:
        """All of it came back; what the channel offers of it now is for the caller to say."""
        back = tuple(replace(line, restocks=(Restock(f"back-{line.id}", line.quantity),)) for line in order.lines)
        later = order.version + timedelta(microseconds=1)
        return self._changed(replace(order, lines=back, version=later), hook=True)

    def edit(self, sku: str, quantity: int, place: str = "") -> None:
        """A person types another number into the channel's back office."""
        self.stock[self._spot(sku, place)] = quantity

    def land_late_writes(self) -> None:
        """What was long thought lost arrives after all."""
        for shown in self._late:
            self._set(shown)
        self._late.clear()

    def hook_for(self, order_id: str, event_id: str) -> Hook:
        """The webhook that announces an order; `event_id` names the delivery."""
        body = json.dumps({"order": order_id}).encode()
        headers = {"x-event": event_id, "x-signature": "good"}
        return Hook("POST", f"https://sync.example.org/v1/hooks/{self.name}", headers, {}, body)

    def _changed(self, order: OrderSeen, hook: bool) -> OrderSeen:
        self.orders[order.id] = order
        if hook and self.can.webhooks and not self.faults.lose_hooks:
            self.hooks.append(
                self.hook_for(order.id, f"event-{len(self.calls)}-{order.id}-{format_time(order.version)}")
            )
        return order

    def _spot(self, sku: str, place: str) -> Spot:
        return next((one.external_id, place) for one in self.offers.values() if one.sku == sku)

    # ------------------------------------------------------------ the adapter: words in

    def identify(self, hook: Hook) -> Identified:
        if hook.headers.get("x-signature") != "good":
            return Forged("The signature does not match.")
        if hook.query.get("challenge"):
            return Answer(200, hook.query["challenge"].encode())
        return Message(hook.headers["x-event"], "orders/updated", later="level" in json.loads(hook.body))

    def read(self, hook: Hook) -> Sequence[Fact]:
        return []

    def subject(self, hook: Hook) -> str | None:
        return json.loads(hook.body).get("order")

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        self._call("follow")
        body = json.loads(hooks[0].body)
        if "level" in body:
            return [LevelSeen(Article(external_id=body["level"]), body["quantity"], tag=body.get("tag"))]
        return [self.orders[body["order"]]]

    async def check(self) -> Sequence[Check]:
        return [Check("credentials", True, "fine")]

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        self._call("pull")
        since = parse_time(cursor) - timedelta(seconds=self.can.overlap_seconds) if cursor else None
        orders = sorted(self.orders.values(), key=lambda order: (order.version, order.id))
        fresh = [order for order in orders if since is None or order.version >= since]
        newest = max((order.version for order in fresh), default=None)
        return Page([*fresh, *self.facts], format_time(newest) if newest else cursor)

    async def listings(self, cursor: str | None) -> ListingPage:
        self._call("listings")
        return ListingPage(list(self.offers.values()), None)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        self._call("look")
        spots = [(target.external_id, target.place or "") for target in targets]
        return [
            LevelSeen(
                Article(external_id=spot[0]), self.stock[spot] - self.allocated.get(spot, 0), place=spot[1] or None,
                allocated=self.allocated.get(spot, 0), price=self.prices.get(spot[0]),
            )
            for spot in spots
            if spot in self.stock
        ]  # fmt: skip

    # ------------------------------------------------------------ the adapter: numbers out

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        self._call("publish")
        assert len(shown) <= self.can.batch_size
        if any(one.target.external_id in self.faults.poison for one in shown):
            raise KeyError("a field that this line lacks")
        if self._strikes("delay_writes"):
            self._late += shown
            raise TryLater("The channel did not answer.")
        if self._strikes("timeout_before_effect"):
            raise TryLater("The channel did not answer.")
        answers = [self._write(one) for one in shown]
        if self._strikes("timeout_after_effect"):
            raise TryLater("The channel did not answer.")
        return answers

    def _write(self, shown: Shown) -> Published:
        if shown.tag in self._tags:
            return self._tags[shown.tag]
        if shown.target.external_id in self.faults.unknown:
            return Published(Outcome.ATTENTION, reason="No such listing.", action="Create it at the channel.")
        if shown.target.external_id not in self.offers or shown.target.external_id in self.faults.not_found:
            return Published(Outcome.ATTENTION, reason="Not found.", action="Put it up again.", unknown=True)
        if self._strikes("accept_and_drop"):
            return Published(Outcome.ACCEPTED)
        answer = self._compare(shown)
        if answer is None:
            self._take(shown)
            answer = Published(Outcome.APPLIED if self.can.applied_at_once else Outcome.ACCEPTED)
        self._tags[shown.tag] = answer
        return answer

    def _compare(self, shown: Shown) -> Published | None:
        if self.can.write is not Write.COMPARE_AND_SET or shown.quantity is None or shown.compare is None:
            return None
        actual = self.stock[shown.target.external_id, shown.target.place or ""]
        return Published(Outcome.CHANGED, actual=actual) if actual != shown.compare else None

    def _take(self, shown: Shown) -> None:
        left = self.faults.drop_silently.get(shown.target.external_id, 0)
        if left:
            self.faults.drop_silently[shown.target.external_id] = left - 1
            self.dropped.append(shown.tag)
        else:
            self._set(shown)

    def _set(self, shown: Shown) -> None:
        self.log.append(shown)
        if shown.quantity is not None:
            self.stock[shown.target.external_id, shown.target.place or ""] = shown.quantity + shown.allocated
        if shown.price is not None:
            self.prices[shown.target.external_id] = shown.price

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        self._call("tell")
        self.told += news
        return [Published(Outcome.APPLIED)] * len(news)

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return wanted

    async def fetch_key(self, kid: str) -> bytes:
        return b""

    async def done(self, receipts: Sequence[str]) -> None:
        self.put_away += receipts

    async def close(self) -> None:
        return None

    def _call(self, verb: str) -> None:
        self.calls.append(verb)
        if self.faults.down:
            raise TryLater(f"{self.name} cannot be reached.")
        if self.faults.credentials:
            raise NeedsAttention("Our key is refused.", action="Renew the key.", code="credentials")
        if self._strikes("rate_limit"):
            raise TryLater("Too many calls.", retry_after_seconds=30.0)

    def _strikes(self, fault: str) -> bool:
        left = getattr(self.faults, fault)
        if left:
            setattr(self.faults, fault, left - 1)
        return bool(left)
