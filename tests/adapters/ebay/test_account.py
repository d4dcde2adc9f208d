"""Settings, tokens, listings, pickups and subscriptions of one account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from omnisync.adapters.base import Hook, News, OrderSeen, Outcome, Subscription
from omnisync.adapters.client import Tools
from omnisync.adapters.ebay import make
from omnisync.clock import StoppedClock
from omnisync.demo.faults import Purchase
from omnisync.errors import NeedsAttention, TryLater
from tests.adapters.ebay.conftest import Line
from tests.adapters.ebay.rig import URL, EbayWorld

pytestmark = pytest.mark.anyio
GOOD = {"client_id": "c", "client_secret": "s", "refresh_token": "r"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({**GOOD, "refresh_token": ""}, "refresh_token"),
        ({"client_id": "c"}, "client_secret"),
        ({**GOOD, "refreshtoken": "x"}, "refreshtoken"),
        ({**GOOD, "page_size": 201}, "page_size"),
        ({**GOOD, "page_size": True}, "page_size"),
        ({**GOOD, "first_days": "many"}, "first_days"),
        ({**GOOD, "fulfilled_elsewhere": "warehouse"}, "fulfilled_elsewhere"),
        ({**GOOD, "base_url": 7}, "base_url"),
    ],
)
def test_a_wrong_setting_is_named_with_what_mends_it(settings: dict[str, Any], named: str, tools: Tools):
    with pytest.raises(NeedsAttention, match=named) as caught:
        make("ebay-de", settings, {}, URL, tools)

    assert caught.value.code == "settings"
    assert caught.value.action


# ---------------------------------------------------------------- tokens


async def test_one_token_serves_until_shortly_before_it_ends(world: EbayWorld, line: Line, clock: StoppedClock):
    await world.adapter.look(world.targets)
    clock.advance(minutes=114)
    await world.adapter.look(world.targets)
    assert world.simulation.door.issued == 1

    clock.advance(minutes=2)
    await world.adapter.look(world.targets)

    assert world.simulation.door.issued == 2


async def test_a_token_that_ebay_takes_back_is_renewed_once(world: EbayWorld):
    await world.adapter.look(world.targets)
    world.simulation.door.revoke_all()

    seen = await world.adapter.look(world.targets)

    assert len(seen) == 3
    assert world.simulation.door.issued == 2


async def test_a_refused_refresh_token_needs_a_person(world: EbayWorld, line: Line):
    line.instead = lambda request: (
        httpx.Response(400, json={"error": "invalid_grant"}) if request.url.path.endswith("/token") else None
    )

    with pytest.raises(NeedsAttention, match="no access token") as caught:
        await world.adapter.look(world.targets)

    assert caught.value.code == "credentials"
    assert "refresh_token" in caught.value.action
    checks = await world.adapter.check()
    assert [check.ok for check in checks] == [False, False, False]
    assert all(check.mend for check in checks)


# ---------------------------------------------------------------- listings


async def test_listings_carry_what_is_needed_to_match_and_to_write(world: EbayWorld):
    page = await world.adapter.listings(None)

    lamp, blue, _ = page.listings
    offer = world.simulation.shop.offers["LAMP-RED"]
    assert (lamp.external_id, lamp.sku, lamp.barcode, lamp.title) == (
        "LAMP-RED",
        "LAMP-RED",
        "4006381333931",
        "Leselampe rot",
    )
    assert dict(lamp.extra) == {"offer": offer.offer_id, "listing": offer.listing_id}
    assert blue.barcode is None
    assert not page.more


async def test_an_unpublished_offer_is_no_listing_and_shows_nothing(world: EbayWorld):
    world.simulation.shop.offers["SHADE"].published = False

    page = await world.adapter.listings(None)
    seen = await world.adapter.look(world.targets)

    assert [one.external_id for one in page.listings] == ["LAMP-RED", "LAMP BLÄU/2"]
    assert {level.article.external_id for level in seen} == {"LAMP-RED", "LAMP BLÄU/2"}


async def test_stock_of_others_is_never_ours_to_write(tools: Tools):
    line = Line()
    world = EbayWorld(replace(tools, transport=line), fulfilled_elsewhere=["ebay-warehouse"])
    line.inner = world.channel

    page = await world.adapter.listings(None)

    assert [one.managed for one in page.listings] == [False, False, False]


async def test_looking_tells_the_smaller_quantity_and_the_price(world: EbayWorld):
    offer = world.simulation.shop.offers["LAMP-RED"]
    offer.home_quantity, offer.own_quantity = 9, 4

    [seen] = await world.adapter.look(world.targets[:1])

    assert (seen.quantity, seen.price) == (4, offer.price)


# ---------------------------------------------------------------- pickups


def news(kind: Any, order_id: str, *lines: tuple[str, int]) -> News:
    return News(kind, order_id, order_id, "linden-1", lines, "tag")


@pytest.fixture
def pickup(world: EbayWorld) -> str:
    order: str = world.simulation.shop.buy(Purchase(sku="SHADE", quantity=3, pickup=True, place="linden-1"))["order"]
    return order


async def test_a_collected_pickup_is_fulfilled_once_however_often_it_is_told(world: EbayWorld, pickup: str):
    order = world.simulation.shop.orders[pickup]
    told = [news("collected", pickup, (order.lines[0].id, 3))]

    first = await world.adapter.tell(told)
    again = await world.adapter.tell(told)

    assert [one.outcome for one in (*first, *again)] == [Outcome.APPLIED, Outcome.APPLIED]
    assert [dict(package.pieces) for package in order.packages] == [{order.lines[0].id: 3}]


async def test_pieces_collected_in_two_visits_are_told_as_their_sum(world: EbayWorld, pickup: str, clock: StoppedClock):
    order = world.simulation.shop.orders[pickup]
    line_id = order.lines[0].id

    for pieces in (1, 1, 3, 9):
        await world.adapter.tell([news("collected", pickup, (line_id, pieces))])

    assert [package.pieces[line_id] for package in order.packages] == [1, 2]


async def test_a_lost_answer_to_a_collection_adds_no_second_one(world: EbayWorld, line: Line, pickup: str):
    order = world.simulation.shop.orders[pickup]
    told = [news("collected", pickup, (order.lines[0].id, 3))]
    inner = world.channel

    async def lose(request: httpx.Request) -> httpx.Response:
        reply = await inner.handle_async_request(request)
        if request.method == "POST" and request.url.path.endswith("/shipping_fulfillment"):
            raise httpx.ReadTimeout("the answer got lost", request=request)
        return reply

    line.inner = httpx.MockTransport(lose)
    with pytest.raises(TryLater):
        await world.adapter.tell(told)
    line.inner = inner
    [again] = await world.adapter.tell(told)

    assert again.outcome is Outcome.APPLIED
    assert len(order.packages) == 1


@pytest.mark.parametrize("kind", ["cancelled", "expired"])
async def test_only_the_seller_can_cancel_so_a_person_is_asked_until_it_is_done(
    world: EbayWorld, pickup: str, kind: str
):
    [asked] = await world.adapter.tell([news(kind, pickup)])
    world.simulation.shop.cancel(pickup)
    [done] = await world.adapter.tell([news(kind, pickup)])

    assert (asked.outcome, done.outcome) == (Outcome.ATTENTION, Outcome.APPLIED)
    assert pickup in asked.action


async def test_ready_is_not_sent_because_ebay_has_no_ear_for_it(world: EbayWorld, line: Line, pickup: str):
    [told] = await world.adapter.tell([news("ready", pickup)])

    assert told.outcome is Outcome.APPLIED
    assert "nothing was sent" in told.reason
    assert line.calls == 0


async def test_an_order_that_ebay_does_not_know_needs_a_person(world: EbayWorld):
    [told] = await world.adapter.tell([news("collected", "12-0", ("1", 1))])

    assert told.outcome is Outcome.ATTENTION
    assert "12-0" in told.reason


# ---------------------------------------------------------------- subscriptions


async def test_subscriptions_become_those_wanted(world: EbayWorld):
    told = world.simulation.notifications
    both = [Subscription("ORDER_CONFIRMATION", URL), Subscription("ITEM_MARKED_SHIPPED", URL)]
    await world.adapter.subscriptions(both)
    [shipped] = [one for one in told.subscriptions.values() if one.topic == "ITEM_MARKED_SHIPPED"]
    next(iter(told.subscriptions.values())).status = "DISABLED"

    await world.adapter.subscriptions(both[:1])

    assert [(one.topic, one.status) for one in told.subscriptions.values()] == [("ORDER_CONFIRMATION", "ENABLED")]
    assert shipped.id not in told.subscriptions
    assert [one.endpoint for one in told.destinations.values()] == [URL]


async def test_subscriptions_of_other_addresses_are_left_alone(world: EbayWorld):
    told = world.simulation.notifications
    told.connect("https://other.example.org/hook", "x" * 32, "ORDER_CONFIRMATION")

    await world.adapter.subscriptions([Subscription("ORDER_CONFIRMATION", URL)])
    assert len(told.subscriptions) == 2
    await world.adapter.subscriptions([])

    [left] = told.subscriptions.values()
    assert told.destinations[left.destination].endpoint == "https://other.example.org/hook"


async def test_an_address_that_ebay_marked_down_is_enabled_again(world: EbayWorld):
    await world.adapter.subscriptions([Subscription("ORDER_CONFIRMATION", URL)])
    [home] = world.simulation.notifications.destinations.values()
    home.status = "MARKED_DOWN"

    await world.adapter.subscriptions([Subscription("ORDER_CONFIRMATION", URL)])

    assert home.status == "ENABLED"


async def test_an_address_that_fails_the_challenge_needs_a_person(world: EbayWorld):
    async def wrong(url: str) -> bytes:
        return b'{"challengeResponse": "no"}'

    world.simulation.notifications._ask = wrong

    with pytest.raises(NeedsAttention, match="Challenge verification failed") as caught:
        await world.adapter.subscriptions([Subscription("ORDER_CONFIRMATION", URL)])

    assert "verification_token" in caught.value.action


async def test_a_confirmed_order_reaches_the_subscribed_address_and_is_understood(world: EbayWorld):
    await world.adapter.subscriptions([Subscription("ORDER_CONFIRMATION", URL)])
    sold = world.sell(world.targets[0], 2)
    await world.simulation.outbox.flush()

    [sent] = world.post.sent
    facts = await world.adapter.follow(_hook(sent.url, sent.headers, sent.body))

    assert [fact.id for fact in facts if isinstance(fact, OrderSeen)] == [sold]


def _hook(url: str, headers: Any, body: bytes) -> Any:
    return Hook("POST", url, dict(headers), {}, body)


async def test_closing_lets_go_of_the_connections(world: EbayWorld):
    close: Callable[[], Any] = world.adapter.close
    await world.adapter.look(world.targets)

    await close()

    with pytest.raises(RuntimeError):
        await world.adapter.look(world.targets)
