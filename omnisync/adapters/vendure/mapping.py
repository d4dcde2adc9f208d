"""Vendure's words and ours: orders, variants, amounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from omnisync.adapters.base import Article, Customer, LevelSeen, Listing, OrderLine, OrderSeen, Restock, Target
from omnisync.adapters.vendure.settings import ShopSettings
from omnisync.values import Money, parse_time

Json = Mapping[str, Any]
TOTALS = ("subTotalWithTax", "shippingWithTax", "totalWithTax")
SENT = ("Shipped", "Delivered")
"""States of a fulfilment whose goods have left; `Pending` ones are packed and still here."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What the numbers of a Vendure channel mean."""

    channel: str
    currency: str
    currencies: tuple[str, ...]
    gross: bool
    precision: int
    tracks: bool
    threshold: int
    locations: Mapping[str, str]

    @classmethod
    def of(cls, answer: Json) -> Shop:
        channel, everywhere = answer["activeChannel"], answer["globalSettings"]
        return cls(
            channel=channel["code"],
            currency=channel["defaultCurrencyCode"],
            currencies=tuple(channel["availableCurrencyCodes"]),
            gross=channel["pricesIncludeTax"],
            precision=int(everywhere["serverConfig"]["moneyStrategyPrecision"]),
            tracks=everywhere["trackInventory"],
            threshold=int(everywhere["outOfStockThreshold"]),
            locations={one["id"]: one["name"] for one in answer["stockLocations"]["items"]},
        )

    def amount(self, money: Money) -> int | None:
        """As the shop writes it: one precision for all currencies, yen too. None where it has too few decimals for it."""
        scaled = Decimal(money.decimal()).scaleb(self.precision)
        return int(scaled) if scaled == scaled.to_integral_value() else None


def money_of(amount: Any, currency: str, precision: int) -> Money | None:
    """None where the amount is no whole number of the currency's minor units."""
    try:
        return Money.parse(str(Decimal(str(amount)).scaleb(-precision)), currency)
    except ValueError:
        return None


# ---------------------------------------------------------------- orders


def is_placed(order: Json) -> bool:
    """A basket, a draft and an order that was given up before its payment are nobody's promise."""
    return order["orderPlacedAt"] is not None


def changed_at(order: Json) -> datetime:
    """The latest of all the times that the order tells: its own stands still when it is placed, packed, sent or delivered."""
    parts: Iterable[Json] = (order, *order["lines"], *(order["fulfillments"] or ()))
    return max(parse_time(order["orderPlacedAt"]), *(parse_time(part["updatedAt"]) for part in parts))


def order_seen(order: Json, settings: ShopSettings, precision: int) -> OrderSeen:
    """An order as it stands. In a shop of many sellers the order above theirs moves nothing: each seller's own does."""
    codes = [line["shippingMethod"]["code"] for line in order["shippingLines"]]
    place = next((settings.pickup_methods[code] for code in codes if code in settings.pickup_methods), None)
    sent = pieces_in(order, SENT)
    lines = tuple(_line(line, order, sent, place, settings, precision) for line in order["lines"])
    over = all(line.cancelled + line.shipped >= line.quantity for line in lines)
    return OrderSeen(
        id=str(order["id"]),
        reference=str(order["code"]),
        version=changed_at(order),
        placed_at=parse_time(order["orderPlacedAt"]),
        lines=lines,
        pickup=place is not None,
        elsewhere=order["type"] == "Aggregate",
        closed=over or order["state"] == "Cancelled",
        currency=order["currencyCode"],
        totals={name: str(order[name]) for name in TOTALS},
        customer=_customer(order),
    )


def pieces_in(order: Json, states: Iterable[str]) -> Counter[str]:
    """Pieces by line in fulfilments of these states."""
    pieces: Counter[str] = Counter()
    for parcel in order["fulfillments"] or ():
        if parcel["state"] in states:
            for line in parcel["lines"]:
                pieces[line["orderLineId"]] += int(line["quantity"])
    return pieces


def _line(
    line: Json, order: Json, sent: Mapping[str, int], place: str | None, settings: ShopSettings, precision: int
) -> OrderLine:
    """Vendure takes what is cancelled off the quantity: first what was not sent yet, then what came back."""
    left, id = int(line["quantity"]), str(line["id"])
    ordered = max(int(line["orderPlacedQuantity"]), left)
    shipped = min(sent.get(id, 0), ordered)
    cancelled = min(ordered - left, ordered - shipped)
    came_back = ordered - left - cancelled if settings.restock_cancelled else 0
    variant = line["productVariant"]
    return OrderLine(
        id=id,
        article=Article(external_id=str(variant["id"]), sku=variant["sku"] or None, title=str(variant["name"] or "")),
        quantity=ordered,
        cancelled=cancelled,
        shipped=shipped,
        # One for each piece: a name, once told, never means more than it did.
        restocks=tuple(Restock(f"cancelled-{n}", 1) for n in range(1, came_back + 1)),
        place=place,
        unit_price=money_of(line["unitPriceWithTax"], order["currencyCode"], precision),
    )


def _customer(order: Json) -> Customer | None:
    buyer, address = order["customer"] or {}, order["shippingAddress"] or {}
    name = " ".join(str(buyer[part]) for part in ("firstName", "lastName") if buyer.get(part))
    name = name or str(address.get("fullName") or "")
    email = str(buyer.get("emailAddress") or "")
    phone = str(buyer.get("phoneNumber") or address.get("phoneNumber") or "")
    return Customer(name=name, email=email, phone=phone) if name or email or phone else None


# ---------------------------------------------------------------- variants


def level_at(variant: Json, place: str) -> tuple[int, int] | None:
    """(on hand, allocated) at a stock location; None where the variant was never stocked."""
    for level in variant["stockLevels"]:
        if level["stockLocationId"] == place:
            return int(level["stockOnHand"]), int(level["stockAllocated"])
    return None


def level_seen(variant: Json, target: Target, place: str, shop: Shop, settings: ShopSettings) -> LevelSeen:
    """What a buyer can still buy there, and what the shop keeps back for its orders."""
    on_hand, allocated = level_at(variant, place) or (0, 0)
    return LevelSeen(
        article=Article(external_id=target.external_id, sku=variant["sku"] or None),
        quantity=on_hand - allocated,
        place=target.place,
        allocated=allocated,
        price=_price(variant, shop) if shop.gross == (settings.prices == "gross") else None,
    )


def _price(variant: Json, shop: Shop) -> Money | None:
    # Not `price`: in the admin API that is net whatever the shop keeps.
    kept = {one["currencyCode"]: one["price"] for one in variant["prices"]}
    return money_of(kept[shop.currency], shop.currency, shop.precision) if shop.currency in kept else None


def listing_of(variant: Json, shop: Shop) -> Listing:
    """A variant whose stock the shop does not track has none to write."""
    tracked = {"TRUE": True, "FALSE": False}.get(variant["trackInventory"], shop.tracks)
    return Listing(
        external_id=str(variant["id"]),
        sku=variant["sku"] or None,
        title=str(variant["name"] or ""),
        extra={"product": str(variant["productId"])},
        managed=tracked,
    )
