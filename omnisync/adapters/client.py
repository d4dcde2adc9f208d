"""The one HTTP client of all adapters: timeouts, short retries, Retry-After, budgets, a breaker, tokens, one translation of errors.

This is the only module that imports httpx. What leaves it is a `Reply`, `TryLater` (the worker, by itself) or
`NeedsAttention` (a person). No header and no body of a request ever stands in an error.
"""

from __future__ import annotations

import asyncio
import email.utils
import importlib.util
import json
import random
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from omnisync.clock import Clock, Ids
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import as_utc

if importlib.util.find_spec("sniffio") is None:
    # httpcore asks for it at each step of each call; told once that it is not there, nobody searches the disk again.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

ATTEMPTS = 3
PATIENCE_SECONDS = 2.0
"""Longer waits belong to the worker, not into a call."""
LONGEST_WAIT_SECONDS = 86_400.0
"""A channel that asks for more has said something wrong: it is asked again the next day."""
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
MOST_BYTES = 64 << 20
"""No answer of a channel is longer, unpacked: the largest are reports and feeds."""
CONNECTIONS = 10
"""httpx's pool slows down with its size."""
Transport = httpx.AsyncBaseTransport
"""What carries requests: the network, or what stands in its place."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What the outside world hands to every adapter."""

    clock: Clock
    ids: Ids
    chance: random.Random
    transport: Transport | None = None
    """Tests and simulations put theirs here; None is the network."""


