"""Rooms to practise in: each has a database of its own in memory, belongs to one session, and ends by itself."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from fastapi import FastAPI
from sqlalchemy.engine import Connection, Engine

from omnisync import db, migrations, routes, writer
from omnisync.engines import IN_MEMORY
from omnisync.errors import TryLater
from omnisync.http import Services, add_error_handlers
from omnisync.orders import pickup_api
from omnisync.pages import staff
from omnisync.pages.logins import Login
from omnisync.pages.practice import day
from omnisync.settings import LocationSettings, MailSettings, Settings
from omnisync.settings.models import LEDGER, AlertSettings

AT_ONCE = 8
"""Each is some megabytes of memory."""
LASTS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Room:
    """One practice: the desk's application over its own services."""

    api: FastAPI
    engine: Engine
    until: datetime
    store: str
    code: str
    """Opens one of its pickups."""


class Rooms:
    """The practices that go on in this process, by the session that opened them."""

    def __init__(self, services: Services, executor: Executor) -> None:
        self._services, self._executor = services, executor
        self._open: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._open)

    def find(self, login: Login) -> Room | None:
        """The practice of this session, as long as it lasts."""
        self._sweep()
        return self._open.get(login.here.session_id)

    async def open(self, login: Login) -> Room:
        """A fresh day for this session, in place of the one it had. TryLater when too many practise."""
        self.close(login)
        self._sweep()
        if len(self._open) >= AT_ONCE:
            raise TryLater("Too many people practise just now.", retry_after_seconds=60)
        engine, now = db.engine_for(IN_MEMORY), self._services.clock.now()
        services = self._furnish(engine)
        desk = pickup_api.desk_for(services)
        await asyncio.get_running_loop().run_in_executor(self._executor, _fill, engine)
        code = await services.write.run(lambda session: day.play(session, desk, services.settings, login, now=now))
        api = FastAPI(openapi_url=None)
        add_error_handlers(api)
        routes.add(api, staff.routes(services))
        room = Room(api, engine, now + LASTS, login.store, code)
        self._open[login.here.session_id] = room
        return room

    def close(self, login: Login) -> None:
        """Throw this session's practice away."""
        if found := self._open.pop(login.here.session_id, None):
            self._clear(found)

    def _sweep(self) -> None:
        now = self._services.clock.now()
        for name in [name for name, room in self._open.items() if room.until <= now]:
            self._clear(self._open.pop(name))

    def _clear(self, room: Room) -> None:
        """In the thread that reads and writes there: SQLite brings the process down when a connection is closed in the middle of a query."""
        self._executor.submit(room.engine.dispose)

    def _furnish(self, engine: Engine) -> Services:
        """The same clock, names and key, another database: nothing of it writes to the real one, or to anybody at all."""
        real, thread = self._services, self._executor
        return Services(
            settings=_alone(real.settings), engine=engine, clock=real.clock, ids=real.ids, secret=real.secret,
            write=writer.writer(engine, thread), read=writer.reader(engine, thread), report=writer.reader(engine, thread),
        )  # fmt: skip


def _fill(engine: Engine) -> None:
    """Give it the tables of an empty installation."""
    with engine.connect() as connection:
        _raw(connection).deserialize(_tables())


@cache
def _tables() -> bytes:
    """An empty installation, made once by the migrations: that takes a second, a copy of it none."""
    engine = db.engine_for(IN_MEMORY)
    try:
        migrations.upgrade(engine)
        with engine.connect() as connection:
            return cast(bytes, _raw(connection).serialize())
    finally:
        engine.dispose()


def _raw(connection: Connection) -> Any:
    """The driver's own connection."""
    return connection.connection.driver_connection


def _alone(settings: Settings) -> Settings:
    """The same stores, without channels, mails and alerts."""
    stores = [_own(one) for one in settings.locations]
    return settings.model_copy(
        update={"locations": stores, "channels": [], "mail": MailSettings(), "alerts": AlertSettings()}
    )


def _own(location: LocationSettings) -> LocationSettings:
    return location.model_copy(update={"stock_owner": LEDGER, "email": None, "manager_email": None})
