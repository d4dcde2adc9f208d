from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.commands import backup
from tests.commands.conftest import Omnisync


def names(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as database:
        return [row[0] for row in database.execute("SELECT name FROM access_key ORDER BY name")]


def add_key(omnisync: Omnisync, config: Path, name: str) -> None:
    assert omnisync("keys", "create", "--role", "shop", "--name", name, config=config).code == 0


def test_a_backup_is_whole_while_the_database_is_in_use(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    add_key(omnisync, ready, "before")
    engine = db.engine_for(f"sqlite:///{tmp_path}/shop.db")

    with db.transaction(engine) as session:
        session.connection().exec_driver_sql("UPDATE access_key SET name = 'half done'")
        ran = omnisync("backup", str(tmp_path / "copy.db"), config=ready)
        session.rollback()

    engine.dispose()
    assert ran.code == 0
    assert names(tmp_path / "copy.db") == ["before"]
    assert [file.name for file in tmp_path.glob("copy.db*")] == ["copy.db"]


def test_a_backup_does_not_replace_a_file_unasked(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("precious", encoding="utf-8")

    assert omnisync("backup", str(copy), config=ready).code == 2
    assert copy.read_text(encoding="utf-8") == "precious"

    assert omnisync("backup", str(copy), "--overwrite", config=ready).code == 0
    assert names(copy) == []


def test_restoring_brings_back_what_was_and_keeps_what_is(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    add_key(omnisync, ready, "before")
    omnisync("backup", str(tmp_path / "copy.db"), config=ready)
    add_key(omnisync, ready, "later")

    refused = omnisync("restore", str(tmp_path / "copy.db"), config=ready)
    assert refused.code == 2
    assert names(tmp_path / "shop.db") == ["before", "later"]

    restored = omnisync("restore", str(tmp_path / "copy.db"), "--overwrite", config=ready)
    assert restored.code == 0
    assert names(tmp_path / "shop.db") == ["before"]
    assert names(tmp_path / "shop.db.before-restore") == ["before", "later"]
    assert omnisync("verify", config=ready).code == 0


def test_restoring_into_an_empty_place_works(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    add_key(omnisync, ready, "before")
    omnisync("backup", str(tmp_path / "copy.db"), config=ready)
    for file in tmp_path.glob("shop.db*"):
        file.unlink()

    assert omnisync("restore", str(tmp_path / "copy.db"), config=ready).code == 0
    assert names(tmp_path / "shop.db") == ["before"]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_what_is_no_backup_is_not_restored(omnisync: Omnisync, ready: Path, tmp_path: Path, content: bytes) -> None:
    add_key(omnisync, ready, "before")
    (tmp_path / "bad.db").write_bytes(content)

    ran = omnisync("restore", str(tmp_path / "bad.db"), "--overwrite", config=ready)

    assert ran.code == 1
    assert "no backup that can be used" in ran.err
    assert names(tmp_path / "shop.db") == ["before"]


def test_a_broken_page_is_noticed(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    omnisync("backup", str(tmp_path / "copy.db"), config=ready)
    content = bytearray((tmp_path / "copy.db").read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    (tmp_path / "copy.db").write_bytes(bytes(content))

    assert omnisync("restore", str(tmp_path / "copy.db"), "--overwrite", config=ready).code == 1


def test_a_backup_of_a_newer_version_is_not_restored(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    omnisync("backup", str(tmp_path / "copy.db"), config=ready)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")

    ran = omnisync("restore", str(tmp_path / "copy.db"), "--overwrite", config=ready)

    assert ran.code == 1
    assert "9999" in ran.err


def test_postgresql_is_pointed_to_its_own_tools(omnisync: Omnisync, fresh_config: Path, fresh: Engine) -> None:
    if fresh.dialect.name == "sqlite":
        omnisync("migrate", config=fresh_config)
        assert omnisync("backup", str(fresh_config.parent / "copy.db"), config=fresh_config).code == 0
        return

    ran = omnisync("backup", "copy.db", config=fresh_config)

    assert ran.code == 2
    assert "pg_dump" in ran.err


def test_a_backup_is_noted_for_the_list_of_the_day(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    for name in ("one.db", "two.db"):
        assert omnisync("backup", str(tmp_path / name), config=ready).code == 0

    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        noted = database.execute("SELECT channel, name, typeof(\"at\") FROM cursor WHERE name = 'backup'").fetchall()

    assert noted == [("#server", "backup", "integer")]


def test_a_long_copy_says_how_far_it_is(omnisync: Omnisync, ready: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []

    backup.copy(tmp_path / "shop.db", tmp_path / "copy.db", lambda done, total: heard.append((done, total)))

    done, total = heard[-1]
    assert done == total > 0
    assert [done for done, _ in heard] == sorted(done for done, _ in heard)
