import json
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.adapters.base import Can, Write
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import StoppedClock
from omnisync.commands.world import World
from omnisync.stock import ledger, policies
from omnisync.stock.ledger import Entry
from omnisync.values import Kind
from tests.commands.conftest import FakeAdapter, Omnisync
from tests.conftest import START
from tests.stock.shop import hold, shelf


@pytest.fixture
def adapter() -> FakeAdapter:
    made = FakeAdapter([])
    made.can = Can(write=Write.ABSOLUTE, batch_size=50)
    return made


def test_a_number_is_explained_line_by_line(
    omnisync: Omnisync, world: World, clock: StoppedClock, fresh_config: Path, fresh: Engine
) -> None:
    omnisync("migrate", config=fresh_config)
    with db.transaction(fresh) as session:
        policies.load(session, world.settings(fresh_config), now=START)
        shelf(session, "LAMP", pieces=9)
        shelf(session, "BULB", pieces=4)
        blocked = Entry(Kind.BLOCKED, "LAMP", "linden", 1, "staff:ada", START, reason="display")
        ledger.record(session, [blocked], now=START)
        hold(session, "LAMP", 2)
        articles.put(session, [ArticleChange("SET", {"title": "Set"}, components={"LAMP": 1, "BULB": 2})], now=START)

    clock.advance(seconds=60)
    lamp = omnisync("explain", "LAMP", "--channel", "webshop", config=fresh_config)
    bundle = omnisync("explain", "SET", "--json", config=fresh_config)
    earlier = omnisync("explain", "LAMP", "--at", "2026-11-21T09:00:00Z", config=fresh_config)
    late = omnisync("explain", "LAMP", "--at", "2027-01-01T00:00:00Z", config=fresh_config)
    nonsense = omnisync("explain", "LAMP", "--at", "yesterday", config=fresh_config)

    assert lamp.out == (
        "LAMP at 2026-11-21T10:01:00Z: 6 available\n"
        "  linden: 6\n"
        "    +9 on hand\n"
        "        +9 opening 2026-11-20T10:00:00Z test\n"
        "    -1 blocked\n"
        "        1 display\n"
        "        -1 blocked 2026-11-21T10:00:00Z staff:ada\n"
        "    -2 reserved\n"
        "        -2 hold 2026-11-21T10:00:00Z reservation:r1\n"
        "  webshop, by its settings of 2026-11-21T10:00:00Z:\n"
        "    shows 6\n"
        "      +6 linden\n"
    )
    [place] = json.loads(bundle.out)["locations"]
    assert [(part["sku"], part["makes"], part["scarcest"]) for part in place["parts"]] == [
        ("BULB", 2, True),
        ("LAMP", 6, False),
    ]
    assert earlier.out.startswith("LAMP at 2026-11-21T09:00:00Z: 9 available\n")
    assert (late.code, nonsense.code) == (2, 2)
    assert "not in the future" in late.err
