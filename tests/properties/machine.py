"""What may happen to a ledger, told to the real services and to the shopkeeper's books alike."""

from __future__ import annotations

import random
from collections import Counter
from copy import deepcopy
from itertools import count
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy.engine import Engine

from omnisync.catalog.backorder import Backorder
from omnisync.stock import backorders, came_back
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.properties.model import Hold, OrderLine, Shop
from tests.properties.reality import Reality, moment
from tests.stock.shop import article

One = TypeVar("One")
LOCATIONS = ("linden", "markt")
SETS = {"SET": {"CUP": 2, "POT": 1}}
SKUS = ("CUP", "POT")
SHELVES = [Shelf(location, sku) for location in LOCATIONS for sku in SKUS]
OF_ITS_OWN = "moved"
REFERENCES = ("#1", "#2", "#3")
SAID = {Kind.SOLD: -1, Kind.RETURNED: +1, Kind.FOUND: +1, Kind.MISSING: -1, Kind.DAMAGED: -1}

shelves = st.sampled_from(SHELVES)
pieces = st.integers(1, 3)
some = st.integers(0, 9)
"""Which of those that there are."""
seldom = st.integers(0, 5).map(lambda one: one == 0)
minutes = st.integers(0, 20)
OLDEST_COUNT = 21
lines = st.lists(st.tuples(st.sampled_from((*SKUS, "SET")), st.sampled_from(LOCATIONS), pieces), min_size=1, max_size=3)
references = st.sampled_from((None, *REFERENCES))


def _news(number: int) -> list[tuple[str, int, bool]]:
    """What becomes of a line, one after the other, and whether we are told before the next thing happens."""
    chance = random.Random(number)
    kinds = chance.choices(("ship", "cancel", "refund", "restock", "edit"), (5, 2, 3, 3, 2), k=chance.randint(1, 4))
    return [(kind, chance.randint(1, 3), chance.random() < 0.7) for kind in kinds]


news = st.integers(0, 1 << 30).map(_news)
owners = st.sampled_from(("shop", "shop", "app"))


