"""A real Vendure shop as a process of its own: installed once, set up for each run, killed and restarted at will.

with vendure.open_shop(vendure.installed(), folder) as shop:
    shop.add_product("LAMP", 3995, 5)
    shop.buy({"LAMP": 2})
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from graphql import get_introspection_query

from tests import npm
from tests.rig.processes import free_port

HERE = Path(__file__).parent / "vendure_shop"
USER, PASSWORD = "sync", "a-shop-password"
START_SECONDS = 60
STANDARD, COLLECT = "standard", "click-collect"


class SoldOut(Exception):
    """The shop itself does not sell so many."""


@dataclass(frozen=True, slots=True)
class Level:
    """A variant as the shop holds it; it offers `on_hand - allocated`."""

    on_hand: int
    allocated: int

    @property
    def offered(self) -> int:
        return self.on_hand - self.allocated


@dataclass
class Vendure:
    """One shop: its process, its database, and what its buyers and its keeper do."""

    modules: Path
    database: Path
    port: int = field(default_factory=free_port)
    variants: dict[str, str] = field(default_factory=dict)
    """SKU -> the id of its variant."""
    _process: subprocess.Popen[str] | None = None
    _token: str = ""

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """What the vendure adapter needs to connect."""
        return {"base_url": self.base_url, "username": USER, "password": PASSWORD, "pickup_methods": {COLLECT: "desk"}}

    # ------------------------------------------------------------ the process

    def start(self, *, prepare: bool = False) -> None:
        """Start, always on the same port, and wait until it answers; `prepare` makes the tables."""
        assert self._process is None
        environment = os.environ | {
            "SHOP_MODULES": str(self.modules), "SHOP_DATABASE": str(self.database), "SHOP_USER": USER,
            "SHOP_PASSWORD": PASSWORD, "SHOP_PREPARE": "1" if prepare else "", "VENDURE_DISABLE_TELEMETRY": "true",
        }  # fmt: skip
        self._process = subprocess.Popen(
            ["node", "--max-semi-space-size=64", str(HERE / "shop.cjs"), str(self.port)], cwd=self.database.parent, env=environment,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        said = ""
        for said in self._process.stdout:
            if said.startswith("listening on "):
                return
        self.kill()
        raise RuntimeError(f"the shop did not start; it said {said!r}")

    restart = start

    @property
    def running(self) -> bool:
        return self._process is not None

    def kill(self) -> None:
        """As a power cut: no farewell."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=START_SECONDS)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    # ------------------------------------------------------------ its keeper

    def admin(self, document: str, **variables: Any) -> Any:
        """What the admin API answers its keeper; the one field of the operation."""
        if not self._token:
            login = "mutation($u: String!, $p: String!) { login(username: $u, password: $p) { __typename } }"
            reply = self._post("admin-api", login, {"u": USER, "p": PASSWORD}, {})
            self._token = reply.headers["vendure-auth-token"]
        return _of(self._post("admin-api", document, variables, {"authorization": f"Bearer {self._token}"}))

    def introspection(self) -> Any:
        """The schema of its admin API."""
        return self._post("admin-api", get_introspection_query(), {}, {}).json()["data"]

    def add_product(self, sku: str, price: int, stock: int) -> str:
        """Put an article on sale; the id of its variant."""
        named = [{"languageCode": "en", "name": f"Article {sku}", "slug": sku.lower(), "description": ""}]
        product = self.admin("mutation($i: CreateProductInput!) { createProduct(input: $i) { id } }",
                             i={"translations": named, "enabled": True})  # fmt: skip
        variant = {"productId": product["id"], "sku": sku, "price": price, "stockOnHand": stock, "trackInventory": "TRUE",
                   "translations": [{"languageCode": "en", "name": f"Article {sku}"}]}  # fmt: skip
        [made] = self.admin(
            "mutation($i: [CreateProductVariantInput!]!) { createProductVariants(input: $i) { id } }", i=[variant]
        )
        self.variants[sku] = made["id"]
        return str(made["id"])

    def level(self, sku: str) -> Level:
        """What the shop holds of an article."""
        variant = self.admin(
            "query($id: ID!) { productVariant(id: $id) { stockLevels { stockOnHand stockAllocated } } }",
            id=self.variants[sku],
        )
        levels = variant["stockLevels"]
        return Level(sum(one["stockOnHand"] for one in levels), sum(one["stockAllocated"] for one in levels))

    def offered(self, sku: str) -> int:
        """How many pieces a buyer can still buy."""
        return self.level(sku).offered

    def price(self, sku: str) -> int:
        """What a buyer pays for an article, with tax."""
        variant = self.admin("query($id: ID!) { productVariant(id: $id) { priceWithTax } }", id=self.variants[sku])
        return int(variant["priceWithTax"])

    def order(self, code: str) -> Any:
        """An order with its lines, payments and fulfilments."""
        [found] = self.admin(
            "query($c: String!) { orders(options: {filter: {code: {eq: $c}}}) { items { id state lines { id quantity"
            " productVariant { sku } } fulfillments { id state method } payments { id state amount } } } }",
            c=code,
        )["items"]
        return found

    def fulfil(self, code: str, pieces: Mapping[str, int], *states: str) -> str:
        """Pack these and bring the parcel through the states; its id."""
        handler = {"code": "manual-fulfillment", "arguments": [{"name": "method", "value": "DHL"}]}
        made = self.admin(
            "mutation($i: FulfillOrderInput!) { addFulfillmentToOrder(input: $i) { __typename ... on Fulfillment { id }"
            " ... on ErrorResult { message } } }",
            i={"lines": self._lines(code, pieces), "handler": handler},
        )
        for state in states:
            self.advance(made["id"], state)
        return str(made["id"])

    def advance(self, parcel: str, state: str) -> None:
        """Bring a parcel into a state."""
        answer = self.admin(
            "mutation($id: ID!, $s: String!) { transitionFulfillmentToState(id: $id, state: $s) { __typename } }",
            id=parcel, s=state,
        )  # fmt: skip
        assert answer["__typename"] == "Fulfillment", answer

    def cancel(self, code: str, pieces: Mapping[str, int] | None = None) -> None:
        """The shop keeper cancels an order, or some pieces of it."""
        order = {"orderId": self.order(code)["id"]}
        lines = {} if pieces is None else {"lines": self._lines(code, pieces)}
        answer = self.admin(
            "mutation($i: CancelOrderInput!) { cancelOrder(input: $i) { __typename ... on ErrorResult { message } } }",
            i=order | lines,
        )
        assert answer["__typename"] == "Order", answer

    def refund(self, code: str, amount: int) -> None:
        """The shop keeper pays money back, and nothing else."""
        [payment] = self.order(code)["payments"]
        answer = self.admin(
            "mutation($i: RefundOrderInput!) { refundOrder(input: $i) { __typename } }",
            i={"paymentId": payment["id"], "amount": amount, "shipping": 0, "adjustment": 0, "lines": []},
        )
        assert answer["__typename"] == "Refund", answer

    def log_out(self, token: str) -> None:
        """End a session that somebody holds, and with it all others of this account."""
        self._post("admin-api", "mutation { logout { success } }", {}, {"authorization": f"Bearer {token}"})
        self._token = ""

    def _lines(self, code: str, pieces: Mapping[str, int]) -> list[dict[str, Any]]:
        ids = {line["productVariant"]["sku"]: line["id"] for line in self.order(code)["lines"]}
        return [{"orderLineId": ids[sku], "quantity": quantity} for sku, quantity in pieces.items()]

    # ------------------------------------------------------------ its buyers

    def buy(self, wanted: Mapping[str, int], *, shipping: str = STANDARD, payment: str = "card") -> str:
        """A buyer fills a basket and checks out over the Shop API; the order's code."""
        with self.basket(wanted) as ask:
            ask("mutation { setCustomerForOrder(input: {firstName: \"Erika\", lastName: \"Muster\","
                " emailAddress: \"kundin@example.org\", phoneNumber: \"+49301234567\"}) { __typename } }")  # fmt: skip
            ask("mutation { setOrderShippingAddress(input: {fullName: \"Erika Muster\", streetLine1: \"Lindenstraße 1\","
                " city: \"Berlin\", postalCode: \"10969\", countryCode: \"DE\"}) { __typename } }")  # fmt: skip
            methods = {one["code"]: one["id"] for one in ask("{ eligibleShippingMethods { id code } }")}
            ask("mutation($id: [ID!]!) { setOrderShippingMethod(shippingMethodId: $id) { __typename } }",
                id=[methods[shipping]])  # fmt: skip
            ask('mutation { transitionOrderToState(state: "ArrangingPayment") { __typename } }')
            paid = ask(
                "mutation($i: PaymentInput!) { addPaymentToOrder(input: $i) { __typename ... on Order { code state } } }",
                i={"method": payment, "metadata": {}},
            )
        assert paid["__typename"] == "Order", paid
        return str(paid["code"])

    @contextmanager
    def basket(self, wanted: Mapping[str, int]) -> Iterator[Any]:
        """A buyer with these articles in the basket, and the way to ask the shop more on their behalf."""
        token = ""

        def ask(document: str, **variables: Any) -> Any:
            nonlocal token
            headers = {"authorization": f"Bearer {token}"} if token else {}
            reply = self._post("shop-api", document, variables, headers)
            token = reply.headers.get("vendure-auth-token", token)
            return _of(reply)

        for sku, quantity in wanted.items():
            added = ask(
                "mutation($id: ID!, $n: Int!) { addItemToOrder(productVariantId: $id, quantity: $n)"
                " { __typename ... on ErrorResult { message } } }",
                id=self.variants[sku], n=quantity,
            )  # fmt: skip
            if added["__typename"] == "InsufficientStockError":
                raise SoldOut(added["message"])
        yield ask

    def _post(
        self, api: str, document: str, variables: Mapping[str, Any], headers: Mapping[str, str]
    ) -> httpx.Response:
        return httpx.post(
            f"{self.base_url}/{api}", json={"query": document, "variables": dict(variables)}, headers=dict(headers),
            timeout=30, trust_env=False,
        )  # fmt: skip


