"""A request whose twin is being served by another node."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.clock import StoppedClock
from omnisync.contract import example_of
from omnisync.http import IN_FLIGHT_PAUSE_SECONDS, IN_FLIGHT_TRIES, body_hash
from omnisync.orders.answers import Reservation
from omnisync.orders.reservations_api import ReservationBody
from omnisync.stock.idempotency import Answer, Call, Once
from omnisync.stock.tables import Reservation as Row
from tests.api import Api, serving
from tests.conftest import START
from tests.stock.shop import shelf

# SQLite has one writer: there is no second node whose transaction could be open.
pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("engine", ["postgresql"], indirect=True)]
WISH = {"lines": [{"sku": "LAMP", "location": "linden", "quantity": 1}]}
ITS_ANSWER = Answer(201, json.dumps(example_of(Reservation)).encode())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class PatientClock(StoppedClock):
    """Counts how often somebody waited, and lets the other node finish when it was asked to."""

    waited = 0
    finish_after: tuple[int, ExitStack] | None = None

    async def sleep(self, seconds: float) -> None:
        self.waited += 1
        if self.finish_after and self.waited == self.finish_after[0]:
            self.finish_after[1].close()
        await super().sleep(seconds)


@pytest.fixture
def clock() -> PatientClock:
    return PatientClock(START)


@pytest.fixture
def other_node(engine: Engine) -> Iterator[ExitStack]:
    """A transaction of another node, open until the stack is closed."""
    with ExitStack() as stack:
        yield stack


async def test_a_twin_waits_for_the_other_node_and_gets_its_answer(
    engine: Engine, other_node: ExitStack, clock: PatientClock
):
    async with serving(engine, clock) as api:
        _prepare(engine)
        _serve_at(other_node, engine, clock, await _call(api), ITS_ANSWER)
        clock.finish_after = (3, other_node)

        answer = await api.call("POST", "/v1/reservations", json=WISH, key="twin")

    assert (answer.status_code, answer.json()) == (201, json.loads(ITS_ANSWER.body))
    assert (clock.waited, _reservations(engine)) == (3, 0)


async def test_a_twin_that_waits_in_vain_is_told_so_and_may_ask_again(
    engine: Engine, other_node: ExitStack, clock: PatientClock
):
    async with serving(engine, clock) as api:
        _prepare(engine)
        _serve_at(other_node, engine, clock, await _call(api), ITS_ANSWER)

        refused = await api.call("POST", "/v1/reservations", json=WISH, key="twin")
        other_node.close()
        answer = await api.call("POST", "/v1/reservations", json=WISH, key="twin")

    assert (refused.status_code, refused.json()["type"].split("/")[-1]) == (409, "idempotency-in-flight")
    assert (clock.waited, IN_FLIGHT_TRIES * IN_FLIGHT_PAUSE_SECONDS) == (IN_FLIGHT_TRIES, 2)
    assert (answer.status_code, _reservations(engine)) == (201, 0)


def _prepare(engine: Engine) -> None:
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)


async def _call(api: Api) -> Call:
    """The call as the server names it: by the owner of the key, the method and the path."""
    asker = await api.services.who_asks(f"Bearer {api.keys['shop']}")
    wish = ReservationBody.model_validate(WISH)
    return Call(f"{asker.owner} POST /v1/reservations", "twin", body_hash(wish), None)


def _serve_at(node: ExitStack, engine: Engine, clock: StoppedClock, call: Call, answer: Answer) -> None:
    session = node.enter_context(db.transaction(engine))
    Once(lambda *_: [answer], clock)(session, [call])
    session.flush()


def _reservations(engine: Engine) -> int:
    with db.reading(engine) as session:
        return session.execute(sa.select(sa.func.count()).select_from(db.table(Row))).scalar_one()
