"""Whoever asks what is available through a channel is told the number that this channel is shown."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Article, Can, LevelSeen, Write
from omnisync.clock import StoppedClock
from omnisync.stock import ledger
from omnisync.sync import facts
from omnisync.sync.tables import ShownState
from omnisync.values import Kind
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_api import ask, serving

CAN = Can(write=Write.ABSOLUTE, batch_size=50)
TILL = Can(write=Write.ABSOLUTE, batch_size=50, many_locations=True, shows="on_hand")
BOTH = ("linden", "markt")


@pytest.fixture
def house(make_house: MakeHouse, clock: StoppedClock) -> House:
    """A web shop and a marketplace of both stores, and a till with a place in each."""
    web, market = FakeChannel("web", clock, CAN), FakeChannel("market", clock, CAN)
    till = FakeChannel("till", clock, TILL, places=("Kasse 1", "Kasse 2"))
    at_tills = shop("till", locations=BOTH, location_map=dict(zip(till.places, BOTH, strict=True)))
    careful = shop("web", locations=BOTH, policy={"buffer": 1, "max_listed": 20})
    house = make_house((careful, web), (shop("market", locations=BOTH), market), (at_tills, till))
    house.article("LAMP", "MUG")
    house.bundle("SET", {"LAMP": 2, "MUG": 1})
    for location, pieces in (("linden", 5), ("markt", 4)):
        house.stock(["LAMP", "MUG"], pieces, location)
    for fake in (web, market, till):
        for sku in ("LAMP", "MUG", "SET"):
            fake.offer(sku)
    return house


def told(house: House, engine: Engine, play: Play, sku: str, **through: str) -> int:
    query = "&".join(f"{name}={value}" for name, value in {"sku": sku, **through}.items())
    [answer] = ask(house, engine, play, ("GET", f"/v1/availability?{query}", {}))
    [item] = answer.json()["items"]
    return int(item["available"])


def everywhere(house: House, engine: Engine, play: Play) -> dict[str, dict[str, int]]:
    """What is said of each article through each channel."""
    return {
        name: {sku: told(house, engine, play, sku, channel=name) for sku in ("LAMP", "MUG", "SET")}
        for name in house.fakes
    }


def shown(house: House) -> dict[str, dict[str, int]]:
    """What stands there, over all places."""
    return {
        name: {sku: sum(fake.shows(sku, place) for place in fake.places) for sku in ("LAMP", "MUG", "SET")}
        for name, fake in house.fakes.items()
    }


def test_it_is_what_stands_there(house: House, engine: Engine, play: Play) -> None:
    play(house.settle())

    assert everywhere(house, engine, play) == shown(house)
    assert shown(house)["web"] == {"LAMP": 8, "MUG": 8, "SET": 3}


def test_a_piece_that_another_channel_seems_to_have_sold_is_not_there(house: House, engine: Engine, play: Play) -> None:
    play(house.settle())
    house.fakes["market"].edit("LAMP", 7)
    level = LevelSeen(Article(external_id="id-LAMP"), 7, at=house.clock.now())
    market = house.channel("market")
    house.within(lambda session: facts.apply(session, house.context, market, [level], now=house.clock.now()))
    play(house.tick("market", "web", "till"))
    assert house.state("market", "LAMP").provisional == 2

    assert everywhere(house, engine, play) == shown(house)
    assert (told(house, engine, play, "LAMP"), told(house, engine, play, "LAMP", channel="web")) == (9, 6)


def test_a_till_counts_what_lies_there_and_not_what_is_free(house: House, engine: Engine, play: Play) -> None:
    now = house.clock.now()
    order = ledger.Entry(Kind.ORDER, "LAMP", "linden", 3, "web:1001", now)
    with db.transaction(engine) as session:
        ledger.record(session, [order], now=now)
    play(house.settle())

    assert everywhere(house, engine, play) == shown(house)
    numbers = {name: told(house, engine, play, "LAMP", channel=name) for name in ("till", "market", "web")}
    assert numbers == {"till": 9, "market": 6, "web": 5}
    assert told(house, engine, play, "LAMP", channel="till", location="linden") == 5
    assert told(house, engine, play, "LAMP", channel="market", location="linden") == 2


def test_an_answer_changes_with_what_the_channel_is_shown(house: House, engine: Engine, play: Play) -> None:
    """Although not a piece was moved, and within the same minute."""
    play(house.settle())

    def sold(session: Session) -> None:
        row = session.get_one(ShownState, ("market", "id-LAMP", ""))
        row.provisional, row.provisional_at = 2, house.clock.now()

    async def story() -> list[httpx.Response]:
        async with serving(house, engine) as client:
            answers = [await client.get("/v1/availability?sku=LAMP&channel=web") for _ in range(2)]
            house.within(sold)
            return [*answers, await client.get("/v1/availability?sku=LAMP&channel=web")]

    answers = play(story())

    assert [answer.json()["items"][0]["available"] for answer in answers] == [8, 8, 6]
    assert len({answer.headers["etag"] for answer in answers}) == 2


def test_through_a_channel_that_counts_the_stock_itself_it_is_what_it_counted(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    till = FakeChannel("till", clock, replace(TILL, write=Write.NONE), places=("Kasse 1",))
    settings = shop("till", location_map={"Kasse 1": "linden"})
    house = make_house((settings, till), owners={"linden": "till"})
    house.article("LAMP")
    house.stock("LAMP", 5)

    assert told(house, engine, play, "LAMP", channel="till") == 5
