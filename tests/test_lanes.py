"""The fast lane says what FastAPI would say, and takes whatever is plain."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.access import Role
from omnisync.clock import StoppedClock
from omnisync.http import MAX_BODY
from omnisync.lanes import PLAIN_BODY
from omnisync.writer import Batches
from tests.api import Api, serving
from tests.stock.shop import shelf, violations
from tests.test_bad_input import BODIES, LINE, lines

JSON = {"content-type": "application/json"}
HOLD = lines(LINE)
REQUESTS: dict[str, dict[str, Any]] = {
    **{f"body: {name}": {"method": "POST", "content": body, "headers": JSON} for name, body in BODIES.items()},
    "a hold": {"method": "POST", "content": HOLD, "headers": JSON},
    "more than there is": {"method": "POST", "content": HOLD.replace(b": 1", b": 9"), "headers": JSON},
    "no idempotency key": {"method": "POST", "content": HOLD, "headers": JSON, "key": None},
    "a key of 255": {"method": "POST", "content": HOLD, "headers": JSON, "key": "k" * 255},
    "a key of 256": {"method": "POST", "content": HOLD, "headers": JSON, "key": "k" * 256},
    "nobody": {"method": "POST", "content": HOLD, "headers": JSON, "role": None},
    "nobody and no JSON": {"method": "POST", "content": b"{", "headers": JSON, "role": None},
    "somebody else": {"method": "POST", "content": HOLD, "headers": JSON, "role": "staff"},
    "a forged key": {"method": "POST", "content": HOLD, "headers": JSON | {"authorization": "Bearer omni_x"}, "role": None},
    "a charset": {"method": "POST", "content": HOLD, "headers": {"content-type": "application/json; charset=utf-8"}},
    "no type": {"method": "POST", "content": HOLD},
    "a form": {"method": "POST", "content": HOLD, "headers": {"content-type": "text/plain"}},
    "blanks beyond the lane": {"method": "POST", "content": HOLD + b" " * PLAIN_BODY, "headers": JSON},
    "blanks beyond the limit": {"method": "POST", "content": HOLD + b" " * MAX_BODY, "headers": JSON},
    "a question": {"path": "/v1/availability?sku=LAMP"},
    "many": {"path": "/v1/availability?sku=LAMP&sku=GHOST&sku=LAMP&location=linden&channel=webshop"},
    "an unknown place": {"path": "/v1/availability?sku=LAMP&location=nowhere"},
    "a place twice": {"path": "/v1/availability?sku=LAMP&location=nowhere&location=linden"},
    "an empty place": {"path": "/v1/availability?sku=LAMP&location="},
    "an unknown word": {"path": "/v1/availability?sku=LAMP&colour=red"},
    "a hold with a question": {"method": "POST", "path": "/v1/reservations?dry_run=1", "content": HOLD, "headers": JSON},
    "no SKU": {"path": "/v1/availability"},
    "an empty SKU": {"path": "/v1/availability?sku="},
    "201 SKUs": {"path": "/v1/availability?" + "&".join(f"sku=S{n}" for n in range(201))},
    "escapes": {"path": "/v1/availability?sku=%4cAMP&sku=a%20b&sku=%00&sku=%ff"},
    "a stranger's question": {"path": "/v1/availability?sku=LAMP", "role": None},
    "a question with a slash": {"path": "/v1/availability/?sku=LAMP"},
}  # fmt: skip
TOLD = ("content-type", "cache-control", "vary", "etag", "omnisync-as-of", "www-authenticate", "retry-after", "allow")


NO_SUCH_PARAMETER = ("an unknown word", "a hold with a question")


def test_a_lane_answers_as_fastapi_does(engine: Engine, clock: StoppedClock) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)

    async def story() -> dict[str, tuple[Any, Any]]:
        async with serving(engine, clock) as fast, serving(engine, clock) as slow:
            slow.services.lanes.found.clear()
            return {name: (await told(fast, wanted), await told(slow, wanted)) for name, wanted in REQUESTS.items()}

    answers = asyncio.run(story())

    assert {name: both for name, both in answers.items() if both[0] != both[1]} == {}
    assert [answers[name][0][0] for name in NO_SUCH_PARAMETER] == [422, 422]
    assert {status for (status, _, _), _ in answers.values()} >= {200, 201, 400, 401, 403, 409, 413, 422}
    with db.reading(engine) as session:
        assert violations(session) == []


async def told(api: Api, wanted: dict[str, Any]) -> Any:
    """Status, headers and body of one request, without what is new each time; what was granted is given back."""
    answer = await api.call(**{"method": "GET", "path": "/v1/reservations"} | wanted)
    return answer.status_code, {name: answer.headers.get(name) for name in TOLD}, await without_chance(api, answer)


async def without_chance(api: Api, answer: httpx.Response) -> Any:
    if answer.status_code != 201:
        return answer.content
    body = answer.json()
    assert (await api.call("POST", f"/v1/reservations/{body.pop('id')}/release")).status_code == 200
    return body


def test_plain_requests_never_reach_fastapi(engine: Engine, clock: StoppedClock) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)

    async def story() -> list[int]:
        async with serving(engine, clock) as api:
            api.app.router.routes.clear()
            hold = await api.call("POST", "/v1/reservations", content=HOLD, headers=JSON)
            question = await api.call("GET", "/v1/availability?sku=LAMP")
            same = {"if-none-match": question.headers["etag"]}
            again = await api.call("GET", "/v1/availability?sku=LAMP", headers=same)
            return [hold.status_code, question.status_code, again.status_code]

    assert asyncio.run(story()) == [201, 200, 304]


def test_a_lane_counts_like_any_route(engine: Engine, clock: StoppedClock) -> None:
    async def story() -> str:
        async with serving(engine, clock) as api:
            await api.call("GET", "/v1/availability?sku=LAMP")
            return (await api.call("GET", "/metrics", role=Role.OPS.value)).text

    counted = 'omnisync_http_requests_total{method="GET",route="/v1/availability",status="200"} 1.0'
    assert counted in asyncio.run(story())


def test_a_full_queue_behind_a_lane_is_503_with_the_time_to_wait(engine: Engine, clock: StoppedClock) -> None:
    async def story() -> httpx.Response:
        async with serving(engine, clock) as api:
            await api.call("GET", "/v1/availability?sku=LAMP")
            api.services.read = Batches(engine, ThreadPoolExecutor(1), db.reading, queue=0)
            api.app.router.routes.clear()
            return await api.call("GET", "/v1/availability?sku=LAMP")

    answer = asyncio.run(story())

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.headers["content-type"] == "application/problem+json"
