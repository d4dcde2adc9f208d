"""`omnisync serve --tls`: which certificate the server has, and the two doors it keeps: https for everything, http for the way there."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
import uvicorn

from omnisync import app, certificates
from omnisync.certificates import Authority
from omnisync.clock import Clock
from omnisync.commands.finding import Finding, Level
from omnisync.commands.world import World, sqlite_file
from omnisync.errors import NeedsAttention
from omnisync.pages.trust import Doors
from omnisync.settings import Settings
from omnisync.values import format_time

FOLDER = "tls"
LOOKS_EVERY_SECONDS = 6 * 60 * 60.0
WARNS_SECONDS = 30 * 24 * 60 * 60
"""Half of what it is renewed before: who has not renewed by then does not."""
_ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses of nobody: which of ours would lead there is the one that others reach."""

HOW_SERVED: dict[str, Any] = {"access_log": False, "log_config": None, "timeout_graceful_shutdown": 10}
Door: TypeAlias = socket.socket  # noqa: TID251  this is where calls come in

log = structlog.get_logger(__name__)


def folder_of(settings: Settings) -> Path:
    """Where the certificates are kept: beside the database, else beside the server's key."""
    if settings.server.tls_folder:
        return Path(settings.server.tls_folder)
    file = sqlite_file(sa.make_url(settings.database.url)) or Path(settings.server.key_file)
    return file.absolute().parent / FOLDER


def keep(settings: Settings, host: str, clock: Clock) -> Authority:
    """The authority of these settings, for a server that listens at that host."""
    public = urlsplit(settings.server.public_url).hostname
    wanted = [name.lower() for name in (*settings.server.tls_names, *([public] if public else []))]
    return certificates.keep(folder_of(settings), list(dict.fromkeys(wanted)), own_names(host), clock.now())


def doors(settings: Settings, host: str, sockets: tuple[Door, Door], clock: Clock) -> Doors:
    """What the pages say about how this server is reached; the certificate is made if it has to be."""
    port, plain_port = (one.getsockname()[1] for one in sockets)
    return Doors(keep(settings, host, clock), port, plain_port)


def own_names(host: str) -> list[str]:
    """What others in the network call this machine, the surest first: its addresses, then its names."""
    if not _is_everywhere(host):
        return [host.lower()]
    addresses, name = list(_addresses(six=":" in host)), socket.gethostname().lower()
    return [*addresses, f"{name.partition('.')[0]}.local", name] if name and name != "localhost" else addresses


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _addresses(*, six: bool) -> Iterator[str]:
    """The addresses by which this machine would go out. Nothing is sent: a datagram's line is not spoken on by opening it."""
    for family, elsewhere in _ELSEWHERE if six else _ELSEWHERE[:1]:
        with socket.socket(family, socket.SOCK_DGRAM) as line:  # noqa: TID251  no network is reached
            try:
                line.connect((elsewhere, 9))
                yield line.getsockname()[0]
            except OSError:
                continue  # this machine has no such network


class _Quiet(uvicorn.Server):
    """A server whose end somebody else decides."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


Servers: TypeAlias = tuple[uvicorn.Server, uvicorn.Server]


def servers(application: Any, doors: Doors) -> Servers:
    """One for https, one for the way there."""
    main = uvicorn.Config(application, ssl_certfile=doors.authority.chain, **HOW_SERVED)
    main.load()  # makes the context that a renewed certificate is handed to
    return uvicorn.Server(main), _Quiet(uvicorn.Config(app.plain(doors), lifespan="off", **HOW_SERVED))


async def serve(both: Servers, sockets: tuple[Door, Door], doors: Doors, renew: Renew) -> None:
    """Both until the first is told to end; the certificate is looked at four times a day."""
    first, second = both
    assert first.config.ssl is not None
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(second.serve(sockets=[sockets[1]]))
        watch = tasks.create_task(renew.go_on(doors, first.config.ssl))
        await first.serve(sockets=[sockets[0]])
        watch.cancel()
        second.should_exit = True


class Renew:
    """Looks now and then whether the certificate has to be renewed, and hands a new one to connections that come from then on."""

    def __init__(self, settings: Settings, host: str, clock: Clock) -> None:
        self._settings, self._host, self._clock = settings, host, clock

    async def go_on(self, doors: Doors, context: ssl.SSLContext) -> None:
        """For ever."""
        while True:
            await self._clock.sleep(LOOKS_EVERY_SECONDS)
            self.look(doors, context)

    def look(self, doors: Doors, context: ssl.SSLContext) -> None:
        """Once. What does not work is said in the log: the old certificate serves until it ends."""
        try:
            found = keep(self._settings, self._host, self._clock)
        except NeedsAttention as error:
            log.error("certificate not renewed", reason=str(error), action=error.action)
            return
        if found.ends_at != doors.authority.ends_at:
            context.load_cert_chain(found.chain)
            log.info("certificate renewed", ends_at=format_time(found.ends_at))
        doors.authority = found


def examine(world: World, settings: Settings) -> Iterator[Finding]:
    """A line about the certificate, where there is one of ours."""
    folder, now = folder_of(settings), world.clock.now()
    if not (folder / certificates.SERVER).exists():
        return
    try:
        found = certificates.look(folder)
    except (OSError, ValueError) as error:
        mend = "Put the folder back from a backup, or move it away: the next start makes a new authority."
        yield Finding(Level.FAIL, "certificate", f"{folder} cannot be read: {error}", mend)
        return
    left = (found.ends_at - now).total_seconds()
    level = Level.FAIL if left <= 0 else Level.WARN if left < WARNS_SECONDS else Level.OK
    detail = f"ends {format_time(found.ends_at)}, for {', '.join(found.names)}"
    mend = "Start `omnisync serve --tls`, which renews it; if it runs, its log says why it could not."
    if left < WARNS_SECONDS and found.authority_ends_at <= found.ends_at:
        mend = f"The authority ends too: move {folder} away, start again, and let every device trust the new one (/ops/trust)."
    yield Finding(level, "certificate", detail, mend)
