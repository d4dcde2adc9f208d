"""Whatever clients of two nodes do at the same time: the ledger is what they were answered, and nothing is promised twice."""

from __future__ import annotations

import asyncio
from itertools import count

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.clock import StoppedClock
from omnisync.stock import availability, ends
from omnisync.stock.ends import How
from omnisync.stock.reservations import Line
from omnisync.values import Kind, Shelf
from tests.conftest import START
from tests.properties.concurrently import Act, Crowd, Finish, Memory, Reserve, Say, nodes
from tests.stock.shop import shelf, violations

SKUS, LOCATIONS = ("A", "B", "C"), ("linden", "markt")
SHELVES = [Shelf(location, sku) for location in LOCATIONS for sku in SKUS]
RUNS = count()

lines = st.builds(Line, st.sampled_from(SKUS), st.sampled_from(LOCATIONS), st.integers(1, 3))
twins = st.sampled_from((1, 1, 2, 3))
holds = st.builds(
    Reserve, st.lists(lines, min_size=1, max_size=3).map(tuple), twins, st.sampled_from((False,) * 4 + (True,))
)
finishes = st.builds(Finish, st.integers(0, 20), st.sampled_from((How.CONFIRM, How.COLLECT, How.RELEASE)))
facts = st.builds(
    Say,
    st.sampled_from((Kind.SOLD, Kind.RETURNED, Kind.FOUND, Kind.MISSING)),
    st.sampled_from(SHELVES),
    st.integers(1, 3),
    twins,
)
clients = st.lists(st.lists(st.one_of(holds, holds, finishes, facts), min_size=1, max_size=5), min_size=2, max_size=8)
openings = st.lists(st.integers(0, 8), min_size=len(SHELVES), max_size=len(SHELVES))

EVERYBODY_WANTS_THE_LAST: list[list[Act]] = [[Reserve((Line("A", "linden", 1),))] for _ in range(24)]
BASKETS_IN_BOTH_ORDERS: list[list[Act]] = [
    [Reserve(basket), Finish(n, How.RELEASE)]
    for n in range(12)
    for basket in ((Line("A", "linden", 1), Line("B", "linden", 1)), (Line("B", "linden", 1), Line("A", "linden", 1)))
]
ONE_HOLD_MANY_ENDS: list[list[Act]] = [
    [Reserve((Line("A", "linden", 1),)), *(Finish(0, how) for how in (How.COLLECT, How.RELEASE, How.CONFIRM))]
] * 6


@settings(
    max_examples=12, deadline=None, derandomize=True, database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(opening=openings, acts=clients)
@example(opening=[1] * len(SHELVES), acts=EVERYBODY_WANTS_THE_LAST)
@example(opening=[5] * len(SHELVES), acts=BASKETS_IN_BOTH_ORDERS)
@example(opening=[4] * len(SHELVES), acts=ONE_HOLD_MANY_ENDS)
def test_the_ledger_is_what_all_clients_together_were_answered(
    engine: Engine, clock: StoppedClock, opening: list[int], acts: list[list[Act]]
):
    run = f"{next(RUNS)}."
    with db.transaction(engine) as session:
        for (location, sku), pieces in zip(SHELVES, opening, strict=True):
            shelf(session, run + sku, pieces=pieces, location=location)

    memory = asyncio.run(_play(engine, clock, run, acts))

    with db.transaction(engine) as session:
        ends.expire_overdue(session, now=START)
        found = availability.levels(session, [Shelf(location, run + sku) for location, sku in SHELVES])
        assert violations(session) == []
    for at, pieces in zip(sorted(found), opening, strict=True):
        assert (found[at].on_hand, found[at].reserved) == (pieces + memory.on_hand[at], memory.reserved[at]), at
    assert [name for name, hows in memory.ends.items() if sum(how is not How.CONFIRM for how in hows) > 1] == []


async def _play(engine: Engine, clock: StoppedClock, run: str, acts: list[list[Act]]) -> Memory:
    with nodes(engine) as writers:
        crowd = Crowd(writers, clock, run)
        await crowd.act([[_of_run(run, act) for act in one] for one in acts])
    return crowd.memory


def _of_run(run: str, act: Act) -> Act:
    """The same act on the shelves of this run."""
    match act:
        case Reserve(wanted, twins, expired):
            return Reserve(tuple(Line(run + one.sku, one.location, one.quantity) for one in wanted), twins, expired)
        case Say(kind, at, quantity, twins):
            return Say(kind, Shelf(at.location, run + at.sku), quantity, twins)
        case Finish():
            return act
