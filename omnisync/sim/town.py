"""The retailer of a run: two stores, a handful of articles, and some channels of different trades."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.adapters.base import Can, Write
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.settings import ChannelPolicy, ChannelSettings, LocationSettings, ServerSettings, Settings
from omnisync.sim.shop import Trade
from omnisync.stock import ledger
from omnisync.stock.ledger import Entry
from omnisync.values import Kind

LINDEN, MARKT = "linden", "markt"
STORES = (LINDEN, MARKT)
FREE, COUNTED, SET = ("CHAIR", "LAMP"), ("BOOK", "VASE"), "SUITE"
"""What is never counted may be sold by channels that do not say where it is taken from."""
PARTS: Mapping[str, Mapping[str, int]] = {SET: {"CHAIR": 2, "LAMP": 1}}
PIECES = 6
"""Of each article at each store in the beginning: few, so that the last one is always near."""
TILL = "till"

_SHOP = Can(
    Write.COMPARE_AND_SET, batch_size=3, many_locations=True, webhooks=True, echo_tags=True, poll_seconds=300, topics=("orders",),
)  # fmt: skip
_PLAIN = Can(Write.ABSOLUTE, batch_size=2, webhooks=True, poll_seconds=300, topics=("orders",))
_WAREHOUSE = Can(Write.ABSOLUTE, batch_size=4, allocates=True, poll_seconds=300)
_SLOW = Can(Write.ABSOLUTE, batch_size=5, applied_at_once=False, relists=False, poll_seconds=300)
_COUNTER = Can(
    Write.COMPARE_AND_SET, batch_size=2, many_locations=True, shows="on_hand", webhooks=True, topics=("orders",)
)
_FILES = Can(Write.NONE, shows="on_hand", looks=False, poll_seconds=60)
_ALL, _ANYWHERE = (*FREE, *COUNTED, SET), (*FREE, SET)

TRADES: Mapping[str, Trade] = {
    "webshop": Trade(_SHOP, _ALL, {"P1": LINDEN, "P2": MARKT}),
    "auction": Trade(_PLAIN, _ANYWHERE, tells_then=True),
    "sandbox": Trade(_WAREHOUSE, _ANYWHERE),
    "bazaar": Trade(_SLOW, _ANYWHERE),
    "counter": Trade(_COUNTER, (*FREE, *COUNTED), {"C1": LINDEN}, locations=(LINDEN,), counter=True),
}
OWNER = Trade(_FILES, (*FREE, *COUNTED), {"001": MARKT}, locations=(MARKT,))
"""A till that owns the stock of its store: it counts, receives goods and sells, and is written none."""

NIGHTS = (datetime(2026, 10, 24, tzinfo=UTC), datetime(2027, 3, 27, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
"""The days before the two nights in which the clocks change in Berlin, and one before an ordinary night."""


def begins(chance: random.Random) -> datetime:
    """When the run begins."""
    return chance.choice(NIGHTS) + timedelta(minutes=chance.randrange(24 * 60))


def trades(chance: random.Random) -> dict[str, Trade]:
    """Two or three channels, and in half of the runs a till that owns its store."""
    names = sorted(chance.sample(sorted(TRADES), chance.choice((2, 2, 3))))
    found = {name: TRADES[name] for name in names}
    return found | {TILL: OWNER} if chance.random() < 0.5 else found


def settings(found: Mapping[str, Trade], chance: random.Random) -> Settings:
    """The settings of this retailer."""
    return Settings(
        server=ServerSettings(public_url="https://sync.example.org"),
        locations=[_store(code, TILL if code == MARKT and TILL in found else "ledger") for code in STORES],
        channels=[_channel(name, trade, chance) for name, trade in found.items()],
    )


def _store(code: str, owner: str) -> LocationSettings:
    return LocationSettings(
        code=code, name=code.title(), stock_owner=owner, hours={"mon-sun": "09:30-19:00"}, pickup_at_till="never"
    )


def _channel(name: str, trade: Trade, chance: random.Random) -> ChannelSettings:
    careful = chance.random() < 0.3 and trade.can.shows == "available"
    policy = ChannelPolicy(
        buffer=chance.choice((1, "10%")) if careful else 0,
        max_listed=chance.choice((None, 5)) if careful else None,
        stop_at=chance.choice((0, 1)) if careful else 0,
        blast_zero_percent=0,
        blast_zero_least=chance.choice((2, 20)),
    )
    places = dict(trade.places)
    return ChannelSettings(
        name=name, adapter="simulated", locations=list(trade.locations), location_map=places, policy=policy
    )


def stock_up(engine: Engine, *, now: datetime) -> None:
    """The articles, and what lies on the shelves in the beginning."""
    with db.transaction(engine) as session:
        changes = [ArticleChange(sku, {"title": sku.title()}) for sku in (*FREE, *COUNTED)]
        changes += [ArticleChange(sku, {"title": sku.title()}, components=parts) for sku, parts in PARTS.items()]
        articles.put(session, changes, now=now)
        shelves = [(sku, store) for store in STORES for sku in (*FREE, *COUNTED)]
        entries = [Entry(Kind.OPENING, sku, store, PIECES, "opening", now) for sku, store in shelves]
        ledger.record(session, entries, now=now)


def pieces_of(sku: str) -> Mapping[str, int]:
    """What one piece of it takes from the shelves."""
    return PARTS.get(sku, {sku: 1})
