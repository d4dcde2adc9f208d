"""What a demo consists of: a folder, a database, ports, secrets, and the settings and seeds that follow from them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omnisync.demo import assortment
from omnisync.sync import shown
from omnisync.sync.shown import Rule
from omnisync.values import Money

WEBSHOP, TILL, SQUARE, EBAY = "webshop", "kasse", "square", "ebay"
CHANNELS = (WEBSHOP, TILL, SQUARE, EBAY)
LOCATIONS = {"lager": "warehouse", "linden": "store", "markt": "store"}
SHOPIFY_PLACES = {f"gid://shopify/Location/{number}": code for number, code in enumerate(LOCATIONS, start=1)}
SQUARE_PLACES = {"LMARKT0000001": "markt"}
TILL_PLACES = {"001": "linden"}
SELLS = {
    WEBSHOP: ("lager", "linden", "markt"),
    TILL: ("linden",),
    SQUARE: ("markt",),
    EBAY: ("lager", "markt"),
}
"""Whose stock each channel sells, in order of preference."""
EBAY_RULE = Rule.of(1, max_listed=5)
EBAY_GROUPS = {"Wohnen", "Küche", "Schuhe", "Accessoires"}
FLASH = ("TASCHE-PANKE-COGNAC", "SCHAL-MOSEL-KARO", "GIN-HAFEN")
"""Sold by no channel: only holds want them, so that anybody can count whether more was promised than there is."""
SECRETS = ("shopify_token", "shopify_secret", "square_token", "square_secret", "ebay_secret", "ebay_refresh", "ebay_verification",
           "ops_password", "staff_password")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goods:
    """An article of the assortment with what lies where at the start."""

    sku: str
    title: str
    price: Money
    barcode: str
    group: str
    parts: Mapping[str, int]
    pieces: Mapping[str, int]
    """By location, safety already taken off where the channel shows what is available."""
    safety: Mapping[str, int]

    def available(self, location: str) -> int:
        return max(0, self.pieces.get(location, 0) - self.safety.get(location, 0))


@dataclass(frozen=True)
class Plan:
    """One demo."""

    folder: Path
    seed: int
    database: str
    ports: Mapping[str, int]
    """By channel, and of `server` and `switches`."""
    secrets: Mapping[str, str] = field(repr=False)
    plant: str | None = None

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def config(self) -> Path:
        return self.folder / "omnisync.toml"

    @property
    def till_folder(self) -> Path:
        return self.folder / "kasse"

    @property
    def switches(self) -> str:
        return f"{self.url('switches')}/switches"


def secrets(chance: random.Random) -> dict[str, str]:
    """New secrets for everything that has one."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return {name: "".join(chance.choices(letters, k=12 if "password" in name else 40)) for name in SECRETS}


def goods(seed: int) -> list[Goods]:
    """Everything that is sold and lies somewhere, bundles included."""
    lying: dict[str, dict[str, tuple[int, int]]] = {}
    for row in assortment.stock_rows(seed, LOCATIONS):
        lying.setdefault(row["sku"], {})[row["location"]] = (int(row["on_hand"]), int(row["safety"]))
    found = [_goods(row, lying.get(row["sku"], {})) for row in assortment.article_rows(seed) if row["stocked"] == "yes"]
    whole = {one.sku: one for one in found}
    return [_as_bundle(one, whole) if one.parts else one for one in found]


def _goods(row: Mapping[str, str], lying: Mapping[str, tuple[int, int]]) -> Goods:
    return Goods(
        sku=row["sku"],
        title=" ".join(part for part in (row["title"], row["size"], row["colour"]) if part),
        price=Money.parse(row["price"].replace(",", "."), row["currency"]),
        barcode=row["barcode"],
        group=row["group"],
        parts=_parts(row["components"]),
        pieces={location: pieces for location, (pieces, _) in lying.items()},
        safety={location: safety for location, (_, safety) in lying.items()},
    )


def _parts(components: str) -> dict[str, int]:
    pairs = (part.split("*", 1) for part in components.split("|") if part)
    return {sku: int(number) for number, sku in pairs}


def _as_bundle(one: Goods, whole: Mapping[str, Goods]) -> Goods:
    pieces = {
        location: shown.bundles((whole[sku].available(location), number) for sku, number in one.parts.items())
        for location in LOCATIONS
    }
    return Goods(one.sku, one.title, one.price, one.barcode, one.group, one.parts, pieces, {})


def listed(channel: str, everything: Iterable[Goods]) -> list[Goods]:
    """What a channel offers: the web shop all, eBay some groups, tills everything that lies on a shelf of its own."""
    offered = [one for one in everything if one.sku not in FLASH]
    if channel == WEBSHOP:
        return offered
    single = [one for one in offered if not one.parts]
    return [one for one in single if one.group in EBAY_GROUPS] if channel == EBAY else single


# ---------------------------------------------------------------- files


def write(plan: Plan) -> None:
    """The settings, the secrets beside them, the files to import, and a seed for each simulated channel."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    plan.till_folder.mkdir(exist_ok=True)
    for name, value in plan.secrets.items():
        _private(plan.folder / f"{name}.secret", value)
    plan.config.write_text(settings_text(plan), encoding="utf-8")
    assortment.write(plan.folder, plan.seed, LOCATIONS)
    for name, seed in seeds(plan).items():
        _private(plan.folder / f"{name}.json", json.dumps(seed, ensure_ascii=False))


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def settings_text(plan: Plan) -> str:
    """The omnisync.toml of this demo."""
    return _SETTINGS.format(
        database=plan.database,
        port=plan.ports["server"],
        public_url=plan.url("server"),
        webshop_base=plan.url(WEBSHOP),
        square_base=plan.url(SQUARE),
        ebay_base=plan.url(EBAY),
        till=plan.till_folder,
        key_file=plan.folder / "server.key",
        shopify_places=_table(SHOPIFY_PLACES),
        square_places=_table(SQUARE_PLACES),
        till_places=_table(TILL_PLACES),
        **{channel: json.dumps(SELLS[channel]) for channel in CHANNELS},
    )


def _table(pairs: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f'"{key}" = "{value}"' for key, value in pairs.items()) + " }"


_SETTINGS = """# Written by the demo; it goes with it.
[database]
url = "{database}"