class Ledger(RuleBasedStateMachine):
    """Everything that happens to a ledger, told to it and to the books."""

    def __init__(self, engine: Engine, *, thorough: bool = True, tally: Counter[str] | None = None) -> None:
        super().__init__()
        self.thorough, self.tally = thorough, tally
        self.real, self.books = Reality(engine), Shop(LOCATIONS, SETS)
        self.names = count(1)
        self.told: dict[str, list[tuple[int, dict[str, OrderLine]]]] = {}
        self.receipts: dict[str, tuple[Shelf, int, int]] = {}

    def teardown(self) -> None:
        try:
            self.nothing_is_violated()
            if self.tally is not None:
                self.tally += self.real.played()
        finally:
            self.real.close()

    @initialize(opening=st.lists(st.integers(0, 16), min_size=len(SHELVES), max_size=len(SHELVES)))
    def open(self, opening: list[int]) -> None:
        for sku in (*SKUS, *SETS):
            self.real.step(lambda session, sku=sku: article(session, sku, components=SETS.get(sku)))
        for at, n in zip(SHELVES, opening, strict=True):
            self.real.record((Kind.OPENING, at, n, -1440, f"opening/{at}"))
            self.books.happens(at, n, -1440)

    @invariant()
    def both_say_the_same(self) -> None:
        real, books = self.real.levels(SHELVES), {at: self.books.level(at) for at in SHELVES}
        assert real == books, "\n".join(
            f"{at.sku} at {at.location}: {real[at]}, by the books {books[at]}"
            for at in SHELVES
            if real[at] != books[at]
        )
        kept = {name: state for name, state in self.real.states().items() if name in self.books.holds}
        told = {name: hold.state_at(self.now) for name, hold in self.books.holds.items() if name in kept}
        assert kept == told, {name: (state, told[name]) for name, state in kept.items() if state != told[name]}
        if self.thorough:
            self.nothing_is_violated()

    def nothing_is_violated(self) -> None:
        violations = self.real.violations()
        assert violations == [], violations

    # ------------------------------------------------------------ the floor

    @rule(minutes=st.integers(1, 12))
    def time_passes(self, minutes: int) -> None:
        self.real.now += minutes

    @rule(kind=st.sampled_from(list(SAID)), at=shelves, n=pieces, late=minutes, twice=st.booleans())
    def something_happened(self, kind: Kind, at: Shelf, n: int, late: int, twice: bool) -> None:
        said = (kind, at, n, self.now - late, self._name("fact"))
        assert self.real.record(said, *[said] * twice) == [False, *[True] * twice]
        assert self.real.record(said) == [True]
        self.books.happens(at, SAID[kind] * n, self.now - late)

    @rule(at=shelves, n=st.integers(0, 8), ago=minutes)
    def somebody_counted(self, at: Shelf, n: int, ago: int) -> None:
        self.real.record((Kind.COUNT, at, n, self.now - ago, self._name("count")))
        self.books.count(at, n, self.now - ago)

    @precondition(lambda ledger: ledger.now > OLDEST_COUNT)
    @rule()
    def what_is_old_enough_leaves_the_journal(self) -> None:
        self.real.archive(self.now - OLDEST_COUNT)

    @rule(at=shelves, n=st.integers(0, 8))
    def somebody_counts_for_the_stocktake(self, at: Shelf, n: int) -> None:
        self.real.count_for_stocktake(at, n)
        self.books.counted[at] = (n, self.now)

    @precondition(lambda ledger: ledger.books.counted)
    @rule(abandon=st.integers(0, 3))
    def the_stocktakes_end(self, abandon: int) -> None:
        self.real.end_stocktakes("abandon" if abandon == 0 else "book")
        if abandon == 0:
            self.books.counted = {}
        self.books.book_stocktake()

    @rule(sku=st.sampled_from(SKUS), n=pieces, there=st.booleans())
    def a_transfer(self, sku: str, n: int, there: bool) -> None:
        here, other = (Shelf(location, sku) for location in (LOCATIONS if there else LOCATIONS[::-1]))
        key = self._name("transfer")
        self.real.record(
            (Kind.TRANSFER_OUT, here, n, self.now, f"{key}/out"), (Kind.TRANSFER_IN, other, n, self.now, f"{key}/in")
        )
        self.books.happens(here, -n, self.now)
        self.books.happens(other, n, self.now)

    @rule(at=shelves, n=pieces, block=st.booleans())
    def set_aside(self, at: Shelf, n: int, block: bool) -> None:
        n = n if block else min(n, self.books.blocked[at])
        self.real.record((Kind.BLOCKED if block else Kind.UNBLOCKED, at, n, self.now, self._name("blocked")))
        self.books.blocked[at] += n if block else -n

    @rule(at=shelves, really=seldom)
    def nobody_finds_it(self, at: Shelf, really: bool) -> None:
        """Seldom, for nothing of it is promised to anybody then."""
        if not really:
            return
        self.real.record((Kind.OFF_SALE, at, 0, self.now, self._name("missed")))
        self.books.off_sale[at] = self.now

    @rule(at=shelves, n=st.sampled_from((0, 0, 0, 1, 2)))
    def safety(self, at: Shelf, n: int) -> None:
        self.real.record((Kind.SAFETY, at, n, self.now, self._name("safety")))
        self.books.safety[at] = n

    @rule(at=shelves, n=pieces)
    def a_delivery_is_awaited(self, at: Shelf, n: int) -> None:
        self.real.record((Kind.AWAITED, at, n, self.now, self._name("awaited")))
        self.books.incoming[at] += n
        self.books.owed[at] += n

    @precondition(lambda ledger: ledger.books.owed.total())
    @rule(which=some, n=pieces, never=st.integers(0, 3).map(lambda one: one == 0))
    def a_delivery_comes(self, which: int, n: int, never: bool) -> None:
        at = self._pick(sorted(at for at, owed in self.books.owed.items() if owed), which)
        if at is None:
            return
        n = min(n, self.books.owed[at])
        self.real.record((Kind.CALLED_OFF if never else Kind.RECEIVED, at, n, self.now, self._name("received")))
        self.books.happens(at, 0 if never else n, self.now)
        self.books.incoming[at] -= n
        self.books.owed[at] -= n

    @rule(sku=st.sampled_from(SKUS), said=st.sampled_from((0, 2, None)))
    def may_be_backordered(self, sku: str, said: int | None) -> None:
        rule = Backorder(said) if said is not None else Backorder(day=START.date())
        self.real.step(lambda session: backorders.put(session, {sku: rule}, cause="floor", now=moment(self.now)))
        self.books.backorders[sku] = said

    # ------------------------------------------------------------ holds

    @rule(
        wanted=st.lists(st.tuples(lines, st.integers(1, 15), references, owners), min_size=1, max_size=3),
        takes=st.one_of(st.none(), some),
        again=st.sampled_from(("", "same", "other body")),
    )
    def hold(
        self, wanted: list[tuple[list[tuple[str, str, int]], int, str | None, str]], takes: int | None, again: str
    ) -> None:
        earlier = self._pick(self._named_holds, takes)
        asked = [
            (self._name("hold"), lines, self.now + lasts, reference, owner, None if number else earlier)
            for number, (lines, lasts, reference, owner) in enumerate(wanted)
        ]
        key = self._name("key")
        answers = self.real.hold(key, asked)
        expected = [
            self.books.hold(name, lines, self.now, until, reference=reference, owner=owner, takes=takes)
            for name, lines, until, reference, owner, takes in asked
        ]
        assert answers == expected, (answers, expected)
        if again:
            reused = ["idempotency-key-reused"] * len(asked)
            assert self.real.hold(key, asked, body=b"x" * (again != "same")) == (answers if again == "same" else reused)

    @precondition(lambda ledger: ledger.books.holds)
    @rule(
        which=some, how=st.sampled_from(("confirm", "collect", "release")), part=st.one_of(st.none(), pieces),
        too_late=seldom,
    )  # fmt: skip
    def end_a_hold(self, which: int, how: str, part: int | None, too_late: bool) -> None:
        """Now and then in the minute in which its time is over, and nobody has written so yet."""
        name = self._pick(sorted(name for name, hold in self.books.holds.items() if not hold.of_pickup), which)
        if name is None:
            return
        if too_late:
            self.real.now = max(self.now, self.books.holds[name].until or 0)
        first = next(iter(self.books.holds[name].granted))
        named = {first: part} if part is not None and how == "collect" else None
        assert self.real.finish(name, how, named) == self.books.finish(name, how, self.now, named)

    @rule()
    def the_worker_expires_what_is_overdue(self) -> None:
        self.real.expire()
        self.books.expire(self.now)

    # ------------------------------------------------------------ orders

    @precondition(lambda ledger: len(ledger.told) < len(REFERENCES))
    @rule(reference=st.sampled_from(REFERENCES), wanted=lines, placed=st.booleans())
    def order(self, reference: str, wanted: list[tuple[str, str, int]], placed: bool) -> None:
        if reference not in self.told:
            self._tell(
                reference,
                {str(n): OrderLine(sku, q, at if placed else None) for n, (sku, at, q) in enumerate(wanted)},
            )

    @precondition(lambda ledger: ledger.held_and_not_ordered)
    @rule(which=some, more=st.integers(0, 3), news=news)
    def what_is_held_is_ordered(self, which: int, more: int, news: list[tuple[str, int, bool]]) -> None:
        """And some more of it, and then the order goes on."""
        [reference, hold] = self.held_and_not_ordered[which % len(self.held_and_not_ordered)]
        self.order(reference, [(at.sku, at.location, n + more) for at, n in hold.granted.items()], False)
        self.the_order_goes_on(reference, which, news)

    @property
    def held_and_not_ordered(self) -> list[tuple[str, Hold]]:
        """For which order, as somebody has said."""
        named = [(hold.reference, hold) for hold in self.books.holds.values() if hold.left and hold.reference]
        return [(reference, hold) for reference, hold in named if reference not in self.told]

    @precondition(lambda ledger: ledger.told)
    @rule(reference=st.sampled_from(REFERENCES), which=some, news=news)
    def the_order_goes_on(self, reference: str, which: int, news: list[tuple[str, int, bool]]) -> None:
        """With one of its lines; of some of it we hear together only."""
        reference = reference if reference in self.told else next(iter(self.told))
        lines = deepcopy(self.told[reference][-1][1])
        for number, (what, n, is_told) in enumerate(news, 1):
            self._goes_on(lines[str(which % len(lines))], what, n)
            if is_told or number == len(news):
                self._tell(reference, deepcopy(lines))
                self.both_say_the_same()

    def _goes_on(self, line: OrderLine, what: str, n: int) -> None:
        still_open = max(0, line.quantity - line.cancelled - line.shipped)  # what was sent may have been refunded
        match what:
            case "ship":
                line.shipped += min(n, still_open)
            case "cancel":
                line.cancelled += min(n, still_open)
            case "refund":
                line.cancelled = min(line.quantity, line.cancelled + n)
            case "restock":
                line.restocks[self._name("restock")] = n
            case "edit":
                line.quantity = max(line.cancelled + line.shipped, n)

    @precondition(lambda ledger: ledger.told)
    @rule(reference=st.sampled_from(REFERENCES), which=some)
    def an_old_message_comes_again(self, reference: str, which: int) -> None:
        """Later than the one before: who was promised first is told by the time, and here a minute is a moment."""
        self.real.now += 1
        reference = reference if reference in self.told else next(iter(self.told))
        told = self.told[reference]
        version, lines = told[-1 - which % len(told)]
        taken = self.real.tell(reference, version, lines)
        assert taken.stale == (version < told[-1][0])
        if not taken.stale:
            self.books.tell(reference, lines, self.now, version)

    @precondition(lambda ledger: ledger.books.checking.total())
    @rule(which=some, scrap=st.integers(0, 2))
    def somebody_checks_what_came_back(self, which: int, scrap: int) -> None:
        found = self._pick(list(self.real.returns()), which)
        if found is None or found.id is None:
            return
        scrap = min(scrap, found.quantity)
        verdict = came_back.Verdict(found.quantity - scrap, scrap=scrap)
        assert self.real.decide(found.id, verdict) == "decided"
        assert self.real.decide(found.id, verdict) == "already-decided"
        self.books.decide(Shelf(found.location, found.sku), verdict.sellable, scrap, self.now)

    @rule(at=shelves, n=pieces, late=minutes)
    def a_counter_sale(self, at: Shelf, n: int, late: int) -> None:
        receipt = self._name("receipt")
        self.receipts[receipt] = (at, n, self.now - late)
        self._ring_up(receipt, cancelled=0)
        self.books.happens(at, -n, self.now - late)

    @precondition(lambda ledger: ledger.receipts)
    @rule(which=some)
    def a_receipt_is_voided(self, which: int) -> None:
        receipt = self._pick(sorted(self.receipts), which)
        if receipt is None:
            return
        at, n, _ = self.receipts[receipt]
        self.real.now += 1
        self._ring_up(receipt, cancelled=n)
        self._ring_up(receipt, cancelled=n)
        self.books.happens(at, n, self.now)
        del self.receipts[receipt]

    def _ring_up(self, receipt: str, cancelled: int) -> None:
        at, n, placed = self.receipts[receipt]
        line = OrderLine(at.sku, n, at.location, cancelled=cancelled)
        self.real.tell(receipt, self.now, {"1": line}, placed=placed, counter=True)

    def _tell(self, reference: str, lines: dict[str, OrderLine]) -> None:
        self.real.now += 1
        self.told.setdefault(reference, []).append((self.now, lines))
        self.real.tell(reference, self.now, lines)
        self.books.tell(reference, lines, self.now, self.now)

    # ------------------------------------------------------------

    @property
    def now(self) -> int:
        return self.real.now

    @property
    def _named_holds(self) -> list[str]:
        """Those that somebody was told of (a pickup that changes places makes some of its own); open ones come twice as often."""
        told = sorted(name for name in self.books.holds if not name.startswith(OF_ITS_OWN))
        return [name for name in told if self.books.holds[name].left] + told

    def _name(self, what: str) -> str:
        return f"{what}-{next(self.names):03}"

    def _pick(self, those: list[One], which: int | None) -> One | None:
        return those[which % len(those)] if those and which is not None else None
