"""Group commit: what gathers is committed together, and an error reaches only its cause."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import announce, db, writer
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


def test_functions_share_a_transaction_only_where_nobody_else_writes(engine: Engine, door: Batches) -> None:
    served: list[tuple[str, list[int], Session]] = []

    def reserve(session: Session, requests: Sequence[int]) -> Sequence[int]:
        served.append(("reserve", list(requests), session))
        return requests

    def release(session: Session, requests: Sequence[int]) -> Sequence[int]:
        served.append(("release", list(requests), session))
        return requests

    answers = all_at_once(lambda: [door.submit(serve, n) for n, serve in enumerate((reserve, release, reserve))])

    assert answers == [0, 1, 2]
    assert [(name, requests) for name, requests, _ in served] == [("reserve", [0, 2]), ("release", [1])]
    assert (served[0][2] is served[1][2]) == db.writes_alone(engine)


def test_who_is_answered_and_asks_again_at_once_shares_a_batch_with_those_behind(engine: Engine) -> None:
    batches: list[list[str]] = []

    def serve(_: Session, requests: Sequence[str]) -> Sequence[str]:
        batches.append(list(requests))
        return requests

    async def shopper(door: Batches, name: str, *, late: int) -> None:
        for _ in range(late):
            await asyncio.sleep(0)
        for turn in range(3):
            await door.submit(serve, f"{name}{turn}")

    with ThreadPoolExecutor(1) as thread:
        door = writer.reader(engine, thread)
        all_at_once(lambda: [shopper(door, "a", late=0), shopper(door, "b", late=2), shopper(door, "c", late=4)])

    assert [sorted(batch) for batch in batches] == [["a0", "b0", "c0"], ["a1", "b1", "c1"], ["a2", "b2", "c2"]]


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


# ---------------------------------------------------------------- what a commit touched


def note_and_touch(session: Session, keys: Sequence[str]) -> list[str]:
    """The same, and say which articles that concerns."""
    announce.touch(session, skus=keys)
    return note(session, keys)


@dataclass(eq=False)
class Stumbling:
    """A batch function that loses its first races and then succeeds."""

    races: int
    runs: int = 0

    def __call__(self, session: Session, keys: Sequence[str]) -> list[str]:
        answers = note_and_touch(session, keys)
        self.runs += 1
        if self.runs <= self.races:
            raise sa.exc.OperationalError("COMMIT", {}, Exception("database is locked"))
        return answers


@pytest.fixture
def heard(door: Batches) -> list[set[str]]:
    """The articles that each committed batch touched, as they are heard of."""
    heard: list[set[str]] = []
    door.committed.append(lambda touched: heard.append(set(touched.skus)))
    return heard


def test_what_a_batch_touched_is_heard_once_after_its_commit(door: Batches, heard: list[set[str]]) -> None:
    all_at_once(lambda: [door.submit(note_and_touch, key) for key in "abc"])
    all_at_once(lambda: [door.submit(note_and_touch, "d")])

    assert heard == [{"a", "b", "c"}, {"d"}]


def test_it_is_heard_after_the_commit_and_before_anybody_is_answered(engine: Engine, door: Batches) -> None:
    story: list[object] = []
    door.committed.append(lambda touched: story.append((sorted(touched.skus), sorted(kept(engine)))))

    async def ask(key: str) -> None:
        story.append(await door.submit(note_and_touch, key))

    all_at_once(lambda: [ask("a")])

    assert story == [(["a"], ["a"]), "noted a"]


def test_a_commit_that_fails_announces_nothing(engine: Engine, door: Batches, heard: list[set[str]]) -> None:
    all_at_once(lambda: [door.submit(note_and_touch, "old")])

    all_at_once(lambda: [door.submit(note_and_touch, "old")])
    [lost] = all_at_once(lambda: [door.submit(Stumbling(races=99), "never")])

    assert db.is_transient(lost)
    assert heard == [{"old"}]
    assert kept(engine) == {"old"}


def test_what_is_lost_at_the_commit_itself_is_not_heard_of(engine: Engine) -> None:
    @contextmanager
    def cut_off(engine: Engine) -> Iterator[Session]:
        with db.transaction(engine) as session:
            yield session
            session.flush()
            raise ConnectionError("nobody knows of this transaction")

    heard: list[object] = []
    with ThreadPoolExecutor(1) as thread:
        door = Batches(engine, thread, cut_off)
        door.committed.append(heard.append)

        [lost] = all_at_once(lambda: [door.submit(note_and_touch, "a")])

    assert isinstance(lost, ConnectionError)
    assert heard == []
    assert kept(engine) == set()


def test_a_batch_that_is_tried_again_announces_once(engine: Engine, door: Batches, heard: list[set[str]]) -> None:
    stumbling = Stumbling(races=2)

    all_at_once(lambda: [door.submit(stumbling, key) for key in "ab"])

    assert stumbling.runs == 3
    assert heard == [{"a", "b"}]


def test_a_batch_that_is_halved_announces_only_what_was_committed(
    engine: Engine, door: Batches, heard: list[set[str]]
) -> None:
    all_at_once(lambda: [door.submit(note_and_touch, "old")])

    all_at_once(lambda: [door.submit(note_and_touch, key) for key in ("a", "b", "old", "c")])

    assert heard == [{"old"}, {"a", "b", "c"}]
    assert kept(engine) == {"old", "a", "b", "c"}


def test_a_write_that_touches_nothing_is_not_heard_of(door: Batches, heard: list[set[str]]) -> None:
    all_at_once(lambda: [door.submit(note, "a")])

    assert heard == []


def test_a_database_that_is_away_is_asked_once_for_all_that_wait(engine: Engine) -> None:
    tries = []

    @contextmanager
    def away(_: Engine) -> Iterator[Session]:
        tries.append("again")
        raise sa.exc.OperationalError("BEGIN", {}, Exception("connection refused"))
        yield

    with ThreadPoolExecutor(1) as thread:
        door = Batches(engine, thread, away)
        answers = all_at_once(lambda: [door.submit(note, str(number)) for number in range(8)])

    assert [type(answer) for answer in answers] == [sa.exc.OperationalError] * 8
    assert tries == ["again"]
