"""The seller's account as eBay keeps it: offers that count their own pieces and revisions, orders, packages."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from omnisync.clock import Clock
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.values import Money

REVISIONS_PER_DAY = 250
EBAY_DAY = ZoneInfo("America/Los_Angeles")
"""eBay's calendar day."""


@dataclass(slots=True)
class Offer:
    """One SKU, its inventory item and its fixed-price offer."""

    sku: str
    offer_id: str
    listing_id: str
    title: str
    price: Money
    home_quantity: int
    """The inventory item's ship-to-home quantity."""
    own_quantity: int
    """The offer's available quantity; buyers can buy the smaller of both."""
    barcode: str = ""
    place: str = "ebay-warehouse"
    published: bool = True
    sold: int = 0
    revisions: int = 0
    revised_on: date | None = None

    @property
    def shown(self) -> int:
        """What buyers can buy."""
        return min(self.home_quantity, self.own_quantity) if self.published else 0


@dataclass(slots=True)
class Line:
    """One line item of an order."""

    id: str
    offer: Offer
    quantity: int
    cost: Money
    """Unit price times quantity, as it was when it was bought."""


@dataclass(frozen=True, slots=True)
class Package:
    """A shipping fulfillment: pieces that left, by line."""

    id: str
    pieces: Mapping[str, int]
    at: datetime
    carrier: str = ""
    tracking: str = ""


@dataclass(slots=True)
class Order:
    """What a buyer bought; before it is paid, only the offer's quantity knows of it."""

    id: str
    buyer: str
    name: str
    lines: list[Line]
    created: datetime
    modified: datetime
    paid: bool = True
    pickup_place: str | None = None
    by_ebay: bool = False
    cancelled: datetime | None = None
    packages: list[Package] = field(default_factory=list)
    refunds: list[tuple[str, Money, datetime]] = field(default_factory=list)

    def gone(self, line: Line) -> int:
        """Pieces of a line that left in packages."""
        return sum(package.pieces.get(line.id, 0) for package in self.packages)


class Refusal(Exception):
    """eBay says no: its error number, the HTTP status, and a sentence."""

    def __init__(self, error_id: int, message: str, *, status: int = 400, domain: str = "API_INVENTORY") -> None:
        super().__init__(message)
        self.error_id, self.message, self.status, self.domain = error_id, message, status, domain


Listener = Callable[[str, Mapping[str, Any], str], None]
"""Hears of a topic, its data and the event's name."""

_FIRST_NAMES = ("Anja", "Bernd", "Carla", "Deniz", "Elif", "Frank", "Gesa", "Hatice", "Ivo", "Jana")
_LAST_NAMES = ("Ahrens", "Brandt", "Celik", "Dorn", "Engel", "Fuchs", "Graf", "Heine", "Ilic", "Jung")


