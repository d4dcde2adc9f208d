"""What a simulated account holds: listings, orders, feeds, messages."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from omnisync.values import Money

DEFAULT, FBA = "DEFAULT", "AMAZON_EU"
SELECTORS = {
    "fulfillment_availability": ("fulfillment_channel_code",),
    "purchasable_offer": ("marketplace_id", "currency", "audience"),
}
"""Which fields tell one entry of an attribute from another."""

Entry = dict[str, Any]


@dataclass(slots=True)
class Offer:
    """One listing; its attributes are what the seller submitted, all of them."""

    sku: str
    asin: str
    title: str
    barcode: str
    created: datetime
    attributes: dict[str, list[Entry]]
    product_type: str = "HOME"
    at_amazon: int = 0
    """Pieces in Amazon's own warehouses."""

    def stock(self) -> Entry | None:
        """The entry of the pieces that the seller sends."""
        found = self.attributes.get("fulfillment_availability", [])
        return next((one for one in found if one["fulfillment_channel_code"] == DEFAULT), None)

    @property
    def by_amazon(self) -> bool:
        return self.stock() is None

    @property
    def quantity(self) -> int:
        """What buyers can buy."""
        stock = self.stock()
        return self.at_amazon if stock is None else int(stock.get("quantity") or 0)

    def sell(self, pieces: int) -> None:
        """Taken off (or, negative, put back on) what is shown."""
        stock = self.stock()
        if stock is None:
            self.at_amazon -= pieces
        else:
            stock["quantity"] = self.quantity - pieces

    @property
    def price(self) -> Money:
        entry = self.attributes["purchasable_offer"][0]
        amount = entry["our_price"][0]["schedule"][0]["value_with_tax"]
        return Money.parse(str(amount), entry["currency"])

    def patch(self, op: str, attribute: str, value: list[Entry]) -> None:
        """As Amazon does it: an entry that is replaced keeps no field that was not repeated; one that is merged does."""
        keys = SELECTORS.get(attribute, ())
        entries = self.attributes.setdefault(attribute, [])
        for new in copy.deepcopy(value):
            old = next((one for one in entries if all(one.get(key) == new.get(key) for key in keys)), None)
            if old is None:
                entries.append(new)
            elif op == "merge":
                old.update(new)
            else:
                entries[entries.index(old)] = new


@dataclass(slots=True)
class Line:
    """One item of an order."""

    id: str
    offer: Offer
    quantity: int
    price: Money
    shipped: int = 0
    cancelled: bool = False


@dataclass(slots=True)
class Order:
    """What a buyer bought."""

    id: str
    lines: list[Line]
    created: datetime
    updated: datetime
    paid: bool = True
    by_amazon: bool = False
    store: str | None = None
    cancelled: bool = False
    picked_up: list[str] = field(default_factory=list)
    """The states of its pickup that were reported."""

    @property
    def status(self) -> str:
        if self.cancelled or all(line.cancelled for line in self.lines):
            return "CANCELLED"
        if not self.paid:
            return "PENDING"
        open_ = [line for line in self.lines if not line.cancelled]
        if all(line.shipped == line.quantity for line in open_):
            return "SHIPPED"
        return "PARTIALLY_SHIPPED" if any(line.shipped for line in open_) else "UNSHIPPED"


@dataclass(slots=True)
class Feed:
    """A feed and, when it is done, its report."""

    id: str
    document: str
    created: datetime
    due: float
    fatal: bool = False
    ended: datetime | None = None
    result: str | None = None


@dataclass(slots=True)
class Waiting:
    """A message in the queue; hidden until somebody may receive it (again)."""

    id: str
    body: str
    visible_at: float = 0.0
    handle: str = ""
    received: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """Accepted, and applied when it is due."""

    due: float
    sku: str
    patches: tuple[tuple[str, str, list[Entry]], ...]
    """(operation, attribute, value)"""
