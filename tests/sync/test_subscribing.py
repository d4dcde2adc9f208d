"""Webhook subscriptions are made, looked after, and made again when somebody took them away."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy.engine import Engine
from sqlmodel import Session, select

from omnisync import db
from omnisync.adapters.base import Adapter, Can, Message, Subscription, Write
from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.errors import NeedsAttention
from omnisync.orders.tables import ChannelOrder
from omnisync.settings import ChannelSettings, ServerSettings
from omnisync.sync import health, subscribing
from omnisync.sync.context import Context, Inline
from omnisync.sync.tables import DeadLetter, EventPending, InboxMessage
from omnisync.values import format_time
from omnisync.worker import Worker
from tests.adapters.shopify import rig as shopify
from tests.adapters.square import rig as square
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, settings_for, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True, topics=("orders/updated", "levels/updated"))
PUBLIC = "https://sync.example.org"


class Forgetful(FakeChannel):
    """A channel that keeps subscriptions, and sometimes loses or refuses them."""

    def __init__(self, name: str, clock: StoppedClock, can: Can) -> None:
        super().__init__(name, clock, can)
        self.standing: dict[str, Subscription] = {}
        self.refuses: NeedsAttention | None = None

    async def subscriptions(self, wanted: object) -> list[Subscription]:
        self._call("subscriptions")
        if self.refuses:
            raise self.refuses
        made = {one.topic: replace(one, id="1", renewed=True) for one in wanted}  # type: ignore[attr-defined]
        answer = [self.standing.get(topic, one) for topic, one in made.items()]
        self.standing = {topic: replace(one, renewed=False) for topic, one in made.items()}
        return answer


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"


@pytest.fixture
def web(clock: StoppedClock) -> Forgetful:
    return Forgetful("web", clock, CAN)


@pytest.fixture
def house(engine: Engine, clock: StoppedClock, ids: Ids, web: Forgetful) -> House:
    return house_at(PUBLIC, engine, clock, ids, web)


def house_at(url: str, engine: Engine, clock: StoppedClock, ids: Ids, web: FakeChannel) -> House:
    settings = settings_for(shop("web")).model_copy(update={"server": ServerSettings(public_url=url)})
    return build(engine, clock, ids, settings, [web])


def said(house: House) -> list[tuple[object, object]]:
    rows = [row.body for row in house.rows(EventPending) if row.kind == "channel.subscribed"]
    return [(body["topics"], body["again"]) for body in rows]


def subscribed_at(house: House) -> object:
    with db.reading(house.engine) as session:
        return health.of(session, house.channel("web"), now=house.clock.now()).subscribed_at


def test_topics_are_subscribed_at_the_start_and_looked_after_every_hour(
    house: House, web: Forgetful, play: Play
) -> None:
    play(house.tick())
    start = house.clock.now()
    house.clock.advance(minutes=59)
    play(house.tick())
    assert web.calls.count("subscriptions") == 1
    assert {one.url for one in web.standing.values()} == {f"{PUBLIC}/v1/hooks/web"}

    house.clock.advance(minutes=2)
    play(house.tick())

    assert web.calls.count("subscriptions") == 2
    assert said(house) == [(["levels/updated", "orders/updated"], False)]
    assert subscribed_at(house) == start


def test_a_subscription_that_was_gone_is_made_again_and_what_it_missed_is_read_at_once(
    house: House, web: Forgetful, play: Play
) -> None:
    play(house.tick())
    house.clock.advance(hours=2)
    web.standing = {"levels/updated": web.standing["levels/updated"]}
    house.article("LAMP")
    web.offer("LAMP", stock=5)
    web.buy("LAMP", hook=False)
    play(house.worker.tick("web"))

    assert said(house)[1:] == [(["orders/updated"], True)]
    assert subscribed_at(house) == house.clock.now()
    assert [order.reference for order in house.rows(ChannelOrder)] == ["#1001"]


def hear(house: House, topic: str, *moments: datetime) -> None:
    """Messages of a topic that came in at these times."""

    def work(session: Session) -> None:
        for at in moments:
            message = InboxMessage(
                channel="web",
                event_id=f"{topic} {at}",
                body_hash="",
                topic=topic,
                body=b"",
                state="applied",
                received_at=at,
            )
            session.add(message)

    house.within(work)


def test_a_topic_that_falls_silent_has_its_subscription_looked_after_and_the_gap_read_before_the_hour_is_over(
    house: House, web: Forgetful, play: Play
) -> None:
    house.article("LAMP")
    web.offer("LAMP", stock=5)
    start = house.clock.now()
    days = [start + timedelta(days=day) for day in range(7)]
    by_day = [day + timedelta(minutes=30 * half) for day in days for half in range(20)]  # a night of 14.5 hours
    hear(house, "orders/updated", *by_day)
    hear(house, "levels/updated", *days[:3])  # too young to be known
    house.clock.set(by_day[-1])
    play(house.tick())
    house.clock.advance(hours=21)  # one and a half nights
    play(house.tick())
    assert (topics_silent(house), web.calls.count("subscriptions")) == ({}, 2)

    house.clock.advance(minutes=46)
    calls = len(web.calls)
    web.standing.pop("orders/updated")
    web.buy("LAMP", hook=False)
    play(house.tick())

    assert topics_silent(house) == {"orders/updated": format_time(by_day[-1])}
    assert [call for call in web.calls[calls:] if call in ("subscriptions", "pull")][:2] == ["subscriptions", "pull"]
    assert said(house)[-1] == (["orders/updated"], True)
    assert [order.reference for order in house.rows(ChannelOrder)] == ["#1001"]
    assert [row.body for row in house.rows(EventPending) if row.kind == "channel.silent"] == [
        {"channel": "web", "topics": ["orders/updated"]}
    ]

    hear(house, "orders/updated", house.clock.now())
    house.clock.advance(minutes=15)
    play(house.tick())
    assert topics_silent(house) == {}


def topics_silent(house: House) -> object:
    with db.reading(house.engine) as session:
        return health.of(session, house.channel("web"), now=house.clock.now()).silent_topics


def test_a_channel_that_refuses_is_polled_and_asks_a_person_until_it_takes_them(
    house: House, web: Forgetful, play: Play
) -> None:
    web.refuses = NeedsAttention("No such scope.", action="Give the app the scope, then sync.")
    house.article("LAMP")
    web.offer("LAMP", stock=5)
    web.buy("LAMP", hook=False)
    play(house.tick())
    [letter] = house.letters("web")
    assert (letter.kind, letter.action) == ("webhooks", "Give the app the scope, then sync.")
    assert [order.reference for order in house.rows(ChannelOrder)] == ["#1001"]
    assert subscribed_at(house) is None

    web.refuses = None
    play(house.worker.tick("web", full=True))

    assert house.letters("web") == []
    assert subscribed_at(house) == house.clock.now()


def test_a_channel_that_is_away_is_asked_again_when_it_is_back(house: House, web: Forgetful, play: Play) -> None:
    web.faults.down = True
    play(house.tick())
    web.faults.down = False
    house.clock.advance(seconds=30)

    play(house.tick())

    assert len(web.standing) == 2


@pytest.mark.parametrize(
    ("url", "number"),
    [("", 0), ("http://sync.example.org", 0), ("http://127.0.0.1:8000", 2), ("https://sync.example.org/", 2)],
)
def test_only_addresses_that_a_channel_may_call_are_subscribed(
    make_house: MakeHouse, clock: StoppedClock, url: str, number: int
) -> None:
    house = make_house((shop("web"), FakeChannel("web", clock, CAN)))

    assert len(subscribing.wanted(house.channel("web"), url)) == number


# ---------------------------------------------------------------- simulated channels


def worker_of(engine: Engine, clock: StoppedClock, ids: Ids, adapter: Adapter, kind: str, places: object) -> Worker:
    channel = ChannelSettings.model_validate(
        {"name": "contract", "adapter": kind, "locations": ["linden", "markt"], "location_map": places}
    )
    settings = settings_for(channel).model_copy(update={"server": ServerSettings(public_url=PUBLIC)})
    return Worker(Context(Inline(engine), settings, clock, ids, {"contract": adapter}), owner="test")


def references(engine: Engine) -> list[str]:
    with db.reading(engine) as session:
        return [order.external_id for order in session.exec(select(ChannelOrder)).all()]


@pytest.mark.anyio
async def test_shopify_gets_its_webhooks_back_and_the_gap_is_filled(
    engine: Engine, clock: StoppedClock, ids: Ids
) -> None:
    world = shopify.open_world(Tools(clock, ids, random.Random(7)))
    worker = worker_of(engine, clock, ids, world.adapter, "shopify", shopify.PLACES)
    await worker.tick("contract")
    before = {one.topic for one in world.shop.subscriptions.values()}

    clock.advance(minutes=61)
    world.shop.subscriptions.clear()
    order = world.sell(world.targets[0], 1)
    assert world.parcels() == []
    await worker.tick("contract")

    assert {one.topic for one in world.shop.subscriptions.values()} == before
    assert references(engine) == [order]
    world.sell(world.targets[0], 1)
    assert {one.url for one in world.parcels()} == {shopify.HOOK_URL}


@pytest.mark.anyio
async def test_square_gets_its_webhook_back_and_its_new_key_is_known(
    engine: Engine, clock: StoppedClock, ids: Ids
) -> None:
    world = square.RIG.open(Tools(clock, ids, random.Random(7)))
    adapter = square.an_adapter(Tools(clock, ids, random.Random(7), world.channel))
    worker = worker_of(engine, clock, ids, adapter, "square", square.PLACES)
    await worker.tick("contract")
    [old] = world.account.events.subscriptions.values()
    assert old["signature_key"] == square.SECRET

    for _ in range(2):  # a second time, too: an idempotency key of before would bring back what was deleted
        clock.advance(minutes=61)
        world.account.events.subscriptions.clear()
        order = world.sell(world.targets[0], 1)
        await worker.tick("contract")

        [made] = world.account.events.subscriptions.values()
        assert (made["notification_url"], made["enabled"]) == (square.URL, True)
        assert order in references(engine)
        hook = world.hook(secret=made["signature_key"])
        assert isinstance(adapter.identify(hook), Message)
    with db.reading(engine) as session:
        [letter] = session.exec(select(DeadLetter).where(DeadLetter.kind == "webhooks")).all()
        assert letter.closed_at is None
        assert "webhook_secret" in letter.action


@pytest.mark.anyio
async def test_a_square_webhook_that_was_switched_off_is_switched_on(
    engine: Engine, clock: StoppedClock, ids: Ids
) -> None:
    world = square.RIG.open(Tools(clock, ids, random.Random(7)))
    adapter = square.an_adapter(Tools(clock, ids, random.Random(7), world.channel))
    worker = worker_of(engine, clock, ids, adapter, "square", square.PLACES)
    await worker.tick("contract")
    [one] = world.account.events.subscriptions.values()
    one["enabled"] = False
    clock.advance(minutes=61)
    order = world.sell(world.targets[0], 1)

    await worker.tick("contract")

    assert one["enabled"] is True
    assert order in references(engine)
