"""Orders as they really come in: signed webhooks over HTTP and polls, through the adapters, from the simulated channels."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import httpx
import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Adapter, Hook
from omnisync.adapters.client import Tools
from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import Ids, StoppedClock
from omnisync.demo.square.events import signed
from omnisync.sync import inbox, polling
from omnisync.sync.tables import InboxMessage
from omnisync.values import Money
from tests.adapters.ebay.rig import EbayWorld
from tests.adapters.shopify import rig as shopify
from tests.adapters.square import rig as square
from tests.adapters.square.worlds import a_till
from tests.sync.conftest import Play
from tests.sync.house import House, build, settings_for, shop
from tests.sync.test_api import ask


class Source(Protocol):
    """A channel that sells, and how its orders reach us."""

    adapter: Adapter
    places: Mapping[str, str]
    known: str
    unknown: str

    def order(self, *skus: str) -> Sequence[Hook]:
        """One piece of each is bought; the webhook that says so, or nothing where orders are polled."""
        ...

    def external_id(self, sku: str) -> str: ...

    def delivered_again(self, hook: Hook) -> Hook:
        """The same news under a new delivery id, rightly signed."""
        ...


class Shopify:
    places, known, unknown = shopify.PLACES, "LAMP-1", "LAMP-2"

    def __init__(self, tools: Tools) -> None:
        self._world = shopify.open_world(tools)
        self.adapter = self._world.adapter
        self._variants = {one.sku: one for one in self._world.shop.variants.values()}

    def order(self, *skus: str) -> Sequence[Hook]:
        self._world.shop.sell([(self._variants[sku], 1) for sku in skus], place=shopify.LINDEN)
        return [self._world.as_hook(self._world.last("orders/create"))]

    def external_id(self, sku: str) -> str:
        return f"gid://shopify/ProductVariant/{self._variants[sku].id}"

    def delivered_again(self, hook: Hook) -> Hook:
        return replace(hook, headers={**hook.headers, "x-shopify-event-id": "new", "x-shopify-webhook-id": "new"})


class Square:
    places, known, unknown = square.PLACES, "LAMP", "VASE"

    def __init__(self, tools: Tools) -> None:
        self._till = a_till(tools)
        self.adapter = self._till.adapter

    def order(self, *skus: str) -> Sequence[Hook]:
        self._till.account.sell(square.LINDEN, [self._till.line_of(sku) for sku in skus])
        return self._till.postbox.hooks("order.updated")[-1:]

    def external_id(self, sku: str) -> str:
        return self._till.account.catalogue.by_sku[sku]

    def delivered_again(self, hook: Hook) -> Hook:
        webhook = signed(json.dumps(json.loads(hook.body) | {"event_id": "new"}).encode(), square.URL, square.SECRET)
        return replace(hook, headers=dict(webhook.headers), body=webhook.body)


class Ebay:
    """Its orders are polled."""

    places: Mapping[str, str] = {}
    known, unknown = "LAMP-RED", "SHADE"

    def __init__(self, tools: Tools) -> None:
        self._world = EbayWorld(tools)
        self._world.adapter = EbayWorld(replace(tools, transport=self._world.channel)).adapter
        self.adapter: Adapter = self._world.adapter

    def order(self, *skus: str) -> Sequence[Hook]:
        self._world.simulation.shop.order([(sku, 1) for sku in skus])
        return []

    def external_id(self, sku: str) -> str:
        return sku

    def delivered_again(self, hook: Hook) -> Hook:
        raise NotImplementedError("polled")


Open = Callable[[Tools], Source]
HOOKED = pytest.mark.parametrize("opened", [Shopify, Square])
EVERYWHERE = pytest.mark.parametrize("opened", [Shopify, Square, Ebay])


def connect(engine: Engine, clock: StoppedClock, ids: Ids, opened: Open, play: Play) -> tuple[House, Source]:
    """A house with ten of one article of the channel, which knows nothing of its others."""
    source = opened(Tools(clock=clock, ids=ids, chance=random.Random(7)))
    settings = settings_for(shop("contract", location_map=source.places))
    house = build(engine, clock, ids, settings, [source.adapter])  # type: ignore[list-item]
    house.article(source.known, "OURS")
    house.stock(source.known, 10)
    house.stock("OURS", 10)
    [mapped] = ask(house, engine, play, mapping(source, source.known, source.known))
    assert mapped.status_code == 200
    clock.advance(minutes=1)
    return house, source


def mapping(source: Source, sku: str, ours: str) -> tuple[str, str, dict[str, Any]]:
    wanted = {"mappings": [{"external_id": source.external_id(sku), "sku": ours}]}
    return "PUT", "/v1/channels/contract/mappings", {"json": wanted}


def deliver(house: House, engine: Engine, play: Play, *hooks: Hook) -> Sequence[httpx.Response]:
    """The answers to these webhooks; then everything that has come in is read, and what is not told is polled."""
    calls = [("POST", "/v1/hooks/contract", {"content": hook.body, "headers": dict(hook.headers)}) for hook in hooks]
    answers = ask(house, engine, play, *calls)
    channel = house.channel("contract")
    play(inbox.handle_due(house.context, channel) if hooks else polling.pull(house.context, channel))
    return answers


def left(house: House, sku: str) -> int:
    """Pieces that can still be promised."""
    on_hand, reserved = house.level(sku)
    return on_hand - reserved


@HOOKED
def test_an_unknown_line_waits_in_sight_while_the_others_take_their_stock_and_is_booked_once_it_is_mapped(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, opened: Open
) -> None:
    house, source = connect(engine, clock, ids, opened, play)

    [answer] = deliver(house, engine, play, *source.order(source.known, source.unknown))
    assert (answer.status_code, left(house, source.known), left(house, "OURS")) == (200, 9, 10)

    [listed] = ask(house, engine, play, ("GET", "/v1/dead-letters?channel=contract", {}))
    [letter] = listed.json()["items"]
    assert (letter["kind"], letter["action"]) == ("line", "Map this line to a SKU, or import the article.")

    put = mapping(source, source.unknown, "OURS")
    first, again, after = ask(house, engine, play, put, put, ("GET", "/v1/dead-letters", {}))
    assert (first.json()["released"], again.json()["released"], after.json()["items"]) == (1, 0, [])
    assert (left(house, source.known), left(house, "OURS")) == (9, 9)


@HOOKED
def test_news_that_is_doubled_and_replayed_under_a_new_delivery_id_has_one_effect(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, opened: Open
) -> None:
    house, source = connect(engine, clock, ids, opened, play)
    [hook] = source.order(source.known)

    answers = deliver(house, engine, play, hook, hook)
    clock.advance(minutes=5)
    answers = [*answers, *deliver(house, engine, play, source.delivered_again(hook), hook)]

    assert {answer.status_code for answer in answers} == {200}
    assert left(house, source.known) == 9
    assert {message.state for message in house.rows(InboxMessage)} == {"applied"}
    assert house.letters("contract") == []


def price(house: House, sku: str, currency: str) -> None:
    statement = BasePrice(sku, Money(4245, currency))
    house.within(lambda session: pricelist.set_prices(session, [statement], ids=house.ids, now=house.clock.now()))
    house.clock.advance(seconds=1)


@EVERYWHERE
def test_an_order_in_another_currency_takes_its_pieces_and_leaves_the_money_to_a_person_once(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, opened: Open
) -> None:
    house, source = connect(engine, clock, ids, opened, play)
    price(house, source.known, "CHF")

    hooks = source.order(source.known)
    deliver(house, engine, play, *hooks)
    assert left(house, source.known) == 9

    [letter] = house.letters("contract")
    assert (letter.kind, letter.reason) == (
        "money",
        "It is in EUR, its articles are priced in CHF here. Its pieces are booked.",
    )
    assert letter.action.startswith("See at the channel what was paid, book the money by hand, then discard.")

    [discarded] = ask(house, engine, play, ("POST", f"/v1/dead-letters/{letter.id}/discard", {}))
    clock.advance(minutes=5)
    deliver(house, engine, play, *map(source.delivered_again, hooks))
    assert (discarded.status_code, house.letters("contract"), left(house, source.known)) == (200, [], 9)


@EVERYWHERE
def test_an_order_in_the_currency_of_its_articles_needs_nobody(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play, opened: Open
) -> None:
    house, source = connect(engine, clock, ids, opened, play)
    price(house, source.known, "EUR")

    deliver(house, engine, play, *source.order(source.known))

    assert (left(house, source.known), house.letters("contract")) == (9, [])
