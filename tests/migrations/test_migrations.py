from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import migrations
from omnisync.migrations import regenerate, tables

MOVEMENT = (
    "INSERT INTO movement (location, sku, kind, quantity, on_hand, reserved, blocked, incoming, safety, backorder, cause, occurred_at,"
    " recorded_at) VALUES ('linden', 'LAMP', 'found', 1, 1, 0, 0, 0, 0, 0, 'test', 0, 0)"
)


def names(engine: Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names()) - {"alembic_version"}


def test_upgrading_makes_every_table(fresh: Engine) -> None:
    migrations.upgrade(fresh)

    assert names(fresh) == set(tables.METADATA.tables)
    assert migrations.current(fresh) == migrations.newest() is not None


def test_the_migrations_and_the_tables_agree(fresh: Engine) -> None:
    migrations.upgrade(fresh)

    assert migrations.differences(fresh) == [], "python -m omnisync.migrations.regenerate"


def test_indexes_are_the_same_as_the_tables_say(fresh: Engine) -> None:
    migrations.upgrade(fresh)

    for table in tables.METADATA.sorted_tables:
        found = {index["name"]: index for index in sa.inspect(fresh).get_indexes(table.name)}
        for index in table.indexes:
            assert found[index.name]["unique"] == index.unique
            assert found[index.name]["column_names"] == [column.name for column in index.columns]
            where = index.dialect_options[fresh.dialect.name]["where"]
            assert (where is None) == (
                f"{fresh.dialect.name}_where" not in found[index.name].get("dialect_options", {})
            )


def test_the_migrated_journal_is_append_only(fresh: Engine) -> None:
    migrations.upgrade(fresh)
    with fresh.begin() as connection:
        connection.execute(sa.text(MOVEMENT))

    for statement in ("UPDATE movement SET quantity = 2", "DELETE FROM movement"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), fresh.begin() as connection:
            connection.execute(sa.text(statement))


def test_going_down_leaves_nothing_and_up_again_works(fresh: Engine) -> None:
    migrations.upgrade(fresh)

    migrations.downgrade(fresh)
    assert names(fresh) == set()
    assert migrations.current(fresh) is None

    migrations.upgrade(fresh)
    assert migrations.differences(fresh) == []


def test_upgrading_twice_changes_nothing(fresh: Engine) -> None:
    migrations.upgrade(fresh)
    with fresh.begin() as connection:
        connection.execute(sa.text(MOVEMENT))

    migrations.upgrade(fresh)

    with fresh.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM movement")).scalar_one() == 1


def test_a_step_that_fails_leaves_no_half_of_it(fresh: Engine) -> None:
    with fresh.begin() as connection:
        connection.execute(sa.text("CREATE TABLE shortage (id INTEGER)"))

    with pytest.raises(sa.exc.DBAPIError, match="shortage"):
        migrations.upgrade(fresh)

    assert names(fresh) == {"shortage"}


def test_the_first_migration_is_what_regenerating_writes() -> None:
    assert _letters(regenerate.FIRST.read_text(encoding="utf-8")) == _letters(regenerate.source())


def _letters(code: str) -> str:
    """The code without its layout, which the formatter decides."""
    return re.sub(r"[\s,()'\"]", "", code)
