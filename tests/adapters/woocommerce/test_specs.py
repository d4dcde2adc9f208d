"""What the adapter sends and the simulation answers, held against what a real WooCommerce said of itself and answered."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft7Validator

from omnisync.adapters.base import Hook, Message, News, OrderSeen, Outcome, Shown, Subscription, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.woocommerce.products import listings_of, price_of, quantity_of
from omnisync.clock import StoppedClock
from omnisync.demo.woocommerce import views
from omnisync.values import Money
from tests.adapters.woocommerce.rig import KEY, URL, an_adapter, as_hook, open_world

pytestmark = [pytest.mark.specs, pytest.mark.anyio]
MEND = "set OMNISYNC_SPECS to the folder of vendors' files, in which woocommerce/captured lies"
NEWER = {"global_unique_id", "_fields"}
"""What WooCommerce 7.9, whose words these are, did not know yet, and WordPress's own parameter of every address."""
RESOURCES = (
    (re.compile(r"^products/\d+/variations(/batch)?$"), "product_variations"),
    (re.compile(r"^products(/batch|/\d+)?$"), "products"),
    (re.compile(r"^orders/\d+/refunds$"), "refunds"),
    (re.compile(r"^orders(/\d+)?$"), "orders"),
    (re.compile(r"^webhooks(/\d+)?$"), "webhooks"),
)
UNDESCRIBED = re.compile(r"^(settings/|orders/\d+/notes)")


def folder() -> Path:
    """Where the files lie; skips without it."""
    if not os.environ.get("OMNISYNC_SPECS"):
        pytest.skip(MEND)
    return Path(os.environ["OMNISYNC_SPECS"])


@cache
def captured(name: str) -> Any:
    """What a real shop answered."""
    return json.loads((folder() / "woocommerce" / "captured" / f"{name}.json").read_text(encoding="utf-8"))["body"]


@cache
def described(resource: str) -> Any:
    """What a real shop says of its address."""
    return json.loads((folder() / "woocommerce" / "schemas" / f"{resource}.options.json").read_text(encoding="utf-8"))


def arguments(resource: str, method: str) -> Mapping[str, Any]:
    [args] = [one["args"] for one in described(resource)["endpoints"] if method in one["methods"]]
    return dict(args)


