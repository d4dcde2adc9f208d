"""Those who work in the stores: goods come, are counted and carried from one store to the other, a stocktake, cases that wait."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from omnisync.errors import NotFound
from omnisync.sim import clients
from omnisync.sim.clients import Client
from omnisync.sim.town import COUNTED, FREE, STORES
from omnisync.stock import ends, ledger
from omnisync.stock.ends import End
from omnisync.stock.idempotency import Answer
from omnisync.sync import cases
from omnisync.values import EPOCH, Kind, Shelf, format_time

if TYPE_CHECKING:
    from omnisync.sim.run import Run

_CLOCKS = {"clock ahead", "clock behind"}
"""Where they go wrong nothing is counted: of two things told with the wrong time nobody can say which came first."""


def book_goods(run: Run, chance: random.Random) -> None:
    """Goods come to a store of the ledger's, somebody counts a shelf there, or carries pieces to the other one."""
    stores = _own(run)
    location = chance.choice(stores)
    sku = chance.choice((*FREE, *COUNTED))
    shelf = Shelf(location, sku)
    now, key = run.clock.now(), run.name("staff")
    there = run.books.on_hand[shelf]
    if sku in COUNTED and chance.random() < 0.5 and not _CLOCKS & run.weather.on:
        entries = [ledger.Entry(Kind.COUNT, sku, location, max(0, there), key, now, key=key)]
        run.books.on_hand[shelf] = entries[0].quantity
    elif len(stores) > 1 and there > 0 and chance.random() < 0.4:
        [other] = set(stores) - {location}
        n = min(2, there)
        moves = ((Kind.TRANSFER_OUT, location), (Kind.TRANSFER_IN, other))
        entries = [ledger.Entry(kind, sku, at, n, key, now, key=f"{key}/{kind.value}") for kind, at in moves]
        run.books.move(location, sku, -n)
        run.books.move(other, sku, n)
    else:
        entries = [ledger.Entry(Kind.RECEIVED, sku, location, 3, key, now, key=key)]
        run.books.move(location, sku, 3)
    run.say(f"staff: {entries[0].kind.value} {entries[0].quantity} of {sku} at {location}")
    run.send(_book(run, entries, random.Random(chance.getrandbits(64))))


def _own(run: Run) -> list[str]:
    """Stores in which we count, and no till."""
    return [store for store in STORES if run.settings.location(store).stock_owner == "ledger"]


async def _book(run: Run, entries: Sequence[ledger.Entry], chance: random.Random) -> None:
    """Until it is answered; the key makes it one booking. What somebody else gets wrong at the same moment is theirs alone."""
    beside = _release_what_is_not_there if chance.random() < 0.3 else None
    await _until_done(run, chance, lambda session: ledger.record(session, entries, now=run.clock.now()), beside)


def _release_what_is_not_there(session: Any) -> object:
    return ends.end_one(session, End("no-such-hold", ends.How.RELEASE), now=EPOCH)


# ---------------------------------------------------------------- a stocktake


def take_stock(run: Run, chance: random.Random) -> None:
    """A store is counted while it sells; meanwhile nobody can order a pickup there."""
    stores = [store for store in _own(run) if store not in run.books.counted_now]
    if stores and not _CLOCKS & run.weather.on:
        location = chance.choice(stores)
        run.books.counted_now.add(location)
        run.send(_take_stock(Client(run, run.name("stocktaker"), random.Random(chance.getrandbits(64))), location))


async def _take_stock(client: Client, location: str) -> None:
    """Each shelf at its own moment, and all are booked together, or, where they agree, now and then abandoned."""
    run = client.run
    opened = await client.ask("stocktakes", location=location)
    if not isinstance(opened, Answer) or opened.status != 200:
        run.books.counted_now.discard(location)
        return
    name, agrees = orjson.loads(opened.body)["id"], True
    for sku in COUNTED:
        await client.wait(1, 1200)
        shelf, at = Shelf(location, sku), run.clock.now()
        there = run.books.on_hand[shelf]
        agrees = agrees and there >= 0
        run.books.on_hand[shelf] = max(0, there)
        await _must(client, f"stocktakes/{name}/count", sku=sku, quantity=max(0, there), at=format_time(at))
    await client.wait(1, 3600)
    await _must(client, f"stocktakes/{name}/{'abandon' if agrees and client.chance.random() < 0.2 else 'book'}")
    run.books.counted_now.discard(location)


async def _must(client: Client, path: str, **body: Any) -> None:
    answer = await client.ask(path, **body)
    if not (isinstance(answer, Answer) and answer.status == 200) and not client.run.violations:
        client.run.wrong(f"{path} is refused: {answer}")


# ---------------------------------------------------------------- cases


def decide_cases(run: Run, chance: random.Random) -> None:
    """Ops look at the cases that wait, and let them through."""
    run.send(_until_done(run, random.Random(chance.getrandbits(64)), lambda session: decide(run, session)))


def decide(run: Run, session: Any) -> None:
    """Apply whatever waits for a person."""
    for case in cases.list_open(session):
        if case.kind.startswith("blast"):
            cases.apply(session, case.id, by="ops", now=run.clock.now())


async def _until_done(
    run: Run, chance: random.Random, work: Callable[[Any], Any], beside: Callable[[Any], Any] | None = None
) -> None:
    while not run.violations:
        await run.wait(0.1, 5, chance)
        if not run.servers:
            continue
        server = chance.choice(run.servers)
        if beside is not None:
            server.write(beside).add_done_callback(clients.heard)
        task = server.write(work)
        await asyncio.wait([task], timeout=clients.TIMEOUT_SECONDS)
        if task.done() and not task.cancelled():
            if isinstance(task.exception(), NotFound):
                run.wrong(f"staff hear what somebody else got wrong: {task.exception()}")
            else:
                task.result()
            return
