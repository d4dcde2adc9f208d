"""kill -9 of servers and of the worker under load, again and again."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.clock import SystemClock
from omnisync.stock.tables import Balance
from omnisync.sync import leases
from omnisync.sync.tables import InboxMessage, Lease, ShownState
from tests.rig import books
from tests.rig.books import Findings
from tests.rig.journal import Journal
from tests.rig.load import SHELVES, SKUS, Clients, trading, wait_for_more
from tests.rig.outcome import Outcome
from tests.rig.processes import Program, until
from tests.rig.server import settled
from tests.rig.shop import LOCATION, Shop, open_shop
from tests.rig.shop import NAME as SHOP

SHORT, FULL = 15, 1_000
"""How often on each database, in CI and in the long form."""
CLIENTS = 6
PIECES_PER_KILL = 40
MOST_BETWEEN, LONGEST_PAUSE_SECONDS = 15, 0.15


def kill_again_and_again(folder: Path, database: str, *, kills: int, seed: int = 1) -> Outcome:
    """One worker and one server on SQLite, two servers on PostgreSQL: each kill takes one of them at a random moment."""
    began, chance, pieces = time.monotonic(), random.Random(seed), kills * PIECES_PER_KILL
    with ExitStack() as stack:
        shop = stack.enter_context(open_shop(folder / "shop", SKUS, pieces))
        server = stack.enter_context(settled(folder / "omnisync", database, shop.settings))
        server.import_stock(dict.fromkeys(SHELVES, pieces))
        engine = db.engine_for(database)
        stack.callback(engine.dispose)
        names = ["north"] if db.writes_alone(engine) else ["north", "south"]
        servers, worker = [server.node(name, worker=False) for name in names], server.worker()
        for program in (*servers, worker):
            program.start()
        clients = Clients([one.base_url for one in servers], server.keys, SHELVES, seed, shop)
        victims = [chance.choice([chance.choice(servers), worker]) for _ in range(kills)]
        with trading(clients, CLIENTS):
            for victim in victims:
                _kill(victim, clients, engine, chance)
        findings = _close(clients.journal, shop, engine)
        killed = dict(Counter(victim.name for victim in victims))
        return Outcome(kills, clients.journal, findings, time.monotonic() - began, {"killed": killed})


def _kill(victim: Program, clients: Clients, engine: Engine, chance: random.Random) -> None:
    """Whenever it has begun to work, a few effects later, at any moment; then it is started again."""
    if victim.port is None:
        until("the worker has begun to work", lambda: _at_work(engine))
    wait_for_more(clients, chance.randint(1, MOST_BETWEEN))
    threading.Event().wait(chance.random() * LONGEST_PAUSE_SECONDS)
    assert victim.running, f"{victim.name} ended by itself. It said:\n{victim.words}"
    victim.kill()
    if victim.port is None:
        bury(engine)
    victim.start()


def bury(engine: Engine) -> None:
    """What a dead worker had claimed runs out at once, as it would within two minutes: the next one need not wait for that."""
    now = SystemClock().now()
    lease, inbox, shown = map(db.table, (Lease, InboxMessage, ShownState))
    with db.transaction(engine) as session:
        session.execute(sa.update(lease).values(until=now))
        session.execute(sa.update(inbox).where(inbox.c.state == "received").values(next_try_at=now))
        session.execute(sa.update(shown).where(shown.c.in_flight_until > now).values(in_flight_until=now))


def _close(journal: Journal, shop: Shop, engine: Engine) -> Findings:
    """The worker finishes what waits, and the shop comes to show what is left; then both journals must agree."""
    bury(engine)
    until("every message is applied", lambda: _waiting(engine), lambda waiting: waiting == 0)
    until("the shop shows what is left", lambda: (shop.offered(), _left(engine)), lambda seen: seen[0] == seen[1])
    with db.reading(engine) as session:
        return books.compare(session, journal)


def _at_work(engine: Engine) -> bool:
    """Whether a worker has the lease of the shop."""
    with db.reading(engine) as session:
        until = leases.ends_at(session, f"channel:{SHOP}")
        return until is not None and until > SystemClock().now()


def _waiting(engine: Engine) -> int:
    with db.reading(engine) as session:
        return session.scalar(sa.select(sa.func.count()).where(db.table(InboxMessage).c.state == "received")) or 0


def _left(engine: Engine) -> dict[str, int]:
    balance = db.table(Balance)
    with db.reading(engine) as session:
        rows = session.execute(sa.select(balance).where(balance.c.location == LOCATION))
        return {row.sku: max(0, row.on_hand - row.reserved) for row in rows}
