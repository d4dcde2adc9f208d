"""The line between an adapter and its simulated channel, on which everything can go wrong that goes wrong on a network."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from omnisync.adapters.client import Transport
from omnisync.clock import Clock


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the adapter."""

    number: int
    method: str
    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a call that does not simply pass."""

    status: int | None = None
    """The channel never sees it; this is answered."""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    lost: bool = False
    """The channel does what was asked, and the answer does not arrive."""


UNANSWERED = Fate()
"""Nobody hears it, nobody answers."""
ANSWER_LOST = Fate(lost=True)


class Wire(httpx.AsyncBaseTransport):
    """Passes calls on; `fate` decides what becomes of each, `change` what becomes of the JSON that is answered."""

    def __init__(self, inner: Transport | None, clock: Clock) -> None:
        self._inner, self._clock = inner, clock
        self.calls: list[tuple[float, str]] = []
        """When each was made, and what it asked."""
        self.calm()

    def calm(self) -> None:
        """From now on all is well."""
        self.before: Callable[[Call], Awaitable[None]] | None = None
        self.fate: Callable[[Call], Fate | None] = lambda call: None
        self.change: Callable[[Any], Any] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        call = Call(len(self.calls), request.method, str(request.url), body)
        self.calls.append((self._clock.monotonic(), f"{request.method} {request.url.path}"))
        if self.before is not None:
            await self.before(call)
        fate = self.fate(call)
        if fate is None:
            return await self._pass(request)
        if fate.status is not None:
            return httpx.Response(fate.status, headers=dict(fate.headers), content=fate.body, request=request)
        if fate.lost:
            await self._pass(request)
        raise httpx.ReadTimeout("no answer", request=request)

    async def _pass(self, request: httpx.Request) -> httpx.Response:
        if self._inner is None:
            raise httpx.ConnectError("this channel has no network", request=request)
        response = await self._inner.handle_async_request(request)
        body = await response.aread()
        if self.change is not None:
            body = _changed(body, self.change)
        headers = [(name, value) for name, value in response.headers.items() if name != "content-length"]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)


def _changed(body: bytes, change: Callable[[Any], Any]) -> bytes:
    try:
        value = json.loads(body)
    except ValueError:
        return body
    made = change(value)
    return made if isinstance(made, bytes) else json.dumps(made, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as a channel in memory sees it. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """What it answers, as JSON unless it is text."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def answering(answer: Callable[[Asked], Answered]) -> Transport:
    """A function in this process in the place of the network."""

    def handle(request: httpx.Request) -> httpx.Response:
        asked = Asked(request.method, request.url.path, request.url.params, request.headers, request.content)
        said = answer(asked)
        content = said.body.encode() if isinstance(said.body, str) else json.dumps(said.body).encode()
        return httpx.Response(said.status, headers=dict(said.headers), content=content, request=request)

    return httpx.MockTransport(handle)


def asgi(app: Any) -> Transport:
    """An app in this process in the place of the network."""
    return httpx.ASGITransport(app)
