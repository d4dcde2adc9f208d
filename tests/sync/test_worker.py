"""Leases, events and the loop around it all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import Can, Fact, Hook, LevelSeen, ListingPage, Page, Published, Shown, Target, Write
from omnisync.announce import Touched, announce
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import StoppedClock
from omnisync.errors import Refused
from omnisync.stock import ledger, reservations
from omnisync.stock.reservations import Line, Request
from omnisync.sync import drift, events, health, leases
from omnisync.sync.tables import EventShelf, InboxMessage
from omnisync.sync.why import Why
from omnisync.values import Kind
from omnisync.worker import Worker
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50)


def test_a_lease_is_one_workers_until_it_ends(engine: Engine, clock: StoppedClock) -> None:
    minute = timedelta(minutes=1)
    with db.transaction(engine) as session:
        assert leases.take(session, "channel:web", "anna", now=clock.now(), lasting=minute) == 1
        assert leases.take(session, "channel:web", "ben", now=clock.now(), lasting=minute) is None
        assert leases.take(session, "channel:web", "anna", now=clock.now(), lasting=minute) == 1

    later = clock.advance(minutes=2)
    with db.transaction(engine) as session:
        assert leases.take(session, "channel:web", "ben", now=later, lasting=minute) == 2
        leases.give_back(session, "channel:web", "anna", now=later)
        assert leases.take(session, "channel:web", "anna", now=later, lasting=minute) is None


def test_two_workers_never_serve_one_channel_together(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, CAN)))
    other = Worker(house.context, owner="other")

    play(house.worker.tick("web"))
    calls = len(web.calls)
    play(other.tick("web"))
    assert len(web.calls) == calls

    clock.advance(minutes=2)  # the first one is gone
    play(other.tick("web"))

    assert len(web.calls) > calls


def test_events_are_numbered_without_gaps_and_kept_for_seven_days(engine: Engine, clock: StoppedClock) -> None:
    for number in range(5):
        with db.transaction(engine) as session:
            announce(session, "channel.paused", {"n": number}, now=clock.now())
        with db.transaction(engine) as session:
            events.number(session, now=clock.now())

    with db.reading(engine) as session:
        assert [event.body["n"] for event in events.since(session, 2)] == [2, 3, 4]
    clock.advance(days=8)
    with db.transaction(engine) as session:
        events.forget_old(session, now=clock.now())
        announce(session, "channel.paused", {"n": 5}, now=clock.now())
        events.number(session, now=clock.now())

    with db.reading(engine) as session:
        assert [event.position for event in events.since(session, 5)] == [6]
        with pytest.raises(Refused) as gone:
            events.since(session, 2)
    assert (gone.value.status, gone.value.code) == (410, "resync")


def test_an_event_of_a_transaction_that_failed_never_was(engine: Engine, clock: StoppedClock) -> None:
    def announced_and_failed() -> None:
        with db.transaction(engine) as session:
            announce(session, "channel.paused", {}, now=clock.now())
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        announced_and_failed()

    with db.transaction(engine) as session:
        assert events.number(session, now=clock.now()) == 0


def test_what_becomes_available_is_announced_once(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = make_house()
    house.article("LAMP")
    house.stock("LAMP", 5)
    play(house.worker.keep_house())
    play(house.worker.keep_house())
    house.stock("LAMP", 3)
    play(house.worker.keep_house())

    with db.reading(house.engine) as session:
        told = [event.body["available"] for event in events.since(session, 0) if event.kind == "availability.changed"]
    assert told == [5, 3]


def test_what_a_transaction_commits_that_was_open_for_minutes_is_announced_all_the_same(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house()
    skus = [f"LAMP-{number}" for number in range(3)]
    house.article(*skus)
    house.stock(skus, 5)
    play(house.worker.keep_house())
    began = clock.now()
    for _ in range(4):  # meanwhile what others commit is announced
        clock.advance(seconds=20)
        house.stock(skus[0], 6)
        play(house.worker.keep_house())
    entry = ledger.Entry(Kind.COUNT, skus[1], "linden", 3, "import:2", began)
    house.within(lambda session: ledger.record(session, [entry], now=began))
    play(house.worker.keep_house())
    clock.advance(seconds=events.ALL_EVERY.total_seconds())
    for _ in range(3):
        play(house.worker.keep_house())

    assert announced(house) == [(skus[0], 5), (skus[1], 5), (skus[2], 5), (skus[0], 6), (skus[1], 3)]


def test_all_shelves_are_compared_with_what_was_announced_some_at_a_time(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    house = make_house()
    skus = [f"LAMP-{number}" for number in range(5)]
    house.article(*skus)
    house.stock(skus, 5)

    def later(**span: float) -> int:
        now = clock.advance(**span)
        house.within(lambda session: events.number(session, now=now, shelves=2))
        return len(announced(house))

    assert [later(seconds=1) for _ in range(4)] == [5] * 4
    later(minutes=4)
    house.within(lambda session: session.execute(sa.update(db.table(EventShelf)).values(available=4)))

    assert [later(minutes=1), *(later(seconds=1) for _ in range(4))] == [7, 9, 10, 10, 10]
    assert announced(house)[5:] == [(sku, 5) for sku in skus]


def announced(house: House) -> list[tuple[str, int]]:
    """What became available, in the order in which it was told."""
    with db.reading(house.engine) as session:
        told = [event.body for event in events.since(session, 0) if event.kind == "availability.changed"]
    return [(body["sku"], body["available"]) for body in told]


def test_holds_expire_and_channels_offer_the_pieces_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, CAN)))
    house.article("LAMP")
    house.stock("LAMP", 2)
    web.offer("LAMP")
    wish = Request("hold-1", (Line("LAMP", "linden", 2),), clock.now() + timedelta(minutes=15))
    house.within(lambda session: reservations.reserve(session, [wish], now=clock.now()))
    play(house.settle(rounds=1))
    assert web.shows("LAMP") == 0

    clock.advance(minutes=20)
    play(house.worker.keep_house())
    play(house.settle(rounds=1))

    assert web.shows("LAMP") == 2


def test_a_chore_that_fails_leaves_those_behind_it_done(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, done = make_house((shop("web"), FakeChannel("web", clock, CAN))), []

    def fail(session: Session, now: datetime) -> None:
        raise KeyError("a store that the settings name no longer")

    worker = Worker(house.context, owner="test", chores=[fail, lambda session, now: done.append(now)])

    play(worker.keep_house())

    assert done == [clock.now()]


def test_an_errand_that_is_never_answered_does_not_hold_up_what_expires(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, met = make_house(), list[str]()

    async def story() -> None:
        waits, kept = asyncio.Event(), asyncio.Event()

        async def errand() -> None:
            met.append("errand")
            await waits.wait()

        def chore(session: Session, now: datetime) -> None:
            if "errand" in met:
                met.append("chore")
                kept.set()

        worker = Worker(house.context, "worker", chores=[chore], errands=[errand])
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(10):
            await kept.wait()
        waits.set()
        worker.stop()
        await running

    play(story())

    assert met[:2] == ["errand", "chore"]


def test_the_loop_serves_every_channel_and_stops_when_it_is_told(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, CAN)))
    house.article("LAMP")
    house.stock("LAMP", 4)
    web.offer("LAMP")
    worker = Worker(house.context, owner="loop")

    def stop_when_shown(session: object, now: object) -> None:
        if web.shows("LAMP") == 4:
            worker.stop()
        worker.wake()

    worker = replace(worker, chores=[stop_when_shown])

    async def run() -> None:
        async with asyncio.timeout(30):
            await worker.run()

    play(run())

    assert web.shows("LAMP") == 4
    with db.transaction(house.engine) as session:
        assert leases.take(session, "channel:web", "next", now=clock.now(), lasting=timedelta(minutes=1)) is not None


# ---------------------------------------------------------------- what a commit asks for


def listening(make_house: MakeHouse, clock: StoppedClock) -> Worker:
    """A worker of two channels as `run` leaves it between two rounds."""
    house = make_house(
        (shop("web"), FakeChannel("web", clock, CAN)), (shop("market"), FakeChannel("market", clock, CAN))
    )
    return replace(house.worker, _wake={name: asyncio.Event() for name in ("web", "market", leases.HOUSE)})


def asked(worker: Worker) -> dict[str, Why]:
    """What each loop that was woken is asked to look at."""
    assert {name for name, event in worker._wake.items() if event.is_set()} == worker._asked.keys()
    return worker._asked


def test_an_article_that_changed_is_looked_at_for_every_channel_and_nothing_else_is(
    make_house: MakeHouse, clock: StoppedClock
) -> None:
    worker = listening(make_house, clock)

    worker.hear(Touched(skus={"LAMP"}))

    assert asked(worker) == dict.fromkeys(("web", "market"), Why(scan=False, skus=frozenset({"LAMP"})))


def test_a_message_wakes_only_its_own_channel_and_a_stranger_nobody(make_house: MakeHouse, clock: StoppedClock) -> None:
    worker = listening(make_house, clock)

    worker.hear(Touched(channels={"market", "somebody-elses"}))

    assert asked(worker) == {"market": Why(scan=False)}


def test_what_is_heard_while_a_round_is_under_way_is_added_up(make_house: MakeHouse, clock: StoppedClock) -> None:
    worker = listening(make_house, clock)

    worker.hear(Touched(skus={"LAMP"}))
    worker.hear(Touched(skus={"DESK"}, channels={"web"}))
    worker.wake("web")

    both = frozenset({"LAMP", "DESK"})
    assert asked(worker) == {"web": Why(scan=True, skus=both), "market": Why(scan=False, skus=both)}


def test_what_was_heard_is_not_changed_by_whoever_said_it(make_house: MakeHouse, clock: StoppedClock) -> None:
    worker, touched = listening(make_house, clock), Touched(skus={"LAMP"})

    worker.hear(touched)
    touched.skus.add("DESK")

    assert asked(worker)["web"].skus == {"LAMP"}


def test_a_round_that_was_asked_for_an_article_computes_it_and_its_bundles_and_leaves_the_rest(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, CAN)))
    house.article("LAMP", "DESK")
    bundle = ArticleChange("SET", {"title": "SET"}, components={"LAMP": 2})
    house.within(lambda session: articles.put(session, [bundle], now=clock.now()))
    for sku in ("LAMP", "DESK", "SET"):
        web.offer(sku)
    house.stock("LAMP", 9)
    house.stock("DESK", 9)
    play(house.settle(rounds=2))

    house.stock("LAMP", 4)
    house.stock("DESK", 4)
    play(house.worker.tick("web", why=Why(scan=False, skus=frozenset({"LAMP"}))))
    assert [web.shows(sku) for sku in ("LAMP", "SET", "DESK")] == [4, 2, 9]

    play(house.worker.tick("web"))
    assert web.shows("DESK") == 4, "a hint that was missed is found on the next schedule"


class _WhileWriting(FakeChannel):
    """Something happens elsewhere while it is answering a batch."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    async def publish(self, batch: Sequence[Shown]) -> Sequence[Published]:
        published = await super().publish(batch)
        self.meanwhile()
        return published


