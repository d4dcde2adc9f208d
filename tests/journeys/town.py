"""One retailer: omnisync, a real django-oscar shop and perhaps a real Vendure shop, a Square account with tills of two stores, eBay,
and a CSV till.

Everything runs as a process of its own, except the till, which speaks by files.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from omnisync.clock import SystemClock
from omnisync.demo.faults import Purchase
from omnisync.demo.till.till import Goods, Till
from omnisync.values import Money
from tests.real import vendure
from tests.real.shop import PASSWORD, USER, Shop, open_shop
from tests.real.vendure import Vendure
from tests.rig.processes import Program, free_port, until
from tests.rig.server import Server, settled

SHELVES = {
    ("LAMPE-HAVEL", "linden"): 6,
    ("LAMPE-HAVEL", "markt"): 2,
    ("JACKE-NORDWIND-42", "linden"): 3,
    ("SNEAKER-KIEL-39", "linden"): 1,
}
SKUS = sorted({sku for sku, _ in SHELVES})
SQUARE_PLACES = {"LLINDEN": "linden", "LMARKT": "markt"}
VERIFICATION = "omnisync-journey-verification-token-0123"
PATIENCE_SECONDS = 180.0

CHANNELS = """
[[channels]]
name = "webshop"
adapter = "oscar"
locations = ["linden", "markt"]
[channels.settings]
base_url = "{oscar}"
username = "{user}"
password = "file:{folder}/password.secret"
poll_seconds = 1

[[channels]]
name = "square"
adapter = "square"
locations = ["linden", "markt"]
location_map = {{ LLINDEN = "linden", LMARKT = "markt" }}
policy = {{ shows = "available" }}
[channels.settings]
base_url = "{square}"
access_token = "file:{folder}/square-token.secret"
webhook_secret = "file:{folder}/square-secret.secret"

[[channels]]
name = "ebay"
adapter = "ebay"
locations = ["linden", "markt"]
[channels.settings]
base_url = "{ebay}"
client_id = "demo-client"
client_secret = "file:{folder}/demo-client-secret.secret"
refresh_token = "file:{folder}/demo-refresh-token.secret"
verification_token = "file:{folder}/verification.secret"

