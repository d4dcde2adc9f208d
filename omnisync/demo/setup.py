"""Fills an empty database for the demo: schema, assortment and stock by the importers, keys and logins."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import access, db, migrations, settings
from omnisync.access import Role
from omnisync.adapters import registry
from omnisync.clock import Clock, Ids
from omnisync.demo.plan import Plan
from omnisync.errors import NeedsAttention
from omnisync.imports.articles_file import ArticlesFile
from omnisync.imports.reading import Reading
from omnisync.imports.runs import Importer
from omnisync.imports.stock_file import StockFile
from omnisync.stock.tables import Movement

OPS, STAFF = "ops", "linden"
"""The logins of the pages."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the demo's own programs open the server with."""

    shop: str = field(repr=False)
    ops: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class World:
    """Time, identifiers and chance of the demo."""

    clock: Clock
    ids: Ids
    chance: random.Random
    """The system's, for keys."""


@contextmanager
def open_database(url: str) -> Iterator[Engine]:
    """The demo's own door to the database, for as long as the block lasts."""
    engine = db.engine_for(url, pool_size=2)
    try:
        yield engine
    finally:
        engine.dispose()


def fill(plan: Plan, world: World) -> Keys:
    """Everything that an installer does by command. NeedsAttention when the database holds something already."""
    loaded = settings.load(plan.config, {}, adapters=registry.names(), own=registry.settings_of)
    with open_database(plan.database) as engine:
        migrations.upgrade(engine)
        _refuse_used(engine)
        _import(engine, world, plan.folder / "catalog.csv", ArticlesFile)
        _import(engine, world, plan.folder / "stock.csv", lambda: StockFile(loaded.locations, None))
        with db.transaction(engine) as session:
            return _let_in(session, plan.secrets, world)


def _refuse_used(engine: Engine) -> None:
    with db.reading(engine) as session:
        used = session.execute(sa.select(sa.func.count()).select_from(db.table(Movement))).scalar_one()
    if used:
        raise NeedsAttention(
            "This database is in use: its journal has rows.", action="Give the demo an empty database of its own."
        )


def _import(engine: Engine, world: World, file: Path, make: Callable[[], Reading[Any]]) -> None:
    outcome = Importer(engine, world.clock, world.ids).run(file, make)
    if outcome.run_id is None:
        faults = "; ".join(group.kind for group in outcome.survey.faults.groups)
        raise NeedsAttention(
            f"{file.name} was not imported: {faults or outcome.why}", action="This is a fault of ours."
        )


def _let_in(session: Session, secrets: Mapping[str, str], world: World) -> Keys:
    now = db.now(session, world.clock)

    def key(role: Role, name: str) -> str:
        return access.create_key(session, role, name, location=None, chance=world.chance, now=now).text

    access.create_user(session, OPS, secrets["ops_password"], Role.OPS, location=None, now=now)
    access.create_user(session, STAFF, secrets["staff_password"], Role.STAFF, location="linden", now=now)
    return Keys(shop=key(Role.SHOP, "Online-Shop"), ops=key(Role.OPS, "Demo"))
