"""Pickups are reported back to the channel whose order they are, until it has heard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.adapters.base import Article, Can, News, OrderLine, OrderSeen, Published, Write
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention, TryLater
from omnisync.orders import intake
from omnisync.orders.tables import Customer, Pickup, PickupLine
from omnisync.sync import telling
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50, tells_pickups=True)


def pickup(
    engine: Engine, clock: StoppedClock, state: str, collected: int = 0, reference: str = "#1001", the_id: str = "p1"
) -> None:
    """A pickup of three lamps in that state, or the same one further on."""
    now = clock.now()
    with db.transaction(engine) as session:
        session.merge(Customer(id="c1", name="Anna Schubert", created_at=now))
        session.flush()
        session.merge(
            Pickup(
                id=the_id, number=f"L-{the_id}", code_hash=the_id, channel="web", reference=reference, location="linden",
                state=state, reservation_id=f"r-{the_id}", customer_id="c1", placed_at=now, ready_by=now, collect_by=now,
                ended_at=now if state == "collected" else None,
            )
        )  # fmt: skip
        session.flush()
        session.merge(PickupLine(pickup_id=the_id, sku="LAMP", quantity=3, collected=collected))


def order(engine: Engine, house: House, clock: StoppedClock, reference: str = "#1001") -> None:
    lines = (OrderLine("a", Article(sku="LAMP"), 2), OrderLine("b", Article(sku="LAMP"), 1))
    seen = OrderSeen(f"order {reference}", reference, clock.now(), clock.now(), lines, pickup=True)
    with db.transaction(engine) as session:
        intake.take(session, house.context.channel("web").settings, seen, lambda found: found.sku, now=clock.now())


@pytest.fixture
def web(clock: StoppedClock) -> FakeChannel:
    return FakeChannel("web", clock, CAN)


@pytest.fixture
def house(make_house: MakeHouse, web: FakeChannel) -> House:
    return make_house((shop("web"), web))


def tell(house: House, play: Play) -> int:
    return int(play(telling.tell(house.context, house.context.channel("web"))))


def test_a_ready_pickup_is_told_once_and_its_end_too(
    engine: Engine, house: House, web: FakeChannel, clock: StoppedClock, play: Play
) -> None:
    order(engine, house, clock)
    pickup(engine, clock, "ready")
    assert (tell(house, play), tell(house, play)) == (1, 0)

    pickup(engine, clock, "collected", collected=3)
    clock.advance(seconds=9)
    assert tell(house, play) == 0, "one tap may still take it back"
    clock.advance(seconds=1)
    assert (tell(house, play), tell(house, play)) == (1, 0)

    assert [(news.kind, news.order_id, list(news.lines)) for news in web.told] == [
        ("ready", "order #1001", [("a", 2), ("b", 1)]),
        ("collected", "order #1001", [("a", 2), ("b", 1)]),
    ]


def test_of_a_pickup_that_was_collected_in_part_just_that_part_is_told(
    engine: Engine, house: House, web: FakeChannel, clock: StoppedClock, play: Play
) -> None:
    order(engine, house, clock)
    pickup(engine, clock, "collected", collected=1)
    clock.advance(seconds=10)

    tell(house, play)

    assert [list(news.lines) for news in web.told] == [[("a", 1)]]


def test_a_pickup_of_an_order_that_the_channel_never_took_is_not_told(
    engine: Engine, house: House, web: FakeChannel, clock: StoppedClock, play: Play
) -> None:
    order(engine, house, clock)
    pickup(engine, clock, "ready", reference="#2000")

    assert tell(house, play) == 0
    assert web.told == []


def test_news_that_a_channel_could_not_hear_are_told_again(
    engine: Engine, house: House, web: FakeChannel, clock: StoppedClock, play: Play
) -> None:
    order(engine, house, clock)
    pickup(engine, clock, "ready")
    web.faults.down = True
    play(house.worker.tick("web", full=True))
    assert web.told == []

    web.faults.down = False
    clock.advance(minutes=5)
    play(house.worker.tick("web", full=True))
    clock.advance(seconds=timedelta(minutes=5).total_seconds())
    play(house.worker.tick("web"))

    assert [news.kind for news in web.told] == ["ready"]


@pytest.mark.parametrize(
    "trouble",
    [NeedsAttention("The shop answers 500 with something that is no JSON.", action="Look."), TryLater("No answer.")],
)
def test_one_order_that_the_channel_stumbles_over_leaves_the_others_told(
    engine: Engine, house: House, web: FakeChannel, clock: StoppedClock, play: Play, trouble: NeedsAttention | TryLater,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number in (1, 2, 3):
        order(engine, house, clock, f"#100{number}")
        pickup(engine, clock, "ready", reference=f"#100{number}", the_id=f"p{number}")
    hear = web.tell

    async def stumble(news: Sequence[News]) -> Sequence[Published]:
        if any(one.reference == "#1001" for one in news):
            raise trouble
        return await hear(news)

    monkeypatch.setattr(web, "tell", stumble)
    for _ in range(3):
        play(house.worker.tick("web"))
        clock.advance(seconds=30)

    assert [news.reference for news in web.told] == ["#1002", "#1003"]
    assert len(house.letters("web")) == isinstance(trouble, NeedsAttention)


def test_what_was_told_before_our_key_was_refused_is_not_told_again(
    engine: Engine, house: House, web: FakeChannel, clock: StoppedClock, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        order(engine, house, clock, f"#100{number}")
        pickup(engine, clock, "ready", reference=f"#100{number}", the_id=f"p{number}")
    hear = web.tell

    async def refuse(news: Sequence[News]) -> Sequence[Published]:
        if news[0].reference == "#1002":
            raise NeedsAttention("Our key is refused.", action="Renew the key.", code="credentials")
        return await hear(news)

    monkeypatch.setattr(web, "tell", refuse)
    with pytest.raises(NeedsAttention):
        tell(house, play)
    monkeypatch.undo()

    assert tell(house, play) == 1
    assert [news.reference for news in web.told] == ["#1001", "#1002"]
