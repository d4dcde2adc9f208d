"""Buyers who write down what they were answered, as a web shop does: whatever happens to the server, they ask again
under the same key until they know."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.rig.processes import until

RETRY_SECONDS = 0.2
GIVE_UP_AFTER = 1500
UNSURE = {502, 503, 504}


@dataclass
class Journal:
    """What the buyers know; the server must never contradict it."""

    holds: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Idempotency key -> (reservation, SKU) of every hold that was granted."""
    ended: dict[str, str] = field(default_factory=dict)
    """Reservation -> collect or release, as it was acknowledged."""
    refused: Counter[str] = field(default_factory=Counter)
    sold: Counter[str] = field(default_factory=Counter)
    """SKU -> pieces that the till's program was told are recorded."""
    repeated: int = 0
    surprises: list[str] = field(default_factory=list)

    @property
    def granted(self) -> Counter[str]:
        return Counter(sku for _, sku in self.holds.values())

    @property
    def still_held(self) -> Counter[str]:
        return Counter(sku for name, sku in self.holds.values() if name not in self.ended)

    @property
    def collected(self) -> Counter[str]:
        return Counter(sku for name, sku in self.holds.values() if self.ended.get(name) == "collect")


@dataclass
class Buyers:
    """A number of clients that act until they are told to stop; each then finishes what it has begun."""

    addresses: Sequence[str]
    key: str
    ops_key: str
    skus: Sequence[str]
    location: str = "linden"
    journal: Journal = field(default_factory=Journal)
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def trade(self, number: int) -> None:
        """One client: hold, then collect, release or leave it; now and then a sale at the till."""
        chance, step = random.Random(number), 0
        with httpx.Client(timeout=10, trust_env=False) as client:
            while not self._over.is_set():
                step += 1
                name, sku = f"c{number}-{step}", chance.choice(self.skus)
                if chance.random() < 0.2:
                    self._sell(client, number, name, sku)
                else:
                    self._hold(client, number, name, sku, chance.choice(("collect", "release", None)))

    def _hold(self, client: httpx.Client, number: int, name: str, sku: str, then: str | None) -> None:
        lines = [{"sku": sku, "location": self.location, "quantity": 1}]
        answer = self._ask(client, number, "/v1/reservations", name, {"lines": lines})
        if answer.status_code != 201:
            self._note_refusal(name, answer)
            return
        reservation = answer.json()["id"]
        with self._lock:
            self.journal.holds[name] = (reservation, sku)
        if then is None:
            return
        ended = self._ask(client, number, f"/v1/reservations/{reservation}/{then}", name, None)
        with self._lock:
            if ended.status_code == 200:
                self.journal.ended[reservation] = then
            else:
                self.journal.surprises.append(f"{then} of {name}: {ended.status_code} {ended.text}")

    def _sell(self, client: httpx.Client, number: int, name: str, sku: str) -> None:
        sale = {"key": name, "kind": "sold", "sku": sku, "location": self.location, "quantity": 1}
        answer = self._ask(client, number, "/v1/stock/movements", name, {"movements": [sale]}, key=self.ops_key)
        with self._lock:
            if answer.status_code == 200:
                self.journal.sold[sku] += 1
            else:
                self.journal.surprises.append(f"sale {name}: {answer.status_code} {answer.text}")

    def _note_refusal(self, name: str, answer: httpx.Response) -> None:
        with self._lock:
            code = answer.json()["type"].rpartition("/")[2]
            self.journal.refused[code] += 1
            if code != "out-of-stock":
                self.journal.surprises.append(f"hold {name}: {answer.status_code} {answer.text}")

    def _ask(
        self, client: httpx.Client, number: int, path: str, name: str, body: Any, *, key: str = ""
    ) -> httpx.Response:
        """Until there is an answer: what was not answered may have happened, and the key makes asking again harmless."""
        headers = {"authorization": f"Bearer {key or self.key}", "idempotency-key": name}
        address = self.addresses[number % len(self.addresses)]
        for _ in range(GIVE_UP_AFTER):
            try:
                answer = client.post(f"{address}{path}", json=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code not in UNSURE and not _in_flight(answer):
                return answer
            with self._lock:
                self.journal.repeated += 1
            threading.Event().wait(RETRY_SECONDS)
        raise AssertionError(f"{path} of {name} was never answered")

    def stop(self) -> None:
        self._over.set()


def _in_flight(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and "idempotency-in-flight" in answer.text


@contextmanager
def trading(buyers: Buyers, clients: int) -> Iterator[Buyers]:
    """So many clients trade meanwhile; afterwards all have finished what they had begun, and their errors are raised."""
    with ThreadPoolExecutor(clients, "buyer") as threads:
        working = [threads.submit(buyers.trade, number) for number in range(clients)]
        try:
            yield buyers
        finally:
            buyers.stop()
        for work in working:
            work.result()


def wait_for_more(buyers: Buyers, count: int, of: Callable[[Journal], int]) -> None:
    """Until that many more were acknowledged than now."""
    before = of(buyers.journal)
    until(f"{count} more were acknowledged", lambda: of(buyers.journal) - before, lambda more: more >= count)
