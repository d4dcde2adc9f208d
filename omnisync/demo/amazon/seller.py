"""The account itself: buyers, the seller's doings elsewhere, and changes that are applied when they are due."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from omnisync.clock import Clock
from omnisync.demo.amazon.seed import Listed, Seed
from omnisync.demo.amazon.things import DEFAULT, FBA, Change, Entry, Line, Offer, Order
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.values import Money, format_time

Tell = Callable[[str, Mapping[str, Any]], None]
"""Hears of a topic and its payload."""


class Seller:
    """One account in one marketplace."""

    def __init__(self, seed: Seed, clock: Clock, chance: random.Random) -> None:
        self.seed, self.clock, self.chance, self.faults = seed, clock, chance, Faults()
        self.orders: dict[str, Order] = {}
        self.tell: Tell = lambda topic, payload: None
        self._changes: list[Change] = []
        self._number = 0
        self._offers = {one.sku: self._offer(one, number) for number, one in enumerate(seed.listings)}

    @property
    def offers(self) -> dict[str, Offer]:
        """The listings as they are now."""
        self._apply()
        return self._offers

    def _offer(self, one: Listed, number: int) -> Offer:
        code = {"fulfillment_channel_code": FBA} if one.by_amazon else {
            "fulfillment_channel_code": DEFAULT,
            "quantity": one.pieces,
            "lead_time_to_ship_max_days": one.handling_days,
        }  # fmt: skip
        offer = {
            "marketplace_id": self.seed.marketplace_id,
            "currency": self.seed.currency,
            "audience": "ALL",
            "our_price": [{"schedule": [{"value_with_tax": float(one.price)}]}],
            "minimum_seller_allowed_price": [{"schedule": [{"value_with_tax": 0.5}]}],
        }
        barcode = [{"type": "ean", "value": one.barcode}] if one.barcode else []
        attributes: dict[str, list[Entry]] = {
            "fulfillment_availability": [code],
            "purchasable_offer": [offer],
            "externally_assigned_product_identifier": list(barcode),
        }
        created = self.clock.now() - timedelta(days=30) + timedelta(seconds=number)
        at_amazon = one.pieces if one.by_amazon else 0
        return Offer(
            one.sku, f"B0SIM{number:05d}", one.title or one.sku, one.barcode, created, attributes, at_amazon=at_amazon
        )

    def delist(self, sku: str) -> None:
        """The seller deletes a listing."""
        del self._offers[sku]

    # ------------------------------------------------------------ buyers

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """A paid order; fetched from a store when it is a pickup."""
        if purchase.counter:
            raise SoldOut("Amazon has no counter to buy over")
        store = (purchase.place or "store-1") if purchase.pickup else None
        return {"order": self.order([(purchase.sku, purchase.quantity)], store=store).id}

    def order(
        self,
        wanted: Sequence[tuple[str, int]],
        *,
        paid: bool = True,
        store: str | None = None,
        by_amazon: bool = False,
    ) -> Order:
        """A buyer takes these pieces off the offers. SoldOut when one of them has not so many; nothing is taken then."""
        for sku, quantity in wanted:
            if self.offers[sku].quantity < quantity:
                raise SoldOut(f"only {self.offers[sku].quantity} of {sku} are on offer")
        now, lines = self.clock.now(), []
        for sku, quantity in wanted:
            offer = self._offers[sku]
            offer.sell(quantity)
            lines.append(Line(self.next("9007199254740"), offer, quantity, offer.price))
            self._level(offer)
        order_id = f"3{self.chance.randrange(100):02d}-{self.next('1'):0>7}-{self.chance.randrange(10**7):07d}"
        by_amazon = by_amazon or all(line.offer.by_amazon for line in lines)
        order = self.orders[order_id] = Order(order_id, lines, now, now, paid=paid, by_amazon=by_amazon, store=store)
        self._told(order)
        return order

    def next(self, prefix: str) -> str:
        """A number that nothing else has; with a long prefix beyond 2^53."""
        self._number += 1
        return f"{prefix}{self._number:04d}"

    # ------------------------------------------------------------ what happens to an order

    def pay(self, order: Order) -> None:
        order.paid = True
        self._touch(order)

    def ship(self, order: Order, pieces: Mapping[str, int] | None = None) -> None:
        """These pieces leave; all when nobody says which."""
        for line in order.lines:
            wanted = line.quantity if pieces is None else line.shipped + pieces.get(line.id, 0)
            line.shipped = line.shipped if line.cancelled else min(line.quantity, wanted)
        self._touch(order)

    def cancel(self, order: Order, line_id: str | None = None) -> None:
        """The order, or one line of it. Only what nobody had paid is offered again by Amazon itself."""
        for line in order.lines:
            if line_id in (None, line.id) and not line.cancelled:
                line.cancelled = True
                if not order.paid:
                    line.offer.sell(-line.quantity)
                    self._level(line.offer)
        order.cancelled = order.cancelled or line_id is None
        self._touch(order)

    def _touch(self, order: Order) -> None:
        order.updated = self.clock.now()
        self._told(order)

    def _told(self, order: Order) -> None:
        states = {"PENDING": "Pending", "UNSHIPPED": "Unshipped", "PARTIALLY_SHIPPED": "PartiallyShipped"}
        change = {
            "NotificationLevel": "OrderLevel",
            "SellerId": self.seed.seller_id,
            "AmazonOrderId": order.id,
            "OrderChangeType": "OrderStatusChange",
            "OrderChangeTrigger": {"TimeOfOrderChange": format_time(order.updated), "ChangeReason": "Status"},
            "Summary": {
                "MarketplaceId": self.seed.marketplace_id,
                "OrderStatus": states.get(order.status, order.status.title().replace("Cancelled", "Canceled")),
                "PurchaseDate": format_time(order.created),
                "DestinationPostalCode": None,
                "FulfillmentType": "AFN" if order.by_amazon else "MFN",
                "OrderType": "StandardOrder",
                "NumberOfItemsShipped": sum(line.shipped for line in order.lines),
                "NumberOfItemsUnshipped": sum(line.quantity - line.shipped for line in order.lines),
                "OrderItems": [
                    {
                        "OrderItemId": line.id,
                        "SellerSKU": line.offer.sku,
                        "SupplySourceId": None,
                        "Quantity": line.quantity,
                        "QuantityShipped": line.shipped,
                    }
                    for line in order.lines
                ],
            },
        }
        self.tell("ORDER_CHANGE", {"OrderChangeNotification": change})

    # ------------------------------------------------------------ changes

    def accept(self, sku: str, patches: Sequence[tuple[str, str, list[Entry]]], *, after: float) -> None:
        """To be applied so many seconds from now."""
        self._changes.append(Change(self.clock.monotonic() + after, sku, tuple(patches)))
        self._apply()

    def _apply(self) -> None:
        now = self.clock.monotonic()
        due = sorted((one for one in self._changes if one.due <= now), key=lambda one: one.due)
        self._changes = [one for one in self._changes if one.due > now]
        for change in (one for one in due if one.sku in self._offers):
            offer = self._offers[change.sku]
            before = offer.quantity
            for op, attribute, value in change.patches:
                offer.patch(op, attribute, value)
            if offer.quantity != before:
                self._level(offer)

    def _level(self, offer: Offer) -> None:
        if not offer.by_amazon:
            payload = {
                "SellerId": self.seed.seller_id,
                "FulfillmentChannelCode": DEFAULT,
                "Sku": offer.sku,
                "Quantity": offer.quantity,
            }
            self.tell("LISTINGS_ITEM_MFN_QUANTITY_CHANGE", payload)

    # ------------------------------------------------------------ the door

    def state(self) -> dict[str, Any]:
        """What the `/_sim` door shows."""
        offers = self.offers.values()
        return {
            "levels": [{"sku": one.sku, "place": None, "quantity": one.quantity} for one in offers],
            "orders": len(self.orders),
            "prices": {one.sku: one.price.decimal() for one in offers},
        }

    def shown(self, sku: str) -> dict[str | None, int]:
        """What buyers can buy of one article."""
        return {None: self.offers[sku].quantity}

    def price(self, sku: str) -> Money:
        return self.offers[sku].price
