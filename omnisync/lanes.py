"""The fast lane: the few endpoints that shops and channels call all day, straight on ASGI.

FastAPI spends most of a hot request on matching, wrapping and solving. A lane is found by method and path, and calls the
very same endpoint function. It takes plain requests only: whatever is odd about one is left to FastAPI, which judges it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from omnisync.clock import Clock
from omnisync.meters import Meters

PLAIN_BODY = 64 * 1024
"""Bytes. A larger body is nothing that is sent all day."""

Call = Callable[[], Awaitable[Response]]
Translate = Callable[[Request, Exception], Awaitable[Response]]


class Odd(Exception):
    """This request is for FastAPI."""


class Plain(Request):
    """A request whose body is here already."""

    def __init__(self, scope: Scope, body: bytes) -> None:
        super().__init__(scope)
        self._body = body

    def parse(self, model: type[BaseModel]) -> Any:
        """The body as this model. Odd when it does not call itself JSON, or when there is a query beside it."""
        if self.headers.get("content-type") != "application/json" or self.scope["query_string"]:
            raise Odd
        return model.model_validate(orjson.loads(self._body))

    def asked_for(self, *names: str) -> Mapping[str, list[str]]:
        """The query's values by name, in their order; where nothing is escaped there is nothing to decode. Odd when it names
        anything else."""
        query = self.scope["query_string"].decode("latin-1")
        pairs = parse_qsl(query, keep_blank_values=True) if "%" in query or "+" in query else _pairs(query)
        found: dict[str, list[str]] = {}
        for name, value in pairs:
            found.setdefault(name, []).append(value)
        if not found.keys() <= {*names}:
            raise Odd
        return found

    def key(self, *, longest: int) -> str | None:
        """The idempotency key. Odd when it is longer than that."""
        key = self.headers.get("idempotency-key")
        if key is not None and len(key) > longest:
            raise Odd
        return key


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            yield name, value


Prepare = Callable[[Plain], Awaitable[Call]]
"""Who asks and what, made into a call of the endpoint. Whatever it raises: this request is not plain."""


@dataclass(frozen=True)
class Lane:
    """One endpoint. `path` is its route, as meters and logs name it."""

    path: str
    prepare: Prepare


@dataclass
class Lanes:
    """All of them, by method and path as they stand in a request."""

    found: dict[tuple[str, str], Lane] = field(default_factory=dict)

    def add(self, method: str, path: str, prepare: Prepare, *, route: str | None = None) -> None:
        """Serve plain requests of this method and path by what `prepare` makes of them."""
        self.found[method, path] = Lane(route or path, prepare)


class App(FastAPI):
    """FastAPI with lanes around it."""

    def open_lanes(self, lanes: Lanes, meters: Meters, clock: Clock, translate: Translate) -> None:
        """From now on these are served straight, their errors translated as everywhere."""
        self._lanes, self._meters, self._clock, self._translate = lanes.found, meters, clock, translate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        lane = self._lanes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if lane is None or not (length := _length(scope)) <= PLAIN_BODY:
            return await super().__call__(scope, receive, send)
        began = self._clock.monotonic()
        body = await _read(receive) if length else b""
        asked = Plain(scope, body)
        try:
            call = await lane.prepare(asked)
        except Exception:
            return await super().__call__(scope, _again(body, receive), send)
        scope["route"] = lane
        try:
            response = await call()
        except Exception as error:
            response = await self._translate(asked, error)
        self._meters.request(scope["method"], lane.path, response.status_code, self._clock.monotonic() - began)
        await response(scope, receive, send)


def _length(scope: Scope) -> int:
    """Of the body as declared; more than we take where it is not, or in another way than in bytes."""
    length = 0
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return PLAIN_BODY + 1
        if name == b"content-length":
            length = int(value) if value.isdigit() else PLAIN_BODY + 1
    return length


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, and then whatever else comes."""
    rest = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return rest.pop() if rest else await receive()

    return replay
