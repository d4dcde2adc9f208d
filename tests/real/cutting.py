"""A line between two ends that breaks when so many bytes have gone over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_AT_ONCE = 4096


@dataclass
class Line:
    """Carries everything to `port` and back, until it breaks; after that it carries again."""

    port: int
    breaks_after: int | None = None
    carried: int = 0
    breaks: int = 0
    here: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        there_reads, there_writes = await asyncio.open_connection("127.0.0.1", self.port)
        both = {writer, there_writes}
        self._open |= both
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._one_way(reader, there_writes))
                group.create_task(self._one_way(there_reads, writer))
        finally:
            for end in both:
                end.close()
            self._open -= both

    async def _one_way(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while part := await source.read(_AT_ONCE):
                self.carried += len(part)
                if self.breaks_after is not None and self.carried >= self.breaks_after:
                    self._break()
                    return
                target.write(part)
                await target.drain()
        target.close()

    def _break(self) -> None:
        self.breaks_after, self.breaks = None, self.breaks + 1
        for end in self._open:
            end.transport.abort()


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A line that listens on a port of its own (`here`)."""
    line = Line(port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.here = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await server.wait_closed()
