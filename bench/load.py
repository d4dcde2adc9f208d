"""A load generator that costs less than what it measures: keep-alive connections in a closed loop, raw HTTP/1.1."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field


@dataclass
class Result:
    """What came back: how many of each status, and how long each answer took that counts."""

    successes: Collection[int]
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def served(self) -> int:
        return sum(self.statuses[status] for status in self.successes)

    @property
    def errors(self) -> int:
        """Answers that do not count, and connections that were lost (status 0)."""
        return self.statuses.total() - self.served

    @property
    def rate(self) -> float:
        """Answers that count, a second."""
        return self.served / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the answers did not exceed."""
        return percentile(self.latencies, share) * 1000


def percentile(values: Collection[float], share: float) -> float:
    """The value that this share of all does not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the last one was answered."""

    def __init__(self, requests: Iterator[bytes], result: Result, until: float, done: asyncio.Future[None]) -> None:
        self._requests, self._result, self._until, self._done = requests, result, until, done
        self._buffer, self._waiting = b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._result.statuses[0] += 1
        if not self._done.done():
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].partition(b"\r\n")[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._answered(int(head[9:12]))

    def _answered(self, status: int) -> None:
        self._waiting = False
        self._result.statuses[status] += 1
        if status in self._result.successes:
            self._result.latencies.append(time.perf_counter() - self._sent)
        self._next()

    def _next(self) -> None:
        self._sent = time.perf_counter()
        request = next(self._requests, None) if self._sent < self._until else None
        if request is None:
            self._transport.close()
        else:
            self._waiting = True
            self._transport.write(request)


async def drive(
    port: int, requests: Iterator[bytes], successes: Collection[int], *, connections: int, seconds: float
) -> Result:
    """Keep `connections` busy until the requests or the seconds are used up."""
    loop = asyncio.get_running_loop()
    result, started = Result(successes), time.perf_counter()
    dones = [loop.create_future() for _ in range(connections)]
    for done in dones:
        await loop.create_connection(
            lambda done=done: _Connection(requests, result, started + seconds, done), "127.0.0.1", port
        )
    await asyncio.gather(*dones)
    result.seconds = time.perf_counter() - started
    return result


def request(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """One request as bytes."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
