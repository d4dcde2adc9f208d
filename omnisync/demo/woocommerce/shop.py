"""A simulated WooCommerce shop: its stock follows its orders' statuses, as WooCommerce's does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from omnisync.clock import Clock
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.demo.outbox import Webhook
from omnisync.demo.woocommerce import views
from omnisync.demo.woocommerce.problems import Problem
from omnisync.demo.woocommerce.seed import Seed, SeedListing, SeedWebhook
from omnisync.demo.woocommerce.things import Line, Order, Product, Refund
from omnisync.demo.woocommerce.webhooks import Webhooks
from omnisync.values import Money, round_half_up

BUYER = {"first_name": "Erika", "last_name": "Muster", "email": "erika@example.org", "phone": "+49301234567"}
TAKES_STOCK = frozenset({"processing", "on-hold", "completed"})
GIVES_BACK = frozenset({"pending", "cancelled"})
PAYS = frozenset({"processing", "completed"})
TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored", "product.updated")


class Shop:
    """Products, orders, webhooks, and the people who buy and work there."""

    def __init__(
        self,
        seed: Seed,
        clock: Clock,
        *,
        faults: Faults | None = None,
        put: Callable[[Webhook], None] = lambda webhook: None,
        site: str = "https://woo.test",
    ) -> None:
        self.seed, self.clock, self.faults, self.site = seed, clock, faults or Faults(), site
        self.products: dict[int, Product] = {}
        self.orders: dict[int, Order] = {}
        self.options = {"woocommerce_manage_stock": "yes", "woocommerce_currency": seed.currency}
        self.options |= {"woocommerce_prices_include_tax": "yes", "woocommerce_calc_taxes": "yes"}
        self.webhooks = Webhooks(clock, site, put)
        self._last_id = 9
        for listing in seed.listings:
            self._add(listing)
        self.subscribe(seed.webhook)

    def subscribe(self, wanted: SeedWebhook | None) -> None:
        """One webhook for each topic, as a person makes them."""
        if wanted is None:
            return
        for topic in TOPICS:
            self.webhooks.add(f"omnisync {topic}", topic, wanted.url, wanted.secret)

    # ------------------------------------------------------------ the catalogue

    def add_product(self, sku: str, name: str, price: Money | None = None, **fields: Any) -> Product:
        """A product, or with `parent_id` a variation."""
        at = self.now()
        decimal = price.decimal() if price else ""
        made = Product(self.next_id(), sku, name, decimal, at, at, **fields)
        self.products[made.id] = made
        return made

    def variations_of(self, product: Product) -> list[Product]:
        return [one for one in self.products.values() if one.parent_id == product.id]

    def by_sku(self, sku: str) -> Product:
        """What buyers find under it. KeyError when nothing is sold so."""
        for one in self.products.values():
            if one.sku == sku and one.type != "variable":
                return one
        raise KeyError(sku)

    def holder(self, product: Product) -> Product:
        """Whose level counts: a variation may share its product's."""
        return self.products[product.parent_id] if product.manage_stock == "parent" else product

    def change_product(self, product: Product, wish: Mapping[str, Any]) -> None:
        """What an application or the owner writes. Without stock management in the shop no number is kept."""
        managed = self.options["woocommerce_manage_stock"] == "yes"
        product.manage_stock = managed and wish.get("manage_stock", product.manage_stock)
        if product.manage_stock is True and wish.get("stock_quantity") is not None:
            product.stock = int(wish["stock_quantity"])
        product.stock_status = wish.get("stock_status", product.stock_status)
        product.backorders = wish.get("backorders", product.backorders)
        product.regular_price = str(wish.get("regular_price", product.regular_price))
        self.touch_product(product)

    def touch_product(self, product: Product) -> None:
        product.modified = self.now()
        self.webhooks.tell("product.updated", self.view(product))

    def view(self, product: Product) -> dict[str, Any]:
        return views.product(product, [one.id for one in self.variations_of(product)])

    # ------------------------------------------------------------ orders

    def place(
        self,
        lines: Sequence[tuple[Product, int]],
        *,
        status: str = "processing",
        pickup: str | None = None,
        method: str | None = None,
        number: str | None = None,
        wrapped: bool = False,
    ) -> Order:
        """A buyer's order, in the status in which the payment leaves it."""
        at, id = self.now(), self.next_id()
        order = Order(id, number or str(id), "new", [self._line(*line) for line in lines], at, at, billing=dict(BUYER))
        if wrapped:
            order.fees = [(self.next_id(), "Geschenkverpackung", Money(350, self.seed.currency))]
        if pickup or method:
            order.shipping = [self._shipping(pickup, method or "pickup_location")]
        self.orders[id] = order
        self._enter(order, status)
        self.webhooks.tell("order.created", views.order(order, self.seed.currency))
        return order

    def set_status(self, order: Order, status: str) -> None:
        """By the payment, the owner or an application; the stock follows."""
        if status == order.status:
            return
        self._enter(order, status)
        self.touch_order(order)

    def refund(self, order: Order, pieces: Mapping[int, int], *, restock: bool, reason: str = "") -> Refund:
        """Give money back, and put pieces on the shelf when the box is ticked. A whole refund ends the order."""
        lines = {line.id: line for line in order.lines}
        amount = sum(
            (lines[id].total.minor + lines[id].tax.minor) * n // lines[id].quantity for id, n in pieces.items()
        )
        return self.give_back(order, Money(amount, self.seed.currency), pieces, restock=restock, reason=reason)

    def give_back(
        self, order: Order, amount: Money, pieces: Mapping[int, int], *, restock: bool, reason: str = ""
    ) -> Refund:
        """The same with an amount of its own, also without any pieces."""
        made = Refund(self.next_id(), amount, reason, dict(pieces), self.now())
        order.refunds.append(made)
        for line in order.lines if restock else ():
            self._restock(line, pieces.get(line.id, 0))
        paid = sum(line.total.minor + line.tax.minor for line in order.lines)
        if sum(refund.amount.minor for refund in order.refunds) >= paid:
            self._enter(order, "refunded")
        self.touch_order(order)
        return made

    def trash(self, order: Order) -> None:
        """Into the bin: no list shows it any more, and the stock stays where it is."""
        order.status, order.modified = "trash", self.now()
        self.webhooks.tell("order.deleted", {"id": order.id})

    def touch_order(self, order: Order) -> None:
        order.modified = self.now()
        self.webhooks.tell("order.updated", views.order(order, self.seed.currency))

    # ------------------------------------------------------------ what people do

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """A paid order, to be sent or fetched."""
        product = self.by_sku(purchase.sku)
        level = self.holder(product)
        if level.manage_stock is True and level.backorders == "no" and level.stock < purchase.quantity:
            raise SoldOut(f"the shop does not offer {purchase.quantity} of {purchase.sku} any more")
        pickup = purchase.place or next(iter(self.seed.pickup_locations), None) if purchase.pickup else None
        method = "local_pickup" if purchase.pickup and pickup is None else None
        order = self.place([(product, purchase.quantity)], pickup=pickup, method=method, number=purchase.reference)
        total = sum(line.total.minor + line.tax.minor for line in order.lines)
        return {"order": str(order.id), "place": pickup, "total_minor": total}

    def state(self) -> dict[str, Any]:
        """What buyers can still buy."""
        offers = [one for one in self.products.values() if one.type != "variable"]
        levels = [
            {
                "sku": one.sku,
                "place": None,
                "quantity": self.holder(one).stock,
                "price_minor": Money.parse(one.regular_price or "0", self.seed.currency).minor,
            }
            for one in offers
        ]
        return {"levels": levels, "orders": len(self.orders)}

    def shown(self, sku: str) -> dict[str | None, int]:
        """The same of one article."""
        return {None: self.holder(self.by_sku(sku)).stock}

    # ------------------------------------------------------------ consequences

    def now(self) -> datetime:
        """WordPress knows whole seconds."""
        return self.clock.now().replace(microsecond=0)

    def number_from(self, id: int) -> None:
        """What comes next is numbered from here."""
        self._last_id = id - 1

    def next_id(self) -> int:
        """Posts of all kinds share their numbers."""
        self._last_id += 1
        return self._last_id

    def _add(self, listing: SeedListing) -> None:
        price = Money(listing.price_minor, self.seed.currency)
        fields: dict[str, Any] = {"stock": listing.quantity, "barcode": listing.barcode}
        if listing.of is not None:
            parents = (one for one in self.products.values() if one.type == "variable" and one.name == listing.of)
            parent = next(parents, None) or self.add_product("", listing.of, type="variable", manage_stock=False)
            fields |= {"type": "variation", "parent_id": parent.id}
        self.add_product(listing.sku, listing.title or listing.sku, price, **fields)

    def _line(self, product: Product, quantity: int) -> Line:
        gross = Money.parse(product.regular_price or "0", self.seed.currency).minor * quantity
        tax = round_half_up(Decimal(gross) * 19 / 119)
        return Line(
            self.next_id(), product, quantity, Money(gross - tax, self.seed.currency), Money(tax, self.seed.currency)
        )

    def _shipping(self, pickup: str | None, method: str) -> dict[str, Any]:
        told = [{"id": 1, "key": "pickup_location", "value": pickup}] if pickup else []
        shipping = {"id": self.next_id(), "method_title": "Abholung", "method_id": method, "instance_id": "7"}
        return {**shipping, "total": "0.00", "total_tax": "0.00", "taxes": [], "meta_data": told}

    def _enter(self, order: Order, status: str) -> None:
        order.status = status
        if status in PAYS:
            order.paid_at = order.paid_at or self.now()
        if status == "completed":
            order.completed_at = self.now()
        if status in TAKES_STOCK and not order.stock_reduced:
            self._take(order)
        elif status in GIVES_BACK and order.stock_reduced:
            self._put_back(order)

    def _take(self, order: Order) -> None:
        order.stock_reduced = True
        for line in order.lines:
            level = self.holder(line.product)
            if level.manage_stock is True:
                level.stock -= line.quantity
                line.reduced = line.quantity
                self.touch_product(level)

    def _put_back(self, order: Order) -> None:
        order.stock_reduced = False
        for line in order.lines:
            if line.reduced:
                level = self.holder(line.product)
                level.stock += line.reduced
                line.reduced = 0
                self.touch_product(level)

    def _restock(self, line: Line, pieces: int) -> None:
        level = self.holder(line.product)
        if pieces and line.reduced and level.manage_stock is True:
            level.stock += pieces
            line.reduced -= pieces
            line.restocked += pieces
            self.touch_product(level)


def order_of(shop: Shop, id: str) -> Order:
    """The order of that id, also in the trash."""
    found = shop.orders.get(int(id)) if id.isdecimal() else None
    if found is None:
        raise Problem("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
    return found
