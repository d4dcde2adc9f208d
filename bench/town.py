"""The town in which propagation is measured: a till that drops files, a Square till, and the shops that must follow them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import LOAD_CORE, Server, free_ports, running
from bench.retailer import in_parts, sku
from omnisync import access, db, migrations
from omnisync.access import Role
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import SystemClock, system_chance
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind

TILL, SQUARE, EBAY, SHOP, SECOND_SHOP = "kasse", "square", "ebay", "webshop", "outlet"
PIECES = 1_000
SHOP_PLACES = {"linden": "gid://shopify/Location/1", "markt": "gid://shopify/Location/2"}
SOLD_AT = {TILL: "linden", SQUARE: "markt"}
TILL_PLACE, SQUARE_PLACE = "001", "LMARKT0000001"
_AT_ONCE = 2_000


@dataclass(frozen=True)
class Size:
    """How large the town is and how busy."""

    listings: int
    """On each channel."""
    shops: tuple[str, ...]
    """Simulated Shopify shops; they and eBay show what the tills sell."""
    sales_per_second: float


SMALL = Size(500, (SHOP,), 5.0)
"""2,000 listings on four channels."""
FULL = Size(10_000, (SHOP, SECOND_SHOP), 1_000 / 60)
"""10,000 listings on each of five channels, 1,000 sales a minute."""


@dataclass(frozen=True)
class Town:
    """Everything that runs, and where."""

    size: Size
    folder: Path
    ports: Mapping[str, int]
    """By channel, of the `server`, and of the `gate` through which the channels call it."""
    server: Server
    ops_key: str

    @property
    def followers(self) -> tuple[str, ...]:
        """The channels that must show what the tills sold."""
        return (*self.size.shops, EBAY)

    @property
    def done(self) -> Path:
        """Where the till's files lie once they are booked."""
        return self.folder / TILL / "done"


@contextmanager
def put_up(size: Size, folder: Path, database: str) -> Iterator[Town]:
    """A server with its worker on one core; the simulated channels, and whoever measures, on the other."""
    names = ["server", "gate", TILL, SQUARE, EBAY, *size.shops]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    os.environ.update({_variable(key): secret for key, secret in _SECRETS.items()})
    config = folder / "omnisync.toml"
    config.write_text(_settings(size, folder, database, ports), encoding="utf-8")
    (folder / TILL).mkdir()
    key = _open_for_business(size, database)
    with ExitStack() as stack:
        for name, (module, seed, more) in _simulations(size, folder, ports).items():
            file = folder / f"{name}.json"
            file.write_text(json.dumps(seed), encoding="utf-8")
            stack.enter_context(
                running(f"omnisync.demo.{module}", "--seed", str(file), *more, port=ports[name], core=LOAD_CORE)
            )
        server = stack.enter_context(running("omnisync.cli", "serve", "--config", str(config), port=ports["server"]))
        yield Town(size, folder, ports, server, key)


def _open_for_business(size: Size, database: str) -> str:
    engine = db.engine_for(database)
    migrations.upgrade(engine)
    now = SystemClock().now()
    for some in in_parts(map(sku, range(size.listings)), _AT_ONCE):
        with db.transaction(engine) as session:
            articles.put(session, [ArticleChange(one, {"title": f"Artikel {one}"}) for one in some], now=now)
            places = SOLD_AT.values()
            entries = [Entry(Kind.OPENING, one, at, PIECES, "bench", now) for one in some for at in places]
            ledger.record(session, entries, now=now)
    with db.transaction(engine) as session:
        key = access.create_key(session, Role.OPS, "bench", chance=system_chance(), now=now).text
    engine.dispose()
    return key


# ---------------------------------------------------------------- settings and seeds


_VERIFICATION = "bench-verification-token-of-forty-letters"
_SECRETS = {
    "access_token": "bench-token",
    "webhook_secret": "bench-secret",
    "client_secret": "demo-client-secret",
    "refresh_token": "demo-refresh-token",
    "verification_token": _VERIFICATION,
}
"""In the settings each of them is read from the environment."""


def adapter_settings(name: str, ports: Mapping[str, int]) -> dict[str, Any]:
    """How a channel is reached."""
    base = f"http://127.0.0.1:{ports[name]}"
    if name == EBAY:
        return {
            "client_id": "demo-client", **_secrets("client_secret", "refresh_token", "verification_token"), "base_url": base,
        }  # fmt: skip
    shop = {"shop": f"{name}.myshopify.com"} if name != SQUARE else {}
    return {**shop, **_secrets("access_token", "webhook_secret"), "base_url": base}


