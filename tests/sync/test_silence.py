"""A till of which nothing is heard makes its store unsure, and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Article, Can, Sale, Write
from omnisync.clock import Ids, StoppedClock
from omnisync.orders import hours
from omnisync.settings import ChannelPolicy, LocationSettings, ServerSettings, Settings
from omnisync.sync import health, polling
from tests.sync.conftest import Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, shop
from tests.sync.test_api import ask

TILL = Can(write=Write.NONE, looks=False, shows="on_hand")
OPEN = {"mon-sat": "10:00-18:00"}
"""In Berlin: the clock of the tests begins on a Saturday at eleven."""


@pytest.fixture
def pos(clock: StoppedClock) -> FakeChannel:
    return FakeChannel("pos", clock, TILL)


@pytest.fixture
def house(engine: Engine, clock: StoppedClock, ids: Ids, pos: FakeChannel, play: Play) -> House:
    """A till in each of two stores, of which one till is watched; 9 lamps in each, and 2 vases."""
    stores = [LocationSettings(code=code, name=code, hours=OPEN) for code in ("linden", "markt")]
    places = {"P1": "linden"}
    tills = [shop("pos", policy={"heard_within": "4h"}, location_map=places), shop("other", locations=("markt",))]
    settings = Settings(locations=stores, channels=tills, server=ServerSettings(public_availability=True))
    made = build(engine, clock, ids, settings, [pos, FakeChannel("other", clock, TILL)])
    made.article("LAMP", "VASE")
    for store in ("linden", "markt"):
        made.stock("LAMP", 9, store)
    made.stock("VASE", 2, "markt")
    made.stock("VASE", 9, "linden")
    play(made.tick())
    return made


def sell(house: House, pos: FakeChannel, play: Play, at: datetime) -> None:
    pos.facts.append(Sale(f"r/{len(pos.facts)}", Article(sku="LAMP"), 1, at, place="P1"))
    play(polling.pull(house.context, house.channel("pos")))


def states(house: House, engine: Engine, play: Play, **query: Any) -> dict[str, Any]:
    """SKU -> what anybody without a key is told."""
    query = {"sku": ["LAMP", "VASE"], **query}
    call = ("GET", "/v1/availability", {"params": query, "headers": {"authorization": ""}})
    [answer] = ask(house, engine, play, call)
    return {
        item["sku"]: (item["state"], {each["location"]: each["state"] for each in item["locations"]})
        for item in answer.json()["items"]
    }


def well(house: House) -> health.Health:
    now = house.clock.now()
    found: health.Health = house.within(lambda session: health.of(session, house.channel("pos"), now=now))
    return found


BOTH = {"linden": "in_stock", "markt": "in_stock"}


def test_beyond_it_the_store_is_limited_at_most_until_the_till_speaks_again(
    house: House, pos: FakeChannel, engine: Engine, clock: StoppedClock, play: Play
) -> None:
    sell(house, pos, play, clock.now())
    clock.advance(hours=4)
    play(house.tick())  # that its folder can be read does not say that the till works
    assert states(house, engine, play)["LAMP"] == ("in_stock", BOTH)
    last = clock.now() - timedelta(hours=4)

    clock.advance(minutes=1)
    sell(house, pos, play, last)  # an old receipt told again, or late, says nothing of what happened since

    linden = {"linden": "limited", "markt": "in_stock"}
    assert states(house, engine, play) == {
        "LAMP": ("in_stock", linden),  # enough lies where somebody is heard of
        "VASE": ("limited", {"linden": "limited", "markt": "limited"}),
    }
    assert states(house, engine, play, location="linden")["LAMP"] == ("limited", {"linden": "limited"})
    [silence] = well(house).silent
    assert (silence.location, silence.since, well(house).state) == ("linden", last, "late")
    [shown] = ask(house, engine, play, ("GET", "/v1/channels", {}))
    assert [one["silent"] for one in shown.json()["items"]] == [
        [{"location": "linden", "since": "2026-11-21T10:00:04Z"}], [],
    ]  # fmt: skip

    sell(house, pos, play, clock.now())

    assert states(house, engine, play)["LAMP"] == ("in_stock", BOTH)
    assert (well(house).silent, well(house).state) == ([], "on_time")


def test_a_receipt_from_the_future_hides_no_silence(
    house: House, pos: FakeChannel, clock: StoppedClock, play: Play
) -> None:
    sell(house, pos, play, clock.now() + timedelta(days=300))  # the till's clock was set wrong for an hour

    clock.advance(hours=5)

    assert [one.location for one in well(house).silent] == ["linden"]


def test_only_open_hours_count(house: House, pos: FakeChannel, clock: StoppedClock, play: Play) -> None:
    clock.set(datetime.fromisoformat("2026-11-21T16:00:00Z"))  # an hour before it closes over Sunday
    sell(house, pos, play, clock.now())
    clock.set(datetime.fromisoformat("2026-11-23T12:00:00Z"))
    assert well(house).silent == []

    clock.advance(seconds=1)
    assert [one.location for one in well(house).silent] == ["linden"]


def test_a_till_that_was_never_heard_of_is_silent_from_the_day_it_was_connected(
    house: House, clock: StoppedClock
) -> None:
    clock.advance(hours=3)
    assert well(house).silent == []

    clock.advance(hours=2)
    assert [one.location for one in well(house).silent] == ["linden"]


@pytest.mark.parametrize("text", ["", "4", "h", "0h", "4 h", "4w", "-4h", "99999m"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        ChannelPolicy(heard_within=text)


def test_open_time_is_counted_over_nights_and_not_beyond_what_is_asked() -> None:
    store = LocationSettings(code="linden", name="Linden", hours=OPEN)
    friday, monday = (datetime.fromisoformat(text) for text in ("2026-11-20T16:30:00Z", "2026-11-23T10:00:00Z"))

    assert hours.open_between(store, friday, monday, at_most=timedelta(days=9)) == timedelta(hours=9.5)
    assert hours.open_between(store, friday, monday, at_most=timedelta(hours=1)) == timedelta(hours=8.5)
    assert hours.open_between(store, monday, friday, at_most=timedelta(days=9)) == timedelta()
