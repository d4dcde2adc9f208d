"""`omnisync doctor`: is everything there that a good day needs, and if not, what mends it."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import sqlalchemy as sa
import typer
from sqlalchemy.engine import Engine
from sqlmodel import select

from omnisync import access, db
from omnisync.access.tables import User
from omnisync.adapters.client import ChannelClient
from omnisync.clock import SystemClock
from omnisync.commands import doctor_channels, https, tongue
from omnisync.commands.finding import Finding, Level, count
from omnisync.commands.world import AsJson, Config, World, check_schema, open_engine, sqlite_file, world_of
from omnisync.errors import NeedsAttention, TryLater
from omnisync.settings import Settings, chosen
from omnisync.stock.tables import Movement

MEGABYTE = 1_000_000
DISK_FAILS_MEGABYTES = 100
DISK_WARNS_MEGABYTES = 1_000
SKEW_WARNS = timedelta(seconds=2)
SKEW_FAILS = timedelta(seconds=30)


def doctor(
    context: typer.Context,
    channels: Annotated[bool, typer.Option(help="Also ask every channel.")] = True,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Look at settings, database, disk, clock and every channel. Exits 1 when something fails."""
    world = world_of(context)
    found = list(examine(world, config, channels=channels))
    if as_json:
        typer.echo(json.dumps({"findings": [asdict(finding) for finding in found]}, ensure_ascii=False))
    else:
        say, named = tongue.of(world.environ), tongue.named(world.environ)
        for finding in found:
            typer.echo(finding.told(say, named))
    if any(finding.level is Level.FAIL for finding in found):
        raise typer.Exit(1)


def examine(world: World, config: Path | None, *, channels: bool) -> Iterator[Finding]:
    """Everything that was looked at, in the order in which it should be mended."""
    try:
        settings = world.settings(config)
    except NeedsAttention as error:
        yield Finding(Level.FAIL, "settings", error.message, error.action)
        return
    yield _settings(settings, chosen(config, world.environ))
    yield _webhooks(settings)
    if channels and settings.server.public_url:
        yield asyncio.run(reached(world, settings))
    yield from https.examine(world, settings)
    yield from _database(world, settings)
    if channels:
        yield from asyncio.run(doctor_channels.examine(world, settings))


def _settings(settings: Settings, file: Path | None) -> Finding:
    found = f"{count(settings.locations, 'location')}, {count(settings.channels, 'channel')}"
    found = f"{found} in {file}" if file else found
    mend = "Copy config/omnisync.toml, fill it in, and name it by --config or OMNISYNC_CONFIG."
    return Finding(Level.OK if settings.locations else Level.WARN, "settings", found, mend)


def _webhooks(settings: Settings) -> Finding:
    url = urlsplit(settings.server.public_url)
    if url.scheme == "http" and not _is_here(url.hostname or ""):
        mend = (
            "Who runs the server: let a proxy bring TLS, then set server.public_url to its https:// address. Channels call "
            "nothing else, and without it every key, code and address of a customer can be read on the way."
        )
        return Finding(Level.FAIL, "public_url", f"{url.geturl()} is not encrypted", mend)
    if url.scheme:
        return Finding(Level.OK, "public_url", url.geturl())
    mend = (
        "Set server.public_url to the address under which channels reach this server; until then they are only polled."
    )
    return Finding(Level.WARN, "public_url", "is not set, so no channel can call us", mend)


async def reached(world: World, settings: Settings) -> Finding:
    """Whether that address leads to an omnisync, asked from here."""
    url = settings.server.public_url.rstrip("/")
    client = ChannelClient("public_url", url, world.tools, timeout_seconds=5.0)
    mend = (
        "Start `omnisync serve`, and let the proxy hand this address on to server.host and server.port. If channels reach it "
        "and only this machine does not (a router that does not lead back inside), nothing is wrong."
    )
    try:
        answer = await client.call("GET", "/livez", repeatable=False)
        is_ours = answer.status == 200 and answer.json() == {"status": "alive"}
    except TryLater as error:
        return Finding(Level.WARN, "public_url answers", error.message, mend)
    except NeedsAttention:
        is_ours = False
    finally:
        await client.close()
    if is_ours:
        return Finding(Level.OK, "public_url answers", f"{url}/livez is an omnisync")
    return Finding(Level.FAIL, "public_url answers", f"{url}/livez is answered by something else than omnisync", mend)


def _is_here(host: str) -> bool:
    """Whether that address never leaves this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _database(world: World, settings: Settings) -> Iterator[Finding]:
    try:
        with open_engine(settings) as engine:
            yield Finding(Level.OK, "database", f"{engine.dialect.name}, schema {check_schema(engine)}")
            yield from _disk(engine)
            yield _clock(engine, world)
            yield _logins(engine)
    except NeedsAttention as error:
        yield Finding(Level.FAIL, "database", error.message, error.action)
    except sa.exc.DBAPIError as error:
        mend = "Check database.url, that the server runs, and that this user may write there."
        yield Finding(Level.FAIL, "database", f"cannot be used: {str(error.orig).strip()}", mend)


def _disk(engine: Engine) -> Iterator[Finding]:
    """Only where the database is a file of ours."""
    file = sqlite_file(engine.url)
    if file is not None:
        yield disk_finding(shutil.disk_usage(file.absolute().parent).free // MEGABYTE)


def disk_finding(free_megabytes: int) -> Finding:
    """What so much free space means."""
    limits = ((DISK_FAILS_MEGABYTES, Level.FAIL), (DISK_WARNS_MEGABYTES, Level.WARN))
    level = next((level for limit, level in limits if free_megabytes < limit), Level.OK)
    mend = "Free some space: without it nothing can be recorded, and every request is answered 503."
    return Finding(level, "disk", f"{free_megabytes:,} MB free", mend)


def _clock(engine: Engine, world: World) -> Finding:
    with db.reading(engine) as session:
        ours, theirs = world.clock.now(), db.now(session, SystemClock())
        last = session.exec(select(sa.func.max(db.table(Movement).c.recorded_at))).one()
    return clock_finding(ours, theirs if engine.dialect.name == "postgresql" else ours, last)


def clock_finding(ours: datetime, databases: datetime, last_recorded: datetime | None) -> Finding:
    """What the difference between our clock, the database's and the journal's last entry means."""
    mend = "Let the system keep its time (timedatectl set-ntp true)."
    if last_recorded is not None and last_recorded - ours > SKEW_WARNS:
        return Finding(Level.FAIL, "clock", f"is behind the last movement by {last_recorded - ours}", mend)
    skew = abs(ours - databases)
    level = Level.FAIL if skew > SKEW_FAILS else Level.WARN if skew > SKEW_WARNS else Level.OK
    return Finding(level, "clock", f"{skew.total_seconds():.1f} s apart from the database's", mend)


def _logins(engine: Engine) -> Finding:
    with db.reading(engine) as session:
        keys = [key for key in access.list_keys(session) if key.revoked_at is None]
        users = session.exec(select(sa.func.count()).select_from(User)).one()
    if keys or users:
        return Finding(Level.OK, "access", f"{count(keys, 'key')}, {users} users")
    mend = "omnisync users create --role admin --name ... and omnisync keys create --role shop --name ..."
    return Finding(Level.WARN, "access", "nobody can log in and no program has a key", mend)