def _secrets(*keys: str) -> dict[str, str]:
    return {key: _SECRETS[key] for key in keys}


def location_map(name: str) -> dict[str, str]:
    """The channel's places and our locations."""
    if name == EBAY:
        return {}
    tills = {TILL: {TILL_PLACE: "linden"}, SQUARE: {SQUARE_PLACE: "markt"}}
    return tills.get(name) or {place: code for code, place in SHOP_PLACES.items()}


def _settings(size: Size, folder: Path, database: str, ports: Mapping[str, int]) -> str:
    till = {"folder": str(folder / TILL), "settle_seconds": 0, "poll_seconds": 1, "out": "import/bestand.csv"}
    adapters = {TILL: "csv", SQUARE: "square", EBAY: "ebay", **dict.fromkeys(size.shops, "shopify")}
    channels = [
        _channel(name, adapter, till if name == TILL else adapter_settings(name, ports))
        for name, adapter in adapters.items()
    ]
    head = _HEAD.format(
        database=database, folder=folder, port=ports["server"], public_url=f"http://127.0.0.1:{ports['gate']}"
    )
    return "\n".join([head, *channels])


_HEAD = """
[database]
url = "{database}"

[server]
port = {port}
key_file = "{folder}/server.key"
public_url = "{public_url}"

[[locations]]
code = "linden"
name = "Filiale Lindenstraße"

[[locations]]
code = "markt"
name = "Filiale am Markt"
"""


def _channel(name: str, adapter: str, settings: Mapping[str, Any]) -> str:
    locations = [SOLD_AT[name]] if name in SOLD_AT else list(SOLD_AT.values())
    lines = [
        "[[channels]]", f'name = "{name}"', f'adapter = "{adapter}"', f"locations = {json.dumps(locations)}",
        f"location_map = {_table(location_map(name))}", "[channels.settings]",
        *(f"{key} = {json.dumps(f'env:{_variable(key)}' if key in _SECRETS else value)}" for key, value in settings.items()),
    ]  # fmt: skip
    return "\n".join([*lines, ""])


def _variable(key: str) -> str:
    return f"BENCH_{key.upper()}"


def _table(pairs: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f'"{key}" = "{value}"' for key, value in pairs.items()) + " }"


def _simulations(
    size: Size, folder: Path, ports: Mapping[str, int]
) -> dict[str, tuple[str, dict[str, Any], list[str]]]:
    """Of each channel: its module, its seed, and what else its process is told."""
    token, secret = _SECRETS["access_token"], _SECRETS["webhook_secret"]
    hooks = f"http://127.0.0.1:{ports['gate']}/v1/hooks"
    square = {
        "access_token": token, "locations": [{"id": SQUARE_PLACE}],
        "listings": _listings(size, {SQUARE_PLACE: PIECES}, price_minor=1990),
        "webhook": {"url": f"{hooks}/{SQUARE}", "secret": secret},
    }  # fmt: skip
    ebay = {
        "listings": _listings(size, dict.fromkeys(SOLD_AT.values(), PIECES), price="19.90"),
        "webhook": {"url": f"{hooks}/{EBAY}", "verification_token": _VERIFICATION},
    }
    till = {"imports": "import/bestand.csv", "listings": _listings(size, {TILL_PLACE: PIECES}, price="19.90")}
    return {
        TILL: ("till", till, ["--folder", str(folder / TILL)]),
        SQUARE: ("square", square, []),
        EBAY: ("ebay", ebay, []),
        **{
            name: (
                "shopify",
                {
                    "shop": f"{name}.myshopify.com", "access_token": token, "points_per_second": 1000,
                    "locations": [{"id": place, "name": code} for code, place in SHOP_PLACES.items()],
                    "listings": _listings(size, dict.fromkeys(SHOP_PLACES.values(), PIECES), price="19.90"),
                    "webhook": {"url": f"{hooks}/{name}", "secret": secret},
                },
                [],
            )
            for name in size.shops
        },
    }  # fmt: skip


def _listings(size: Size, quantities: Mapping[str, int], **more: Any) -> list[dict[str, Any]]:
    return [
        {"sku": sku(number), "title": f"Artikel {number}", "quantities": dict(quantities), **more}
        for number in range(size.listings)
    ]