def schema(told: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON Schema of WordPress's own kind of it."""
    kind, kept = told.get("type"), {}
    if kind == "date-time":
        kept["type"] = ["string", "null"]
    elif kind in ("integer", "string", "boolean", "array", "object", "number") or isinstance(kind, list):
        kept["type"] = kind
    if told.get("enum") and told.get("type") != "array":
        kept["enum"] = told["enum"]
    return kept


def check_fields(thing: Mapping[str, Any], known: Mapping[str, Any], *, exceptions: Mapping[str, Any]) -> None:
    """Each field is one of theirs, of their type."""
    assert [name for name in thing if name.removesuffix("_gmt") not in known and name not in NEWER] == []
    for name in set(thing) & set(known):
        Draft7Validator(exceptions.get(name) or schema(known[name])).validate(thing[name])


OFFER = {
    "stock_quantity": {"type": ["integer", "null"]},
    "manage_stock": {"enum": [True, False, "parent"]},
    "type": {"enum": ["simple", "variable", "grouped", "external", "variation"]},
    "status": {"type": "string"},
    "hooks": {"type": "array"},
}
"""Where real answers differ from their description: no number without stock management, variations read as products."""


class Inspector(httpx.AsyncBaseTransport):
    """Holds each request and each answer against the description; `seen` are the addresses it held."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.seen: set[tuple[str, str]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/wp-json/wc/v3/")
        body = json.loads(await request.aread() or b"{}")
        response = await self._inner.handle_async_request(request)
        answer = json.loads(await response.aread())
        resource = next((name for pattern, name in RESOURCES if pattern.match(path)), None)
        assert resource is not None or UNDESCRIBED.match(path), f"nobody described {path}"
        if resource is not None:
            self.seen.add((request.method, resource))
            self._request(resource, request, body)
            if response.status_code < 300:
                self._answer(resource, answer)
        return response

    def _request(self, resource: str, request: httpx.Request, body: Mapping[str, Any]) -> None:
        if request.method == "GET" and not re.search(r"/\d+$", request.url.path):
            known = arguments(resource, "GET")
            for name, value in request.url.params.items():
                assert name in known or name in NEWER, f"{resource} has no filter {name}"
                allowed = known.get(name, {}).get("enum")
                assert not allowed or value in allowed, f"{name} is none of {allowed}"
        for wish in body.get("update", [body]):
            check_fields({k: v for k, v in wish.items() if k != "id"}, arguments(resource, "POST"), exceptions={})

    def _answer(self, resource: str, answer: Any) -> None:
        things = answer.get("update", [answer]) if isinstance(answer, dict) else answer
        for thing in things:
            if "error" in thing:
                assert thing["error"].keys() == {"code", "message", "data"}
                continue
            known = described(resource)["schema"]["properties"]
            check_fields({k: v for k, v in thing.items() if k not in ("type", "name", "parent_id") or k in known},
                         known, exceptions=OFFER)  # fmt: skip


async def test_a_whole_day_of_calls_and_answers_is_what_woocommerce_describes(tools: Tools, clock: StoppedClock):
    world = open_world(tools)
    assert world.channel is not None
    inspector = Inspector(world.channel)
    adapter = an_adapter(replace(tools, transport=inspector))

    assert all(check.ok for check in await adapter.check())
    assert len((await adapter.listings(None)).listings) == 3
    assert len(await adapter.look(world.targets)) == 3
    wishes = [
        Shown(target, f"t{n}", clock.now(), quantity=n, price=Money(2500, "EUR"))
        for n, target in enumerate([*world.targets, Target("999", "NOBODY")])
    ]
    assert [one.outcome for one in await adapter.publish(wishes)] == [Outcome.APPLIED] * 3 + [Outcome.ATTENTION]

    lamp = world.shop.by_sku("LAMP")
    order = world.shop.place([(lamp, 3)], pickup="Filiale Lindenstraße")
    world.shop.refund(order, {order.lines[0].id: 1}, restock=True)
    page = await adapter.pull(None, now=clock.now())
    assert [fact.id for fact in page.facts if isinstance(fact, OrderSeen)] == [str(order.id)]
    lines = [(str(order.lines[0].id), 2)]
    for kind in ("ready", "collected"):
        news = News(kind, str(order.id), order.number, None, lines, kind, notify_customer=True)
        assert [one.outcome for one in await adapter.tell([news])] == [Outcome.APPLIED]
    await adapter.follow(as_hook(world.last("product.updated")))
    world.shop.webhooks.hooks.popitem()
    await adapter.subscriptions([Subscription(topic, URL) for topic in adapter.can.topics])

    assert inspector.seen == {
        ("GET", "products"), ("POST", "products"), ("GET", "product_variations"), ("POST", "product_variations"),
        ("GET", "orders"), ("PUT", "orders"), ("GET", "refunds"),
        ("GET", "webhooks"), ("POST", "webhooks"), ("PUT", "webhooks"),
    }  # fmt: skip


async def test_a_real_shops_orders_are_read(tools: Tools, clock: StoppedClock):
    line = httpx.MockTransport(lambda request: httpx.Response(200, json=captured("orders_list")))
    adapter = an_adapter(replace(tools, transport=line), page_size=100)

    page = await adapter.pull(None, now=clock.now())

    [order] = page.facts
    assert isinstance(order, OrderSeen)
    [told] = order.lines
    assert (order.id, order.reference, order.paid, order.lowered, order.closed) == ("11", "11", True, True, False)
    assert (told.article.external_id, told.article.sku, told.quantity, told.shipped) == ("10", "BAG-30", 2, 0)
    assert told.unit_price == Money(7990, "EUR")
    assert order.version.isoformat() == "2026-11-21T18:11:50+00:00"


def test_a_real_shops_product_is_a_listing_with_its_level_and_price():
    product = captured("product")

    [listing] = listings_of(product, ())

    assert (listing.external_id, listing.sku, listing.title) == ("10", "BAG-30", "Rucksack")
    assert (quantity_of(product), price_of(product, "EUR")) == (0, Money(7990, "EUR"))


def test_the_simulations_things_have_a_real_shops_fields_and_types(tools: Tools):
    world = open_world(tools)
    order = world.shop.place([(world.shop.by_sku("LAMP"), 1)])
    pairs = [
        (views.order(order, "EUR"), captured("order")),
        (views.order(order, "EUR")["line_items"][0], captured("order")["line_items"][0]),
        (world.shop.view(world.shop.by_sku("LAMP")), captured("product")),
        (views.webhook(world.shop.webhooks.hooks[1]), captured("webhooks")[0]),
    ]

    for ours, theirs in pairs:
        assert sorted(set(ours) - set(theirs) - NEWER) == []
        assert [
            name
            for name in set(ours) & set(theirs)
            if None not in (ours[name], theirs[name]) and type(ours[name]) is not type(theirs[name])
        ] == []


@pytest.mark.parametrize(
    ("name", "path", "settings"),
    [
        ("err_bad_key", "products", {"consumer_key": "ck_wrong"}),
        ("err_not_found", "orders/999", {}),
    ],
)
async def test_a_refusal_is_the_real_shops_word_for_word(tools: Tools, name: str, path: str, settings: dict[str, str]):
    world = open_world(tools)
    auth = (settings.get("consumer_key", KEY), world.shop.seed.consumer_secret)
    async with httpx.AsyncClient(
        transport=world.channel, base_url="https://woo.test/wp-json/wc/v3/", auth=auth
    ) as http:
        answer = await http.get(path)

    assert answer.json() == captured(name)


async def test_a_webhook_that_a_real_shop_signed_is_believed_and_no_other(tools: Tools):
    vector = json.loads((folder() / "webhook_vectors.json").read_text(encoding="utf-8"))["woocommerce"]
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    adapter = an_adapter(tools, webhook_secret=vector["secret"])
    hook = Hook("POST", URL, headers, {}, vector["body"].encode())

    named = adapter.identify(hook)

    assert isinstance(named, Message)
    assert (named.topic, named.resource) == ("order.created", "11")
    assert not isinstance(adapter.identify(replace(hook, body=hook.body + b" ")), Message)
