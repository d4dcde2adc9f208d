"""Puts the server together: database, writer, reader, channels, worker, endpoints, pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from fastapi import APIRouter, FastAPI
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import __version__, db, migrations, openapi, routes, writer
from omnisync.access import sessions
from omnisync.adapters import registry
from omnisync.adapters.base import Adapter, Can, Write
from omnisync.adapters.client import ChannelClient, Tools
from omnisync.catalog import api as catalog_api
from omnisync.clock import Clock, Ids, system_chance
from omnisync.errors import NeedsAttention, TryLater
from omnisync.http import Limits, Measured, Services, add_error_handlers, answer_to
from omnisync.lanes import App
from omnisync.meters import Meters
from omnisync.orders import (
    desk,
    handover,
    mail,
    parcels_api,
    pauses_api,
    pickup_api,
    reservations_api,
    shortages_api,
    transfers_api,
)
from omnisync.orders.smtp import Smtp
from omnisync.pages import assets, languages, operations, ops, staff, staff_status, trust
from omnisync.pages.office import morning
from omnisync.pages.office.alerting import Watch
from omnisync.pages.office.stand_in import StandIn
from omnisync.pages.ops_switches import Switches
from omnisync.pages.practice import door as practice
from omnisync.settings import ChannelSettings, Settings
from omnisync.stock import api as stock_api
from omnisync.stock import ends, idempotency, policies, returns_api, stocktakes_api
from omnisync.sync import api as sync_api
from omnisync.sync import availability_api, events_api, explain_api, listeners_api, mappings_api
from omnisync.sync.alerts import ALIVE
from omnisync.sync.context import Context, Gathered
from omnisync.sync.listeners import Courier, Hook, Post
from omnisync.sync.tables import Cursor
from omnisync.worker import Chore, Errand, Worker

ROUTES: Sequence[Callable[[Services], APIRouter]] = (
    catalog_api.routes,
    stock_api.routes,
    returns_api.routes,
    stocktakes_api.routes,
    reservations_api.routes,
    pickup_api.routes,
    transfers_api.routes,
    parcels_api.routes,
    pauses_api.routes,
    shortages_api.routes,
    events_api.routes,
    listeners_api.routes,
    staff.routes,
)
POSTED_WITHIN_SECONDS = 15
"""An event to a listener, however slowly its answer drips."""
READ_OF_AN_ANSWER = 1 << 16
"""Bytes of what a listener answers, of which only the status counts: so much is read that the line can be used again."""

DESCRIPTION = """One stock ledger for online shop, tills and marketplaces, with click and collect.

Send your key as `Authorization: Bearer omni_...`. Errors are RFC 9457 problems whose `type` ends in a stable short name.
Times are RFC 3339 in UTC, money is integer minor units, quantities are integers."""


def services_for(settings: Settings, engine: Engine, clock: Clock, ids: Ids, secret: bytes) -> Services:
    """The shared machinery over one database: one thread that writes, one that reads, one for long reads."""
    meters = Meters()

    def watch(door: str) -> writer.Watch:
        return writer.Watch(clock.monotonic, partial(meters.batch_began, door))

    return Services(
        settings=settings,
        engine=engine,
        clock=clock,
        ids=ids,
        write=writer.writer(engine, ThreadPoolExecutor(1, "writer"), watch=watch("writer")),
        read=writer.reader(engine, ThreadPoolExecutor(1, "reader"), watch=watch("reader")),
        report=writer.reader(engine, ThreadPoolExecutor(1, "report"), watch=watch("report")),
        secret=secret,
        meters=meters,
    )


def switches_for(address: str | None, tools: Tools) -> Switches | None:
    """The demo's switches behind the JSON door at that address; None where there is no demo."""
    if not address:
        return None
    door = urlsplit(address)
    client = ChannelClient("demo", f"{door.scheme}://{door.netloc}", tools, timeout_seconds=2.0)

    async def call(method: str, body: Any) -> Any:
        return (await client.call(method, door.path or "/", body=body, repeatable=False)).expect().json()

    return Switches(call)


def adapters_for(
    settings: Settings, tools: Tools, factory: Callable[[str], registry.Factory] = registry.factory
) -> dict[str, Adapter]:
    """An adapter for each channel of the settings."""
    made = {
        channel.name: factory(channel.adapter)(
            channel.name, channel.settings, channel.location_map, settings.server.public_url, tools
        )
        for channel in settings.channels
    }
    for channel in settings.channels:
        _one_place_each(channel, made[channel.name].can)
    return made


def _one_place_each(channel: ChannelSettings, can: Can) -> None:
    """A channel that takes a number per place would offer the pieces of a location twice if two places meant it."""
    if not can.many_locations or can.write is Write.NONE:
        return
    places: dict[str, str] = {}
    for place, location in channel.location_map.items():
        if location in places:
            raise NeedsAttention(
                f"{channel.name}: location_map maps both {places[location]} and {place} to {location}, whose pieces would be "
                "offered twice.",
                action=f"Map one place of {channel.name} to each location.",
                code="settings",
            )
        places[location] = place


def context_for(services: Services, adapters: Mapping[str, Adapter]) -> Context:
    """What the sync engine works with on this server."""
    return Context(
        store=Gathered(services.write, services.read),
        settings=services.settings,
        clock=services.clock,
        ids=services.ids,
        adapters=adapters,
        ring_up=handover.ringing(services.settings),
        desk=pickup_api.desk_for(services),
    )


def worker_for(services: Services, context: Context) -> Worker:
    """The worker over these services, with the duties that belong to no channel."""
    of_the_desk = desk.chores(pickup_api.desk_for(services))
    chores: list[Chore] = [*of_the_desk, morning.chore(context), _stay_alive, _forget_keys, _forget_sessions]
    return Worker(context, owner=f"worker-{services.ids.new()}", chores=chores, errands=_errands(services, context))


