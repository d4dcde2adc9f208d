"""Many clients want the same pieces through several servers over one PostgreSQL: all of them are sold, and not one more."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from tests.rig import books
from tests.rig.journal import Done, Lines
from tests.rig.load import RELEASE, Client, Clients
from tests.rig.outcome import Outcome
from tests.rig.server import settled
from tests.rig.wire import Door

SHORT, FULL = 10_000, 100_000
"""How many attempts, in CI and in the long form."""
SERVERS, CLIENTS = 4, 16
HOT = ("HEISS", "linden")
MIXED = [(f"ARTIKEL-{number}", location) for number in range(20) for location in ("linden", "markt")]
LONGEST_BASKET, MOST_PIECES = 6, 3
GIVEN_BACK = 0.1
"""Of the holds that were granted, so that shelves that are empty have something again."""

Shelf = tuple[str, str]


def crowd(folder: Path, database: str, *, attempts: int, seed: int = 1) -> Outcome:
    """Half of the attempts are for the hot article, half are baskets over several shelves, named in any order."""
    stock = {HOT: attempts // 10} | dict.fromkeys(MIXED, attempts // 15)
    began = time.monotonic()
    with ExitStack() as stack:
        server = stack.enter_context(settled(folder / "omnisync", database))
        server.import_stock(stock)
        nodes = [server.node(f"node{number}", worker=False) for number in range(SERVERS)]
        for node in nodes:
            node.start()
        engine = db.engine_for(database)
        stack.callback(engine.dispose)
        clients = Clients([node.base_url for node in nodes], server.keys, list(stock), seed)
        rate = _rush(clients, attempts)
        _take_the_rest(clients, stock)
        with db.reading(engine) as session:
            findings = books.compare(session, clients.journal)
        more = {
            "attempts_per_second": round(rate),
            "deadlocks": _deadlocks(engine),
            "pieces": sum(stock.values()),
            "promised": sum(_promised(clients.journal.done).values()),
        }
        return Outcome(attempts, clients.journal, findings, time.monotonic() - began, more)


def _rush(clients: Clients, attempts: int) -> float:
    """All attempts, by clients that are never idle; attempts a second."""
    began, numbers = time.monotonic(), iter(range(attempts))
    with ThreadPoolExecutor(CLIENTS, "client") as threads:
        for work in [threads.submit(_want, clients, one, numbers) for one in range(CLIENTS)]:
            work.result()
    return attempts / (time.monotonic() - began)


def _want(clients: Clients, one: int, numbers: Iterator[int]) -> None:
    with closing(Door(clients.addresses[one % SERVERS])) as door:
        client = Client(clients, one, door)
        for number in numbers:
            lines = _wish(client.chance)
            reservation = client.hold(f"attempt-{number}", lines)
            if reservation is not None and client.chance.random() < GIVEN_BACK:
                client.go_on(f"attempt-{number}", reservation, lines, *RELEASE)


def _wish(chance: random.Random) -> Lines:
    if chance.random() < 0.5:
        return ((*HOT, 1),)
    shelves = chance.sample([HOT, *MIXED], chance.randint(1, LONGEST_BASKET))
    return tuple((sku, location, chance.randint(1, MOST_PIECES)) for sku, location in shelves)


def _take_the_rest(clients: Clients, stock: dict[Shelf, int]) -> None:
    """What the clients' own book says is left can be had, and not one piece more."""
    numbers = count()
    promised = _promised(clients.journal.done)
    with closing(Door(clients.addresses[0])) as door:
        client = Client(clients, CLIENTS, door)
        for shelf, pieces in stock.items():
            left = pieces - promised[shelf]
            if left and client.hold(f"rest-{next(numbers)}", ((*shelf, left),)) is None:
                clients.count(surprise=f"{left} pieces of {shelf} should be left and cannot be had")
            if client.hold(f"rest-{next(numbers)}", ((*shelf, 1),)) is not None:
                clients.count(surprise=f"one piece of {shelf} too many was promised")


def _promised(done: list[Done]) -> Counter[Shelf]:
    signs = {"hold": 1, "released": -1}
    pieces: Counter[Shelf] = Counter()
    for one in done:
        for sku, location, quantity in one.lines:
            pieces[sku, location] += signs[one.kind] * quantity
    return pieces


def _deadlocks(engine: Engine) -> int:
    """As PostgreSQL counted them; the servers tried again, so that no caller heard of one."""
    asked = sa.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    with engine.connect() as connection:
        return int(connection.execute(asked).scalar_one())