[[channels]]
name = "kasse"
adapter = "csv"
locations = ["linden"]
location_map = {{ "001" = "linden" }}
policy = {{ shows = "available" }}
[channels.settings]
folder = "{till}"
out = "import/bestand.csv"
settle_seconds = 0.2
poll_seconds = 0.5
"""

SECOND_SHOP = """
[[channels]]
name = "outlet"
adapter = "vendure"
locations = ["linden", "markt"]
[channels.settings]
base_url = "{vendure}"
username = "{user}"
password = "file:{folder}/password.secret"
stock_location = "1"
poll_seconds = 1
"""


@dataclass
class Sim:
    """A simulated channel, seen by its buyers and its keeper."""

    program: Program

    @property
    def running(self) -> bool:
        return self.program.running

    def buy(self, sku: str, quantity: int = 1, *, place: str | None = None) -> httpx.Response:
        wish = {"sku": sku, "quantity": quantity} | ({"place": place} if place else {})
        return httpx.post(f"{self.program.base_url}/_sim/buy", json=wish, trust_env=False, timeout=30)

    def levels(self) -> dict[tuple[str, str | None], int]:
        """What buyers can still buy, by SKU and place."""
        return {(one["sku"], one["place"]): one["quantity"] for one in self.state()["levels"]}

    def state(self) -> dict[str, Any]:
        """Its books."""
        found: dict[str, Any] = self._door("state")
        return found

    def act(self, door: str, **wish: Any) -> None:
        """What its keeper does with an order."""
        self._door(door, wish)

    def kill(self) -> None:
        """Its process is gone, and nobody listens where it did."""
        self.program.kill()
        with pytest.raises(httpx.ConnectError):
            self.state()

    def restart(self) -> None:
        """It goes on from its books."""
        self.program.start()

    def _door(self, door: str, body: Any = None) -> Any:
        url, verb = f"{self.program.base_url}/_sim/{door}", "GET" if body is None else "POST"
        return httpx.request(verb, url, json=body, trust_env=False, timeout=30).raise_for_status().json()


@dataclass
class Town:
    """The retailer and its channels."""

    server: Server
    oscar: Shop
    square: Sim
    ebay: Sim
    till: Till
    vendure: Vendure | None = None

    def shown(self, sku: str) -> dict[str, int]:
        """What each channel that is up offers of an article."""
        square = self.square.levels() if self.square.running else {}
        shown: dict[str, Callable[[], int]] = {
            "square at linden": lambda: square[sku, "LLINDEN"],
            "square at markt": lambda: square[sku, "LMARKT"],
            "ebay": lambda: self.ebay.levels()[sku, None],
            "kasse": lambda: self.at_the_till(sku),
            "oscar": lambda: self.oscar.offered(sku),
            "vendure": lambda: self.vendure.offered(sku) if self.vendure else 0,
        }
        return {name: look() for name, look in shown.items() if self.is_up(name)}

    def is_up(self, name: str) -> bool:
        """Whether that channel is there and answers."""
        channels = {"square": self.square, "ebay": self.ebay, "oscar": self.oscar, "vendure": self.vendure}
        first = name.partition(" ")[0]
        return not self.till.faults.down if first == "kasse" else getattr(channels[first], "running", False)

    def prices(self, sku: str) -> dict[str, int]:
        """What an article costs at each channel, in cents."""
        square = next(one["price_minor"] for one in self.square.state()["levels"] if one["sku"] == sku)
        self.till.tick()
        asked = {
            "square": square,
            "ebay": Money.parse(self.ebay.state()["prices"][sku], "EUR").minor,
            "kasse": self.till.goods[sku].price.minor,
            "oscar": Money.parse(self.oscar.levels()[sku].price, "EUR").minor,
        }
        return asked | ({"vendure": self.vendure.price(sku)} if self.vendure else {})

    def at_the_till(self, sku: str) -> int:
        """What the till at Lindenstraße believes to have, once it has read the file that omnisync wrote for it."""
        self.till.tick()
        return self.till.levels["001", sku]

    def wanted(self, sku: str) -> dict[str, int]:
        """What omnisync would have them offer, by its own availability."""
        [item] = self.server.get("/v1/availability", sku=sku)["items"]
        at = {one["location"]: one["available"] for one in item["locations"]}
        return self._shares(at.get("linden", 0), at.get("markt", 0))

    def _shares(self, linden: int, markt: int) -> dict[str, int]:
        shares = {"square at linden": linden, "square at markt": markt, "kasse": linden}
        shares |= dict.fromkeys(("ebay", "oscar", "vendure"), linden + markt)
        return {name: pieces for name, pieces in shares.items() if self.is_up(name)}

    def wait_until_shown(self, sku: str, linden: int, markt: int = 0) -> None:
        """Omnisync knows of so many and every channel that is up offers just these."""
        target = self._shares(linden, markt)
        self.wait(
            f"{target} of {sku} is known and shown", lambda: (self.wanted(sku), self.shown(sku)), (target, target)
        )

    def wait(self, what: str, ask: Callable[[], Any], wanted: Any) -> None:
        """Wait for it; when it does not come true, say what the server said and how the channels are."""
        try:
            until(what, ask, lambda seen: bool(seen == wanted), seconds=PATIENCE_SECONDS)
        except AssertionError as error:
            health, letters = self.server.get("/v1/channels"), self.server.get("/v1/dead-letters")
            cases = self.server.get("/v1/cases")
            said = self.server.programs[0].words
            raise AssertionError(
                f"{error}\nchannels: {health}\ndead letters: {letters}\ncases: {cases}\nthe server said: {said}"
            ) from None

    def ring_up(self, sku: str, quantity: int = 1) -> None:
        """The till at Lindenstraße sells over the counter and exports its receipts."""
        self.till.buy(Purchase(sku=sku, quantity=quantity, place="001"))
        self.till.tick()

    def reserve_pickup(self, sku: str, key: str) -> httpx.Response:
        """A customer of the web shop wants to collect one piece at Lindenstraße."""
        wish = {"location": "linden", "customer": {"name": "Erika Muster"}, "lines": [{"sku": sku, "quantity": 1}]}
        return self.server.send("POST", "/v1/pickups", wish, role="shop", key=key)

    def press(self, pickup: str, verb: str, body: Any = None) -> httpx.Response:
        """Staff at Lindenstraße press a button."""
        return self.server.send("POST", f"/v1/pickups/{pickup}/{verb}", body, role="staff", key=f"{pickup}-{verb}")


@contextmanager
def open_town(
    folder: Path,
    database: str,
    oscar_template: Path,
    *,
    shelves: dict[tuple[str, str], int] = SHELVES,
    vendure_modules: Path | None = None,
) -> Iterator[Town]:
    """Everybody is up and connected, and every shelf is counted; the shops' own stock is 0 until omnisync speaks."""
    with open_shop(oscar_template, folder) as oscar, _second_shop(folder, vendure_modules) as second:
        for sku in SKUS:
            oscar.add_product(sku, "19.99", 0)
            if second is not None:
                second.add_product(sku, 1999, 0)
        port = free_port()
        square = _simulation("square", folder, _square_seed(port))
        ebay = _simulation("ebay", folder, _ebay_seed(port))
        till = _till(folder / "kasse")
        text = CHANNELS if second is None else CHANNELS + SECOND_SHOP
        channels = text.format(
            vendure=second.base_url if second else "", oscar=oscar.base_url, user=USER, folder=folder, square=square.base_url, ebay=ebay.base_url,
            till=till.folder,
        )  # fmt: skip
        _keep(folder)
        try:
            with settled(folder / "omnisync", database, channels, port) as server:
                server.import_stock(shelves)
                square.start()
                ebay.start()
                server.node().start()
                yield Town(server, oscar, Sim(square), Sim(ebay), till, second)
        finally:
            square.kill()
            ebay.kill()


