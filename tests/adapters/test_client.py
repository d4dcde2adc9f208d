"""What the one HTTP client does when a channel does not answer: three tries, the waits it is told, and a breaker."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from omnisync.adapters.client import (
    LONGEST_WAIT_SECONDS,
    Budget,
    ChannelClient,
    Reply,
    Tools,
    Unanswered,
    retry_after_seconds,
)
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention, TryLater
from tests.conftest import START

pytestmark = pytest.mark.anyio
Channel = Callable[[int], httpx.Response]


def calling(tools: Tools, answer: Channel) -> tuple[ChannelClient, list[httpx.Request]]:
    """A client whose n-th request is answered so."""
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer(len(asked))

    return ChannelClient("shop", "http://shop.test", replace(tools, transport=httpx.MockTransport(handle))), asked


def status_from(n: int, *statuses: int) -> httpx.Response:
    """The n-th of these; the last one from then on."""
    return httpx.Response(statuses[min(n, len(statuses)) - 1], json={})


async def test_what_passes_quickly_is_tried_three_times_with_waits_in_between(tools: Tools, clock: StoppedClock):
    mended, asked = calling(tools, lambda n: status_from(n, 502, 503, 200))
    before = clock.monotonic()

    assert (await mended.call("GET", "/")).status == 200
    assert len(asked) == 3
    assert 0 < clock.monotonic() - before <= 2

    broken, asked = calling(tools, lambda n: status_from(n, 500))
    with pytest.raises(Unanswered, match="answered 500"):
        await broken.call("GET", "/")
    assert len(asked) == 3


class Endless(httpx.AsyncByteStream):
    """Sends pieces of a kilobyte for as long as anybody listens."""

    def __init__(self) -> None:
        self.sent, self.closed = 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent < 1000:
            self.sent += 1
            yield bytes(1024)

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("status", "trouble", "says"),
    [(200, NeedsAttention, "more than 10,000 bytes"), (500, Unanswered, "answered 500")],
)
async def test_an_answer_without_end_is_read_no_further_than_it_may_be(
    tools: Tools, status: int, trouble: type[Exception], says: str
):
    endless = Endless()
    client, _ = calling(tools, lambda n: httpx.Response(status, stream=endless))
    client.most_bytes = 10_000

    with pytest.raises(trouble, match=says):
        await client.call("GET", "/", repeatable=False)

    assert (endless.sent, endless.closed) == (10, True)


async def test_of_an_answer_of_which_only_the_status_counts_the_rest_is_left(tools: Tools):
    endless = Endless()
    client, _ = calling(tools, lambda n: httpx.Response(200, stream=endless))
    client.most_bytes, client.cut_off = 10_000, True

    reply = await client.call("GET", "/")

    assert (reply.status, len(reply.body), endless.sent, endless.closed) == (200, 10_000, 10, True)


async def test_what_is_packed_small_is_measured_as_it_is_unpacked(tools: Tools):
    packed = gzip.compress(bytes(1_000_000))
    client, _ = calling(tools, lambda n: httpx.Response(200, headers={"content-encoding": "gzip"}, content=packed))
    client.most_bytes = 900_000
    assert len(packed) < 10_000

    with pytest.raises(NeedsAttention, match="more than 900,000 bytes"):
        await client.call("GET", "/")
    client.most_bytes = 1_000_000
    assert (await client.call("GET", "/")).body == bytes(1_000_000)


@pytest.mark.parametrize(
    ("answer", "repeatable"),
    [
        (httpx.Response(500), False),  # it may have had its effect
        (httpx.Response(503, headers={"retry-after": "3"}), True),  # a wait that belongs to the worker
        (httpx.Response(429, headers={"retry-after": "1"}), True),  # it wants us slower, not once more
        (httpx.Response(401), True),
    ],
)
async def test_what_does_not_is_tried_once(tools: Tools, answer: httpx.Response, repeatable: bool):
    client, asked = calling(tools, lambda n: answer)

    with pytest.raises((TryLater, NeedsAttention)):
        await client.call("POST", "/", repeatable=repeatable)

    assert len(asked) == 1


async def test_an_answer_that_nobody_can_unpack_is_none(tools: Tools):
    torn = {"content-encoding": "gzip"}
    client, asked = calling(tools, lambda n: httpx.Response(200, headers=torn, stream=httpx.ByteStream(b"no gzip")))

    with pytest.raises(Unanswered, match="DecodingError"):
        await client.call("GET", "/")

    assert len(asked) == 3


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff", b"[" * 100_000])
async def test_an_answer_that_is_no_json_goes_to_a_person(tools: Tools, body: bytes):
    client, _ = calling(tools, lambda n: httpx.Response(200, content=body))
    reply = await client.call("GET", "/")

    with pytest.raises(NeedsAttention, match="no JSON"):
        reply.json()


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7), ("1.5", 1.5), ("-3", 0),
        ("Sat, 21 Nov 2026 10:00:30 GMT", 30), ("Saturday, 21-Nov-26 10:00:30 GMT", 30), ("Sat Nov 21 10:00:30 2026", 30),
        ("Sat, 21 Nov 2026 09:00:00 GMT", 0),
        ("9" * 400, LONGEST_WAIT_SECONDS), ("Sat, 21 Nov 2099 10:00:00 GMT", LONGEST_WAIT_SECONDS),
        ("soon", None), ("nan", None), ("inf", None), ("", None), (None, None),
        ("Sat, 21 Nov 99999999999999999999 10:00:00 GMT", None),
    ],
)  # fmt: skip
async def test_a_wait_is_told_in_seconds_or_as_any_of_the_three_dates_of_http(told: str | None, seconds: float | None):
    assert retry_after_seconds(told, START) == seconds


async def test_the_wait_of_an_answer_reaches_who_tries_later(tools: Tools):
    date = {"retry-after": "Sat, 21 Nov 2026 10:05:00 GMT"}
    client, asked = calling(tools, lambda n: httpx.Response(503, headers=date))

    with pytest.raises(Unanswered) as late:
        await client.call("GET", "/")

    assert (late.value.retry_after_seconds, len(asked)) == (300, 1)


async def test_after_five_failures_a_channel_is_left_alone_until_one_call_succeeds(tools: Tools, clock: StoppedClock):
    fails = True
    client, asked = calling(tools, lambda n: httpx.Response(500 if fails else 200, json={}))

    async def once() -> Reply:
        return await client.call("GET", "/", repeatable=False)

    for _ in range(5):
        assert client.breaker.state == "closed"
        with pytest.raises(Unanswered):
            await once()
    assert client.breaker.state == "open"
    clock.advance(seconds=5)
    with pytest.raises(TryLater, match="left alone") as told:
        await once()
    assert (len(asked), told.value.retry_after_seconds) == (5, 10)

    clock.advance(seconds=10)
    assert client.breaker.state == "half_open"
    with pytest.raises(Unanswered):
        await once()  # and it is open again, for a whole pause
    assert (len(asked), client.breaker.state) == (6, "open")

    clock.advance(seconds=15)
    fails = False
    assert (await once()).status == 200
    assert client.breaker.state == "closed"
    fails = True
    with pytest.raises(Unanswered):
        await once()
    assert client.breaker.state == "closed"


async def test_after_the_pause_calls_that_belong_together_are_let_through_together(clock: StoppedClock, tools: Tools):
    client, asked = calling(tools, lambda n: httpx.Response(200, json={}))
    for _ in range(5):
        client.breaker.failed()
    clock.advance(seconds=15)

    answers = await asyncio.gather(*(client.call("GET", "/") for _ in range(3)))

    assert [answer.status for answer in answers] == [200] * 3
    assert (len(asked), client.breaker.state) == (3, "closed")


@pytest.mark.parametrize(
    ("tells", "headers", "ahead"),
    [
        (timedelta(minutes=-5), {}, timedelta(minutes=-5, seconds=1)),
        (timedelta(minutes=5), {}, timedelta(minutes=5)),
        (timedelta(), {}, timedelta()),
        (timedelta(seconds=-1), {}, timedelta()),  # its whole second had begun a moment before
        (timedelta(minutes=-5), {"age": "300"}, None),  # a copy that was kept on the way
    ],
)
async def test_how_far_the_clock_of_a_channel_is_ahead_is_read_off_its_answers(
    tools: Tools, clock: StoppedClock, tells: timedelta, headers: dict[str, str], ahead: timedelta | None
):
    clock.set(START.replace(microsecond=0))
    told = {"date": format_datetime(clock.now() + tells, usegmt=True), **headers}
    client, _ = calling(tools, lambda n: httpx.Response(200, json={}, headers=told))

    await client.call("GET", "/")

    assert client.their_clock.ahead == ahead


@pytest.mark.parametrize("told", [{}, {"date": "yesterday"}, {"date": "Thu, 01 Jan 99999 00:00:00 GMT"}])
async def test_a_channel_that_does_not_say_what_time_it_is_has_no_clock(tools: Tools, told: dict[str, str]):
    client, _ = calling(tools, lambda n: httpx.Response(200, json={}, headers=told))

    await client.call("GET", "/")

    assert client.their_clock.ahead is None


# ---------------------------------------------------------------- budgets


async def test_calls_that_wait_side_by_side_are_let_through_one_by_one(clock: StoppedClock):
    budget, began, passed = Budget(clock, 2.0, 4.0), clock.monotonic(), list[float]()

    async def call() -> None:
        await budget.take()
        passed.append(clock.monotonic() - began)

    await asyncio.gather(*(call() for _ in range(20)))

    assert passed == [0.0] * 4 + [number / 2 for number in range(1, 17)]
    assert budget.held() == pytest.approx(0)


async def test_one_that_would_wait_for_too_long_is_sent_away_and_takes_nothing(clock: StoppedClock):
    budget = Budget(clock, 0.25, 4.0)

    answers = await asyncio.gather(*(budget.take() for _ in range(6)), return_exceptions=True)

    assert answers[:4] == [None] * 4
    assert [getattr(answer, "retry_after_seconds", None) for answer in answers[4:]] == [4.0, 4.0]
    assert budget.held() == 0


async def test_one_that_gives_up_waiting_takes_nothing_and_lets_the_next_one_through(clock: StoppedClock):
    class Slow(StoppedClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait() if waiting else await super().sleep(seconds)

    waiting, slow = True, Slow(START)
    budget = Budget(slow, 1.0, 1.0)
    await budget.take()
    first, second = asyncio.create_task(budget.take()), asyncio.create_task(budget.take())
    await asyncio.sleep(0)
    waiting = False
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)

    assert (first.cancelled(), second.exception(), slow.monotonic()) == (True, None, 1.0)
