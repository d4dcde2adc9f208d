import json
import stat
from dataclasses import replace

import pytest

from omnisync import cli, db
from omnisync.commands.serve import server_key
from tests.stock.shop import shelf
from tests.sync.fakes import FakeChannel


@pytest.fixture
def channel(clock):
    return FakeChannel("webshop", clock)


@pytest.fixture
def world(world, channel):
    return replace(world, factory=lambda _: lambda *_arguments: channel)


@pytest.fixture
def lamps(ready, tmp_path, monkeypatch):
    """Three lamps in the store, and a shop that offers them with another number."""
    monkeypatch.chdir(tmp_path)
    engine = db.engine_for(f"sqlite:///{tmp_path}/shop.db")
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=3)
    engine.dispose()
    return ready


def test_a_round_shows_the_channel_what_is_there_and_says_how_it_is_doing(omnisync, channel, lamps):
    channel.offer("LAMP", stock=0)

    ran = omnisync("sync", "webshop", "--json", config=lamps)

    assert (ran.code, json.loads(ran.out)["state"]) == (0, "on_time")
    assert channel.shows("LAMP") == 3


def test_a_channel_that_needs_a_person_ends_with_1_and_the_reason(omnisync, channel, lamps):
    channel.faults.credentials = True

    ran = omnisync("sync", "webshop", config=lamps)

    assert ran.code == 1
    assert ran.out.startswith("webshop: action_required.")


def test_a_misspelt_channel_is_named_with_the_nearest_right_one(omnisync, lamps):
    ran = omnisync("sync", "webshp", config=lamps)

    assert (ran.code, ran.err) == (
        2,
        "omnisync: There is no channel 'webshp' in the settings (webshop). Did you mean webshop?\n",
    )


def test_the_servers_key_is_made_once_and_is_for_its_owner_only(world, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    first, again = (server_key(world, world.settings(config)) for _ in range(2))

    assert first == again
    assert len(first) == 32
    assert stat.S_IMODE((tmp_path / "omnisync.key").stat().st_mode) == 0o600


def test_the_commands_of_the_contract_are_there():
    names = {command.name or command.callback.__name__ for command in cli.program().registered_commands}

    assert {"serve", "worker", "sync", "migrate", "doctor", "verify", "backup", "restore"} <= names
