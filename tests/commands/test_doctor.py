from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omnisync.adapters.base import Check
from omnisync.commands.doctor import Level, clock_finding, disk_finding
from omnisync.errors import NeedsAttention, TryLater
from tests.commands.conftest import FakeAdapter, Omnisync

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def levels(omnisync: Omnisync, config: Path, *extra: str) -> dict[str, str]:
    found = json.loads(omnisync("doctor", "--json", *extra, config=config).out)["findings"]
    return {finding["subject"]: finding["level"] for finding in found}


def test_a_healthy_installation_has_a_line_for_everything(omnisync: Omnisync, fresh_config: Path) -> None:
    omnisync("migrate", config=fresh_config)

    found = levels(omnisync, fresh_config)

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
        (TryLater("did not answer"), "webshop", "warn", 0),
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
    assert ran.code == code
    assert adapter.closed


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

    assert "warn  settings: 0 locations, 0 channels\n      Copy config/omnisync.toml" in ran.out
