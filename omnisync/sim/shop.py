"""A channel as it is by itself: its own stock, its own buyers and orders, told to us by webhook and by page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from omnisync.adapters.base import (
    Article,
    Can,
    Counted,
    Delivered,
    Fact,
    Hook,
    Listing,
    OrderLine,
    OrderSeen,
    Outcome,
    Published,
    Restock,
    Sale,
    Shown,
    Write,
)
from omnisync.sim.time import Clock
from omnisync.values import to_micros

Spot = tuple[str, str]
"""(external id, place)"""
LISTED_LATE_AT_MOST = timedelta(seconds=60)
"""An order appears in the list of orders so long after it was placed at most; adapters read with more overlap."""


@dataclass(frozen=True)
class Trade:
    """What sort of channel it is."""

    can: Can
    skus: tuple[str, ...]
    places: Mapping[str, str] = field(default_factory=dict)
    """Its places -> our locations; empty where it has none."""
    locations: tuple[str, ...] = ("linden", "markt")
    tells_then: bool = False
    """Its webhooks carry the order as it was when they were sent; else it is read again."""
    counter: bool = False
    """Its buyers leave with the goods."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that may be read from some moment on."""

    at: datetime
    key: str
    fact: Fact


class Shop:
    """One channel, without anybody between it and its buyers."""

    def __init__(self, name: str, trade: Trade, clock: Clock) -> None:
        self.name, self.trade, self.clock = name, trade, clock
        self.can = trade.can
        self.offers = {f"id-{sku}": Listing(f"id-{sku}", sku) for sku in trade.skus}
        self.stock = {(external_id, place): 0 for external_id in self.offers for place in trade.places or ("",)}
        self.allocated = dict.fromkeys(self.stock, 0)
        self.orders: dict[str, OrderSeen] = {}
        self.told: list[Told] = []
        """Every state of every order and every line of a receipt, in the order in which they can be read."""
        self.hooks: list[Hook] = []
        """Those that it is about to send."""
        self.written = 0
        self._tags: dict[str, Published] = {}
        self._number = 1000
        self._last = clock.true()

    # ------------------------------------------------------------ what its buyers see and do

    def spot(self, sku: str, place: str = "") -> Spot:
        return (f"id-{sku}", place)

    def offered(self, spot: Spot) -> int:
        """What a buyer can buy there."""
        return self.stock[spot] - self.allocated[spot]

    def buy(self, wishes: Sequence[tuple[str, int]], place: str = "", *, reference: str | None = None) -> OrderSeen:
        """A buyer orders, of everything what is offered at least."""
        self._number += 1
        lines = tuple(self._line(number, sku, quantity, place) for number, (sku, quantity) in enumerate(wishes, 1))
        moment = self._moment()
        order = OrderSeen(
            str(self._number), reference or f"#{self._number}", moment, moment, lines, counter=self.trade.counter
        )
        return self._now_stands(order)

    def _line(self, number: int, sku: str, quantity: int, place: str) -> OrderLine:
        spot = self.spot(sku, place)
        (self.allocated if self.can.allocates else self.stock)[spot] += quantity if self.can.allocates else -quantity
        return OrderLine(f"{self._number}-{number}", Article(spot[0], sku), quantity, place=place or None)

    def cancel(self, order: OrderSeen) -> OrderSeen:
        """What was not sent yet is called off."""
        for line in order.lines:
            self._back(line, line.quantity - line.cancelled - line.shipped)
        return self._changed(order, [replace(line, cancelled=line.quantity - line.shipped) for line in order.lines])

    def ship(self, order: OrderSeen) -> OrderSeen:
        """All that is open of it is sent."""
        for line in order.lines if self.can.allocates else ():
            sent, spot = line.quantity - line.cancelled - line.shipped, self._spot_of(line)
            self.stock[spot] -= sent
            self.allocated[spot] -= sent
        return self._changed(order, [replace(line, shipped=line.quantity - line.cancelled) for line in order.lines])

    def restock(self, order: OrderSeen) -> OrderSeen:
        """One piece of each line that was sent comes back and is offered again."""
        lines = []
        for line in order.lines:
            back = min(1, line.shipped - sum(restock.quantity for restock in line.restocks))
            self.stock[self._spot_of(line)] += back
            restock = (Restock(f"{line.id}-{len(line.restocks)}", back, line.place),) if back else ()
            lines.append(replace(line, restocks=line.restocks + restock))
        return self._changed(order, lines)

    def refund(self, order: OrderSeen) -> OrderSeen:
        """Money goes back for one piece of each line that was sent; the goods stay where they are."""
        lines = [
            replace(line, cancelled=line.cancelled + 1) if line.shipped and line.cancelled < line.quantity else line
            for line in order.lines
        ]
        return self._changed(order, lines)

    def edit(self, spot: Spot, quantity: int) -> None:
        """Somebody types another number into its back office."""
        self.stock[spot] = quantity

    def _back(self, line: OrderLine, quantity: int) -> None:
        if self.can.allocates:
            self.allocated[self._spot_of(line)] -= quantity
        elif self.trade.can.relists:
            self.stock[self._spot_of(line)] += quantity

    def _spot_of(self, line: OrderLine) -> Spot:
        return (str(line.article.external_id), line.place or "")

    def _changed(self, order: OrderSeen, lines: Iterable[OrderLine]) -> OrderSeen:
        return self._now_stands(replace(order, lines=tuple(lines), version=self._moment()))

    def _moment(self) -> datetime:
        """Now; never the same moment twice."""
        self._last = max(self.clock.true(), self._last + timedelta(microseconds=1))
        return self._last

    def _now_stands(self, order: OrderSeen) -> OrderSeen:
        self.orders[order.id] = order
        self.tell(order, f"order/{order.id}/{to_micros(order.version)}", order.version)
        if self.can.webhooks:
            self.hooks.append(self._hook(order))
        return order

    def _hook(self, order: OrderSeen) -> Hook:
        state = to_micros(order.version)
        body = json.dumps({"order": order.id, "state": state}).encode()
        headers = {"x-event": f"{order.id}-{state}", "x-signature": self.name}
        return Hook("POST", f"https://sync.example.org/v1/hooks/{self.name}", headers, {}, body)

    # ------------------------------------------------------------ what a till tells

    def receipt(self, sku: str, quantity: int, place: str, *, late: timedelta = timedelta()) -> None:
        """Somebody paid at the counter (or brought something back); its file may come later."""
        at = self._moment()
        key = f"receipt-{to_micros(at)}"
        self.tell(Sale(key, Article(sku=sku), quantity, at, place), key, at + late)

    def count(self, sku: str, quantity: int, place: str, *, late: timedelta = timedelta()) -> None:
        """Somebody counted."""
        at = self._moment()
        key = f"count-{to_micros(at)}"
        self.tell(Counted(key, Article(sku=sku), quantity, at, place), key, at + late)

    def deliver(self, sku: str, quantity: int, place: str, *, late: timedelta = timedelta()) -> None:
        """Goods arrived."""
        at = self._moment()
        key = f"delivery-{to_micros(at)}"
        self.tell(Delivered(key, Article(sku=sku), quantity, at, place), key, at + late)

    def tell(self, fact: Fact, key: str, at: datetime) -> None:
        self.told.append(Told(at, key, fact))
        self.told.sort(key=lambda told: (told.at, told.key))

    def state_of(self, order_id: str, state: int) -> OrderSeen:
        """The order as it was in that state."""
        return next(
            told.fact
            for told in self.told
            if isinstance(told.fact, OrderSeen) and told.fact.id == order_id and to_micros(told.fact.version) == state
        )

    # ------------------------------------------------------------ what we write there

    def take(self, shown: Shown) -> Published:
        """A number is written. The same tag again is the same write."""
        if shown.tag in self._tags:
            return self._tags[shown.tag]
        spot = (shown.target.external_id, shown.target.place or "")
        if self.can.write is Write.COMPARE_AND_SET and shown.compare is not None and self.stock[spot] != shown.compare:
            answer = Published(Outcome.CHANGED, actual=self.stock[spot])
        else:
            self.land(shown)
            answer = Published(Outcome.APPLIED)
        if self.can.echo_tags:
            self._tags[shown.tag] = answer
        return answer

    def land(self, shown: Shown) -> None:
        """The number is there."""
        assert shown.quantity is not None
        self.written += 1
        self.stock[shown.target.external_id, shown.target.place or ""] = shown.quantity + shown.allocated
