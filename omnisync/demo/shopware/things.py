"""What a simulated shop consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Product:
    """A product, or a variant of one, whose empty fields are its product's."""

    id: str
    number: int
    sku: str
    name: str | None
    created: datetime
    updated: datetime | None = None
    parent_id: str | None = None
    stock: int = 0
    price: list[dict[str, Any]] | None = None
    tax_rate: float | None = 19.0
    is_closeout: bool | None = True
    ean: str | None = None
    option: str | None = None


@dataclass
class Line:
    """One line of an order; only those of products take stock."""

    id: str
    type: str
    label: str
    quantity: int
    unit_price: float
    product: Product | None = None
    parent_id: str | None = None


@dataclass
class Delivery:
    """What is sent together: pieces by line. One without is a discount on shipping costs."""

    id: str
    method: str
    pieces: dict[str, int]
    created: datetime
    updated: datetime | None = None
    state: str = "open"
    costs: float = 0.0


@dataclass
class Payment:
    """One try to pay."""

    id: str
    method: str
    created: datetime
    updated: datetime | None = None
    state: str = "open"


@dataclass
class Order:
    """An order with everything that happened to it."""

    id: str
    number: int
    reference: str
    lines: list[Line]
    created: datetime
    updated: datetime | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    state: str = "open"
    tax_status: str = "gross"
    mails: list[str] = field(default_factory=list)
    """The changes of state that the buyer was written about."""


@dataclass
class Hook:
    """A webhook of the app (or, unsigned, of nobody); the shop switches it off after ten failed events."""

    id: str
    name: str
    event: str
    url: str
    app: bool = True
    active: bool = True
    errors: int = 0
