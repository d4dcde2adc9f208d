"""oscarapi's words and ours: orders, lines, stock records."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from omnisync.adapters.base import Article, Customer, LevelSeen, Listing, OrderLine, OrderSeen, Shown, Target
from omnisync.adapters.oscar.settings import ShopSettings
from omnisync.values import Money, as_utc, parse_time

Json = Mapping[str, Any]
TOTALS = ("total_incl_tax", "total_excl_tax", "shipping_incl_tax", "shipping_excl_tax")


def id_in(url: str) -> str:
    """The id at the end of one of oscarapi's addresses."""
    return url.rstrip("/").rpartition("/")[2]


def placed_at(order: Json, settings: ShopSettings) -> datetime:
    """When a shop without time zones tells a bare local time, its zone stands in the settings."""
    text = str(order["date_placed"])
    try:
        return parse_time(text)
    except ValueError:
        return as_utc(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(settings.timezone)))


def order_seen(
    order: Json, lines: Sequence[Json], settings: ShopSettings, pickups: Collection[str], *, read_at: datetime
) -> OrderSeen:
    """An order as read at that moment. A shipping method that the location map names is a pickup at that place."""
    state = settings.state(order["status"])
    code = str(order.get("shipping_code") or "")
    place = code if code in pickups else None
    return OrderSeen(
        id=id_in(order["url"]),
        reference=str(order["number"]),
        version=read_at,
        placed_at=placed_at(order, settings),
        lines=tuple(_line(line, state, place, settings) for line in lines),
        pickup=place is not None,
        paid=order["status"] not in settings.unpaid_statuses,
        closed=state != "open",
        currency=order.get("currency"),
        totals={name: str(order[name]) for name in TOTALS if order.get(name) is not None},
        customer=_customer(order),
    )


def _line(line: Json, order_state: str, place: str | None, settings: ShopSettings) -> OrderLine:
    """A line's own state, where the shop tells it, goes before that of its order."""
    quantity = int(line["quantity"])
    own = settings.state(str(line.get("status") or ""))
    state = order_state if own == "open" else own
    return OrderLine(
        id=id_in(line["url"]),
        article=Article(
            external_id=id_in(line["stockrecord"]) if line.get("stockrecord") else None,
            sku=line.get("partner_sku") or None,
            barcode=line.get("upc") or None,
            title=str(line.get("title") or ""),
        ),
        quantity=quantity,
        cancelled=quantity if state == "cancelled" else 0,
        shipped=quantity if state == "shipped" else 0,
        place=place,
        unit_price=_unit_price(line, quantity),
    )


def _unit_price(line: Json, quantity: int) -> Money | None:
    """What one piece cost before discounts; None where the line's sum is no multiple of cents."""
    text, currency = line.get("price_incl_tax_excl_discounts"), line.get("price_currency")
    if text is None or not currency or quantity < 1:
        return None
    total = Money.parse(str(text), currency)
    return Money(total.minor // quantity, currency) if total.minor % quantity == 0 else None


def _customer(order: Json) -> Customer | None:
    address = order.get("shipping_address") or order.get("billing_address") or {}
    name = " ".join(str(address[part]) for part in ("first_name", "last_name") if address.get(part))
    email, phone = str(order.get("email") or ""), str(address.get("phone_number") or "")
    return Customer(name=name, email=email, phone=phone) if name or email or phone else None


def level_seen(record: Json, target: Target) -> LevelSeen:
    """What a buyer can still buy, and what the shop keeps back for its orders. No number is none in stock, as oscar sees it."""
    allocated = int(record["num_allocated"] or 0)
    return LevelSeen(
        article=Article(external_id=target.external_id, sku=record["partner_sku"]),
        quantity=offered(record),
        allocated=allocated,
        price=price_of(record),
        version=record["date_updated"],
    )


def offered(record: Json) -> int:
    return int(record["num_in_stock"] or 0) - int(record["num_allocated"] or 0)


def price_of(record: Json) -> Money | None:
    if record["price"] is None:
        return None
    return Money.parse(str(record["price"]), record["price_currency"])


def record_change(shown: Shown) -> dict[str, Any]:
    """The fields of a stock record to write. oscar takes its own allocations off what it is told."""
    change: dict[str, Any] = {}
    if shown.quantity is not None:
        change["num_in_stock"] = shown.quantity + shown.allocated
    if shown.price is not None:
        change |= {"price": shown.price.decimal(), "price_currency": shown.price.currency}
    return change


def listings_of(product: Json, settings: ShopSettings) -> list[Listing]:
    """One for each stock record of a product."""
    return [
        Listing(
            external_id=id_in(record["url"]),
            sku=record["partner_sku"] or None,
            barcode=product.get("upc") or None,
            title=str(product.get("title") or ""),
            extra={
                "product": str(record["product"]),
                "partner": id_in(record["partner"]),
                "currency": record["price_currency"],
            },
        )
        for record in product["stockrecords"]
        if settings.partner is None or id_in(record["partner"]) == str(settings.partner)
    ]