# ---------------------------------------------------------------- made once


def missing() -> str | None:
    """What this machine lacks for it, and what mends that."""
    return npm.missing("a Vendure shop")


def installed() -> Path:
    """Vendure from npm, once for each package.json."""
    return npm.installed(HERE / "package.json", "vendure")


def _furnish(shop: Vendure) -> None:
    """A country with its tax, gross prices in euro, two ways of delivery, two of payment."""
    en = {"languageCode": "en"}
    country = shop.admin("mutation($i: CreateCountryInput!) { createCountry(input: $i) { id } }",
                         i={"code": "DE", "enabled": True, "translations": [en | {"name": "Germany"}]})  # fmt: skip
    zone = shop.admin(
        "mutation($i: CreateZoneInput!) { createZone(input: $i) { id } }",
        i={"name": "DE", "memberIds": [country["id"]]},
    )
    tax = shop.admin(
        "mutation($i: CreateTaxCategoryInput!) { createTaxCategory(input: $i) { id } }",
        i={"name": "Standard", "isDefault": True},
    )
    shop.admin("mutation($i: CreateTaxRateInput!) { createTaxRate(input: $i) { id } }",
               i={"name": "19", "enabled": True, "value": 19, "categoryId": tax["id"], "zoneId": zone["id"]})  # fmt: skip
    channel = {"id": shop.admin("{ activeChannel { id } }")["id"], "pricesIncludeTax": True, "defaultCurrencyCode": "EUR",
               "availableCurrencyCodes": ["EUR"], "defaultTaxZoneId": zone["id"], "defaultShippingZoneId": zone["id"]}  # fmt: skip
    shop.admin("mutation($i: UpdateChannelInput!) { updateChannel(input: $i) { __typename } }", i=channel)
    for code, price in ((STANDARD, 490), (COLLECT, 0)):
        rate = [{"name": "rate", "value": str(price)}, {"name": "includesTax", "value": "include"},
                {"name": "taxRate", "value": "19"}]  # fmt: skip
        shop.admin(
            "mutation($i: CreateShippingMethodInput!) { createShippingMethod(input: $i) { id } }",
            i={
                "code": code, "fulfillmentHandler": "manual-fulfillment",
                "checker": {"code": "default-shipping-eligibility-checker", "arguments": [{"name": "orderMinimum", "value": "0"}]},
                "calculator": {"code": "default-shipping-calculator", "arguments": rate},
                "translations": [en | {"name": code, "description": ""}],
            },
        )  # fmt: skip
    for code, settles in (("card", "true"), ("invoice", "false")):
        handler = {"code": "dummy-payment-handler", "arguments": [{"name": "automaticSettle", "value": settles}]}
        shop.admin("mutation($i: CreatePaymentMethodInput!) { createPaymentMethod(input: $i) { id } }",
                   i={"code": code, "enabled": True, "handler": handler,
                      "translations": [en | {"name": code, "description": ""}]})  # fmt: skip


@contextmanager
def open_shop(modules: Path, folder: Path) -> Iterator[Vendure]:
    """A shop that sells nothing yet, with a database of its own in `folder`, running; killed at the end."""
    shop = Vendure(modules, folder / "shop.sqlite")
    try:
        shop.start(prepare=True)
        _furnish(shop)
        yield shop
    finally:
        shop.kill()


def _of(reply: httpx.Response) -> Any:
    answer = reply.json()
    assert reply.status_code == 200, f"{reply.status_code}: {reply.text[:500]}"
    assert "errors" not in answer, answer["errors"]
    [value] = answer["data"].values()
    return value
