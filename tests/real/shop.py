"""A real django-oscar shop as a process of its own: made once, emptied for each test, killed and restarted at will.

with shop.template(cache_folder) as made, shop.open_shop(made, folder) as oscar:
    oscar.add_product("LAMP", "39.95", 5)
    oscar.buy("LAMP", 2)
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
USER, PASSWORD = "sync", "a-shop-password"
START_SECONDS = 60


class SoldOut(Exception):
    """The shop itself does not sell so many."""


@dataclass(frozen=True, slots=True)
class Level:
    """A stock record as the shop holds it; it offers `num_in_stock - num_allocated`."""

    num_in_stock: int
    num_allocated: int
    price: str
    record: str

    @property
    def offered(self) -> int:
        return self.num_in_stock - self.num_allocated


@dataclass
class Shop:
    """One shop: its process, its database, and what its buyers and its keeper do."""

    template: Path
    database: Path
    port: int = 0
    _process: subprocess.Popen[str] | None = None
    _products: dict[str, str] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, Any]:
        """What the oscar adapter needs to connect."""
        return {"base_url": self.base_url, "username": USER, "password": PASSWORD}

    def start(self) -> None:
        """Start, on the same port as before if there was one, and wait until it answers."""
        assert self._process is None
        command = [sys.executable, "-m", "tests.real.oscar_shop", "serve", str(self.port)]
        self._process = subprocess.Popen(
            command, cwd=HERE.parents[1], env=_environment(self.database), stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said.startswith("listening on "):
            self.kill()
            raise RuntimeError(f"the shop did not start; it said {said!r}")
        self.port = int(said.split()[-1])

    restart = start

    @property
    def running(self) -> bool:
        return self._process is not None

    def reset(self) -> None:
        """Empty the shop, as it was when it was made. The server opens its database anew for each call, so it may run on."""
        shutil.copyfile(self.template, self.database)
        self._products.clear()

    def kill(self) -> None:
        """As a power cut: no farewell."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=START_SECONDS)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def add_product(self, sku: str, price: str, stock: int, *, barcode: str | None = None) -> str:
        """Put an article on sale; the id of its stock record."""
        with self._keeper() as keeper:
            partner = _of(keeper.get("/api/admin/partners/"))[0]["url"]
            record = {
                "partner": partner,
                "partner_sku": sku,
                "price_currency": "EUR",
                "price": price,
                "num_in_stock": stock,
            }
            product = {
                "product_class": "ware", "structure": "standalone", "title": f"Artikel {sku}", "slug": f"a-{len(self._products)}",
                "upc": barcode or sku, "stockrecords": [record],
            }  # fmt: skip
            made = _of(keeper.post("/api/admin/products/", json=product), 201)
        self._products[sku] = made["url"].replace("/admin", "")
        return _id_in(made["stockrecords"][0]["url"])

    def buy(self, sku: str, quantity: int = 1, *, email: str = "kundin@example.org") -> str:
        """A buyer without an account fills a basket and checks out; the order's number."""
        return self.buy_all({sku: quantity}, email=email)

    def buy_all(self, wanted: Mapping[str, int], *, email: str = "kundin@example.org") -> str:
        """One order of several articles."""
        with httpx.Client(base_url=self.base_url, timeout=30, trust_env=False) as buyer:
            for sku, quantity in wanted.items():
                added = buyer.post("/api/basket/add-product/", json={"url": self._products[sku], "quantity": quantity})
                if added.status_code == 406:
                    raise SoldOut(added.text)
                basket = _of(added)["url"]
            address = {
                "country": f"{self.base_url}/api/countries/DE/", "first_name": "Erika", "last_name": "Muster",
                "line1": "Lindenstraße 1", "line4": "Berlin", "postcode": "10969", "phone_number": "+49 30 1234567",
            }  # fmt: skip
            order = {"basket": basket, "guest_email": email, "shipping_address": address}
            return str(_of(buyer.post("/api/checkout/", json=order))["number"])

    def cancel(self, number: str) -> None:
        """The shop keeper cancels a whole order."""
        self._press(number, "cancel")

    def ship(self, number: str) -> None:
        """The shop keeper sends a whole order."""
        self._press(number, "ship")

    def delete(self, number: str) -> None:
        """The shop keeper deletes an order, as if it had never been."""
        with self._keeper() as keeper:
            [order] = [order for order in _of(keeper.get("/api/admin/orders/")) if order["number"] == number]
            assert keeper.delete(order["url"]).status_code == 204

    def levels(self) -> dict[str, Level]:
        """What the shop holds of each article, asked of the shop."""
        with self._keeper() as keeper:
            records = [
                record for product in _of(keeper.get("/api/admin/products/")) for record in product["stockrecords"]
            ]
        return {
            record["partner_sku"]: Level(
                record["num_in_stock"], record["num_allocated"] or 0, record["price"], _id_in(record["url"])
            )
            for record in records
        }

    def offered(self, sku: str) -> int:
        """How many pieces a buyer can still buy."""
        return self.levels()[sku].offered

    def _press(self, number: str, button: str) -> None:
        with self._keeper() as keeper:
            _of(keeper.post(f"/shopkeeper/orders/{number}/{button}/"))

    def _keeper(self) -> httpx.Client:
        return httpx.Client(base_url=self.base_url, auth=(USER, PASSWORD), timeout=30, trust_env=False)


def template(cache: Path) -> Path:
    """An empty shop's database; with the tables of oscar's own models, made once for each of its versions."""
    made = cache / f"oscar-{_fingerprint()}.sqlite3"
    if not made.exists():
        draft = made.with_suffix(f".{os.getpid()}.draft")
        subprocess.run(
            [sys.executable, "-m", "tests.real.oscar_shop", "prepare"],
            cwd=HERE.parents[1],
            env=_environment(draft),
            check=True,
            timeout=600,
        )
        draft.replace(made)
    return made


@contextmanager
def open_shop(made: Path, folder: Path) -> Iterator[Shop]:
    """A shop with a database of its own in `folder`, running; killed at the end."""
    shop = Shop(made, folder / "shop.sqlite3")
    shop.reset()
    shop.start()
    try:
        yield shop
    finally:
        shop.kill()


def wait_for(condition: Any, *, seconds: float = 20.0) -> None:
    """Ask again until it is true; for processes that no stopped clock can drive."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "it did not come true in time"
        time.sleep(0.1)


def _environment(database: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SHOP_DATABASE": str(database),
        "SHOP_SECRET": "only-for-tests",
        "SHOP_PASSWORD": PASSWORD,
        "PYTHONWARNINGS": "ignore",
    }


def _fingerprint() -> str:
    versions = [version(package) for package in ("django", "django-oscar", "django-oscar-api")]
    sources = [path.read_text() for path in sorted((HERE / "oscar_shop").glob("*.py"))]
    return hashlib.sha256("\0".join([*versions, *sources, PASSWORD]).encode()).hexdigest()[:16]


def _of(response: httpx.Response, status: int = 200) -> Any:
    assert response.status_code == status, (
        f"{response.request.url} answered {response.status_code}: {response.text[:500]}"
    )
    return response.json()


def _id_in(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]
