"""eBay's orders in our words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from omnisync.adapters.base import Article, Customer, OrderLine, OrderSeen, Unreadable
from omnisync.adapters.ebay import orders
from omnisync.values import Money


def a_line(**other: Any) -> dict[str, Any]:
    line = {
        "lineItemId": "10075000000012345678",
        "sku": "LAMP-RED",
        "title": "Leselampe",
        "legacyItemId": "110000000001",
        "quantity": 3,
        "lineItemCost": {"value": "127.35", "currency": "EUR"},
        "lineItemFulfillmentStatus": "NOT_STARTED",
    }
    return {key: value for key, value in (line | other).items() if value is not None}


def an_order(*lines: dict[str, Any], **other: Any) -> dict[str, Any]:
    return {
        "orderId": "12-10001-55555",
        "creationDate": "2026-11-21T09:58:00.000Z",
        "lastModifiedDate": "2026-11-21T09:59:30.250Z",
        "orderFulfillmentStatus": "NOT_STARTED",
        "orderPaymentStatus": "PAID",
        "buyer": {"username": "carla_77"},
        "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
        "pricingSummary": {"total": {"value": "132.25", "currency": "EUR"}},
        "paymentSummary": {"refunds": []},
        "fulfillmentStartInstructions": [{"fulfillmentInstructionsType": "SHIP_TO"}],
        "lineItems": list(lines) or [a_line()],
        **other,
    }


def read(order: dict[str, Any], shipped: dict[str, int] | None = None) -> OrderSeen:
    found = orders.read(order, shipped or {})
    assert isinstance(found, OrderSeen), found
    return found


def test_a_paid_order_is_a_promise_with_its_price_and_moment():
    found = read(an_order())

    assert (found.id, found.reference) == ("12-10001-55555", "12-10001-55555")
    assert found.version == datetime(2026, 11, 21, 9, 59, 30, 250000, UTC)
    assert found.placed_at == datetime(2026, 11, 21, 9, 58, tzinfo=UTC)
    assert (found.paid, found.pickup, found.elsewhere, found.counter, found.closed) == (
        True,
        False,
        False,
        False,
        False,
    )
    assert found.currency == "EUR"
    assert found.lines == (
        OrderLine(
            id="10075000000012345678",
            article=Article(external_id="LAMP-RED", sku="LAMP-RED", title="Leselampe"),
            quantity=3,
            unit_price=Money(4245, "EUR"),
        ),
    )


def test_a_price_that_does_not_divide_is_left_out_rather_than_rounded():
    [line] = read(an_order(a_line(lineItemCost={"value": "10.00", "currency": "EUR"}))).lines

    assert line.unit_price is None


@pytest.mark.parametrize(
    ("status", "shipped", "pieces"),
    [("NOT_STARTED", {}, 0), ("IN_PROGRESS", {"10075000000012345678": 2}, 2), ("FULFILLED", {}, 3)],
)
def test_shipped_pieces_are_cumulative(status: str, shipped: dict[str, int], pieces: int):
    order = an_order(a_line(lineItemFulfillmentStatus=status))

    [line] = read(order, shipped).lines

    assert (line.shipped, line.cancelled) == (pieces, 0)
    assert orders.is_partly_shipped(order) == (status == "IN_PROGRESS")


def test_pieces_of_many_packages_are_added_up():
    packages = [
        {"lineItems": [{"lineItemId": "1", "quantity": 2}, {"lineItemId": "2"}]},
        {"lineItems": [{"lineItemId": "1", "quantity": 1}]},
    ]

    assert orders.shipped_pieces(packages) == {"1": 3, "2": 1}


def test_a_cancelled_order_gives_back_what_was_not_sent():
    order = an_order(
        a_line(lineItemId="1", lineItemFulfillmentStatus="IN_PROGRESS"),
        a_line(lineItemId="2"),
        cancelStatus={"cancelState": "CANCELED"},
    )

    found = read(order, {"1": 1})

    assert [(line.shipped, line.cancelled) for line in found.lines] == [(1, 2), (0, 3)]
    assert found.closed


def test_a_cancellation_that_is_only_asked_for_gives_nothing_back():
    [line] = read(an_order(cancelStatus={"cancelState": "IN_PROGRESS"})).lines

    assert line.cancelled == 0


def test_a_refund_moves_no_stock_and_stands_in_the_totals():
    refund = {"refundId": "5000", "amount": {"value": "42.45", "currency": "EUR"}}

    found = read(an_order(orderPaymentStatus="PARTIALLY_REFUNDED", paymentSummary={"refunds": [refund]}))

    assert [(line.cancelled, line.shipped, line.restocks) for line in found.lines] == [(0, 0, ())]
    assert found.paid
    assert found.totals["refunds"] == [refund]


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_a_payment_that_has_not_arrived_is_no_payment(status: str):
    assert not read(an_order(orderPaymentStatus=status)).paid


def test_an_in_store_pickup_names_its_store_on_every_line():
    step = {"fulfillmentInstructionsType": "PREPARE_FOR_PICKUP", "pickupStep": {"merchantLocationKey": "linden-1"}}

    found = read(an_order(a_line(lineItemId="1"), a_line(lineItemId="2"), fulfillmentStartInstructions=[step]))

    assert found.pickup
    assert [line.place for line in found.lines] == ["linden-1", "linden-1"]


@pytest.mark.parametrize(
    "sign",
    [
        {"fulfillmentStartInstructions": [{"fulfillmentInstructionsType": "FULFILLED_BY_EBAY"}]},
        {"program": {"fulfillmentProgram": {"fulfilledBy": "EBAY"}}},
    ],
)
def test_what_ebay_sends_from_its_own_warehouse_is_not_ours(sign: dict[str, Any]):
    assert read(an_order(**sign)).elsewhere


def test_a_digital_good_never_enters_the_ledger():
    [line] = read(an_order(fulfillmentStartInstructions=[{"fulfillmentInstructionsType": "DIGITAL"}])).lines

    assert not line.stocked


def test_a_listing_without_a_sku_is_known_by_item_and_variation():
    [line] = read(an_order(a_line(sku=None, legacyVariationId="77"))).lines

    assert (line.article.external_id, line.article.sku) == ("110000000001/77", None)


def test_only_the_name_of_a_buyer_is_kept():
    contact = {"fullName": "Carla Dorn", "email": "x1y2@members.ebay.com", "primaryPhone": {"phoneNumber": "030 1"}}
    ship = {"fulfillmentInstructionsType": "SHIP_TO", "shippingStep": {"shipTo": contact}}

    assert read(an_order(fulfillmentStartInstructions=[ship])).customer == Customer(name="Carla Dorn")
    assert read(an_order()).customer == Customer(name="carla_77")


@pytest.mark.parametrize(
    "broken",
    [
        an_order(lastModifiedDate="2026-11-21T09:59:30"),
        an_order(lastModifiedDate="yesterday"),
        an_order(a_line(quantity=0)),
        an_order(a_line(quantity="many")),
        an_order(a_line(lineItemCost={"value": "NaN", "currency": "EUR"})),
        an_order(a_line(lineItemId=None)),
        an_order(lineItems=None),
    ],
    ids=["no zone", "no time", "no pieces", "no number", "no amount", "no line id", "no lines"],
)
def test_an_order_that_cannot_be_understood_waits_with_its_name(broken: dict[str, Any]):
    found = orders.read(broken, {})

    assert isinstance(found, Unreadable)
    assert "12-10001-55555" in found.key
    assert "12-10001-55555" in found.reason
    assert found.action