def test_what_sells_out_while_much_is_being_written_is_written_next(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web = _WhileWriting("web", clock, Can(write=Write.COMPARE_AND_SET, batch_size=3))
    house = make_house((shop("web"), web))
    skus = [f"LAMP-{number:02}" for number in range(12)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku)
    house.stock(skus, 7)
    play(house.settle())
    worker = replace(house.worker, _wake={"web": asyncio.Event()})
    before = len(web.log)

    def sold_out() -> None:
        web.meanwhile = lambda: None
        house.stock("LAMP-11", 0, kind=Kind.COUNT)
        worker.hear(Touched(skus={"LAMP-11"}))

    for sku in skus:
        house.stock(sku, 6)
    web.meanwhile = sold_out
    play(worker.tick("web"))
    play(worker.tick("web", why=worker._asked.pop("web")))

    assert [shown.target.sku for shown in web.log[before:]].index("LAMP-11") == 3, "right after the batch under way"
    assert web.log[before + 3].quantity == 0
    assert {web.shows(sku) for sku in skus} == {0, 6}


@pytest.mark.parametrize(
    ("meanwhile", "written"), [("nothing", 12), ("sold out", 3), ("a message", 3), ("handed back", 3)]
)
def test_the_clock_alone_does_not_end_a_long_write_but_what_another_process_has_committed_does(
    meanwhile: str, written: int, make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web = _WhileWriting("web", clock, Can(write=Write.COMPARE_AND_SET, batch_size=3, webhooks=True))
    house = make_house((shop("web"), web))
    skus = [f"LAMP-{number:02}" for number in range(12)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku)
    house.stock(skus, 7)
    play(house.settle())
    worker = replace(house.worker, _wake={"web": asyncio.Event()})
    for sku in skus:
        house.stock(sku, 6)
    play(worker.tick("web"))  # as `run` has done since it began
    before = len(web.log)
    for sku in skus:
        house.stock(sku, 5)
    happens: dict[str, Callable[[], object]] = {
        "nothing": lambda: None,
        "sold out": lambda: house.stock("LAMP-11", 0, kind=Kind.COUNT),
        "a message": lambda: house.within(lambda session: session.add(letter)),
        "handed back": lambda: house.within(lambda session: health.hand_back(session, "web", now=clock.now())),
    }

    now = clock.now()
    letter = InboxMessage(
        channel="web", event_id="1", body_hash="1", topic="", body=b"{}", state="received", received_at=now, next_try_at=now
    )  # fmt: skip

    def a_second_later() -> None:
        web.meanwhile = lambda: None
        happens[meanwhile]()
        worker.wake("web")

    web.meanwhile = a_second_later
    play(worker.tick("web"))

    assert len(web.log) - before == written


@pytest.mark.parametrize("task", ["write", "poll", "list"])
def test_a_worker_that_is_told_to_stop_finishes_what_is_under_way_and_leaves_the_rest_to_the_next(
    task: str, make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web = _EndsDuring(task, clock)
    house = make_house((shop("web"), web))
    skus = [f"LAMP-{number:02}" for number in range(12)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku)
    house.stock(skus, 7)
    play(house.settle())
    for sku in skus:
        house.stock(sku, 6)
    clock.advance(hours=2)
    worker = web.worker = replace(house.worker, _served={})
    web.did.clear()

    async def run() -> None:
        async with asyncio.timeout(30):
            await worker.run()

    play(run())

    assert web.did.count(task) == 1, "one page, or one batch"
    assert web.did[-1] == task, "nothing is begun after it"

    web.worker = None
    play(house.settle())
    assert {web.shows(sku) for sku in skus} == {6}


class _EndsDuring(FakeChannel):
    """Reads and writes by threes; while it does one of these, its worker is told to stop."""

    def __init__(self, task: str, clock: StoppedClock) -> None:
        super().__init__("web", clock, Can(write=Write.COMPARE_AND_SET, batch_size=3))
        self.task, self.did = task, list[str]()
        self.worker: Worker | None = None

    def _did(self, task: str) -> None:
        self.did.append(task)
        if self.worker is not None and task == self.task:
            self.worker.stop()

    async def listings(self, cursor: str | None) -> ListingPage:
        start, found = int(cursor or 0), list(self.offers.values())
        self._did("list")
        return ListingPage(found[start : start + 3], str(start + 3), start + 3 < len(found))

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        self._did("poll")
        read = int(cursor or 0)
        return Page([], str(read + 1), more=read % 4 != 3)

    async def publish(self, batch: Sequence[Shown]) -> Sequence[Published]:
        published = await super().publish(batch)
        self._did("write")
        return published


class _WhileLooking(FakeChannel):
    """Something happens elsewhere while it is being read or followed."""

    meanwhile: Callable[[], None] = staticmethod(lambda: None)
    looked: int = 0

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        found = await super().follow(*hooks)
        self.meanwhile()
        return found

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        seen = await super().look(targets)
        self.looked += len(targets)
        self.meanwhile()
        return seen


def test_what_sells_out_while_much_is_being_read_back_is_written_after_the_batch_and_the_rest_is_read_later(
    make_house: MakeHouse, clock: StoppedClock, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "READ_ALL_WITHIN", drift.EVERY)  # all of it in one share
    web = _WhileLooking("web", clock, Can(write=Write.COMPARE_AND_SET, batch_size=3))
    house = make_house((shop("web"), web))
    skus = [f"LAMP-{number:02}" for number in range(12)]
    house.article(*skus)
    for sku in skus:
        web.offer(sku)
    house.stock(skus, 7)
    play(house.settle())
    worker = replace(house.worker, _wake={"web": asyncio.Event()})
    web.looked = 0

    def sold_out() -> None:
        web.meanwhile = lambda: None
        house.stock("LAMP-11", 0, kind=Kind.COUNT)
        worker.hear(Touched(skus={"LAMP-11"}))

    web.meanwhile = sold_out
    play(worker.tick("web"))
    assert web.looked == 3
    play(worker.tick("web", why=worker._asked.pop("web")))

    assert web.shows("LAMP-11") == 0
    assert web.looked == 12, "all of the share, and nothing twice"
    play(worker.tick("web"))
    assert web.looked == 12, "no more than its share until it is time again"


def test_a_shop_that_lowered_its_number_by_its_own_sale_is_neither_read_nor_looked_at_nor_written(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web = _WhileLooking("web", clock, Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True, poll_seconds=3600))
    house = make_house((shop("web"), web))
    house.article("LAMP")
    house.stock("LAMP", 7)
    web.offer("LAMP")
    play(house.settle())
    clock.advance(minutes=3)
    worker = replace(house.worker, _wake={"web": asyncio.Event()})
    play(worker.tick("web"))
    web.calls.clear()

    web.buy("LAMP")
    play(house.deliver("web"))
    web.meanwhile = lambda: worker.hear(Touched(skus={"LAMP"}))  # as the commit that books it says
    for _ in range(2):
        play(worker.tick("web", why=worker._asked.pop("web", Why(scan=False))))

    assert web.calls == ["follow"]
    assert (web.shows("LAMP"), house.state("web", "LAMP").behind_since) == (6, None)
