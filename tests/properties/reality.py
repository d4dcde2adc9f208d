"""The real services behind the words of the model: one database transaction an example, a savepoint a step, rolled back at the end.

So no example sees another one's rows, and thousands of them need no emptying of tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Article, OrderLine, OrderSeen, Restock
from omnisync.clock import StoppedClock
from omnisync.errors import Refused
from omnisync.orders import intake
from omnisync.settings import ChannelSettings
from omnisync.stock import availability, came_back, ends, ledger, reservations, stocktakes
from omnisync.stock.effects import Level
from omnisync.stock.ends import End
from omnisync.stock.idempotency import Answer, Call, Once
from omnisync.stock.ledger import Entry
from omnisync.stock.reservations import Line, Request
from omnisync.stock.tables import GoodsReturn, Reservation
from omnisync.values import Kind, Shelf
from tests.conftest import SCRATCH, START
from tests.orders import counter
from tests.properties import model
from tests.properties.played import played
from tests.stock.archives import archived

Result = TypeVar("Result")
CHANNEL = "webshop"
PLACES = {"linden": "L1", "markt": "L2"}
SHOP = ChannelSettings(
    name=CHANNEL, adapter="fake", locations=list(PLACES), location_map={place: code for code, place in PLACES.items()}
)
_STATES = sa.select(*(db.table(Reservation).c[name] for name in ("id", "state", "expires_at")))
_ENDS = {"book": stocktakes.book, "abandon": stocktakes.abandon}
Asked = tuple[str, Sequence[tuple[str, str, int]], int | None, str | None, str | None, str | None]
"""Name, lines, until, reference, owner, takes."""


def moment(minute: int) -> datetime:
    """The model's minutes as the ledger's moments."""
    return START + timedelta(minutes=minute)


class Reality:
    """The ledger as it is."""

    def __init__(self, engine: Engine) -> None:
        self.connection = engine.connect()
        self.transaction = self.connection.begin()
        self.now = 0
        self.desk = counter.a_desk()
        self.stocktakes: dict[str, str] = {}
        self._hold_once = Once(self._hold, StoppedClock(START))

    def close(self) -> None:
        """Nothing of this has ever been."""
        self.transaction.rollback()
        self.connection.close()

    def step(self, work: Callable[[Session], Result]) -> Result | str:
        """A unit of work as a request or the worker does it; refused: the code, and nothing has happened."""
        try:
            with (
                Session(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session,
                session.begin(),
            ):
                return work(session)
        except Refused as refused:
            return refused.code

    # ------------------------------------------------------------ facts

    def record(self, *said: tuple[Kind, Shelf, int, int, str]) -> list[bool]:
        """Facts of the floor: kind, shelf, quantity, minute, key. Answers which of them were known already."""
        entries = [Entry(kind, at.sku, at.location, n, "floor", moment(then), key) for kind, at, n, then, key in said]
        recorded = self.step(lambda session: ledger.record(session, entries, now=moment(self.now)))
        return [one.duplicate for one in recorded if not isinstance(one, str)]

    def returns(self) -> Sequence[GoodsReturn]:
        """What came back and waits to be checked."""
        found = self.step(lambda session: came_back.page(session, None, to_check=True))
        assert not isinstance(found, str), found
        return found

    def decide(self, number: int, verdict: came_back.Verdict) -> str:
        done = self.step(lambda session: came_back.decide(session, number, verdict, by="Kim", now=moment(self.now)))
        return done if isinstance(done, str) else "decided"

    def count_for_stocktake(self, at: Shelf, n: int) -> None:
        """Kept without effect; the first count opens the stocktake of its location."""
        if at.location not in self.stocktakes:
            opened = self._done(
                lambda session: stocktakes.open_one(session, self.desk.ids, at.location, by="ops", now=moment(self.now))
            )
            self.stocktakes[at.location] = opened.id
        counts = [stocktakes.Count(at.sku, n, moment(self.now))]
        self._done(
            lambda session: stocktakes.count(
                session, self.stocktakes[at.location], counts, by="Kim", now=moment(self.now)
            )
        )

    def end_stocktakes(self, how: str) -> None:
        """Book or abandon those that are open."""
        for _, name in sorted(self.stocktakes.items()):
            self._done(lambda session, name=name: _ENDS[how](session, name, by="ops", now=moment(self.now)))
        self.stocktakes = {}

    def archive(self, until: int) -> None:
        """What was recorded before that minute, if nothing open needs it, is carried forward."""
        with TemporaryDirectory(dir=SCRATCH) as folder:
            self._done(
                lambda session: archived(session, Path(folder), f"{self.now:06}", moment(until), now=moment(self.now))
            )

    def _done(self, work: Callable[[Session], Result]) -> Result:
        done = self.step(work)
        assert not isinstance(done, str), done
        return done

    def levels(self, shelves: Iterable[Shelf]) -> dict[Shelf, Level]:
        found = self.step(lambda session: availability.levels(session, shelves))
        return {shelf: found.get(shelf, Level()) for shelf in shelves} if isinstance(found, dict) else {}

    def played(self) -> Counter[str]:
        """How often each thing has happened in this example."""
        return self._done(played)

    def violations(self) -> list[str]:
        found = self.step(counter.violations)
        return found if isinstance(found, list) else [found]

    # ------------------------------------------------------------ holds

    def hold(self, key: str, asked: Sequence[Asked], *, body: bytes = b"") -> list[str]:
        """A batch of holds, as the writer gathers them, each under an idempotency key of its own; the state of each, or why
        it was refused."""
        calls = [Call("shop POST /v1/reservations", f"{key}/{one[0]}", body, one) for one in asked]
        answers = self.step(lambda session: self._hold_once(session, calls))
        return [one.code if isinstance(one, Refused) else orjson.loads(one.body) for one in answers]

    def _hold(self, session: Session, asked: Sequence[Asked], _: datetime) -> list[Answer | Refused]:
        requests = [
            Request(
                name, tuple(Line(*line) for line in lines), None if until is None else moment(until),
                CHANNEL if reference else None, reference, owner, takes,
            )
            for name, lines, until, reference, owner, takes in asked
        ]  # fmt: skip
        outcomes = reservations.reserve(session, requests, now=moment(self.now))
        return [
            Answer(409, orjson.dumps(one.code)) if isinstance(one, Refused) else Answer(201, orjson.dumps(one.state))
            for one in outcomes
        ]

    def states(self) -> Mapping[str, str]:
        """What has become of every hold; one that is overdue has expired, whether or not somebody has written so."""
        rows = self._done(lambda session: session.execute(_STATES).all())
        overdue = moment(self.now)
        return {row.id: "expired" if row.state == "held" and row.expires_at <= overdue else row.state for row in rows}

    def finish(self, name: str, how: str, part: Mapping[Shelf, int] | None = None) -> str:
        wanted = [End(name, ends.How(how), part)]
        [answer] = self.step(lambda session: ends.end(session, wanted, now=moment(self.now)))
        return answer.code if isinstance(answer, Refused) else answer.state

    def expire(self) -> None:
        self.step(lambda session: ends.expire_overdue(session, now=moment(self.now)))

    # ------------------------------------------------------------ orders

    def tell(
        self, reference: str, version: int, lines: Mapping[str, model.OrderLine], *, placed: int = 0, **details: Any
    ) -> intake.Taken:
        """A channel tells an order as it stands."""
        order = OrderSeen(
            reference, reference, moment(version), moment(placed),
            tuple(_line(number, line) for number, line in sorted(lines.items())), **details,
        )  # fmt: skip
        taken = self.step(
            lambda session: intake.take(session, SHOP, order, lambda found: found.sku, now=moment(self.now))
        )
        assert isinstance(taken, intake.Taken), taken
        return taken


def _line(number: str, line: model.OrderLine) -> OrderLine:
    return OrderLine(
        number, Article(sku=line.sku), line.quantity, line.cancelled, line.shipped,
        tuple(Restock(name, n, "L1") for name, n in line.restocks.items()),
        PLACES[line.place] if line.place else None,
    )  # fmt: skip
