"""What a simulated Shopify shop is made of: locations, variants with their levels, orders with what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from omnisync.values import Money


@dataclass(slots=True)
class Location:
    """A place that holds stock."""

    id: int
    name: str
    fulfillment_service: bool = False

    @property
    def gid(self) -> str:
        return f"gid://shopify/Location/{self.id}"


@dataclass(slots=True)
class Level:
    """Pieces of a variant at one location: on hand is available plus committed."""

    available: int
    updated_at: datetime
    committed: int = 0


@dataclass(slots=True)
class Variant:
    """What is sold, with its inventory item and product (here each product has the variants of one title)."""

    id: int
    item_id: int
    product_id: int
    sku: str
    barcode: str
    title: str
    price: Money
    levels: dict[int, Level]
    created_at: datetime
    tracked: bool = True
    requires_shipping: bool = True
    gift_card: bool = False
    bundle: bool = False

    @property
    def sellable(self) -> int:
        return sum(max(0, level.available) for level in self.levels.values())


@dataclass(slots=True)
class Line:
    """A line of an order. `removed` pieces were taken out before they were sent, `returned` ones came back after."""

    id: int
    title: str
    quantity: int
    price: Money
    variant: Variant | None = None
    removed: int = 0
    returned: int = 0
    fulfilled: int = 0
    requires_shipping: bool = True

    @property
    def unfulfilled(self) -> int:
        return self.quantity - self.removed - self.fulfilled

    @property
    def current(self) -> int:
        return self.quantity - self.removed - self.returned


@dataclass(slots=True)
class Part:
    """A line's share of a fulfilment order."""

    id: int
    line: Line
    total: int
    remaining: int


@dataclass(slots=True)
class FulfillmentOrder:
    """What one location has to send or hand over."""

    id: int
    location: Location
    method: str
    parts: list[Part]
    status: str = "OPEN"
    prepared: bool = False


@dataclass(slots=True)
class Fulfillment:
    """What was sent or handed over."""

    id: int
    location: Location
    lines: list[tuple[Line, int]]
    created_at: datetime
    status: str = "SUCCESS"
    display: str = "FULFILLED"


@dataclass(slots=True)
class RefundLine:
    """Pieces that a refund is about."""

    id: int
    line: Line
    quantity: int
    restock_type: str
    location: Location | None = None


@dataclass(slots=True)
class Refund:
    """Money given back, and what happened to the goods."""

    id: int
    created_at: datetime
    lines: list[RefundLine]


@dataclass(slots=True)
class Order:
    """An order of the web shop, or a receipt of Shopify POS."""

    id: int
    number: int
    created_at: datetime
    updated_at: datetime
    lines: list[Line]
    currency: str
    fulfillment_orders: list[FulfillmentOrder] = field(default_factory=list)
    fulfillments: list[Fulfillment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    cancelled_at: datetime | None = None
    retail_location: Location | None = None
    buyer: str = ""
    paid: bool = True

    @property
    def name(self) -> str:
        return f"#{self.number}"

    @property
    def financial_status(self) -> str:
        """As GraphQL says it."""
        if not self.paid:
            return "VOIDED" if self.cancelled_at else "PENDING"
        return "REFUNDED" if self.cancelled_at else "PARTIALLY_REFUNDED" if self.refunds else "PAID"

    @property
    def gid(self) -> str:
        return f"gid://shopify/Order/{self.id}"

    @property
    def closed(self) -> bool:
        return self.cancelled_at is not None or all(line.unfulfilled == 0 for line in self.lines)

    @property
    def total(self) -> Money:
        return Money(sum(line.price.minor * line.quantity for line in self.lines), self.currency)

    @property
    def current_total(self) -> Money:
        return Money(sum(line.price.minor * line.current for line in self.lines), self.currency)


@dataclass(slots=True)
class Subscription:
    """A topic somebody wants to hear about."""

    id: int
    topic: str
    url: str
    created_at: datetime