def _keep(folder: Path) -> None:
    """The secrets of the settings, each in a file of its own."""
    kept = {"password": PASSWORD, "verification": VERIFICATION}
    kept |= dict.fromkeys(("square-token", "square-secret", "demo-client-secret", "demo-refresh-token"), "")
    for name, secret in kept.items():
        (folder / f"{name}.secret").write_text(secret or name, encoding="utf-8")


def _second_shop(folder: Path, modules: Path | None) -> AbstractContextManager[Vendure | None]:
    if modules is None:
        return nullcontext()
    home = folder / "vendure"
    home.mkdir()
    return vendure.open_shop(modules, home)


def _simulation(name: str, folder: Path, seed: Mapping[str, Any]) -> Program:
    file, port = folder / f"{name}.json", free_port()
    file.write_text(json.dumps(seed))
    words = ["--port", str(port), "--seed", str(file), "--books", str(folder / f"{name}.books")]
    return Program(name, [f"omnisync.demo.{name}", *words], port, folder)


def _square_seed(port: int) -> dict[str, Any]:
    return {
        "access_token": "square-token",
        "locations": [{"id": place, "name": place} for place in SQUARE_PLACES],
        "listings": [{"sku": sku, "price_minor": 1999} for sku in SKUS],
        "webhook": {"url": f"http://127.0.0.1:{port}/v1/hooks/square", "secret": "square-secret"},
    }


def _ebay_seed(port: int) -> dict[str, Any]:
    return {
        "listings": [{"sku": sku, "price": "19.99"} for sku in SKUS],
        "webhook": {"url": f"http://127.0.0.1:{port}/v1/hooks/ebay", "verification_token": VERIFICATION},
    }


def _till(folder: Path) -> Till:
    folder.mkdir()
    (folder / "import").mkdir()
    till = Till(folder, SystemClock(), imports=folder / "import" / "bestand.csv")
    for sku in SKUS:
        till.stock(Goods(sku, Money(1999, "EUR")), {"001": 0})
    till.list_articles()
    return till
