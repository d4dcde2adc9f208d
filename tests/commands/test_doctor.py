from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import Engine

from omnisync import cli, db
from omnisync.adapters.base import Article, Check, Sale
from omnisync.clock import StoppedClock
from omnisync.commands.doctor import Level, clock_finding, disk_finding
from omnisync.commands.world import World
from omnisync.errors import NeedsAttention, TryLater
from omnisync.sync import wire
from omnisync.sync.tables import ChannelHealth, ChannelListing, DeadLetter, ShownState
from tests.commands.conftest import FakeAdapter, Omnisync

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def levels(omnisync: Omnisync, config: Path, *extra: str) -> dict[str, str]:
    found = json.loads(omnisync("doctor", "--json", *extra, config=config).out)["findings"]
    return {finding["subject"]: finding["level"] for finding in found}


def test_a_healthy_installation_has_a_line_for_everything(omnisync: Omnisync, fresh_config: Path) -> None:
    omnisync("migrate", config=fresh_config)

    found = levels(omnisync, fresh_config)

    assert found_by(omnisync, fresh_config)["settings"]["detail"].endswith(f" in {fresh_config}")
    assert {"settings", "public_url", "database", "clock", "access", "webshop credentials"} <= set(found)
    assert (found["settings"], found["database"], found["webshop credentials"]) == ("ok", "ok", "ok")
    assert (found["public_url"], found["access"]) == ("warn", "warn")


def test_the_report_says_what_mends_a_failure(omnisync: Omnisync, config: Path) -> None:
    ran = omnisync("doctor", config=config)

    assert ran.code == 1
    assert "fail  database: The database has no tables yet" in ran.out
    assert "      omnisync migrate" in ran.out


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("https://sync.example.org", "ok"),
        ("http://127.0.0.1:8000", "ok"),
        ("http://[::1]:8000", "ok"),
        ("http://localhost:8000", "ok"),
        ("http://sync.example.org", "fail"),
        ("http://192.168.0.7:8000", "fail"),
        ("http://localhost.example.org", "fail"),
    ],
)
def test_a_public_address_without_encryption_is_a_failure_unless_it_stays_here(
    omnisync: Omnisync, fresh_config: Path, url: str, level: str
) -> None:
    fresh_config.write_text(f'[server]\npublic_url = "{url}"\n' + fresh_config.read_text(), encoding="utf-8")

    assert levels(omnisync, fresh_config, "--no-channels")["public_url"] == level


def test_wrong_settings_are_a_finding(omnisync: Omnisync, config: Path) -> None:
    config.write_text("[sever]\n", encoding="utf-8")

    ran = omnisync("doctor", config=config)

    assert ran.code == 1
    assert "did you mean server?" in ran.out


@pytest.mark.parametrize(
    ("answer", "subject", "level", "code"),
    [
        (
            [Check("scopes", ok=False, detail="write_inventory is missing", mend="Grant it.")],
            "webshop scopes",
            "fail",
            1,
        ),
        (NeedsAttention("refused (401)", action="Check the token."), "webshop", "fail", 1),
        (TryLater("cannot be reached at https://exmaple.org (ConnectError)."), "webshop", "warn", 0),
    ],
)
def test_a_channel_that_is_not_well_is_told(
    omnisync: Omnisync,
    ready: Path,
    adapter: FakeAdapter,
    answer: list[Check] | Exception,
    subject: str,
    level: str,
    code: int,
) -> None:
    adapter.answer = answer

    ran = omnisync("doctor", config=ready)

    assert f"{level:4}  {subject}:" in ran.out
    assert ("is the address in its settings right" in ran.out) == isinstance(answer, TryLater)
    assert ran.code == code
    assert adapter.closed


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (timedelta(seconds=-30), None),
        (timedelta(minutes=-4), ("warn", "0:04:00 behind ours, which is taken off")),
        (timedelta(hours=2), ("fail", "2:00:00 ahead of ours: too much to be taken off")),
    ],
)
def test_a_shop_whose_clock_goes_wrong_is_told(
    omnisync: Omnisync, ready: Path, adapter: FakeAdapter, ahead: timedelta, told: tuple[str, str] | None
) -> None:
    adapter.their_clock.ahead = ahead

    found = found_by(omnisync, ready).get("webshop clock")

    assert (found and (found["level"], found["detail"].partition(", sales")[0])) == told