class Shop:
    """One account. Whoever listens is told of confirmed orders and of shipments."""

    def __init__(self, offers: Iterable[Offer], clock: Clock, chance: random.Random) -> None:
        self.offers = {offer.sku: offer for offer in offers}
        self.orders: dict[str, Order] = {}
        self.faults = Faults()
        self.clock = clock
        self.listeners: list[Listener] = []
        self._chance = chance
        self._number = 0

    # ------------------------------------------------------------ buyers

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """A paid order; it names its place when it is to be picked up."""
        return {"order": self.order([(purchase.sku, purchase.quantity)], purchase=purchase).id}

    def order(
        self,
        wanted: Sequence[tuple[str, int]],
        *,
        purchase: Purchase | None = None,
        paid: bool = True,
        by_ebay: bool = False,
    ) -> Order:
        """A buyer takes these pieces off the offers. SoldOut when one of them has not so many; nothing is taken then."""
        if purchase is not None and purchase.counter:
            raise SoldOut("eBay has no counter to buy over")
        for sku, quantity in wanted:
            if self.offers[sku].shown < quantity:
                raise SoldOut(f"only {self.offers[sku].shown} of {sku} are on offer")
        order = self._open([(self.offers[sku], quantity) for sku, quantity in wanted])
        order.paid, order.by_ebay = paid, by_ebay
        if purchase is not None and purchase.pickup:
            order.pickup_place = purchase.place or order.lines[0].offer.place
        self.orders[order.id] = order
        if paid:
            self._confirm(order)
        return order

    def pay(self, order_id: str) -> None:
        """The buyer of an unpaid purchase pays: the order shows up."""
        order = self.orders[order_id]
        order.paid = True
        self._touch(order)
        self._confirm(order)

    def _open(self, wanted: Sequence[tuple[Offer, int]]) -> Order:
        now, lines = self.clock.now(), []
        for offer, quantity in wanted:
            offer.home_quantity -= quantity
            offer.own_quantity -= quantity
            offer.sold += quantity
            cost = Money(offer.price.minor * quantity, offer.price.currency)
            lines.append(Line(self._next("100750000000"), offer, quantity, cost))
        name = f"{self._chance.choice(_FIRST_NAMES)} {self._chance.choice(_LAST_NAMES)}"
        buyer = f"{name.split()[0].lower()}_{self._chance.randrange(10_000)}"
        return Order(self._order_id(), buyer, name, lines, now, now)

    def _order_id(self) -> str:
        self._number += 1
        return f"12-{10_000 + self._number:05d}-{self._chance.randrange(100_000):05d}"

    def _next(self, prefix: str) -> str:
        """A number beyond 2^53, so that whoever does not keep ids as text finds out."""
        self._number += 1
        return f"{prefix}{self._number:06d}"

    def _confirm(self, order: Order) -> None:
        for line in order.lines:
            data = {"orderId": order.id, "lineItemId": line.id, "listingId": line.offer.listing_id}
            self._tell("ORDER_CONFIRMATION", data, f"{order.id}/{line.id}")

    def _tell(self, topic: str, data: Mapping[str, Any], event: str) -> None:
        for listener in self.listeners:
            listener(topic, data, event)

    def _touch(self, order: Order) -> None:
        order.modified = self.clock.now()

    # ------------------------------------------------------------ the seller

    def ship(self, order_id: str, pieces: Mapping[str, int] | None = None, **label: str) -> Package:
        """Pieces leave in one package; all that are left when nobody says which."""
        order = self.visible(order_id)
        lines = {line.id: line for line in order.lines}
        wanted = dict(pieces) if pieces else {line.id: line.quantity - order.gone(line) for line in order.lines}
        for line_id, quantity in wanted.items():
            if line_id not in lines:
                raise Refusal(32200, f"Invalid line item id: {line_id}", domain="API_FULFILLMENT")
            if not 1 <= quantity <= lines[line_id].quantity - order.gone(lines[line_id]):
                raise Refusal(32600, "Invalid input data", domain="API_FULFILLMENT")
        package = Package(self._next("9405509699937"), wanted, self.clock.now(), **label)
        order.packages.append(package)
        self._touch(order)
        self._tell("ITEM_MARKED_SHIPPED", {"orderId": order.id, "lineItemIds": [*wanted]}, package.id)
        return package

    def cancel(self, order_id: str) -> None:
        """The whole order is cancelled. Like eBay, this puts no piece back on offer."""
        order = self.visible(order_id)
        order.cancelled = self.clock.now()
        self._touch(order)

    def refund(self, order_id: str, amount: Money) -> None:
        """Money goes back, goods do not move."""
        order = self.visible(order_id)
        order.refunds.append((self._next("5000"), amount, self.clock.now()))
        self._touch(order)

    def visible(self, order_id: str) -> Order:
        """An order that the seller can see. Unpaid purchases are none yet."""
        order = self.orders.get(order_id)
        if order is None or not order.paid:
            raise Refusal(32100, f"Invalid Order Id: {order_id}", status=404, domain="API_FULFILLMENT")
        return order

    # ------------------------------------------------------------ revisions

    def revise(self, offer: Offer, *, home: int | None, own: int | None, price: Money | None) -> None:
        """Change a live listing: all of it or nothing, and never more often than eBay allows in a day."""
        if price is not None and price.currency != offer.price.currency:
            raise Refusal(25709, f"Invalid value for currency. {price.currency} is not this marketplace's")
        if price is not None and price.minor < 1:
            raise Refusal(25709, "Invalid value for price. It must be greater than 0")
        if any(quantity is not None and quantity < 0 for quantity in (home, own)):
            raise Refusal(25709, "Invalid value for quantity. It must not be negative")
        self._count_revision(offer)
        offer.home_quantity = offer.home_quantity if home is None else home
        offer.own_quantity = offer.own_quantity if own is None else own
        offer.price = price or offer.price

    def _count_revision(self, offer: Offer) -> None:
        today = self.clock.now().astimezone(EBAY_DAY).date()
        if offer.revised_on != today:
            offer.revised_on, offer.revisions = today, 0
        if offer.revisions >= REVISIONS_PER_DAY:
            raise Refusal(
                25002,
                f"A user error has occurred. You have reached the limit of {REVISIONS_PER_DAY} revisions for today.",
            )
        offer.revisions += 1

    def state(self) -> dict[str, Any]:
        """What the `/_sim` door shows."""
        levels = [{"sku": one.sku, "place": None, "quantity": one.shown} for one in self.offers.values()]
        return {
            "levels": levels,
            "orders": len(self.orders),
            "prices": {one.sku: one.price.decimal() for one in self.offers.values()},
            "revisions": {one.sku: one.revisions for one in self.offers.values() if one.revisions},
        }

    def shown(self, sku: str) -> dict[str | None, int]:
        """What buyers can buy of one article."""
        return {None: self.offers[sku].shown}