class Budget:
    """A token bucket: `rate` tokens come back each second, up to `burst`. Channels that tell their state feed it."""

    def __init__(self, clock: Clock, rate: float, burst: float, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._clock, self.rate, self.burst, self._patience = clock, rate, burst, patience_seconds
        self._tokens, self._at, self._part = burst, clock.monotonic(), 1.0
        self._turn = asyncio.Lock()

    async def take(self, cost: float = 1.0) -> None:
        """Wait until `cost` tokens are there; TryLater when that would take longer than we wait inside a call. Calls that are made side by
        side wait one after the other, each for tokens of its own."""
        async with self._turn:
            self._refill()
            lacking = min(cost, self.burst * self._part) - self._tokens
            if lacking > 0:
                seconds = lacking / (self.rate * self._part)
                if seconds > self._patience:
                    raise TryLater("The channel's rate limit is used up.", retry_after_seconds=seconds)
                await self._clock.sleep(seconds)
                self._refill()
            self._tokens -= cost

    def ready(self, tokens: float = 1.0) -> bool:
        """Whether so many are there now."""
        return self.held() >= tokens

    def held(self) -> float:
        """So many are there now."""
        self._refill()
        return self._tokens

    def resume(self, tokens: float) -> None:
        """Go on from what another process left over."""
        self._tokens, self._at = min(self.burst * self._part, tokens), self._clock.monotonic()

    def share(self, part: float) -> None:
        """From now on this part of what the channel allows is ours, and of what it says is left."""
        self._refill()
        self._part = part
        self._refill()

    def feed(self, tokens: float, *, rate: float | None = None, burst: float | None = None) -> None:
        """Believe what the channel says about its own bucket."""
        self.rate, self.burst = rate or self.rate, burst or self.burst
        self._tokens, self._at = tokens * self._part, self._clock.monotonic()

    def _refill(self) -> None:
        at = self._clock.monotonic()
        self._tokens = min(self.burst * self._part, self._tokens + (at - self._at) * self.rate * self._part)
        self._at = at


class Breaker:
    """Stops calling a channel that fails again and again. After a pause whoever calls may try: adapters call side by side, and what
    they ask for is wanted whole; the first failure ends it."""

    def __init__(self, clock: Clock, *, failures: int = 5, pause_seconds: float = 15.0) -> None:
        self._clock, self._limit, self._pause = clock, failures, pause_seconds
        self._failures, self._opened_at = 0, 0.0

    @property
    def state(self) -> str:
        """closed | open | half_open"""
        if self._failures < self._limit:
            return "closed"
        return "open" if self._remaining() > 0 else "half_open"

    def check(self) -> None:
        """TryLater while it is open."""
        if self.state == "open":
            raise TryLater(
                "The channel failed too often, it is left alone for a moment.", retry_after_seconds=self._remaining()
            )

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._opened_at = self._clock.monotonic()

    def _remaining(self) -> float:
        return self._pause - (self._clock.monotonic() - self._opened_at)


@dataclass
class TheirClock:
    """How far the clock of the machine that answers is ahead of ours, by the Date of its answers; below zero it is behind."""

    ahead: timedelta | None = None
    """The least that can be, for a Date has whole seconds and has travelled; None while it has not said."""

    def heard(self, headers: Mapping[str, str], *, asked: datetime, answered: datetime) -> None:
        """Believe the newest answer. One that was kept on the way, as its Age says, tells an earlier time."""
        told = None if "age" in headers else headers.get("date")
        try:
            theirs = _http_date(told) if told else None
        except (ValueError, OverflowError):
            theirs = None
        if theirs is not None:
            least, most = theirs - answered, theirs + _SECOND - asked
            self.ahead = least if least > _NONE else min(most, _NONE)


_NONE, _SECOND = timedelta(), timedelta(seconds=1)


class Sign(Protocol):
    """Makes the headers that sign one request."""

    def __call__(self, method: str, url: str, params: Mapping[str, Any]) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """What a channel answered. 401, 403, 408, 429 and 5xx never get this far."""

    status: int
    headers: Mapping[str, str]
    """Lower-case names."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON, fractions exact as Decimal. NeedsAttention when it is none."""
        try:
            return json.loads(self.body, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise NeedsAttention(
                f"The channel answered {self.status} with something that is no JSON.",
                action="Check that base_url names the API and not a web page or proxy.",
            ) from error

    def expect(self, *statuses: int) -> Reply:
        """Itself, if its status is one of these; NeedsAttention otherwise."""
        if self.status in (statuses or (200,)):
            return self
        raise NeedsAttention(
            f"The channel answered {self.status}: {self.body[:300].decode(errors='replace')}",
            action="Look at the channel's message; when the channel changed its API, update omnisync.",
        )


def listed(answer: Mapping[str, Any], name: str, *others: str) -> list[Any]:
    """The list of that name in an answer. A channel that leaves out what is empty sends nothing but `others` then; whatever has another
    form is a ValueError, for it must not be taken for an empty list: listings would be gone, and orders read."""
    found = answer.get(name)
    if isinstance(found, list):
        return found
    if name in answer or not set(answer) <= set(others):
        raise ValueError(f"there is no list of {name} in this answer")
    return []


@dataclass
class ChannelClient:
    """Calls one channel. `name` appears in errors; `auth_action` says how a person mends rejected credentials."""

    name: str
    base_url: str
    tools: Tools
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 10.0
    budget: Budget | None = None
    auth_action: str = "Check the channel's credentials in the settings, then sync again."
    sign: Sign | None = None
    """Headers of their own for each try, where a signature is good for one only."""
    most_bytes: int = MOST_BYTES
    """An answer that is longer is read no further: NeedsAttention, or cut off there, where only the status counts, as of every error."""
    cut_off: bool = False

    def __post_init__(self) -> None:
        self.breaker = Breaker(self.tools.clock)
        self.their_clock = TheirClock()
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            headers=dict(self.headers),
            timeout=httpx.Timeout(self.timeout_seconds, connect=min(5.0, self.timeout_seconds)),
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            transport=self.tools.transport,
            trust_env=False,
            follow_redirects=False,
        )

    async def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        cost: float = 1.0,
        repeatable: bool = True,
    ) -> Reply:
        """Send one request; `body` goes as JSON. A `repeatable` one is tried up to three times on faults that pass quickly.

        TryLater: no connection, timeout, 408, 429, 5xx (with Retry-After when told). NeedsAttention: 401 and 403.
        """
        retrying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS if repeatable else 1),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            retry=retry_if_exception(_passes_quickly),
            sleep=self.tools.clock.sleep,
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                self.breaker.check()
                if self.budget is not None:
                    await self.budget.take(cost)
                return await self._once(method, path, params=params, body=body, content=content, headers=headers)
        raise AssertionError("tenacity neither returned nor raised")

    async def _once(
        self, method: str, path: str, *, body: Any, headers: Mapping[str, str] | None, **rest: Any
    ) -> Reply:
        if self.sign is not None:
            headers = {**(headers or {}), **self.sign(method, f"{self.base_url}{path}", rest["params"] or {})}
        if body is not None:
            rest["content"] = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
            headers = {"content-type": "application/json", **(headers or {})}
        asked = self.tools.clock.now()
        try:
            async with self._http.stream(method, path, headers=headers, **rest) as response:
                self.their_clock.heard(response.headers, asked=asked, answered=self.tools.clock.now())
                return self._judge(response, await self._body(response))
        except httpx.TimeoutException as error:
            self.breaker.failed()
            raise Unanswered(f"{self.name} did not answer in {self.timeout_seconds:g} s.") from error
        except httpx.RequestError as error:
            self.breaker.failed()
            raise Unanswered(f"{self.name} cannot be reached at {self.base_url} ({type(error).__name__}).") from error

    async def _body(self, response: httpx.Response) -> bytes:
        """At most `most_bytes` of it, unpacked piece by piece: whoever sends without end fills nobody's memory."""
        body = bytearray()
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > self.most_bytes:
                if self.cut_off or response.status_code >= 400:
                    break
                raise NeedsAttention(
                    f"{self.name} answered with more than {self.most_bytes:,} bytes.",
                    action="Check that base_url names the API; where it is right, ask for fewer things at once.",
                )
        return bytes(body[: self.most_bytes])

    def _judge(self, response: httpx.Response, body: bytes) -> Reply:
        status = response.status_code
        if status in (401, 403):
            self.breaker.succeeded()
            kind = NotAdmitted if status == 401 else NeedsAttention
            raise kind(f"{self.name} refuses our credentials ({status}).", action=self.auth_action, code="credentials")
        if status == 429:
            self.breaker.succeeded()  # it is there, it only wants us slower
            wait = retry_after_seconds(response.headers.get("retry-after"), self.tools.clock.now())
            raise RateLimited(f"{self.name} limits our calls.", retry_after_seconds=wait)
        if status == 408 or status >= 500:
            self.breaker.failed()
            wait = retry_after_seconds(response.headers.get("retry-after"), self.tools.clock.now())
            raise Unanswered(f"{self.name} answered {status}.", retry_after_seconds=wait)
        self.breaker.succeeded()
        return Reply(status, {name.lower(): value for name, value in response.headers.items()}, body)

    async def close(self) -> None:
        await self._http.aclose()


