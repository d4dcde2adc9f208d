"""The main job on real input: a real shop server, two tills, a marketplace and click and collect on one ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.town import SKUS, Town, open_town
from tests.real.shop import SoldOut

pytestmark = pytest.mark.real


def test_every_channel_sells_from_one_stock(database: str, oscar_template: Path, tmp_path: Path):
    with open_town(tmp_path, database, oscar_template) as town:
        # What omnisync was told is on the shelves appears in the shop, at the tills and on the marketplace.
        town.wait_until_shown("LAMPE-HAVEL", linden=6, markt=2)
        town.wait_until_shown("JACKE-NORDWIND-42", linden=3)
        town.wait_until_shown("SNEAKER-KIEL-39", linden=1)

        # A buyer checks out in the real shop, by its own API: all others show one less.
        order = town.oscar.buy("LAMPE-HAVEL", 1)
        town.wait_until_shown("LAMPE-HAVEL", linden=5, markt=2)

        # The till at Lindenstraße sells over the counter: the shop shows less.
        town.ring_up("LAMPE-HAVEL", 2)
        town.wait_until_shown("LAMPE-HAVEL", linden=3, markt=2)

        # A buyer on the marketplace and one at the other store's till.
        assert town.ebay.buy("JACKE-NORDWIND-42").status_code == 200
        town.wait_until_shown("JACKE-NORDWIND-42", linden=2)
        assert town.square.buy("LAMPE-HAVEL", place="LMARKT").status_code == 200
        town.wait_until_shown("LAMPE-HAVEL", linden=3, markt=1)

        # Click and collect takes the last sneaker: from that answer on nobody else can have it.
        placed = town.reserve_pickup("SNEAKER-KIEL-39", "first")
        refused = town.reserve_pickup("SNEAKER-KIEL-39", "second")
        assert placed.status_code == 201, placed.text
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "out-of-stock")
        town.wait_until_shown("SNEAKER-KIEL-39", linden=0)
        with pytest.raises(SoldOut):
            town.oscar.buy("SNEAKER-KIEL-39")
        assert town.square.buy("SNEAKER-KIEL-39", place="LLINDEN").status_code == 409
        assert town.ebay.buy("SNEAKER-KIEL-39").status_code == 409

        # It is picked, put aside, and handed over for the code, and for no other.
        pickup, code = placed.json()["id"], placed.json()["code"]
        assert town.press(pickup, "pick").status_code == 200
        assert town.press(pickup, "ready", {"shelf": "12"}).json()["state"] == "ready"
        wrong = town.server.send(
            "POST", f"/v1/pickups/{pickup}/collect", {"code": "0000-0000"}, role="staff", key="wrong"
        )
        assert (wrong.status_code, wrong.json()["type"].rpartition("/")[2]) == (403, "wrong-code")
        assert town.press(pickup, "collect", {"code": code}).json()["state"] == "collected"

        # The shop dies. The others sell on; nothing waits for it.
        town.oscar.kill()
        town.ring_up("JACKE-NORDWIND-42")
        assert town.ebay.buy("LAMPE-HAVEL").status_code == 200
        town.wait_until_shown("JACKE-NORDWIND-42", linden=1)
        town.wait("the shop is late", lambda: states(town, "webshop"), {"webshop": "late"})
        others = ("square", "ebay", "kasse")
        town.wait("the others are on time", lambda: states(town, *others), dict.fromkeys(others, "on_time"))

        # It comes back and catches up; its keeper sends the first order.
        town.oscar.restart()
        town.wait_until_shown("JACKE-NORDWIND-42", linden=1)
        town.wait("the shop shows what is there", lambda: town.shown("LAMPE-HAVEL"), town.wanted("LAMPE-HAVEL"))
        town.oscar.ship(order)

        # In the end every number agrees: on the shelves, in the journal, on every channel.
        shelves = {("LAMPE-HAVEL", "linden"): (3, 1), ("JACKE-NORDWIND-42", "linden"): (2, 1)}
        town.wait("the shipped lamp has left", lambda: {at: on_shelf(town)[at] for at in shelves}, shelves)
        assert on_shelf(town)["SNEAKER-KIEL-39", "linden"] == (0, 0)
        for sku in SKUS:
            town.wait(f"{sku} is shown as it is", lambda sku=sku: town.shown(sku) == town.wanted(sku), True)
        town.wait("nothing is behind", lambda: {(one["channel"], one["state"], one["drift"]) for one in channels(town)},
                  {(name, "on_time", 0) for name in ("webshop", "square", "ebay", "kasse")})  # fmt: skip
        assert town.server.get("/v1/shortages")["items"] == []
        assert town.server.get("/v1/dead-letters")["items"] == []
        assert town.server.violations() == ""


def on_shelf(town: Town) -> dict[tuple[str, str], tuple[int, int]]:
    """(on_hand, reserved) of every shelf."""
    rows = town.server.get("/v1/stock")["items"]
    return {(row["sku"], row["location"]): (row["on_hand"], row["reserved"]) for row in rows}


def channels(town: Town) -> list[dict[str, Any]]:
    """Their health."""
    return town.server.get("/v1/channels")["items"]


def states(town: Town, *names: str) -> dict[str, str]:
    """How these channels are doing."""
    return {one["channel"]: one["state"] for one in channels(town) if one["channel"] in names}
