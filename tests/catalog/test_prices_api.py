import asyncio
from datetime import timedelta

from omnisync import db
from omnisync.catalog import prices
from omnisync.values import Money, format_time
from tests.api import serving
from tests.catalog.shop import article
from tests.conftest import START


def test_prices_are_said_and_read_with_the_lowest_of_30_days(engine, clock):
    with db.transaction(engine) as session:
        article(session, "LAMP", vat_rate=1900, min_price_minor=1900, currency="EUR")
        prices.applied(session, [("LAMP", "webshop", Money(2100, "EUR"))], now=START - timedelta(days=40))
        prices.applied(session, [("LAMP", "webshop", Money(1799, "EUR"))], now=START - timedelta(days=1))

    async def story():
        async with serving(engine, clock) as api:
            said = {
                "prices": [
                    {"kind": "base", "sku": "LAMP", "amount_minor": 2000, "currency": "EUR"},
                    {"kind": "rule", "channel": "webshop", "percent_hundredths": -1000, "ending_minor": 99},
                ]
            }
            first = await api.call("PUT", "/v1/prices", role="ops", json=said)
            second = await api.call("PUT", "/v1/prices", role="ops", json=said)
            listed = await api.call("GET", "/v1/prices", params={"sku": ["LAMP", "STRANGER"], "channel": "webshop"})
            before = format_time(START - timedelta(days=2))
            past = await api.call("GET", "/v1/prices", params={"sku": "LAMP", "channel": "webshop", "at": before})
            return first, second, listed, past

    first, second, listed, past = asyncio.run(story())

    assert (first.status_code, second.json()) == (200, first.json())
    lamp, stranger = listed.json()["items"]
    assert lamp == {
        "sku": "LAMP", "channel": "webshop", "amount_minor": 1799, "currency": "EUR", "net_minor": 1512, "vat_rate": 1900,
        "source": "rule", "base_minor": 2000, "min_price_minor": 1900, "below_minimum": True,
        "lowest_30_days_minor": 2100,
    }  # fmt: skip
    assert (stranger["sku"], stranger["amount_minor"], stranger["source"]) == ("STRANGER", None, None)
    assert past.json()["items"][0]["amount_minor"] is None


WRONG = [
    {"kind": "base", "sku": "LAMP", "amount_minor": 1},
    {"kind": "base", "sku": "LAMP", "amount_minor": -1, "currency": "EUR"},
    {"kind": "base", "sku": "LAMP", "amount_minor": 1.5, "currency": "EUR"},
    {"kind": "base", "sku": "LAMP", "amount_minor": True, "currency": "EUR"},
    {"kind": "base", "sku": "LAMP", "amount_minor": 1, "currency": "eur"},
    {"kind": "base", "sku": "STRANGER", "amount_minor": 1, "currency": "EUR"},
    {"kind": "base", "sku": "LAMP", "amount_minor": 1, "currency": "EUR", "ending_minor": 99},
    {"kind": "channel", "sku": "LAMP", "channel": "nowhere", "amount_minor": 1, "currency": "EUR"},
    {"kind": "rule", "percent_hundredths": 10**12},
    {"kind": "rule", "channel": "webshop"},
    {"kind": "gift"},
    {"kind": "rule", "percent_hundredths": -100, "valid_from": "2026-11-21T10:00:00"},
    {"kind": "rule", "percent_hundredths": -100, "valid_to": "2020-01-01T00:00:00Z"},
]


def test_what_cannot_be_a_price_is_a_422_that_names_its_field_and_changes_nothing(engine, clock):
    with db.transaction(engine) as session:
        article(session, "LAMP")
    good = {"kind": "base", "sku": "LAMP", "amount_minor": 2000, "currency": "EUR"}

    async def story():
        async with serving(engine, clock) as api:
            refused = [
                await api.call("PUT", "/v1/prices", role="ops", json={"prices": [good, wrong]}) for wrong in WRONG
            ]
            listed = await api.call("GET", "/v1/prices", params={"sku": "LAMP"})
            return refused, listed

    refused, listed = asyncio.run(story())

    for wrong, answer in zip(WRONG, refused, strict=True):
        assert answer.status_code == 422, wrong
        assert answer.json()["errors"][0]["field"].startswith("prices"), wrong
    assert listed.json()["items"][0]["amount_minor"] is None


def test_only_ops_set_prices(engine, clock):
    statuses = {"shop": 403, "staff": 403, None: 401, "admin": 200}

    async def story():
        async with serving(engine, clock) as api:
            body = {"prices": [{"kind": "rule", "percent_hundredths": -100}]}
            return {role: (await api.call("PUT", "/v1/prices", role=role, json=body)).status_code for role in statuses}

    assert asyncio.run(story()) == statuses
