"""What every command is handed: clock, chance, environment, and through them the settings and the database."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import sqlalchemy as sa
import typer
from pydantic import BaseModel
from sqlalchemy.engine import Engine

from omnisync import db, migrations, settings
from omnisync.adapters import registry
from omnisync.adapters.client import Tools
from omnisync.clock import Clock, Ids, SystemClock, system_chance, system_ids
from omnisync.errors import NeedsAttention
from omnisync.settings import Settings
from omnisync.settings.faults import nearest

Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The settings; else OMNISYNC_CONFIG, else config/omnisync.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for programs.")]


@dataclass(frozen=True, slots=True)
class World:
    """The outside of a command; tests hand in one of their own."""

    clock: Clock
    chance: random.Random
    ids: Ids
    environ: Mapping[str, str]
    factory: Callable[[str], registry.Factory] = registry.factory
    own: Callable[[str], type[BaseModel] | None] = registry.settings_of
    """What an adapter of that name understands below `[channels.settings]`."""
    transport: Any = None
    """In place of the network, where a test has one."""

    @property
    def tools(self) -> Tools:
        """What adapters are made with."""
        return Tools(clock=self.clock, ids=self.ids, chance=self.chance, transport=self.transport)

    def settings(self, config: Path | None) -> Settings:
        """The settings, checked. BadSettings names everything that is wrong with them."""
        return settings.load(config, self.environ, adapters=registry.names(), own=self.own)

    @contextmanager
    def engine(self, config: Path | None) -> Iterator[Engine]:
        """The database at the schema this version needs, for as long as the block lasts."""
        with open_engine(self.settings(config)) as engine:
            check_schema(engine)
            yield engine


def system_world() -> World:
    """The real one."""
    return World(SystemClock(), system_chance(), system_ids(), os.environ)


def world_of(context: typer.Context) -> World:
    """What this command was handed."""
    return cast(World, context.obj)


@contextmanager
def open_engine(settings: Settings) -> Iterator[Engine]:
    """The database as it stands, whatever its schema."""
    file = sqlite_file(sa.make_url(settings.database.url))
    if file is not None and not file.absolute().parent.is_dir():
        raise NeedsAttention(
            f"There is no folder {file.absolute().parent} for the database.", action="Make it, or correct database.url."
        )
    try:
        engine = db.engine_for(settings.database.url)
    except ModuleNotFoundError as error:
        raise NeedsAttention(
            f"The driver for this database is not installed ({error.name}).", action="pip install 'omnisync[postgres]'"
        ) from error
    try:
        yield engine
    finally:
        engine.dispose()


def check_schema(engine: Engine) -> str:
    """The schema's revision. NeedsAttention when it is not the one this version needs."""
    file = sqlite_file(engine.url)
    # Connecting would make an empty file, and the next look would find a database that is not one.
    found = None if file is not None and not file.exists() else migrations.current(engine)
    wanted = migrations.newest()
    if found is None or found != wanted:
        stands = f"stands at {found}" if found else "has no tables yet"
        raise NeedsAttention(
            f"The database {stands}, this version of omnisync needs {wanted}.", action="omnisync migrate", code="schema"
        )
    return found


def sqlite_file(url: sa.URL) -> Path | None:
    """The file of an SQLite database; None for every other."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def known_location(settings: Settings, code: str | None) -> str | None:
    """The same code. BadParameter with the nearest right name when the settings have no such location."""
    codes = [location.code for location in settings.locations]
    if code is None or code in codes:
        return code
    hint = nearest(code, codes)
    meant = f" Did you mean {hint}?" if hint else ""
    raise typer.BadParameter(
        f"there is no location {code!r} in the settings ({', '.join(codes) or 'none'}).{meant}", param_hint="--location"
    )
