from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import __version__, access, db, migrations
from omnisync.access import Role, people
from omnisync.commands import verify
from tests.commands.conftest import Omnisync


def test_help_names_every_command(omnisync: Omnisync) -> None:
    ran = omnisync("--help")

    assert ran.code == 0
    for word in ("migrate", "doctor", "verify", "backup", "restore", "keys", "users"):
        assert word in ran.out


def test_it_says_which_version_it_is(omnisync: Omnisync) -> None:
    ran = omnisync("--version")

    assert (ran.code, ran.out) == (0, f"omnisync {__version__}\n")


def test_migrating_makes_the_schema_once(omnisync: Omnisync, fresh_config: Path, fresh: Engine) -> None:
    first = omnisync("migrate", config=fresh_config)
    second = omnisync("migrate", config=fresh_config)

    assert (first.code, second.code) == (0, 0)
    assert "now stands" in first.out
    assert "already" in second.out
    assert migrations.current(fresh) == migrations.newest()


def test_a_key_is_printed_once_and_opens(omnisync: Omnisync, fresh_config: Path, fresh: Engine) -> None:
    omnisync("migrate", config=fresh_config)

    ran = omnisync("keys", "create", "--role", "staff", "--name", "Tablet", "--location", "linden", config=fresh_config)

    with db.reading(fresh) as session:
        found = access.find_key(session, ran.out.strip())
    assert found is not None
    assert (found.role, found.location) == (Role.STAFF, "linden")
    listed = json.loads(omnisync("keys", "list", "--json", config=fresh_config).out)
    assert [(row["name"], row["state"]) for row in listed] == [("Tablet", "active")]
    assert ran.out.strip().split("_")[2] not in json.dumps(listed)


def test_a_revoked_key_is_listed_as_such(omnisync: Omnisync, ready: Path) -> None:
    made = json.loads(omnisync("keys", "create", "--role", "shop", "--name", "Shop", "--json", config=ready).out)

    omnisync("keys", "revoke", made["prefix"], config=ready)

    assert f"{made['prefix']}  shop" in (listed := omnisync("keys", "list", config=ready).out)
    assert "revoked" in listed


def test_a_user_is_made_with_the_password_from_standard_input(
    omnisync: Omnisync, ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse battery\n"))

    ran = omnisync("users", "create", "--name", "anna", "--role", "ops", "--password-stdin", config=ready)

    assert (ran.code, ran.out) == (0, "anna can log in as ops.\n")
    engine = db.engine_for(f"sqlite:///{tmp_path}/shop.db")
    with db.reading(engine) as session:
        assert access.check_login(session, "anna", "correct horse battery") is not None
    engine.dispose()


def test_somebody_who_only_stands_at_devices_has_initials_a_pin_and_no_password(
    omnisync: Omnisync, ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = ("--name", "Kim Lang")
    monkeypatch.setattr(sys, "stdin", io.StringIO("4711\n"))

    made = omnisync(
        "users", "create", *person, "--role", "staff", "--location", "linden", "--initials", "KL", "--no-password",
        config=ready,
    )  # fmt: skip
    omnisync("users", "initials", *person, "--initials", "KLA", config=ready)
    pin = omnisync("users", "pin", *person, "--pin-stdin", config=ready)

    assert (made.code, made.out) == (0, "Kim Lang stands at the devices at linden as KL.\n")
    assert (pin.code, pin.out) == (0, "Kim Lang has a new PIN.\n")
    [row] = json.loads(omnisync("users", "list", "--json", config=ready).out)
    assert row == {
        "name": "Kim Lang", "role": "staff", "location": "linden", "initials": "KLA",
        "password": False, "pin": True, "state": "active",
    }  # fmt: skip
    assert "KLA   active    Kim Lang" in omnisync("users", "list", config=ready).out
    assert omnisync("users", "pin", *person, "--remove", config=ready).out == "Kim Lang has no PIN any more.\n"
    engine = db.engine_for(f"sqlite:///{tmp_path}/shop.db")
    with db.reading(engine) as session:
        assert not people.pin_is(session, "Kim Lang", "4711")
    engine.dispose()


MISTAKES = [
    (("keys", "create", "--role", "staff", "--name", "x", "--location", "lindn"), "Did you mean linden?"),
    (("keys", "create", "--role", "staff", "--name", "x"), "staff work at one location"),
    (("users", "create", "--role", "staff", "--name", "x", "--location", "linden", "--no-password"), "needs initials"),
    (("keys", "create", "--role", "boss", "--name", "x"), "boss"),
    (("keys", "revoke", "0000000000"), "There is no key"),
    (("users", "disable", "--name", "nobody"), "There is no user"),
    (("restore", "gone.db"), "There is no file gone.db"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_is_one_clean_message_and_exit_code_2(
    omnisync: Omnisync, ready: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = omnisync(*arguments, config=ready)

    assert ran.code == 2
    assert said in " ".join(ran.err.replace("│", " ").split())
    assert "Traceback" not in ran.err


def test_wrong_settings_are_told_with_their_line(omnisync: Omnisync, config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace('"linden"]', '"lindn"]'), encoding="utf-8")

    ran = omnisync("migrate", config=config)

    assert ran.code == 2
    assert f"{config}:11: channels[0].locations[0]" in ran.err
    assert "did you mean linden?" in ran.err


def test_a_database_without_tables_is_told_what_mends_it(omnisync: Omnisync, config: Path, tmp_path: Path) -> None:
    ran = omnisync("verify", config=config)

    assert ran.code == 1
    assert "has no tables yet" in ran.err
    assert "omnisync migrate" in ran.err
    assert not (tmp_path / "shop.db").exists()


def test_a_database_that_cannot_be_opened_is_no_traceback(omnisync: Omnisync, config: Path) -> None:
    config.write_text('[database]\nurl = "sqlite:////nowhere/at/all/shop.db"\n', encoding="utf-8")

    ran = omnisync("migrate", config=config)

    assert (ran.code, "/nowhere/at/all" in ran.err, "Traceback" in ran.err) == (1, True, False)


def test_verify_says_nothing_when_all_is_well(omnisync: Omnisync, fresh_config: Path) -> None:
    omnisync("migrate", config=fresh_config)

    ran = omnisync("verify", config=fresh_config)

    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_verify_names_what_is_wrong(omnisync: Omnisync, fresh_config: Path, fresh: Engine) -> None:
    omnisync("migrate", config=fresh_config)
    with fresh.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO balance (location, sku, on_hand, reserved, blocked, incoming, safety, backorder, off_sale,"
                " changed_at) VALUES ('linden', 'LAMP', 3, 0, 0, 0, 0, 0, :no, 0)"
            ),
            {"no": False},
        )

    ran = omnisync("verify", config=fresh_config)
    told = json.loads(omnisync("verify", "--json", config=fresh_config).out)

    assert ran.code == 1
    assert "balances_are_sums: LAMP at linden" in ran.out
    assert told["checked"] == len(verify.INVARIANTS)
    assert "balances_are_sums" in told["violations"]
