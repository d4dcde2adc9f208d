"""A simulated web shop beside the server: it sells on its own, and whoever sells there announces each order."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omnisync.demo.shopify.webhooks import sign
from tests.rig.processes import Program, free_port
from tests.rig.wire import Door

NAME, LOCATION, PLACE = "webshop", "linden", "gid://shopify/Location/1"
TOKEN, SECRET = "rig-token", "rig-secret"


@dataclass
class Shop:
    """The shop's process, and what it is asked."""

    folder: Path
    skus: Sequence[str]
    pieces: int
    """Of each article, as the shop believes before it is told."""
    port: int = field(default_factory=free_port)

    @property
    def settings(self) -> str:
        """The shop as a channel of the server."""
        return (
            f'[[channels]]\nname = "{NAME}"\nadapter = "shopify"\nlocations = ["{LOCATION}"]\n'
            f'location_map = {{ "{PLACE}" = "{LOCATION}" }}\n'
            f'[channels.settings]\nshop = "rig.myshopify.com"\n{self._kept("access_token", TOKEN)}{self._kept("webhook_secret", SECRET)}'
            f'base_url = "{self._address}"\n'
        )

    def _kept(self, key: str, secret: str) -> str:
        file = self.folder / f"shop-{key}.secret"
        file.write_text(secret, encoding="utf-8")
        return f'{key} = "file:{file}"\n'

    def program(self) -> Program:
        """The process, not yet started."""
        seed = self.folder / "shop.json"
        listings = [
            {"sku": sku, "title": f"Artikel {sku}", "price": "19.99", "quantities": {PLACE: self.pieces}}
            for sku in self.skus
        ]
        seed.write_text(
            json.dumps(
                {"access_token": TOKEN, "shop": "rig.myshopify.com", "points_per_second": 2000, "listings": listings}
            )
        )
        arguments = ["omnisync.demo.shopify", "--port", str(self.port), "--seed", str(seed)]
        return Program("shop", arguments, self.port, self.folder)

    def buy(self, sku: str) -> str | None:
        """One piece; the order's name, or None when the shop offers none."""
        answer = self._ask("POST", "/_sim/buy", {"sku": sku, "quantity": 1})
        return None if answer is None else str(answer["order"])

    def offered(self) -> dict[str, int]:
        """What buyers can still buy, by SKU."""
        state = self._ask("GET", "/_sim/state")
        return {one["sku"]: one["quantity"] for one in state["levels"]}

    def announcement(self, order: str, *, event: str) -> tuple[bytes, dict[str, str]]:
        """The webhook of an order: its body and its headers."""
        body = json.dumps({"id": int(order.rpartition("/")[2]), "admin_graphql_api_id": order}).encode()
        return body, {
            "x-shopify-topic": "orders/create",
            "x-shopify-event-id": event,
            "x-shopify-shop-domain": "rig.myshopify.com",
            "x-shopify-hmac-sha256": sign(SECRET, body),
        }

    @property
    def _address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the shop's own door answers; None for a refusal."""
        with closing(Door(self._address)) as door:
            answer = door.ask(method, path, body)
        assert answer is not None, "the simulated shop is gone"
        return answer.json() if answer.status == 200 else None


@contextmanager
def open_shop(folder: Path, skus: Sequence[str], pieces: int) -> Iterator[Shop]:
    """A shop that is open meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    shop = Shop(folder, skus, pieces)
    program = shop.program()
    program.start()
    try:
        yield shop
    finally:
        program.kill()
