"""Amazon's orders in our words: what is open, sent, cancelled, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from omnisync.adapters.amazon import orders
from omnisync.adapters.base import Article, OrderSeen, Unreadable
from omnisync.values import Money, parse_time

PRICE = {"unitPrice": {"amount": "19.99", "currencyCode": "EUR"}}


def line(ordered: int = 3, done: tuple[int, int] | None = None, **more: Any) -> dict[str, Any]:
    """An item of which so many were sent and so many are still to be sent."""
    product = {"asin": "B01", "title": "Lampe", "sellerSku": "LAMP", "price": PRICE}
    told: dict[str, Any] = {"orderItemId": "9007199254740993", "quantityOrdered": ordered, "product": product, **more}
    if done is not None:
        told["fulfillment"] = {"quantityFulfilled": done[0], "quantityUnfulfilled": done[1]}
    return told


def order(status: str = "UNSHIPPED", *lines: dict[str, Any], by: str = "MERCHANT", **more: Any) -> dict[str, Any]:
    return {
        "orderId": "302-1234567-1234567",
        "createdTime": "2026-11-20T23:59:59.123456789+01:00",
        "lastUpdatedTime": "2026-11-21T09:00:00Z",
        "salesChannel": {"channelName": "AMAZON"},
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": by},
        "orderItems": list(lines or [line()]),
        **more,
    }


def seen(told: dict[str, Any], **stores: str) -> OrderSeen:
    fact = orders.read(told, stores)
    assert isinstance(fact, OrderSeen), fact
    return fact


EXECUTED = {"cancellation": {"cancellationExecution": {"cancelledBy": "MERCHANT"}}}
ASKED = {"cancellation": {"cancellationRequest": {"requester": "BUYER"}}}


@pytest.mark.parametrize(
    ("status", "item", "quantity", "cancelled", "shipped", "paid", "closed"),
    [
        ("PENDING", line(3), 3, 0, 0, False, False),
        ("PENDING", line(3, (0, 0)), 3, 0, 0, False, False),  # nothing is to be sent yet: that cancels nothing
        ("PENDING_AVAILABILITY", line(3, (0, 3)), 3, 0, 0, False, False),
        ("UNSHIPPED", line(3, (0, 3)), 3, 0, 0, True, False),
        ("UNSHIPPED", line(3), 3, 0, 0, True, False),
        ("UNSHIPPED", line(3, (0, 3), **ASKED), 3, 0, 0, True, False),  # asked for is not done
        ("UNSHIPPED", line(3, (0, 1)), 3, 2, 0, True, False),  # some pieces of a line were cancelled
        ("UNSHIPPED", line(3, (0, 3), **EXECUTED), 3, 3, 0, True, False),
        ("PARTIALLY_SHIPPED", line(3, (1, 2)), 3, 0, 1, True, False),
        ("PARTIALLY_SHIPPED", line(3, (1, 1)), 3, 1, 1, True, False),
        ("SHIPPED", line(3, (3, 0)), 3, 0, 3, True, True),
        ("SHIPPED", line(3), 3, 0, 3, True, True),
        ("SHIPPED", line(3, (2, 0)), 3, 1, 2, True, True),
        ("CANCELLED", line(3, (0, 0)), 3, 3, 0, True, True),
        ("CANCELLED", line(3), 3, 3, 0, True, True),
        ("CANCELLED", line(0, (0, 0)), 0, 0, 0, True, True),  # Amazon forgets how many they were
        ("CANCELLED", line(3, (1, 2)), 3, 2, 1, True, True),  # after one of them had left
        ("CANCELLED", line(0, (1, 0)), 1, 0, 1, True, True),
        ("SOMETHING_NEW", line(3, (0, 3)), 3, 0, 0, True, False),
    ],
)  # fmt: skip
def test_a_line_says_what_was_ordered_cancelled_and_sent_so_far(
    status: str, item: dict[str, Any], quantity: int, cancelled: int, shipped: int, paid: bool, closed: bool
):
    fact = seen(order(status, item))

    [only] = fact.lines
    assert (only.quantity, only.cancelled, only.shipped) == (quantity, cancelled, shipped)
    assert (fact.paid, fact.closed, fact.lowered) == (paid, closed, True)


def test_an_order_is_told_with_ids_times_articles_and_prices_as_they_are():
    fact = seen(
        order("UNSHIPPED", line(2, (0, 2)), proceeds={"grandTotal": {"amount": "39.98", "currencyCode": "EUR"}})
    )

    assert (fact.id, fact.reference, fact.currency) == ("302-1234567-1234567", "302-1234567-1234567", "EUR")
    assert fact.placed_at == parse_time("2026-11-20T22:59:59.123456Z")
    assert fact.totals["proceeds"]["grandTotal"]["amount"] == "39.98"
    assert (fact.pickup, fact.elsewhere, fact.counter, fact.customer) == (False, False, False, None)
    [only] = fact.lines
    assert (only.id, only.article) == ("9007199254740993", Article("LAMP", "LAMP", title="Lampe"))
    assert (only.unit_price, only.place, only.stocked) == (Money(1999, "EUR"), None, True)


def test_what_amazon_sends_is_fulfilled_elsewhere():
    assert seen(order(by="AMAZON")).elsewhere


def test_a_pickup_is_one_at_the_store_that_the_older_api_names():
    told = order(programs=["IN_STORE_PICK_UP"])

    fact = seen(told, **{"9007199254740993": "store-7"})

    assert orders.is_pickup(told)
    assert (fact.pickup, fact.lines[0].place) == (True, "store-7")


def test_a_line_without_a_sku_is_known_by_its_asin_and_one_without_a_price_has_none():
    bare = {"orderItemId": "1", "quantityOrdered": 1, "product": {"asin": "B09"}}

    [only] = seen(order("PENDING", bare)).lines

    assert only.article == Article("B09", None)
    assert only.unit_price is None


@pytest.mark.parametrize(
    "told",
    [
        {key: value for key, value in order().items() if key != "fulfillment"},
        {key: value for key, value in order().items() if key != "lastUpdatedTime"},
        order("UNSHIPPED", line(-1)),
        order("UNSHIPPED", line(True)),
        order("UNSHIPPED", {**line(), "quantityOrdered": "3"}),
        {**order(), "lastUpdatedTime": "2026-11-21T09:00:00"},
        {**order(), "orderItems": None},
        {**order(), "orderItems": ["x"]},
    ],
    ids=["no state", "no version", "negative", "a boolean", "text", "no zone", "no lines", "a line that is none"],
)
def test_what_cannot_be_understood_waits_for_a_person(told: dict[str, Any]):
    fact = orders.read(told, {})

    assert isinstance(fact, Unreadable)
    assert "302-1234567-1234567" in fact.reason


def test_buyers_and_addresses_are_not_asked_for():
    assert not {"BUYER", "RECIPIENT"} & set(orders.INCLUDED)
