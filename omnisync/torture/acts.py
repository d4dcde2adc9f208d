"""What torments share: acts that a channel may not have, and what is expected in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, timedelta

from omnisync import db
from omnisync.adapters.base import OrderSeen, Sale
from omnisync.sync import cursors, health, polling
from omnisync.torture.counterpart import Bought, DoesNotApply, Trouble
from omnisync.torture.stage import NAME, SKUS, Stage
from omnisync.torture.wire import ANSWER_LOST, Call, Fate

A, B, C, *_ = SKUS
TOLD_SECONDS = 300
FILES = "it speaks by files, there is no HTTP"


class Troubled:
    """What the wire does where there is HTTP, the counterpart does by itself where there is none."""

    def __init__(self, stage: Stage, kind: Trouble) -> None:
        self._stage, self._kind = stage, kind

    def __enter__(self) -> None:
        if not self._stage.speaks_http:
            self._stage.counterpart.trouble(self._kind, True)

    def __exit__(self, *error: object) -> None:
        if not self._stage.speaks_http:
            self._stage.counterpart.trouble(self._kind, False)
        self._stage.wire.calm()


async def some_trade(stage: Stage) -> None:
    bought = [stage.buy((A, 1)), stage.buy((B, 2)), stage.buy((C, 1))]
    await stage.rounds(2)
    if_any(lambda: stage.ship(bought[0]))
    if_any(lambda: stage.cancel(bought[1]), lambda: stage.take_back(bought[1]))
    await stage.rounds(2)
    if_any(lambda: stage.take_back(bought[0]))
    await stage.rounds(1)


def if_any(*acts: Callable[[], None]) -> bool:
    """The first of these acts that this channel has."""
    for act in acts:
        try:
            act()
        except DoesNotApply:
            continue
        return True
    return False


def over_http(stage: Stage) -> None:
    if not stage.speaks_http:
        raise DoesNotApply(FILES)


def lost_once() -> Callable[[Call], Fate | None]:
    """Each call does what it asks for and its answer is lost; asked again, it is answered."""
    asked: set[tuple[str, str, bytes]] = set()

    def fate(call: Call) -> Fate | None:
        known = (call.method, call.url, call.body) in asked
        asked.add((call.method, call.url, call.body))
        return None if known else ANSWER_LOST

    return fate


def read_from_the_beginning(stage: Stage) -> None:
    with db.transaction(stage.engine) as session:
        cursors.put(session, NAME, polling.FACTS, None, at=stage.clock.now())


def expect_told(stage: Stage, *bought: Bought, when: str = "") -> None:
    missing = [one.id for one in bought if not stage.is_told(one)]
    if missing:
        stage.wrong(f"{len(missing)} of {len(bought)} orders were never told {when}".rstrip() + f": {missing[0]}")


def expect_moment(stage: Stage, bought: Bought) -> None:
    expect_told(stage, bought)
    for id in bought.told_as & stage.told.keys():
        fact, at = stage.told[id], stage.books.at[id]
        assert isinstance(fact, OrderSeen | Sale)
        told = fact.placed_at if isinstance(fact, OrderSeen) else fact.at
        if abs(told - at) > timedelta(seconds=TOLD_SECONDS):
            stage.wrong(f"what was sold at {at:%Y-%m-%d %H:%M} UTC was told as of {told.astimezone(UTC):%H:%M}")


def health_of(stage: Stage) -> health.Health:
    with db.reading(stage.engine) as session:
        return health.of(session, stage.context.channel(NAME), now=stage.clock.now())


def expect_well(stage: Stage, when: str) -> None:
    now = health_of(stage)
    if now.state != "on_time":
        stage.wrong(f"{when} it is {now.state}: {now.reason}")


def expect_another_letter(stage: Stage, before: int, what: str) -> None:
    if health_of(stage).failed <= before:
        stage.wrong(f"{what}, and no letter says so")
