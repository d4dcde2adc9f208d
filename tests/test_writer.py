"""Group commit: what gathers is committed together, and an error reaches only its cause."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db, writer
from omnisync.stock.tables import Movement
from omnisync.writer import Batches, Overloaded
from tests.conftest import START

JOURNAL = db.table(Movement)


@pytest.fixture
def door(engine: Engine) -> Iterator[Batches]:
    """The one door for writes, with a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        yield writer.writer(engine, thread, queue=4)


def note(session: Session, keys: Sequence[str]) -> list[str]:
    """Write a movement for each key; one key twice breaks the statement."""
    rows = [
        {
            "location": "linden", "sku": "LAMP", "kind": "sold", "quantity": 1, "on_hand": -1, "key": key,
            "cause": "pos:1", "occurred_at": START, "recorded_at": START,
        }
        for key in keys
    ]  # fmt: skip
    session.execute(sa.insert(JOURNAL), rows)
    return [f"noted {key}" for key in keys]


def all_at_once(ask: Callable[[], Sequence[Awaitable[Any]]]) -> list[Any]:
    """Their answers, errors among them."""

    async def story() -> list[Any]:
        return await asyncio.gather(*ask(), return_exceptions=True)

    return asyncio.run(story())


def kept(engine: Engine) -> set[str]:
    with db.reading(engine) as session:
        return set(session.execute(sa.select(JOURNAL.c.key)).scalars())


def test_an_error_reaches_only_its_cause(engine: Engine, door: Batches) -> None:
    with db.transaction(engine) as session:
        note(session, ["old"])

    answers = all_at_once(lambda: [door.submit(note, key) for key in ("a", "b", "old", "c")])

    assert [answers[0], answers[1], answers[3]] == ["noted a", "noted b", "noted c"]
    assert isinstance(answers[2], sa.exc.IntegrityError)
    assert kept(engine) == {"old", "a", "b", "c"}


def test_a_full_queue_refuses_at_once_and_loses_nobody(engine: Engine, door: Batches) -> None:
    answers = all_at_once(lambda: [door.submit(note, key) for key in "abcde"])

    assert answers[:4] == ["noted a", "noted b", "noted c", "noted d"]
    assert isinstance(answers[4], Overloaded)
    assert kept(engine) == set("abcd")


def test_a_caller_that_hangs_up_cancels_nobody(engine: Engine, door: Batches) -> None:
    async def story() -> Any:
        leaving, staying = asyncio.ensure_future(door.submit(note, "a")), asyncio.ensure_future(door.submit(note, "b"))
        await asyncio.sleep(0)
        leaving.cancel()
        return await staying

    answer = asyncio.run(story())

    assert answer == "noted b"
    assert kept(engine) == {"a", "b"}
