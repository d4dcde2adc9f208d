"""Pickups are reported back to the channel whose order they are, until it has heard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.adapters.base import Article, Can, OrderLine, OrderSeen, Write
from omnisync.clock import StoppedClock
from omnisync.orders import intake
from omnisync.orders.tables import Customer, Pickup, PickupLine
from omnisync.sync import telling
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50, tells_pickups=True)


def pickup(engine: Engine, clock: StoppedClock, state: str, collected: int = 0, reference: str = "#1001") -> None:
    """A pickup of three lamps in that state, or the same one further on."""
    now = clock.now()
    with db.transaction(engine) as session:
        session.merge(Customer(id="c1", name="Anna Schubert", created_at=now))
        session.flush()
        session.merge(
            Pickup(
                id="p1", number="L-1", code_hash="x", channel="web", reference=reference, location="linden",
                state=state, reservation_id="r1", customer_id="c1", placed_at=now, ready_by=now, collect_by=now,
                ended_at=now if state == "collected" else None,
            )
        )  # fmt: skip
        session.flush()
        session.merge(PickupLine(pickup_id="p1", sku="LAMP", quantity=3, collected=collected))


def order(engine: Engine, house: House, clock: StoppedClock) -> None:
    lines = (OrderLine("a", Article(sku="LAMP"), 2), OrderLine("b", Article(sku="LAMP"), 1))
    seen = OrderSeen("900", "#1001", clock.now(), clock.now(), lines, pickup=True)
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
        ("ready", "900", [("a", 2), ("b", 1)]),
        ("collected", "900", [("a", 2), ("b", 1)]),
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
