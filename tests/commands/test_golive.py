import csv
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from omnisync import db
from omnisync.sync import leases
from tests.stock.shop import shelf
from tests.sync.fakes import FakeChannel


@pytest.fixture
def channel(clock):
    return FakeChannel("webshop", clock)


@pytest.fixture
def world(world, channel):
    return replace(world, factory=lambda _: lambda *_arguments: channel)


@pytest.fixture
def shadowed(ready, tmp_path, monkeypatch):
    """Three lamps in the store, and a shop in shadow."""
    monkeypatch.chdir(tmp_path)
    ready.write_text(
        ready.read_text(encoding="utf-8").replace('adapter = "', 'shadow = true\nadapter = "', 1), encoding="utf-8"
    )
    stock(tmp_path, "LAMP")
    return ready


def stock(folder, sku):
    engine = db.engine_for(f"sqlite:///{folder}/shop.db")
    with db.transaction(engine) as session:
        shelf(session, sku, pieces=3)
    engine.dispose()


def test_the_plan_says_what_would_change_and_writes_nothing(omnisync, channel, shadowed):
    channel.offer("LAMP", stock=5)
    channel.offer("VASE", stock=1)

    told = omnisync("plan", "webshop", config=shadowed)
    data = json.loads(omnisync("plan", "webshop", "--json", config=shadowed).out)

    assert "1  offers more than there is (2 pieces)\n          LAMP: 5 -> 3\n" in told.out
    assert (data["mapped"], data["counts"]["too_many"], data["counts"]["unmapped"]) == (1, 1, 1)
    assert channel.shows("LAMP") == 5


def test_of_two_commands_at_one_channel_the_second_is_told_to_come_later(omnisync, channel, shadowed, tmp_path, clock):
    channel.offer("LAMP", stock=5)
    engine = db.engine_for(f"sqlite:///{tmp_path}/shop.db")
    with db.transaction(engine) as session:
        leases.take(session, leases.of_guest("webshop"), "somebody", now=clock.now(), lasting=timedelta(minutes=1))
    engine.dispose()

    refused = omnisync("plan", "webshop", config=shadowed)
    clock.advance(minutes=1)
    later = omnisync("plan", "webshop", config=shadowed)

    assert (refused.code, "Another command is asking webshop" in refused.err) == (75, True)
    assert later.code == 0


def test_what_a_channel_offers_begins_a_catalogue(omnisync, channel, shadowed, tmp_path):
    channel.offer("VASE", title="Vase Ton", barcode="4006381333931")

    told = omnisync("plan", "webshop", "--catalog", str(tmp_path / "new.csv"), config=shadowed)

    assert told.code == 0
    with (tmp_path / "new.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"sku": "VASE", "title": "Vase Ton", "barcode": "4006381333931", "price": "", "currency": ""}
        ]


def test_a_channel_goes_live_once_it_is_ready_and_is_handed_back_with_its_numbers(
    omnisync, channel, shadowed, tmp_path
):
    channel.offer("LAMP", stock=5)
    channel.offer("VASE")

    unready = omnisync("golive", "webshop", config=shadowed)
    omnisync("sync", "webshop", config=shadowed)
    before = channel.shows("LAMP")
    stock(tmp_path, "VASE")
    asked = omnisync("golive", "webshop", "--check", config=shadowed)
    live = omnisync("golive", "webshop", "--anyway", "--json", config=shadowed)
    omnisync("sync", "webshop", config=shadowed)
    back = omnisync("handback", "webshop", "--to", str(tmp_path / "last.csv"), config=shadowed)

    assert (unready.code, "webshop is not live." in unready.out, before) == (1, True, 5)
    assert "mapping: 1 of 2 listings" in unready.out
    assert (asked.code, "NOT " in asked.out, "webshop is not live." in asked.out) == (0, False, True)
    assert (live.code, json.loads(live.out)["live"], channel.shows("LAMP")) == (0, True, 3)
    with (tmp_path / "last.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [(row["sku"], row["quantity"]) for row in csv.DictReader(file)] == [("LAMP", "3"), ("VASE", "3")]
    assert "writes nothing there" in back.out
