"""What a simulated shop consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from omnisync.values import Money


@dataclass
class Product:
    """A product, or a variation of one (`parent_id`)."""

    id: int
    sku: str
    name: str
    regular_price: str
    created: datetime
    modified: datetime
    type: Literal["simple", "variable", "variation", "grouped", "external"] = "simple"
    parent_id: int = 0
    manage_stock: bool | Literal["parent"] = True
    stock: int = 0
    stock_status: str = "instock"
    """Counts where the stock is not managed."""
    backorders: Literal["no", "notify", "yes"] = "no"
    barcode: str = ""


@dataclass
class Line:
    """One line of an order; `reduced` pieces were taken off the product's level for it, `restocked` put back by refunds."""

    id: int
    product: Product
    quantity: int
    total: Money
    tax: Money
    reduced: int = 0
    restocked: int = 0


@dataclass
class Refund:
    """Money given back, and pieces by line; negative as WooCommerce writes them only in its answers."""

    id: int
    amount: Money
    reason: str
    pieces: dict[int, int]
    created: datetime


@dataclass
class Order:
    """An order with everything that happened to it."""

    id: int
    number: str
    status: str
    lines: list[Line]
    created: datetime
    modified: datetime
    fees: list[tuple[int, str, Money]] = field(default_factory=list)
    """What costs something and is no product: a gift wrap, a payment's fee."""
    shipping: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    stock_reduced: bool = False
    paid_at: datetime | None = None
    completed_at: datetime | None = None
    billing: dict[str, str] = field(default_factory=dict)


@dataclass
class Hook:
    """A webhook; WooCommerce switches it off after more than five failures in a row."""

    id: int
    name: str
    topic: str
    url: str
    secret: str
    created: datetime
    modified: datetime
    status: Literal["active", "paused", "disabled"] = "active"
    failures: int = 0
