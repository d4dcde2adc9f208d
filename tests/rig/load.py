"""Buyers, a till and a web shop that write down what they were answered: whatever happens to the server, they ask again under
the same key until they know."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.rig.journal import Done, Journal, Lines
from tests.rig.processes import until
from tests.rig.shop import LOCATION, Shop
from tests.rig.shop import NAME as SHOP
from tests.rig.wire import Answer, Door

SKUS = ("HEISS", "WARM", "KALT")
SHELVES = [(sku, location) for sku in SKUS for location in ("linden", "markt")]
PAUSE_SECONDS = 0.05
GIVE_UP_SECONDS = 300.0
DAY_SECONDS = 86_400
"""Holds outlive every rig: what gives pieces back is what somebody asked for."""


@dataclass
class Clients:
    """A number of clients that act until they are told to stop; each then finishes what it has begun."""

    addresses: Sequence[str]
    keys: Mapping[str, str]
    """API keys by role."""
    shelves: Sequence[tuple[str, str]]
    """(SKU, location)."""
    seed: int = 1
    shop: Shop | None = None
    journal: Journal = field(default_factory=Journal)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trade(self, number: int) -> None:
        """One client: a hold and what becomes of it, a sale at the till, an order in the web shop."""
        address = self.addresses[number % len(self.addresses)]
        with closing(Door(address)) as door:
            client = Client(self, number, door)
            while not self._over.is_set():
                client.act()

    def stop(self) -> None:
        self._over.set()

    def note(self, done: Done) -> None:
        with self._lock:
            self.journal.done.append(done)

    def count(self, *, refused: int = 0, repeated: int = 0, later: int = 0, surprise: str = "") -> None:
        with self._lock:
            self.journal.refused += refused
            self.journal.repeated += repeated
            self.journal.later += later
            self.journal.surprises += [surprise] if surprise else []


class Client:
    """One of them, with its own chance and its own connection."""

    def __init__(self, clients: Clients, number: int, door: Door) -> None:
        self._all, self._number, self._door, self._steps = clients, number, door, 0
        self.chance = random.Random(clients.seed * 1000 + number)
        self._acts: list[Callable[[str], None]] = [self._trade] * 6 + [self._sell] * 2
        self._acts += [self._order] * 2 if clients.shop else []

    def act(self) -> None:
        self._steps += 1
        self.chance.choice(self._acts)(f"c{self._all.seed}-{self._number}-{self._steps}")

    def _trade(self, name: str) -> None:
        """A hold is left alone, or confirmed or not, then collected or given back."""
        shelves = self.chance.sample(self._all.shelves, self.chance.randint(1, min(3, len(self._all.shelves))))
        lines = tuple((sku, location, self.chance.randint(1, 2)) for sku, location in shelves)
        reservation = self.hold(name, lines)
        if reservation is not None:
            for step, kind in self.chance.choice(_LIVES):
                self.go_on(name, reservation, lines, step, kind)

    def hold(self, name: str, lines: Lines) -> str | None:
        """The reservation; None when there is not enough."""
        wish = {
            "expires_in_seconds": DAY_SECONDS,
            "lines": [{"sku": sku, "location": location, "quantity": pieces} for sku, location, pieces in lines],
        }
        asked_at = time.monotonic()
        answer = self._ask("/v1/reservations", name, wish)
        if answer.problem == "out-of-stock":
            self._all.count(refused=1)
            return None
        if not self._expected(answer, 201, name):
            return None
        reservation = str(answer.json()["id"])
        self._all.note(Done("hold", reservation, lines, asked_at, time.monotonic()))
        return reservation

    def go_on(self, name: str, reservation: str, lines: Lines, step: str, kind: str) -> None:
        """Confirm, collect or release it."""
        asked_at = time.monotonic()
        answer = self._ask(f"/v1/reservations/{reservation}/{step}", name, None)
        if self._expected(answer, 200, f"{step} of {name}"):
            self._all.note(Done(kind, reservation, lines, asked_at, time.monotonic()))

    def _sell(self, name: str) -> None:
        sku, location = self.chance.choice(self._all.shelves)
        sale = {"key": name, "kind": "sold", "sku": sku, "location": location, "quantity": 1}
        asked_at = time.monotonic()
        answer = self._ask("/v1/stock/movements", name, {"movements": [sale]}, role="ops")
        if self._expected(answer, 200, f"sale {name}"):
            self._all.note(Done("sold", name, ((sku, location, 1),), asked_at, time.monotonic()))

    def _order(self, name: str) -> None:
        """The shop sells, and calls us until it hears 200."""
        shop = self._all.shop
        assert shop is not None
        sku = self.chance.choice(shop.skus)
        order = shop.buy(sku)
        if order is None:
            self._all.count(refused=1)
            return
        self._all.note(Done("order", order, ((sku, LOCATION, 1),)))
        asked_at = time.monotonic()
        body, headers = shop.announcement(order, event=name)
        answer = self._until_answered("POST", f"/v1/hooks/{SHOP}", body, headers)
        if self._expected(answer, 200, f"webhook {name}"):
            self._all.note(Done("hook", name, (), asked_at, time.monotonic()))

    def _ask(self, path: str, name: str, body: Any, *, role: str = "shop") -> Answer:
        headers = {"authorization": f"Bearer {self._all.keys[role]}", "idempotency-key": name}
        return self._until_answered("POST", path, body, headers)

    def _until_answered(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        """What was not answered may have happened, and the key makes asking again harmless."""
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up:
            answer = self._door.ask(method, path, body, headers)
            if answer is not None and not _later(answer):
                return answer
            later = answer is not None and answer.status == 503
            silent = answer is not None and later and "retry-after" not in answer.headers
            self._all.count(repeated=1, later=int(later), surprise=f"{path}: 503 without Retry-After" if silent else "")
            threading.Event().wait(PAUSE_SECONDS)
        raise AssertionError(f"{path} was not answered for {GIVE_UP_SECONDS:g} seconds")

    def _expected(self, answer: Answer, status: int, what: str) -> bool:
        if answer.status != status:
            self._all.count(surprise=f"{what}: {answer.status} {answer.body.decode(errors='replace')}")
        return answer.status == status


_CONFIRM, _COLLECT, RELEASE = ("confirm", "confirm"), ("collect", "collected"), ("release", "released")
_LIVES = ((), (_CONFIRM,), (_COLLECT,), (RELEASE,), (_CONFIRM, _COLLECT), (_CONFIRM, RELEASE))
"""What may become of a hold: calls, each with the name of its effect."""


def _later(answer: Answer) -> bool:
    return answer.status == 503 or (answer.status == 409 and answer.problem == "idempotency-in-flight")


@contextmanager
def trading(clients: Clients, number: int) -> Iterator[Clients]:
    """So many trade meanwhile; afterwards all have finished what they had begun, and their errors are raised."""
    with ThreadPoolExecutor(number, "client") as threads:
        working = [threads.submit(clients.trade, one) for one in range(number)]
        try:
            yield clients
        finally:
            clients.stop()
        for work in working:
            work.result()


def wait_for_more(clients: Clients, count: int) -> None:
    """Until that many more effects were acknowledged than now."""
    before = len(clients.journal.done)
    until(f"{count} more were acknowledged", lambda: len(clients.journal.done) - before, lambda more: more >= count)
