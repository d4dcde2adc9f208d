"""A snapshot told again is skipped only where booking it again would change nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from omnisync import db
from omnisync.adapters.base import (
    Article,
    Can,
    Counted,
    Delivered,
    Fact,
    LevelSeen,
    OrderLine,
    OrderSeen,
    Page,
    Sale,
    Write,
)
from omnisync.clock import StoppedClock
from omnisync.stock.tables import Movement
from omnisync.sync import inbox, known, mappings, polling, replay
from omnisync.sync.context import Inline
from omnisync.sync.known import Known
from omnisync.sync.tables import DeadLetter, InboxMessage
from omnisync.values import Kind
from tests.conftest import START
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_inbox import HOOKED, receive

SALE = Sale("4711/1", Article(sku="LAMP"), 1, START + timedelta(minutes=2), place="Kasse 1")
ORDER = OrderSeen("1001", "#1001", START, START, (OrderLine("1", Article(sku="LAMP"), 2),))
EDITED = replace(ORDER, lines=(OrderLine("1", Article(sku="LAMP"), 2, cancelled=1),))
STRANGE = replace(ORDER, lines=(*ORDER.lines, OrderLine("2", Article(external_id="X-9", title="Lampe alt"), 1)))
TILL = Can(write=Write.NONE, looks=False)


# ---------------------------------------------------------------- the memory itself


def test_a_snapshot_is_known_when_it_was_kept_and_not_before() -> None:
    memory = Known()

    assert memory.without([SALE, ORDER]) == [SALE, ORDER]
    assert memory.without([SALE, ORDER]) == [SALE, ORDER]
    memory.keep([SALE])

    assert memory.without([SALE, ORDER]) == [ORDER]


def test_only_the_last_of_an_order_is_known() -> None:
    memory = Known()
    memory.keep([ORDER, EDITED])

    assert memory.without([EDITED]) == []
    assert memory.without([ORDER]) == [ORDER], "it was edited and edited back"
    assert memory.without([EDITED]) == [EDITED], "and what became of that is not known yet"


def test_what_is_told_twice_in_one_transaction_is_booked_once_and_in_its_order() -> None:
    memory, told = Known(), dict[str, bytes]()

    assert memory.without([ORDER, SALE, ORDER], told) == [ORDER, SALE]
    assert memory.without([SALE, EDITED, ORDER], told) == [EDITED, ORDER]


def test_a_level_always_says_something_new() -> None:
    level = LevelSeen(Article(external_id="id-LAMP"), 3, version="v1")
    memory = Known()
    memory.keep([level])

    assert memory.without([level]) == [level]


def test_the_oldest_are_forgotten_when_there_are_too_many() -> None:
    memory = Known()
    sales = [replace(SALE, key=str(number)) for number in range(known.MOST + 1)]
    memory.keep(sales)

    assert memory.without([*sales[:2], sales[-1]]) == [sales[0]]


# ---------------------------------------------------------------- what may never be skipped


class Teller(FakeChannel):
    """A till that tells whatever the test puts on its page, as often as it is asked."""

    page: Sequence[Fact] = ()

    async def pull(self, cursor: str | None, *, now: Any) -> Page:
        return Page(list(self.page), None)


def teller(make_house: MakeHouse, clock: StoppedClock, play: Play) -> tuple[House, Teller]:
    settings = shop("pos", location_map={"Kasse 1": "linden"})
    house = make_house((settings, till := Teller("pos", clock, TILL)))
    house.article("LAMP")
    house.stock("LAMP", 10)
    pull(house, play)  # the first day is over
    clock.advance(minutes=5)
    return house, till


def pull(house: House, play: Play, *names: str) -> None:
    for name in names or ("pos",):
        play(polling.pull(house.context, house.channel(name)))


def test_an_order_of_which_a_line_waits_is_read_again_until_the_line_is_mapped(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, till = teller(make_house, clock, play)
    till.page = [STRANGE]
    pull(house, play)
    pull(house, play)
    assert [letter.attempts for letter in house.letters("pos")] == [2]

    house.article("X-9")
    house.stock("X-9", 3)
    till.page = [replace(STRANGE, lines=(STRANGE.lines[0], replace(STRANGE.lines[1], article=Article(sku="X-9"))))]
    pull(house, play)

    assert house.level("X-9") == (3, 1)
    assert house.letters("pos") == []


def test_what_waited_is_booked_by_the_mapping_and_skipped_by_nobody_before(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, till = teller(make_house, clock, play)
    till.page = [replace(SALE, article=Article(external_id="X-9", title="Lampe alt"))]
    pull(house, play)
    assert house.level("LAMP") == (10, 0)

    house.within(
        lambda session: mappings.put(session, house.context, house.channel("pos"), {"X-9": "LAMP"}, now=clock.now())
    )
    pull(house, play)
    pull(house, play)

    assert house.level("LAMP") == (9, 0)
    assert [row.closed_how for row in house.rows(DeadLetter)] == ["mended"]


def test_a_page_whose_transaction_fails_is_not_known(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, till = teller(make_house, clock, play)
    broken = replace(house.context, store=Broken(house.engine))
    channel = house.channel("pos")
    till.page = [SALE]

    with pytest.raises(PowerCut):
        play(polling.pull(broken, channel))
    assert house.level("LAMP") == (10, 0)
    play(polling.pull(house.context, channel))

    assert house.level("LAMP") == (9, 0)


def test_a_count_told_again_after_stock_moved_neither_moves_it_back_nor_opens_a_case(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, till = teller(make_house, clock, play)
    till.page = [Counted("count/1", Article(sku="LAMP"), 10, clock.now(), place="Kasse 1")]
    pull(house, play)

    house.stock("LAMP", 3, kind=Kind.SOLD, cause="web:1")
    pull(house, play)

    assert house.level("LAMP") == (7, 0)
    assert house.cases("drift") == []


def test_a_message_that_a_person_replays_is_read_whole(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock, HOOKED)))
    house.article("LAMP", stocked=False)
    play(house.settle(rounds=1))
    clock.advance(minutes=5)
    web.orders["4711/1"] = replace(SALE, place=None)  # type: ignore[assignment]
    receive(house, play, web.hook_for("4711/1", "event-1"))
    play(house.tick("web"))
    assert house.rows(Movement, kind="sold") == [], "gift wrap is in no stock"

    house.article("LAMP", stocked=True)
    receive(house, play, web.hook_for("4711/1", "event-2"))
    play(house.tick("web"))
    [first, _] = house.rows(InboxMessage)
    house.within(lambda session: inbox.reopen(session, first.id, now=clock.now()))
    play(house.tick("web"))

    assert len(house.rows(Movement, kind="sold")) == 1


def test_a_dead_letter_that_is_replayed_is_booked_whatever_is_known(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, till = teller(make_house, clock, play)
    early = replace(SALE, at=clock.now() + timedelta(days=3))
    till.page = [early]
    pull(house, play)
    [letter] = house.letters("pos")
    house.channel("pos").known.keep([early])

    house.within(lambda session: replay.replay(session, house.context, letter.id, now=clock.now()))

    assert house.level("LAMP") == (9, 0)


# ---------------------------------------------------------------- with and without it


class Forgetful(Known):
    """Knows nothing, so everything is booked again."""

    def without(self, facts: Sequence[Fact], told: dict[str, bytes] | None = None) -> list[Fact]:
        return list(facts)


@pytest.mark.parametrize("seed", range(2))
def test_a_ledger_that_remembers_and_one_that_does_not_agree(
    make_house: MakeHouse, clock: StoppedClock, play: Play, seed: int
) -> None:
    tills = [Teller(name, clock, TILL) for name in ("keen", "dull")]
    settings = [shop("keen", locations=("linden",)), shop("dull", locations=("markt",))]
    house = make_house(*zip(settings, tills, strict=True), owners={"linden": "keen", "markt": "dull"})
    house.article("LAMP", "BULB")
    channels = [house.channel("keen"), replace(house.channel("dull"), known=Forgetful())]
    dice, told = random.Random(seed), []

    for channel in channels:
        play(polling.pull(house.context, channel))
    for number in range(24):
        clock.advance(seconds=7)
        if number == 15:
            house.article("NEW")
        told.append(_something(dice, told, clock))
        page = [told[-1], *dice.choices(told, k=3)]
        for till, channel in zip(tills, channels, strict=True):
            till.page = page
            play(polling.pull(house.context, channel))

    with db.reading(house.engine) as session:
        assert _story(session, "linden", "keen") == _story(session, "markt", "dull") != []


def _something(dice: random.Random, told: Sequence[Fact], clock: StoppedClock) -> Fact:
    """Something new, or a newer state of something told before; sometimes of the very same version."""
    article, at, key = Article(sku=dice.choice(["LAMP", "BULB", "NEW"])), clock.now(), f"{len(told)}"
    orders = [one for one in told if isinstance(one, OrderSeen)]
    match dice.randrange(6):
        case 0:
            return Sale(key, article, dice.choice([1, 2, -1]), at)
        case 1:
            return Counted(key, article, dice.randrange(20), at)
        case 2:
            return Delivered(key, article, dice.choice([5, -1]), at)
        case 3 if orders:
            order = dice.choice(orders)
            lines = tuple(replace(line, cancelled=dice.randrange(line.quantity + 1)) for line in order.lines)
            return replace(order, lines=lines, version=dice.choice([at, order.version]))
    lines = (OrderLine("1", article, dice.randrange(1, 5)), OrderLine("2", Article(sku="LAMP"), 1))
    return OrderSeen(key, f"#{key}", at, at, lines)


def _story(session: Session, location: str, channel: str) -> list[tuple[Any, ...]]:
    """What the journal of a location says, told without the channel's name."""
    columns = ("sku", "kind", "quantity", "on_hand", "reserved", "key", "cause")
    journal = db.table(Movement)
    rows = session.execute(journal.select().where(journal.c.location == location).order_by(journal.c.id))
    return [
        tuple(str(getattr(row, name)).replace(channel, "").replace(location, "") for name in columns) for row in rows
    ]


class PowerCut(Exception):
    """Before the commit."""


@dataclass(frozen=True)
class Broken(Inline):
    """A store whose writes are lost."""

    async def write(self, work: Callable[[Session], Any], /) -> Any:
        with db.transaction(self.engine) as session:
            work(session)
            raise PowerCut
