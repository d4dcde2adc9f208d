"""Puts the server together: database, writer, reader, endpoints, pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from sqlalchemy.engine import Engine

from omnisync import __version__, writer
from omnisync.catalog import api as catalog_api
from omnisync.clock import Clock, Ids
from omnisync.http import Limits, Services, add_error_handlers
from omnisync.orders import pickup_api, reservations_api
from omnisync.pages import staff
from omnisync.settings import Settings
from omnisync.stock import api as stock_api
from omnisync.sync import availability_api

ROUTES = (
    availability_api.routes,
    catalog_api.routes,
    stock_api.routes,
    reservations_api.routes,
    pickup_api.routes,
    staff.routes,
)
STATIC = Path(__file__).parent / "pages" / "static"

DESCRIPTION = """One stock ledger for online shop, tills and marketplaces, with click and collect.

Send your key as `Authorization: Bearer omni_...`. Errors are RFC 9457 problems whose `type` ends in a stable short name.
Times are RFC 3339 in UTC, money is integer minor units, quantities are integers."""


def services_for(settings: Settings, engine: Engine, clock: Clock, ids: Ids, secret: bytes) -> Services:
    """The shared machinery over one database: one thread that writes, one that reads."""
    return Services(
        settings=settings,
        engine=engine,
        clock=clock,
        ids=ids,
        write=writer.writer(engine, ThreadPoolExecutor(1, "writer")),
        read=writer.reader(engine, ThreadPoolExecutor(1, "reader")),
        secret=secret,
    )


def create(services: Services) -> FastAPI:
    """The ASGI application over these services."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        services.engine.dispose()

    app = FastAPI(
        title="omnisync", version=__version__, description=DESCRIPTION, lifespan=lifespan,
        docs_url="/docs", redoc_url=None,
    )  # fmt: skip
    add_error_handlers(app)
    for routes in ROUTES:
        app.include_router(routes(services))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(Limits)
    return app
