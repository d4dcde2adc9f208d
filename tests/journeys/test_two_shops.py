"""Two shops of one retailer, of different makers and both real, with tills and a marketplace: all that happens in a year, and each of them
gone for a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from omnisync.demo.faults import Purchase
from tests.journeys.test_one_stock_for_all import channels, on_shelf
from tests.journeys.town import SKUS, Town, open_town
from tests.real.vendure import Vendure

pytestmark = pytest.mark.real
LAMP, JACKET, SHOES = "LAMPE-HAVEL", "JACKE-NORDWIND-42", "SNEAKER-KIEL-39"
SHELVES = {(LAMP, "linden"): 12, (LAMP, "markt"): 6, (JACKET, "linden"): 8, (SHOES, "linden"): 5}
ALL = ("webshop", "outlet", "square", "ebay", "kasse")


def test_two_shops_two_tills_and_a_marketplace_agree_whatever_happens(
    database: str, oscar_template: Path, vendure_modules: Path, tmp_path: Path
):
    with open_town(tmp_path, database, oscar_template, shelves=SHELVES, vendure_modules=vendure_modules) as town:
        assert town.vendure is not None
        town.wait_until_shown(LAMP, linden=12, markt=6)
        town.wait_until_shown(JACKET, linden=8)

        ordered = everybody_sells(town, town.vendure)
        what_was_ordered_is_sent(town, town.vendure, *ordered)
        others_are_cancelled(town, town.vendure)
        goods_and_money_go_back(town, town.vendure, *ordered)
        a_price_changes(town)
        somebody_counts(town)
        each_is_gone_for_a_while(town, town.vendure)
        everything_agrees(town)


def everybody_sells(town: Town, vendure: Vendure) -> tuple[str, str, str, str]:
    """One order or receipt at each; the numbers of those at both shops, at Square and at eBay."""
    first = town.oscar.buy(LAMP, 1)
    second = vendure.buy({LAMP: 2})
    third = town.square.buy(LAMP, place="LMARKT").raise_for_status().json()["order"]
    fourth = town.ebay.buy(JACKET).raise_for_status().json()["order"]
    town.ring_up(LAMP)
    town.ring_up(SHOES)

    town.wait_until_shown(LAMP, linden=8, markt=5)
    town.wait_until_shown(JACKET, linden=7)
    town.wait_until_shown(SHOES, linden=4)
    return first, second, third, fourth


def what_was_ordered_is_sent(town: Town, vendure: Vendure, first: str, second: str, third: str, fourth: str) -> None:
    """It leaves its shelf, and what can be sold stays what it was."""
    town.oscar.ship(first)
    vendure.fulfil(second, {LAMP: 2}, "Shipped")
    town.ebay.act(f"orders/{fourth}", action="ship")

    town.wait("what was sent has left", lambda: shelf(town, LAMP, JACKET), [(8, 0), (7, 0)])
    town.wait_until_shown(LAMP, linden=8, markt=5)


def others_are_cancelled(town: Town, vendure: Vendure) -> None:
    """Three buyers of jackets, and all three change their minds."""
    mine, other = town.oscar.buy(JACKET), vendure.buy({JACKET: 1})
    third = town.ebay.buy(JACKET).raise_for_status().json()["order"]
    town.wait_until_shown(JACKET, linden=4)

    town.oscar.cancel(mine)
    vendure.cancel(other)
    town.ebay.act(f"orders/{third}", action="cancel")
    town.wait_until_shown(JACKET, linden=7)


def goods_and_money_go_back(town: Town, vendure: Vendure, first: str, second: str, third: str, fourth: str) -> None:
    """Money moves no stock. What comes back over the counter can be sold at once, what comes by mail when somebody has looked at it."""
    vendure.refund(second, 100)
    town.ebay.act(f"orders/{fourth}", action="refund")
    vendure.cancel(second, {LAMP: 1})
    town.square.act("refund", order=third, sku=LAMP, quantity=1, restock=True, place="LMARKT")
    town.till.take_back(SHOES, "001", 1)
    town.till.tick()

    town.wait("one lamp came back by mail", lambda: shelf(town, LAMP), [(9, 0)])
    town.wait_until_shown(LAMP, linden=8, markt=6)
    town.wait_until_shown(SHOES, linden=5)
    assert shelf(town, JACKET) == [(7, 0)]


def a_price_changes(town: Town) -> None:
    """Everywhere, and only where it was said."""
    price = {"kind": "base", "sku": LAMP, "amount_minor": 2499, "currency": "EUR"}
    assert town.server.send("PUT", "/v1/prices", {"prices": [price]}).status_code == 200

    for sku, cents in ((LAMP, 2499), (JACKET, 1999)):
        everywhere = dict.fromkeys(("square", "ebay", "kasse", "oscar", "vendure"), cents)
        town.wait(f"{sku} costs {cents}", lambda sku=sku: town.prices(sku), everywhere)


def somebody_counts(town: Town) -> None:
    """There are two pairs less than everybody thought."""
    count = {"key": "count-1", "kind": "count", "sku": SHOES, "location": "linden", "quantity": 3}
    assert town.server.send("POST", "/v1/stock/movements", {"movements": [count]}, key="count-1").is_success

    town.wait_until_shown(SHOES, linden=3)


def each_is_gone_for_a_while(town: Town, vendure: Vendure) -> None:
    """Killed in turn while others sell; whoever comes back catches up by itself."""
    meanwhile: list[tuple[Callable[[], object], Callable[[], object], Callable[[], object], tuple[int, int]]] = [
        (town.oscar.kill, lambda: vendure.buy({LAMP: 1}), town.oscar.restart, (7, 6)),
        (vendure.kill, lambda: town.oscar.buy(LAMP), vendure.restart, (6, 6)),
        (town.square.kill, lambda: town.ring_up(LAMP), town.square.restart, (5, 6)),
        (town.ebay.kill, lambda: town.square.buy(LAMP, place="LMARKT"), town.ebay.restart, (5, 5)),
        (lambda: close_the_till(town), lambda: vendure.buy({LAMP: 1}), lambda: open_the_till(town), (4, 5)),
    ]
    for goes, sells, comes, (linden, markt) in meanwhile:
        goes()
        sells()
        town.wait_until_shown(LAMP, linden, markt)  # at all others
        comes()
        town.wait_until_shown(LAMP, linden, markt)
    town.wait_until_shown(JACKET, linden=6)  # which the till had sold before it was closed

    # Omnisync itself: everybody sells on without it.
    town.server.programs[0].kill()
    town.oscar.buy(LAMP)
    vendure.buy({JACKET: 1})
    assert town.ebay.buy(LAMP).is_success
    town.ring_up(JACKET)
    town.server.programs[0].start()
    town.wait_until_shown(LAMP, linden=2, markt=5)
    town.wait_until_shown(JACKET, linden=4)


def close_the_till(town: Town) -> None:
    """It rings up once more, and neither exports nor imports any more."""
    town.till.faults.down = True
    town.till.buy(Purchase(sku=JACKET, quantity=1, place="001"))


def open_the_till(town: Town) -> None:
    town.till.faults.down = False
    town.till.tick()


def everything_agrees(town: Town) -> None:
    """On the shelves, in the journal, on every channel, and nobody is asked for anything."""
    expected = {
        (LAMP, "linden"): (8, 5),
        (LAMP, "markt"): (5, 0),
        (JACKET, "linden"): (5, 1),
        (SHOES, "linden"): (3, 0),
    }
    town.wait("every shelf is as it should be", lambda: {at: on_shelf(town)[at] for at in expected}, expected)
    for sku in SKUS:
        town.wait(f"{sku} is shown as it is", lambda sku=sku: town.shown(sku) == town.wanted(sku), True)
    town.wait("nothing is behind", lambda: {(one["channel"], one["state"], one["drift"]) for one in channels(town)},
              {(name, "on_time", 0) for name in ALL})  # fmt: skip
    assert town.server.get("/v1/shortages")["items"] == []
    assert town.server.get("/v1/dead-letters")["items"] == []
    assert town.server.get("/v1/cases")["items"] == []
    assert town.server.violations() == ""


def shelf(town: Town, *skus: str) -> list[tuple[int, int]]:
    """(on_hand, reserved) at Lindenstraße."""
    return [on_shelf(town)[sku, "linden"] for sku in skus]