def connect(services: Services, worker: Worker) -> None:
    """Let the worker hear of every commit of this process that it should look at."""
    services.changed = worker.wake
    services.write.committed.append(worker.hear)


def stand_in_for(services: Services, context: Context) -> StandIn | None:
    """Who speaks for a worker that stands still; None where there is nobody to be told."""
    told, mails = services.settings.alerts, _mails(services)
    if not (told.url or (told.to and mails)):
        return None
    store, owner = Gathered(services.write, services.read), f"server-{services.ids.new()}"
    return StandIn(store, context, owner, [_courier(services).deliver_own, *mails])


def _errands(services: Services, context: Context) -> list[Errand]:
    watch = Watch(Gathered(services.write, services.report), context)
    return [_courier(services).deliver_due, watch.look, *_mails(services)]


def _courier(services: Services) -> Courier:
    told = services.settings.alerts
    hook = Hook(told.url, told.key) if told.url else None
    return Courier(Gathered(services.write, services.read), services.clock, services.secret, _post(services), hook)


def _mails(services: Services) -> list[Errand]:
    settings = services.settings.mail
    if not settings.host:
        return []
    smtp = Smtp(settings.host, settings.port, ThreadPoolExecutor(1, "mail"))
    return [lambda: mail.send_due(services.engine, smtp, services.clock, sender=settings.sender)]


def _post(services: Services) -> Post:
    """Sends to any address, over a line of its own: one that fails leaves its neighbours on the same host alone."""
    tools, lines = Tools(services.clock, services.ids, system_chance()), dict[str, ChannelClient]()

    async def post(url: str, headers: Mapping[str, str], body: bytes) -> int:
        address = urlsplit(url)
        host, rest = f"{address.scheme}://{address.netloc}", urlunsplit(("", "", address.path, address.query, ""))
        if url not in lines:
            lines[url] = ChannelClient(str(address.hostname), host, tools, most_bytes=READ_OF_AN_ANSWER, cut_off=True)
        try:
            async with asyncio.timeout(POSTED_WITHIN_SECONDS):
                reply = await lines[url].call("POST", rest, content=body, headers=headers, repeatable=False)
        except NeedsAttention:
            return 403
        except TimeoutError as error:
            raise TryLater(f"{address.hostname} did not answer in {POSTED_WITHIN_SECONDS} s.") from error
        return reply.status

    return post


def _stay_alive(session: Session, now: datetime) -> object:
    row = {"channel": ALIVE[0], "name": ALIVE[1], "value": None, "at": now}
    db.upsert(session, db.table(Cursor), [row], key=("channel", "name"), update=("at",))
    return None


def _forget_keys(session: Session, now: datetime) -> object:
    return idempotency.forget(session, now=now)


def _forget_sessions(session: Session, now: datetime) -> object:
    return sessions.forget(session, now=now)


def make_ready(settings: Settings, engine: Engine, clock: Clock) -> None:
    """Bring the schema up to date, and begin."""
    migrations.upgrade(engine)
    begin(settings, engine, clock)


def begin(settings: Settings, engine: Engine, clock: Clock) -> None:
    """Keep the policies that now hold, and excuse the time that we were down."""
    with db.transaction(engine) as session:
        now = db.now(session, clock)
        policies.load(session, settings, now=now)
        alive = session.get(Cursor, ALIVE)
        if alive is not None and now - alive.at > timedelta(minutes=1):
            ends.excuse_outage(session, down_since=alive.at, now=now)
        _stay_alive(session, now)


def create(
    services: Services,
    context: Context | None = None,
    worker: Worker | None = None,
    switches: Switches | None = None,
    doors: trust.Doors | None = None,
    stand_in: StandIn | None = None,
) -> FastAPI:
    """The ASGI application over these services; with a worker it keeps the channels in step while it serves.

    `doors` say how it is reached, where it brings its own TLS. `stand_in` tells the office when no worker works.
    """
    context = context or context_for(services, {})

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            watch = stand_in and tasks.create_task(stand_in.run(services.clock))
            if worker is not None:
                connect(services, worker)
                tasks.create_task(worker.run())
            yield
            if watch:
                watch.cancel()
            if worker is not None:
                worker.stop()
        for adapter in context.adapters.values():
            await adapter.close()
        services.engine.dispose()

    app = App(
        title="omnisync", version=__version__, description=DESCRIPTION, lifespan=lifespan,
        docs_url="/docs", redoc_url=None,
    )  # fmt: skip
    add_error_handlers(app)
    routes.add(
        app,
        availability_api.routes(services, context),
        *(made(services) for made in ROUTES),
        explain_api.routes(services, context),
        mappings_api.routes(services, context),
        sync_api.routes(services, context),
        operations.routes(services, context),
        ops.routes(services, context, switches, doors),
        staff_status.routes(services, context),
        languages.routes(),
        trust.routes(doors),
        practice.routes(services, ThreadPoolExecutor(1, "practice")),
    )
    app.mount("/static", assets.Assets(), name="static")
    app.add_middleware(Limits)
    app.add_middleware(Measured, meters=services.meters, clock=services.clock)
    app.open_lanes(services.lanes, services.meters, services.clock, answer_to)
    openapi.describe(app)
    return app


def plain(doors: trust.Doors) -> FastAPI:
    """What answers http where the server speaks https: the authority's certificate, and the way to https."""
    app = FastAPI(openapi_url=None)
    routes.add(app, trust.routes(doors), languages.routes())
    app.mount("/static", assets.Assets(), name="static")
    routes.add(app, trust.way(doors))
    return app
