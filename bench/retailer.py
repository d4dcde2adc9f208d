"""The retailer that is measured: 10,000 articles at two locations, three channels, one key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import Engine

from omnisync import access, db, migrations
from omnisync.access import Role
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import SystemClock, system_chance
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind

ARTICLES = 10_000
ASKED = 10_000
"""So many of the articles are what customers want: their numbers lie evenly among all."""
HOT = "HOT"
PIECES = 1_000_000
FLASH_PIECES = 500
WEBHOOK_SECRET = "bench-shopify"
_AT_ONCE = 2_000
T = TypeVar("T")

SETTINGS = """
[database]
url = "{database}"

[server]
key_file = "{folder}/server.key"
public_url = "http://127.0.0.1:{port}"

[limits]
open_holds_per_key = 100000000  # one key holds everything here; it is counted all the same

[[locations]]
code = "linden"
name = "Filiale Lindenstraße"
hours = {{ mon-fri = "09:30-19:00", sat = "10:00-16:00" }}
holidays = "DE-BE"

[[locations]]
code = "lager"
name = "Lager"
kind = "warehouse"
pickup = "off"

[[channels]]
name = "webshop"
adapter = "shopify"
locations = ["linden", "lager"]
location_map = {{ "gid://shopify/Location/1" = "linden", "gid://shopify/Location/2" = "lager" }}
[channels.settings]
shop = "bench.myshopify.com"
access_token = "env:BENCH_SHOPIFY_TOKEN"
webhook_secret = "env:BENCH_SHOPIFY_SECRET"
base_url = "http://127.0.0.1:9"
"""
SECRETS = {"BENCH_SHOPIFY_TOKEN": "bench", "BENCH_SHOPIFY_SECRET": WEBHOOK_SECRET}


def sku(number: int) -> str:
    """The article of that number."""
    return f"A-{number:05}"


def asked_for() -> range:
    """The numbers of the articles that customers ask for."""
    return range(0, ARTICLES, max(1, ARTICLES // ASKED))


def write_settings(folder: Path, database: str, port: int) -> Path:
    """The settings file of this retailer; its secrets are put into the environment."""
    os.environ.update(SECRETS)
    file = folder / "omnisync.toml"
    file.write_text(SETTINGS.format(folder=folder, database=database, port=port), encoding="utf-8")
    return file


def open_for_business(engine: Engine) -> str:
    """Make the tables, fill the shelves, and return an API key of the shop."""
    migrations.upgrade(engine)
    now = SystemClock().now()
    skus = [sku(number) for number in range(ARTICLES)] + [HOT]
    for some in in_parts(skus, _AT_ONCE):
        with db.transaction(engine) as session:
            articles.put(session, [ArticleChange(one, {"title": f"Artikel {one}"}) for one in some], now=now)
            ledger.record(
                session, [_opening(one, place, now) for one in some for place in ("linden", "lager")], now=now
            )
    with db.transaction(engine) as session:
        return access.create_key(session, Role.SHOP, "bench", chance=system_chance(), now=now).text


def stock_flash(engine: Engine, name: str) -> None:
    """An article of which there are just 500 pieces, in one store."""
    now = SystemClock().now()
    with db.transaction(engine) as session:
        articles.put(session, [ArticleChange(name, {"title": "Blitz"})], now=now)
        ledger.record(session, [_opening(name, "linden", now, FLASH_PIECES)], now=now)


def _opening(one: str, place: str, now: datetime, pieces: int = PIECES) -> Entry:
    return Entry(Kind.OPENING, one, place, pieces, "bench", now - timedelta(hours=1))


def in_parts(things: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many at a time."""
    rest = iter(things)
    while part := list(islice(rest, size)):
        yield part
