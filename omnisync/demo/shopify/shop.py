"""The trade of a simulated Shopify: it sells from its own levels, cancels, refunds, fulfils, and announces each change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from omnisync.clock import Clock
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.demo.shopify.things import (
    Fulfillment,
    FulfillmentOrder,
    Level,
    Line,
    Location,
    Order,
    Part,
    Refund,
    RefundLine,
    Subscription,
    Variant,
)
from omnisync.values import Money

FIRST_ID = 7_000_000_000_001
"""Shopify's ids are large; larger than what 32 bits hold."""

Announce = Callable[[str, Any], None]
"""Is told the topic and what it is about: an order, a refund with its order, a level."""


class Shop:
    """One shop with everything in it, in memory."""

    def __init__(self, clock: Clock, *, name: str = "demo.myshopify.com", currency: str = "EUR") -> None:
        self.clock, self.name, self.currency = clock, name, currency
        self.faults = Faults()
        self.announce: Announce = lambda topic, about: None
        self.locations: dict[int, Location] = {}
        self.variants: dict[int, Variant] = {}
        self._by_item: dict[int, Variant] = {}
        self._by_sku: dict[str, Variant] = {}
        self.orders: dict[int, Order] = {}
        self.subscriptions: dict[int, Subscription] = {}
        self._last_id = FIRST_ID

    # ------------------------------------------------------------ assortment

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def number_from(self, id: int) -> None:
        """What comes next is numbered from here."""
        self._last_id = id - 1

    def now(self) -> datetime:
        """Shopify tells whole seconds."""
        return self.clock.now().replace(microsecond=0)

    def add_location(self, id: int, name: str, *, fulfillment_service: bool = False) -> Location:
        self.locations[id] = Location(id, name, fulfillment_service)
        return self.locations[id]

    def add_variant(
        self,
        sku: str,
        price: Money,
        quantities: Mapping[int, int],
        *,
        title: str = "",
        barcode: str = "",
        **flags: bool,
    ) -> Variant:
        """A new product of one variant, stocked at the locations named."""
        now = self.now()
        levels = {place: Level(quantity, now) for place, quantity in quantities.items()}
        ids = (self.next_id(), self.next_id(), self.next_id())
        variant = Variant(*ids, sku, barcode, title or sku, price, levels, now, **flags)
        self.variants[variant.id] = self._by_item[variant.item_id] = variant
        self._by_sku.setdefault(sku, variant)
        return variant

    def remove_variant(self, variant: Variant) -> None:
        """It is deleted: nobody knows it any more."""
        del self.variants[variant.id], self._by_item[variant.item_id], self._by_sku[variant.sku]

    def variant(self, sku: str) -> Variant:
        """The first of that SKU. KeyError when there is none."""
        return self._by_sku[sku]

    def item(self, item_id: int) -> Variant | None:
        """The variant of an inventory item."""
        return self._by_item.get(item_id)

    def set_available(self, variant: Variant, place: int, quantity: int) -> int:
        """The number buyers see, to that value; what it was changed by."""
        level = variant.levels[place]
        delta, level.available, level.updated_at = quantity - level.available, quantity, self.now()
        if delta:
            self.announce("inventory_levels/update", (variant, place))
        return delta

    # ------------------------------------------------------------ buyers

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """A buyer takes what the shop offers."""
        order = self.sell(
            [(self.variant(purchase.sku), purchase.quantity)],
            place=_place_id(purchase.place),
            counter=purchase.counter,
            pickup=purchase.pickup,
        )
        return {"order": order.gid, "reference": order.name, "sold": purchase.quantity}

    def sell(
        self,
        wanted: Sequence[tuple[Variant, int]],
        *,
        place: int | None = None,
        counter: bool = False,
        pickup: bool = False,
        paid: bool = True,
    ) -> Order:
        """Over the counter of `place`, to be fetched there, or to be sent from where it is. SoldOut changes nothing."""
        if counter and place is None:
            place = min(self.locations)
        shares = [(variant, quantity, self._shares(variant, quantity, place)) for variant, quantity in wanted]
        order = self._new_order([(variant, quantity) for variant, quantity, _ in shares])
        order.paid = paid
        method = "RETAIL" if counter else "PICK_UP" if pickup else "SHIPPING"
        by_place: dict[int, list[Part]] = {}
        for line, (variant, _, places) in zip(order.lines, shares, strict=True):
            for at, quantity in places:
                self._move(variant, at, available=-quantity, committed=quantity)
                by_place.setdefault(at, []).append(Part(self.next_id(), line, quantity, quantity))
        order.fulfillment_orders = [
            FulfillmentOrder(self.next_id(), self.locations[at], method, parts) for at, parts in by_place.items()
        ]
        if counter and place is not None:
            order.retail_location = self.locations[place]
            self._fulfil_all(order)
        self.announce("orders/create", order)
        return order

    def pay(self, order: Order) -> None:
        """What was owed has come."""
        order.paid = True
        self.touch(order)

    def add_loose_line(self, order: Order, title: str, price: Money) -> Line:
        """A tip, a wrapping: something typed in that is no variant."""
        line = Line(self.next_id(), title, 1, price, requires_shipping=False, fulfilled=1)
        order.lines.append(line)
        return line

    # ------------------------------------------------------------ the merchant

    def fulfil(
        self, order: Order, wanted: Sequence[tuple[FulfillmentOrder, Part, int]] | None = None
    ) -> list[Fulfillment]:
        """Send or hand over: all that is open, or so many of these parts."""
        made = self._fulfil_all(order) if wanted is None else self._fulfil_parts(order, wanted)
        for fulfillment in made:
            self.announce("fulfillments/create", (order, fulfillment))
        self.touch(order)
        return made

    def cancel(self, order: Order, *, restock: bool = True) -> None:
        """Cancel what has not been sent."""
        open_lines = [(line, line.unfulfilled) for line in order.lines if line.unfulfilled]
        order.cancelled_at = self.now()
        if open_lines:
            self._refund(order, open_lines, "CANCEL" if restock else "NO_RESTOCK", None)
        self.announce("orders/cancelled", order)
        self.touch(order)

    def refund(
        self, order: Order, lines: Sequence[tuple[Line, int]], restock_type: str, *, place: int | None = None
    ) -> Refund:
        """Give money back: RETURN restocks what was sent, CANCEL frees what was not, NO_RESTOCK moves nothing."""
        refund = self._refund(order, lines, restock_type, self.locations[place] if place is not None else None)
        self.announce("refunds/create", (order, refund))
        self.touch(order)
        return refund

    def touch(self, order: Order) -> None:
        """The order changed: later readers find it again."""
        order.updated_at = self.now()
        self.announce("orders/updated", order)

    def state(self) -> dict[str, Any]:
        """A look inside, for the `/_sim` door."""
        levels = [
            {
                "sku": variant.sku,
                "place": self.locations[at].gid,
                "quantity": level.available,
                "committed": level.committed,
                "price": variant.price.decimal(),
            }
            for variant in self.variants.values()
            for at, level in variant.levels.items()
        ]
        return {"levels": levels, "orders": len(self.orders), "subscriptions": len(self.subscriptions)}

    def shown(self, sku: str) -> dict[str | None, int]:
        """What buyers can buy of one article, by location."""
        return {self.locations[at].gid: level.available for at, level in self.variant(sku).levels.items()}

    # ------------------------------------------------------------ inside

    def _shares(self, variant: Variant, quantity: int, place: int | None) -> list[tuple[int, int]]:
        """From which locations a line comes: whole from the first that has it, else gathered."""
        if not variant.tracked:
            return [(place or min(self.locations), quantity)]
        offered = {at: max(0, level.available) for at, level in variant.levels.items() if place in (None, at)}
        if sum(offered.values()) < quantity:
            raise SoldOut(f"{variant.sku}: {quantity} wanted, {sum(offered.values())} offered")
        whole = next((at for at, there in offered.items() if there >= quantity), None)
        if whole is not None:
            return [(whole, quantity)]
        shares: list[tuple[int, int]] = []
        for at, there in offered.items():
            taken = min(there, quantity - sum(share for _, share in shares))
            if taken:
                shares.append((at, taken))
        return shares

    def _new_order(self, wanted: Sequence[tuple[Variant, int]]) -> Order:
        now, number = self.now(), 1001 + len(self.orders)
        lines = [
            Line(self.next_id(), one.title, quantity, one.price, one, requires_shipping=one.requires_shipping)
            for one, quantity in wanted
        ]
        order = Order(self.next_id(), number, now, now, lines, self.currency, buyer=f"Testkundin {number}")
        self.orders[order.id] = order
        return order

    def _move(self, variant: Variant, place: int, *, available: int = 0, committed: int = 0) -> None:
        if not variant.tracked:
            return
        level = variant.levels.setdefault(place, Level(0, self.now()))
        level.available += available
        level.committed += committed
        level.updated_at = self.now()
        if available:
            self.announce("inventory_levels/update", (variant, place))

    def _fulfil_all(self, order: Order) -> list[Fulfillment]:
        return self._fulfil_parts(
            order,
            [(one, part, part.remaining) for one in order.fulfillment_orders for part in one.parts if part.remaining],
        )

    def _fulfil_parts(self, order: Order, wanted: Sequence[tuple[FulfillmentOrder, Part, int]]) -> list[Fulfillment]:
        made: dict[int, Fulfillment] = {}
        for one, part, quantity in wanted:
            display = "PICKED_UP" if one.method == "PICK_UP" else "FULFILLED"
            fulfillment = made.setdefault(
                one.id, Fulfillment(self.next_id(), one.location, [], self.now(), display=display)
            )
            fulfillment.lines.append((part.line, quantity))
            part.remaining -= quantity
            part.line.fulfilled += quantity
            if part.line.variant:
                self._move(part.line.variant, one.location.id, committed=-quantity)
            _close_if_done(one)
        order.fulfillments += made.values()
        return list(made.values())

    def _refund(
        self, order: Order, lines: Sequence[tuple[Line, int]], restock_type: str, location: Location | None
    ) -> Refund:
        refund = Refund(self.next_id(), self.now(), [])
        for line, quantity in lines:
            if restock_type == "RETURN" or line.unfulfilled < quantity:
                place = self._take_back(line, quantity, restock_type, location)
            else:
                place = self._take_out(order, line, quantity, restock_type)
            refund.lines.append(RefundLine(self.next_id(), line, quantity, restock_type, place))
        order.refunds.append(refund)
        return refund

    def _take_back(self, line: Line, quantity: int, restock_type: str, location: Location | None) -> Location | None:
        line.returned += quantity
        if restock_type != "RETURN" or line.variant is None:
            return None
        place = location or self.locations[min(line.variant.levels)]
        self._move(line.variant, place.id, available=quantity)
        return place

    def _take_out(self, order: Order, line: Line, quantity: int, restock_type: str) -> Location | None:
        line.removed += quantity
        place = None
        for one in order.fulfillment_orders:
            for part in (part for part in one.parts if part.line is line):
                taken = min(part.remaining, quantity)
                part.remaining -= taken
                quantity -= taken
                back = taken if restock_type == "CANCEL" else 0
                if taken and line.variant:
                    self._move(line.variant, one.location.id, available=back, committed=-taken)
                    place = one.location if back else place
            _close_if_done(one)
        return place


def _close_if_done(one: FulfillmentOrder) -> None:
    if all(part.remaining == 0 for part in one.parts):
        one.status = "CLOSED"


def _place_id(place: str | None) -> int | None:
    return int(place.rsplit("/", 1)[-1]) if place else None