def found_by(omnisync: Omnisync, config: Path) -> dict[str, dict[str, str]]:
    ran = omnisync("doctor", "--json", config=config)
    return {one["subject"]: one for one in json.loads(ran.out)["findings"]}


@pytest.mark.parametrize(
    ("answer", "level"),
    [
        (httpx.Response(200, json={"status": "alive"}), "ok"),
        (httpx.Response(200, text="Welcome to nginx!"), "fail"),
        (httpx.Response(200, json=["alive"]), "fail"),
        (httpx.Response(404), "fail"),
        (httpx.Response(403), "fail"),
        (httpx.Response(502), "warn"),
        (httpx.ConnectError("refused"), "warn"),
    ],
)
def test_the_public_address_is_called(
    world: World, capsys: pytest.CaptureFixture[str], ready: Path, answer: httpx.Response | Exception, level: str
) -> None:
    asked: list[str] = []

    def answered(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if isinstance(answer, Exception):
            raise answer
        return answer

    ready.write_text('[server]\npublic_url = "https://sync.example.org/omni/"\n' + ready.read_text(), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["doctor", "--json", "--config", str(ready)], replace(world, transport=httpx.MockTransport(answered)))

    found = {one["subject"]: one["level"] for one in json.loads(capsys.readouterr().out)["findings"]}
    assert (found["public_url"], found["public_url answers"]) == ("ok", level)
    assert ended.value.code == (1 if level == "fail" else 0)
    assert asked == ["https://sync.example.org/omni/livez"]


def test_how_a_channel_and_we_have_got_on_is_told_with_what_mends_it(
    omnisync: Omnisync, fresh_config: Path, fresh: Engine, clock: StoppedClock
) -> None:
    fresh_config.write_text(
        '[server]\npublic_url = "http://127.0.0.1:1"\n' + fresh_config.read_text(), encoding="utf-8"
    )
    omnisync("migrate", config=fresh_config)
    new = found_by(omnisync, fresh_config)
    assert [new[f"webshop {what}"]["level"] for what in ("reading", "webhooks")] == ["warn", "warn"]
    assert new.keys().isdisjoint({"webshop mapping", "webshop state"}), (
        "nothing is known of a channel that was never read"
    )
    with db.transaction(fresh) as session:
        session.add(ChannelHealth(channel="webshop", writes="off"))
    assert (
        found_by(omnisync, fresh_config)["webshop webhooks"]["detail"]
        == "none as long as it is in shadow: it is polled"
    )
    with db.transaction(fresh) as session:
        session.delete(session.get_one(ChannelHealth, "webshop"))

    now, an_hour_ago = clock.now(), clock.now() - timedelta(minutes=59)
    sale = wire.to_json(Sale("r/1", Article(sku="NOBODY"), 1, now))
    with db.transaction(fresh) as session:
        session.add(ChannelHealth(channel="webshop", last_success_at=an_hour_ago, subscribed_at=an_hour_ago))
        session.add(ChannelListing(channel="webshop", external_id="9", added_at=now))
        session.add(
            ShownState(channel="webshop", external_id="8", place="", sku="LAMP", wanted=0, believed=3, contradicted=1)
        )
        session.add(
            DeadLetter(
                id="1",
                channel="webshop",
                kind="fact",
                key="fact/r/1",
                title="",
                reason="",
                action="",
                payload=sale,
                opened_at=now,
                last_at=now,
            )
        )
    grown = found_by(omnisync, fresh_config)
    assert (grown["webshop reading"]["level"], grown["webshop webhooks"]["level"]) == ("ok", "ok")
    mapping, state = grown["webshop mapping"], grown["webshop state"]
    assert mapping["detail"] == "1 listing; unknown articles: 2; facts and order lines that wait: 1"
    assert state["detail"] == (
        "action_required: 1 entry could not be handled; pieces offered that are gone: 3; numbers taken and not shown: 1"
    )
    assert [one["subject"] for one in grown.values() if one["level"] != "ok" and not one["mend"]] == []

    clock.advance(hours=2)
    with db.transaction(fresh) as session:
        session.add(
            DeadLetter(
                id="2",
                channel="webshop",
                kind="webhooks",
                key="subscriptions",
                title="",
                reason="No such scope.",
                action="Grant it.",
                opened_at=now,
                last_at=now,
            )
        )
        row = session.get(ChannelHealth, "webshop")
        assert row is not None
        row.subscribed_at = None
    ran = omnisync("doctor", config=fresh_config)
    assert "warn  webshop reading: last worked 2026-11-21T09:01:00Z" in ran.out
    assert "fail  webshop webhooks: No such scope.\n      Grant it." in ran.out
    assert ran.code == 1


def test_a_channel_that_would_be_written_for_the_first_time_is_told(
    omnisync: Omnisync, fresh_config: Path, fresh: Engine, clock: StoppedClock
) -> None:
    omnisync("migrate", config=fresh_config)
    written = fresh_config.read_text(encoding="utf-8")
    told = found_by(omnisync, fresh_config)["webshop numbers"]
    assert (told["level"], "shadow = true" in told["mend"]) == ("warn", True)

    fresh_config.write_text(written.replace('adapter = "', 'shadow = true\nadapter = "'), encoding="utf-8")
    assert "webshop numbers" not in found_by(omnisync, fresh_config)
    fresh_config.write_text(written, encoding="utf-8")
    with db.transaction(fresh) as session:
        session.add(
            ShownState(channel="webshop", external_id="8", place="", sku="LAMP", wanted=3, applied_at=clock.now())
        )

    assert "webshop numbers" not in found_by(omnisync, fresh_config)


def test_channels_can_be_left_alone(omnisync: Omnisync, ready: Path) -> None:
    assert "webshop credentials" not in levels(omnisync, ready, "--no-channels")


@pytest.mark.parametrize(("free", "level"), [(99, Level.FAIL), (100, Level.WARN), (999, Level.WARN), (1000, Level.OK)])
def test_a_full_disk_is_told_in_time(free: int, level: Level) -> None:
    assert disk_finding(free).level is level


@pytest.mark.parametrize(
    ("apart", "last", "level"),
    [
        (timedelta(), None, Level.OK),
        (timedelta(seconds=1), -timedelta(hours=1), Level.OK),
        (timedelta(seconds=3), None, Level.WARN),
        (-timedelta(minutes=1), None, Level.FAIL),
        (timedelta(), timedelta(minutes=5), Level.FAIL),
    ],
)
def test_a_clock_that_goes_wrong_is_told(apart: timedelta, last: timedelta | None, level: Level) -> None:
    assert clock_finding(NOW, NOW + apart, NOW + last if last is not None else None).level is level


def test_a_database_without_its_folder_is_a_finding_that_names_it(omnisync: Omnisync, config: Path) -> None:
    config.write_text(config.read_text().replace("/shop.db", "/nowhere/shop.db"), encoding="utf-8")

    ran = omnisync("doctor", config=config)

    assert ran.code == 1
    assert f"There is no folder {config.parent}/nowhere for the database." in ran.out


def test_settings_without_any_location_point_to_the_example(omnisync: Omnisync, config: Path) -> None:
    config.write_text("", encoding="utf-8")

    ran = omnisync("doctor", "--no-channels", config=config)

    assert f"warn  settings: 0 locations, 0 channels in {config}\n      Copy config/omnisync.toml" in ran.out