[server]
host = "127.0.0.1"
port = {port}
key_file = "{key_file}"
public_url = "{public_url}"

[[locations]]
code = "lager"
name = "Zentrallager"
kind = "warehouse"
pickup = "off"

[[locations]]
code = "linden"
name = "Filiale Lindenstraße"
hours = {{ mon-fri = "09:30-19:00", sat = "10:00-18:00" }}
holidays = "DE-BE"

[[locations]]
code = "markt"
name = "Filiale am Markt"
hours = {{ mon-fri = "09:00-19:30", sat = "09:30-18:00" }}
holidays = "DE-BE"

[[channels]]
name = "webshop"
adapter = "shopify"
title = "Online-Shop"
locations = {webshop}
location_map = {shopify_places}
[channels.settings]
shop = "demo.myshopify.com"
access_token = "file:shopify_token.secret"
webhook_secret = "file:shopify_secret.secret"
base_url = "{webshop_base}"

[[channels]]
name = "kasse"
adapter = "csv"
title = "Kasse Lindenstraße"
locations = {kasse}
location_map = {till_places}
[channels.settings]
folder = "{till}"
settle_seconds = 0
poll_seconds = 1
out = "import/bestand.csv"

[[channels]]
name = "square"
adapter = "square"
title = "Kasse am Markt"
locations = {square}
location_map = {square_places}
[channels.settings]
access_token = "file:square_token.secret"
webhook_secret = "file:square_secret.secret"
base_url = "{square_base}"

[[channels]]
name = "ebay"
adapter = "ebay"
title = "eBay"
locations = {ebay}
[channels.policy]
buffer = 1
max_listed = 5
[channels.settings]
client_id = "demo-client"
client_secret = "file:ebay_secret.secret"
refresh_token = "file:ebay_refresh.secret"
verification_token = "file:ebay_verification.secret"
base_url = "{ebay_base}"
"""


def seeds(plan: Plan) -> dict[str, Any]:
    """What each simulated channel begins with: just what omnisync would show there."""
    everything = goods(plan.seed)
    hook = f"{plan.url('server')}/v1/hooks"
    return {
        WEBSHOP: {
            "shop": "demo.myshopify.com",
            "access_token": plan.secrets["shopify_token"],
            "points_per_second": 1000,
            "locations": [{"id": place, "name": code} for place, code in SHOPIFY_PLACES.items()],
            "listings": [
                _seeded(one, {place: one.available(code) for place, code in SHOPIFY_PLACES.items()})
                for one in listed(WEBSHOP, everything)
            ],
            "webhook": {"url": f"{hook}/{WEBSHOP}", "secret": plan.secrets["shopify_secret"]},
        },
        TILL: {
            "imports": "import/bestand.csv",
            "listings": [
                _seeded(one, {place: one.pieces.get(code, 0) for place, code in TILL_PLACES.items()})
                for one in listed(TILL, everything)
            ],
        },
        SQUARE: {
            "access_token": plan.secrets["square_token"],
            "locations": [{"id": place, "name": code} for place, code in SQUARE_PLACES.items()],
            "listings": [_square_listing(one) for one in listed(SQUARE, everything)],
            "webhook": {"url": f"{hook}/{SQUARE}", "secret": plan.secrets["square_secret"]},
        },
        EBAY: {
            "listings": [
                _without_quantities(one) | {"quantity": shown.quantity(sum(map(one.available, SELLS[EBAY])), EBAY_RULE)}
                for one in listed(EBAY, everything)
            ],
            "client_secret": plan.secrets["ebay_secret"],
            "refresh_token": plan.secrets["ebay_refresh"],
            "webhook": {"url": f"{hook}/{EBAY}", "verification_token": plan.secrets["ebay_verification"]},
        },
    }


def _without_quantities(one: Goods) -> dict[str, Any]:
    return {"sku": one.sku, "price": one.price.decimal(), "title": one.title, "barcode": one.barcode}


def _seeded(one: Goods, quantities: Mapping[str, int]) -> dict[str, Any]:
    return _without_quantities(one) | {"quantities": dict(quantities)}


def _square_listing(one: Goods) -> dict[str, Any]:
    return {
        "sku": one.sku,
        "title": one.title,
        "price_minor": one.price.minor,
        "currency": one.price.currency,
        "barcode": one.barcode or None,
        "quantities": {place: one.pieces.get(code, 0) for place, code in SQUARE_PLACES.items()},
    }


def children(plan: Plan, python: str) -> Sequence[tuple[str, list[str]]]:
    """The simulated channels as commands, by name."""

    def simulated(module: str, channel: str, *more: str) -> tuple[str, list[str]]:
        seed = str(plan.folder / f"{channel}.json")
        return channel, [
            python,
            "-m",
            f"omnisync.demo.{module}",
            "--port",
            str(plan.ports[channel]),
            "--seed",
            seed,
            *more,
        ]

    return [
        simulated("shopify", WEBSHOP),
        simulated("till", TILL, "--folder", str(plan.till_folder)),
        simulated("square", SQUARE),
        simulated("ebay", EBAY),
    ]
