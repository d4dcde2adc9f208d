"""HTTP/1.1 by hand, one request a connection: it may wait for minutes beside a thousand others and costs nothing meanwhile."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

_LENGTH = b"content-length:"


async def call(port: int, request: bytes) -> bytes:
    """The whole answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await read(reader)
    finally:
        writer.close()


async def ask(
    port: int, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close", "content-type: application/json",
        f"content-length: {len(content)}", *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]  # fmt: skip
    answer = await call(port, "\r\n".join([*lines, "", ""]).encode() + content)
    _, _, content = answer.partition(b"\r\n\r\n")
    return status_of(answer), json.loads(content) if content else None


def status_of(answer: bytes) -> int:
    """The number in its first line."""
    return int(answer[9:12])


async def read(reader: asyncio.StreamReader) -> bytes:
    """One message with its body. IncompleteReadError when the other side hung up."""
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().find(_LENGTH)
    length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return head + await reader.readexactly(length)


async def gate(port: int, behind: int, passed: Callable[[bytes, float], None]) -> asyncio.Server:
    """Passes requests on to the port behind it, and tells of each that was answered 2xx, with the moment of the answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await read(reader)
                answer = await call(behind, request)
                if 200 <= status_of(answer) < 300:
                    passed(request, time.monotonic())
                writer.write(answer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", port)