class AccessToken:
    """A token that ends: kept until shortly before, fetched once for all who need it, and anew where the channel refuses it."""

    def __init__(
        self, clock: Clock, fetch: Callable[[], Awaitable[tuple[str, float]]], *, early_seconds: float
    ) -> None:
        self._clock, self._fetch, self._early = clock, fetch, early_seconds
        self._token, self._until, self._not_before = "", 0.0, 0.0
        self._lock = asyncio.Lock()

    async def use(self, call: Callable[[str], Awaitable[Reply]]) -> Reply:
        """What the call brings with a token that is still good; one that is refused is renewed once."""
        for last in (False, True):
            token = await self._good()
            try:
                return await call(token)
            except NotAdmitted:
                if last:
                    raise
                if self._token == token:  # else somebody renewed it meanwhile
                    self._token = ""
        raise AssertionError("the second try neither returned nor raised")

    async def _good(self) -> str:
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                self._token, seconds = await self._new()
                self._until = self._clock.monotonic() + max(0.0, seconds - self._early)
            return self._token

    async def _new(self) -> tuple[str, float]:
        """Logging in is what channels limit hardest: one that asked for quiet is not asked again by the next caller."""
        wait = self._not_before - self._clock.monotonic()
        if wait > 0:
            raise RateLimited("The channel limits how often we may log in.", retry_after_seconds=wait)
        try:
            return await self._fetch()
        except RateLimited as error:
            self._not_before = self._clock.monotonic() + (error.retry_after_seconds or 0.0)
            raise


class NotAdmitted(NeedsAttention):
    """401: what we showed is not good, or not any more."""


class Unanswered(TryLater):
    """No answer, or a 5xx: it may have had its effect all the same."""


class RateLimited(TryLater):
    """Certainly without effect."""


def _passes_quickly(error: BaseException) -> bool:
    return isinstance(error, Unanswered) and (error.retry_after_seconds or 0) <= PATIENCE_SECONDS


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """Retry-After as seconds from now; it comes as seconds or as an HTTP date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        seconds = float(value) if _NUMBER.fullmatch(value) else (_http_date(value) - now).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), LONGEST_WAIT_SECONDS)


def _http_date(value: str) -> datetime:
    told = email.utils.parsedate_to_datetime(value)
    return as_utc(told if told.tzinfo else told.replace(tzinfo=UTC))  # the oldest of its three forms names no zone
