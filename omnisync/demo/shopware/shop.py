"""A simulated Shopware shop: orders take its stock when they are placed and give it back when they are cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from omnisync.clock import Clock
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.demo.outbox import Webhook
from omnisync.demo.shopware import views
from omnisync.demo.shopware.app_webhooks import App
from omnisync.demo.shopware.machines import after
from omnisync.demo.shopware.problems import not_found
from omnisync.demo.shopware.seed import Seed, SeedListing
from omnisync.demo.shopware.things import Delivery, Line, Order, Payment, Product
from omnisync.values import Money

DEFAULT_CURRENCY = "b7d2554b0ce847cd82f3ac9bd1c0dfca"
OTHER_CURRENCY = "c" * 32
BUYER = {"firstName": "Erika", "lastName": "Muster", "email": "erika@example.org", "phone": "+49301234567"}


class Shop:
    """Products, orders, the app, and the people who buy and work there."""

    def __init__(
        self,
        seed: Seed,
        clock: Clock,
        *,
        faults: Faults | None = None,
        put: Callable[[Webhook], None] = lambda webhook: None,
        site: str = "https://shopware.test",
    ) -> None:
        self.seed, self.clock, self.faults, self.site = seed, clock, faults or Faults(), site
        self.version = "6.7.0.0"
        self.products: dict[str, Product] = {}
        self.orders: dict[str, Order] = {}
        self.app = App(clock, site, put)
        self._last = 0
        for listing in seed.listings:
            self._add(listing)

    # ------------------------------------------------------------ the catalogue

    def add_product(self, sku: str, name: str | None, price: Money | None = None, **fields: Any) -> Product:
        """A product, or with `parent_id` a variant."""
        number = self._next()
        made = Product(f"{number:032x}", number, sku, name, self.now(), **fields)
        made.price = None if price is None else [self.entry(price)]
        self.products[made.id] = made
        return made

    def entry(self, price: Money, currency: str = DEFAULT_CURRENCY) -> dict[str, Any]:
        """A price as the shop keeps it."""
        gross = float(price.decimal())
        net = round(gross / 1.19, 10)
        return {"currencyId": currency, "gross": gross, "net": net, "linked": True, "listPrice": None}

    def by_sku(self, sku: str) -> Product:
        """What buyers find under it. KeyError when nothing is sold so."""
        for one in self.products.values():
            if one.sku == sku and not self.variants_of(one):
                return one
        raise KeyError(sku)

    def variants_of(self, product: Product) -> list[Product]:
        return [one for one in self.products.values() if one.parent_id == product.id]

    def write_product(self, product: Product, wish: Mapping[str, Any]) -> None:
        """What an application or the owner writes."""
        names = {"stock": "stock", "price": "price", "isCloseout": "is_closeout", "ean": "ean", "name": "name"}
        for field, name in names.items():
            if field in wish:
                setattr(product, name, wish[field])
        product.updated = self.now()
        self.app.wrote("product", product.id, [*(name for name in wish if name != "id"), "updatedAt"])

    def gross(self, product: Product) -> Money:
        """What a buyer pays."""
        parent = self.products.get(product.parent_id or "")
        prices = product.price or (parent.price if parent else None) or [self.entry(Money(0, self.seed.currency))]
        return Money(round(prices[0]["gross"] * 100), self.seed.currency)

    # ------------------------------------------------------------ orders

    def place(
        self,
        lines: Sequence[tuple[Product, int]],
        *,
        method: str = "shipping_standard",
        payment: str = "payment_prepayment",
        paid: bool = True,
        reference: str | None = None,
        extra: Sequence[Line] = (),
    ) -> Order:
        """A buyer's order; its pieces leave the shop's stock at once."""
        number, at = self._next(), self.now()
        made = [self.line(product, pieces) for product, pieces in lines] + list(extra)
        order = Order(f"{number:032x}", number, reference or str(10_000 + number), made, at)
        carried = {line.id: line.quantity for line in made if line.type == "product"}
        order.deliveries = [Delivery(self.id(), method, carried, at)]
        order.payments = [Payment(self.id(), payment, at, state="paid" if paid else "open")]
        self.orders[order.id] = order
        self._take(order, -1)
        self.app.wrote("order", order.id, ["orderNumber", "stateId"], operation="insert")
        return order

    def line(self, product: Product, quantity: int, *, parent: str | None = None) -> Line:
        """A line of a product; inside a container with `parent`."""
        price = self.gross(product).minor / 100
        return Line(self.id(), "product", product.name or product.sku, quantity, price, product, parent)

    def transition(self, entity: str, id: str, action: str, *, mail: bool = True) -> str:
        """By the owner, a payment or an application; what is so already stays, and the buyer is written unless not wanted."""
        order, thing = self._find(entity, id)
        before, thing.state = thing.state, after(entity, thing.state, action)
        if before == thing.state:
            return before
        thing.updated = self.now()
        if mail:
            order.mails.append(f"{entity}.{thing.state}")
        if entity == "order":
            self._take(order, {"cancelled": 1}.get(thing.state, {"cancelled": -1}.get(before, 0)))
            self.app.wrote("order", order.id, ["stateId"])
        self.app.tell(f"state_enter.{entity}.state.{thing.state}", {"order": {"id": order.id}})
        return thing.state

    def edit_line(self, order: Order, line: Line, quantity: int) -> None:
        """The owner changes how many pieces of a line are wanted; the stock follows."""
        if line.product is not None:
            line.product.stock += line.quantity - quantity
        line.quantity = quantity
        for delivery in order.deliveries:
            if line.id in delivery.pieces:
                delivery.pieces[line.id] = quantity
        order.updated = self.now()
        self.app.wrote("order", order.id, ["price"])

    def delete(self, order: Order) -> None:
        """For good."""
        del self.orders[order.id]
        self.app.wrote("order", order.id, [], operation="delete")

    def _find(self, entity: str, id: str) -> tuple[Order, Order | Delivery | Payment]:
        for order in self.orders.values():
            things: Mapping[str, Sequence[Order | Delivery | Payment]] = {
                "order": [order], "order_delivery": order.deliveries, "order_transaction": order.payments,
            }  # fmt: skip
            for thing in things[entity]:
                if thing.id == id:
                    return order, thing
        raise not_found(entity, id)

    def _take(self, order: Order, sign: int) -> None:
        """Straight in the database: no message tells of it."""
        for line in order.lines:
            if line.product is not None and sign:
                line.product.stock += sign * line.quantity
                line.product.updated = self.now()

    # ------------------------------------------------------------ what people do, and what is seen

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """A paid order, to be sent or fetched."""
        product = self.by_sku(purchase.sku)
        if product.is_closeout is not False and product.stock < purchase.quantity:
            raise SoldOut(f"the shop does not offer {purchase.quantity} of {purchase.sku} any more")
        pickup = purchase.place or next(iter(self.seed.pickup_methods), None) if purchase.pickup else None
        lines = [(product, purchase.quantity)]
        order = self.place(lines, method=pickup or "shipping_standard", reference=purchase.reference)
        return {"order": order.id, "place": pickup, "total_minor": self.gross(product).minor * purchase.quantity}

    def state(self) -> dict[str, Any]:
        """What buyers can still buy."""
        levels = [
            {"sku": one.sku, "place": None, "quantity": one.stock, "price_minor": self.gross(one).minor}
            for one in self.products.values()
            if not self.variants_of(one)
        ]
        return {"levels": levels, "orders": len(self.orders)}

    def shown(self, sku: str) -> dict[str | None, int]:
        """The same of one article."""
        return {None: self.by_sku(sku).stock}

    def rows(self, entity: str, *, inherit: bool = False) -> list[dict[str, Any]]:
        """All things of a kind, as the API shows them. KeyError for a kind that it does not have."""
        methods = ["shipping_standard", "shipping_express", *self.seed.pickup_methods]
        makers: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "product": lambda: [self.product_row(one, inherit=inherit) for one in self.products.values()],
            "order": lambda: [views.order(one, self._currencies()[0], BUYER) for one in self.orders.values()],
            "currency": self._currencies,
            "shipping-method": lambda: [views.shipping_method(name) for name in methods],
            "webhook": lambda: [views.webhook(one, self.app.row()) for one in self.app.hooks.values()],
        }
        return makers[entity]()

    def product_row(self, one: Product, *, inherit: bool = False) -> dict[str, Any]:
        return views.product(one, self.products.get(one.parent_id or ""), len(self.variants_of(one)), inherit=inherit)

    def now(self) -> datetime:
        """The database knows milliseconds."""
        at = self.clock.now()
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def id(self) -> str:
        return f"{self._next():032x}"

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _currencies(self) -> list[dict[str, Any]]:
        ours, other = self.seed.currency, "USD" if self.seed.currency != "USD" else "EUR"
        pairs = ((DEFAULT_CURRENCY, ours, True), (OTHER_CURRENCY, other, False))
        return [
            views.named("currency", id, iso, isoCode=iso, factor=1, isSystemDefault=default)
            for id, iso, default in pairs
        ]

    def _add(self, listing: SeedListing) -> None:
        price, title = Money(listing.price_minor, self.seed.currency), listing.title or listing.sku
        if listing.of is None:
            self.add_product(listing.sku, title, price, stock=listing.quantity, ean=listing.barcode or None)
            return
        parents = (one for one in self.products.values() if one.parent_id is None and one.name == listing.of)
        parent = next(parents, None) or self.add_product(f"{listing.of}-P", listing.of, price, stock=99)
        own = None if parent.price == [self.entry(price)] else price
        fields: dict[str, Any] = {"tax_rate": None, "is_closeout": None, "option": title}
        ean = listing.barcode or None
        self.add_product(listing.sku, None, own, parent_id=parent.id, stock=listing.quantity, ean=ean, **fields)
