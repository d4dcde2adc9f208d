"""PostgreSQL stopped at once under load and started again, again and again."""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

from omnisync import db
from tests.rig import books
from tests.rig.databases import cluster
from tests.rig.load import SHELVES, SKUS, Clients, trading, wait_for_more
from tests.rig.outcome import Outcome
from tests.rig.server import settled
from tests.rig.wire import Answer, Door

SHORT, FULL = 5, 500
"""How often, in CI and in the long form."""
CLIENTS = 6
PIECES_PER_CRASH = 60
MOST_BETWEEN, LONGEST_PAUSE_SECONDS = 30, 0.2


def crash_again_and_again(folder: Path, *, crashes: int, seed: int = 1) -> Outcome:
    """One server with its worker stays up; its database does not."""
    began, chance = time.monotonic(), random.Random(seed)
    with ExitStack() as stack:
        postgresql = stack.enter_context(cluster(folder))
        server = stack.enter_context(settled(folder / "omnisync", postgresql.url))
        server.import_stock(dict.fromkeys(SHELVES, crashes * PIECES_PER_CRASH))
        engine = db.engine_for(postgresql.url)
        stack.callback(engine.dispose)
        node = server.node()
        node.start()
        clients = Clients([node.base_url], server.keys, SHELVES, seed)
        back: list[float] = []
        with trading(clients, CLIENTS):
            for number in range(crashes):
                wait_for_more(clients, chance.randint(1, MOST_BETWEEN))
                threading.Event().wait(chance.random() * LONGEST_PAUSE_SECONDS)
                postgresql.crash()
                clients.journal.surprises += _unfit_answers(node.base_url, server.keys, f"down-{seed}-{number}")
                postgresql.start()
                started = time.monotonic()
                wait_for_more(clients, 1)
                back.append(time.monotonic() - started)
        assert node.running, f"the server ended. It said:\n{node.words}"
        with db.reading(engine) as session:
            findings = books.compare(session, clients.journal)
        more = {"slowest_return_seconds": round(max(back), 2)}
        return Outcome(crashes, clients.journal, findings, time.monotonic() - began, more)


def _unfit_answers(address: str, keys: dict[str, str], name: str) -> list[str]:
    """Whatever is asked meanwhile is answered 503 with Retry-After; only whether we live is answered 200."""
    lines = [{"sku": SKUS[0], "location": "linden", "quantity": 10_000}]
    key = {"authorization": f"Bearer {keys['ops']}", "idempotency-key": name}
    with closing(Door(address)) as door:
        answers = {
            "read": door.ask("GET", "/v1/stock", None, key),
            "availability": door.ask("GET", f"/v1/availability?sku={SKUS[0]}", None, key),
            "write": door.ask("POST", "/v1/reservations", {"lines": lines}, key),
            "ready": door.ask("GET", "/readyz"),
        }
        alive = door.ask("GET", "/livez")
    unfit = [f"{what} while PostgreSQL is away: {_words(one)}" for what, one in answers.items() if not _later(one)]
    return unfit if alive is not None and alive.status == 200 else [*unfit, f"livez: {_words(alive)}"]


def _later(answer: Answer | None) -> bool:
    return answer is not None and answer.status == 503 and "retry-after" in answer.headers


def _words(answer: Answer | None) -> str:
    return "no answer" if answer is None else f"{answer.status} {answer.headers} {answer.body.decode(errors='replace')}"
