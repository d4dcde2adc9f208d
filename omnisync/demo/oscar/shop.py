"""A django-oscar shop in memory, answering as oscarapi 3.3 does (`tests/real` holds it against a real one)."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from omnisync.adapters.client import Transport
from omnisync.clock import Clock
from omnisync.torture.wire import Answered, Asked, answering
from omnisync.values import format_time

ROOT = "http://shop.test/api"
USER, PASSWORD = "sync", "geheim-4711"
OPEN, CANCELLED, SHIPPED = "Pending", "Cancelled", "Complete"


@dataclass
class Shop:
    """Products, stock records and orders, newest first; lists come in pages where `page` is set."""

    clock: Clock
    page: int | None = None
    line_fields: tuple[str, ...] = ()
    """What OSCARAPI_ORDERLINE_FIELDS adds: status, partner_sku, title, upc."""
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    last: int = 0
    """The number of the newest order."""
    blocked: bool = False
    asked: list[str] = field(default_factory=list)

    # ------------------------------------------------------------ its people

    def add(self, sku: str, price: str = "39.95", stock: int = 10) -> str:
        """Put an article on sale; the id of its stock record."""
        record = str(len(self.records) + 1)
        self.records[record] = {
            "url": f"{ROOT}/admin/stockrecords/{record}/", "product": int(record), "partner_sku": sku, "price_currency": "EUR",
            "price": price, "num_in_stock": stock, "num_allocated": None, "low_stock_threshold": None,
            "date_created": self._now(), "date_updated": self._now(), "partner": f"{ROOT}/admin/partners/1/",
        }  # fmt: skip
        return record

    def buy(
        self, record: str, quantity: int = 1, *, number: str | None = None, shipping_code: str = "free-shipping"
    ) -> str:
        """A buyer checks out with one article; the order's id."""
        return self.check_out([(record, quantity)], number=number, shipping_code=shipping_code)

    def check_out(
        self, wanted: Sequence[tuple[str, int]], *, number: str | None = None, shipping_code: str = "free-shipping"
    ) -> str:
        """A buyer checks out; the order's id."""
        self.last += 1
        order, prices = str(self.last), {record: float(self.records[record]["price"]) for record, _ in wanted}
        for record, quantity in wanted:
            self.records[record]["num_allocated"] = (self.records[record]["num_allocated"] or 0) + quantity
        total = f"{sum(prices[record] * quantity for record, quantity in wanted):.2f}"
        self.orders[order] = {
            "number": number or str(100_000 + int(order)), "basket": f"{ROOT}/baskets/{order}/",
            "url": f"{ROOT}/admin/orders/{order}/", "lines": f"{ROOT}/admin/orders/{order}/lines/", "owner": None,
            "billing_address": None, "currency": "EUR", "total_incl_tax": total, "total_excl_tax": total,
            "shipping_incl_tax": "0.00", "shipping_excl_tax": "0.00",
            "shipping_address": {"first_name": "Erika", "last_name": "Muster", "phone_number": "+49301234567"},
            "shipping_method": "Free shipping", "shipping_code": shipping_code, "status": OPEN,
            "email": "kundin@example.org", "date_placed": self._now(), "payment_url": "", "offer_discounts": [],
            "voucher_discounts": [], "surcharges": [],
        }  # fmt: skip
        self.lines[order] = [
            self._line(order, record, quantity, f"{prices[record] * quantity:.2f}") for record, quantity in wanted
        ]
        return order

    def end(self, order: str, status: str) -> None:
        """Cancel or ship a whole order."""
        self.orders[order]["status"] = status
        for line in self.lines[order]:
            record = self.records[line["stockrecord"].rstrip("/").rpartition("/")[2]]
            record["num_allocated"] -= line["quantity"]
            if status == SHIPPED:
                record["num_in_stock"] -= line["quantity"]

    def offered(self, record: str) -> int:
        stock = self.records[record]
        return int(stock["num_in_stock"]) - int(stock["num_allocated"] or 0)

    def _line(self, order: str, record: str, quantity: int, total: str) -> dict[str, Any]:
        extra = {"status": OPEN, "partner_sku": self.records[record]["partner_sku"], "title": "Lampe", "upc": None}
        return {
            "attributes": [], "url": f"{ROOT}/admin/orderlines/{order}{record}/", "product": f"{ROOT}/products/{record}/",
            "stockrecord": f"{ROOT}/products/{record}/stockrecords/{record}/", "quantity": quantity,
            "price_currency": "EUR", "price_excl_tax": total, "price_incl_tax": total,
            "price_incl_tax_excl_discounts": total, "price_excl_tax_excl_discounts": total,
            "order": f"{ROOT}/orders/{order}/", **{name: extra[name] for name in self.line_fields},
        }  # fmt: skip

    def _now(self) -> str:
        return format_time(self.clock.now())

    # ------------------------------------------------------------ its API

    @property
    def transport(self) -> Transport:
        return answering(self._answer)

    def _answer(self, request: Asked) -> Answered:
        self.asked.append(f"{request.method} {request.path}")
        expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {expected}":
            return Answered(403, {"detail": "Invalid username/password."})
        match request.path.removeprefix("/api/admin/").strip("/").split("/") if not self.blocked else []:
            case ["orders"]:
                newest_first = sorted(self.orders.values(), key=lambda order: order["date_placed"], reverse=True)
                return self._listed(request, newest_first)
            case ["orders", order]:
                return _found(self.orders.get(order))
            case ["orders", order, "lines"]:
                return self._listed(request, self.lines.get(order, []))
            case ["products"]:
                return self._listed(request, [self._product(record) for record in self.records])
            case ["partners"]:
                return self._listed(request, [{"url": f"{ROOT}/admin/partners/1/", "name": "Lindenlicht", "code": "l"}])
            case ["stockrecords", record]:
                return self._record(request, record)
            case _:
                return Answered(404, "<h1>Not Found</h1>")

    def _product(self, record: str) -> dict[str, Any]:
        stock = self.records[record]
        return {"id": int(record), "upc": None, "title": f"Artikel {stock['partner_sku']}", "stockrecords": [stock]}

    def _record(self, request: Asked, record: str) -> Answered:
        change = json.loads(request.body) if request.method == "PATCH" else {}
        if record in self.records and change.get("num_in_stock", 0) < 0:
            return Answered(400, {"num_in_stock": ["Ensure this value is greater than or equal to 0."]})
        if record in self.records:
            self.records[record] |= change
        return _found(self.records.get(record))

    def _listed(self, request: Asked, items: list[dict[str, Any]]) -> Answered:
        if self.page is None:
            return Answered(200, items)
        number = int(request.query.get("page", "1"))
        shown = items[(number - 1) * self.page : number * self.page]
        more = number * self.page < len(items)
        following = f"http://other-name.test{request.path}?page={number + 1}" if more else None
        return Answered(200, {"count": len(items), "next": following, "previous": None, "results": shown})


def _found(item: dict[str, Any] | None) -> Answered:
    return Answered(404, {"detail": "No such thing."}) if item is None else Answered(200, item)


SETTINGS: dict[str, Any] = {"base_url": "http://shop.test", "username": USER, "password": PASSWORD}
