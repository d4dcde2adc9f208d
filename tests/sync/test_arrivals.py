"""Orders that a channel took for one of our stores come to its pickup desk and follow the channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from omnisync.adapters.base import Article, Can, Customer, OrderLine, OrderSeen, Write
from omnisync.clock import StoppedClock
from omnisync.commands import verify
from omnisync.errors import Conflict
from omnisync.orders import ending, handing, picking, placing
from omnisync.orders.customers import Person
from omnisync.orders.desk import open_desk
from omnisync.orders.handing import ByCode
from omnisync.orders.pickup import Actor
from omnisync.orders.tables import Customer as Kept
from omnisync.orders.tables import Pickup, Task
from omnisync.stock import reservations, stocktakes
from omnisync.sync import facts, replay
from omnisync.sync.tables import ChannelHealth
from omnisync.values import Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

CAN = Can(write=Write.ABSOLUTE, batch_size=50, many_locations=True, tells_pickups=True)
PLACES = {"Lindenstraße": "linden", "Am Markt": "markt"}
STAFF = Actor("Anna", "linden")


@pytest.fixture
def house(make_house: MakeHouse, clock: StoppedClock) -> House:
    web = FakeChannel("web", clock, CAN)
    made = make_house((shop("web", locations=["linden", "markt"], location_map=PLACES), web))
    made.article("LAMP", "CUP")
    return made


def order(house: House, *lines: tuple[str, int], place: str | None = "Lindenstraße", **more: object) -> OrderSeen:
    found = [
        OrderLine(f"line-{sku}", Article(sku=sku), n, unit_price=Money(8490, "EUR"), place=place) for sku, n in lines
    ]
    now = house.clock.now()
    buyer = Customer("Anna Schubert", "anna@example.org", language="de-DE")
    return OrderSeen("900", "#1001", now, now, tuple(found), pickup=True, customer=buyer, **more)  # type: ignore[arg-type]


def later(house: House, seen: OrderSeen, **lines: int) -> OrderSeen:
    """The same order a minute later, each of its lines changed like this."""
    house.clock.advance(minutes=1)
    changed = tuple(replace(line, **lines) for line in seen.lines)
    return replace(seen, version=house.clock.now(), lines=changed)


def book(house: House, *seen: OrderSeen, channel: str = "web") -> None:
    work = lambda session: facts.apply(  # noqa: E731
        session, house.context, house.channel(channel), list(seen), now=house.clock.now()
    )
    house.within(work)


def pickups(house: House) -> Sequence[Pickup]:
    return house.rows(Pickup)


def violations(house: House) -> dict[str, list[str]]:
    return dict(house.within(verify.violations))


def act(house: House, work: object, *more: object, **named: object) -> object:
    desk, now = house.context.desk, house.clock.now()
    return house.within(lambda session: work(session, desk, *more, actor=STAFF, now=now, **named))  # type: ignore[operator]


def test_an_order_that_its_channel_calls_otherwise_later_keeps_its_one_pickup(house: House) -> None:
    house.stock("LAMP", 5)
    seen = order(house, ("LAMP", 2))
    book(house, seen)

    book(house, replace(later(house, seen), reference="2026-1001"))

    [found] = pickups(house)
    assert (found.reference, found.state) == ("2026-1001", "placed")
    assert house.level("LAMP") == (5, 2)
    assert violations(house) == {}


def test_an_order_for_a_store_is_a_pickup_there_that_keeps_the_order_s_own_pieces(house: House) -> None:
    house.stock("LAMP", 2)

    seen = order(house, ("LAMP", 2), paid=False)
    book(house, seen, seen)

    [one], [person] = pickups(house), house.rows(Kept)
    assert (one.location, one.channel, one.reference, one.state, one.paid) == (
        "linden",
        "web",
        "#1001",
        "placed",
        False,
    )
    assert (person.name, person.email, person.language) == ("Anna Schubert", "anna@example.org", "de")
    assert house.level("LAMP") == (2, 2), "promised once, not by the order and the desk"
    assert violations(house) == {}


def test_what_the_desk_hands_over_is_told_to_the_channel_and_its_echo_moves_nothing(house: House, play: Play) -> None:
    house.stock("LAMP", 1)
    seen = order(house, ("LAMP", 1))
    book(house, seen)
    [one] = pickups(house)

    act(house, picking.pick, one.id)
    act(house, picking.ready, one.id, "12")
    act(house, handing.collect, one.id, ByCode(house.context.desk.codes.of(one.id)))  # type: ignore[union-attr]
    play(house.worker.tick("web"))
    assert house.fakes["web"].told == [], "one tap may still take it back"
    house.clock.advance(seconds=10)
    play(house.worker.tick("web"))
    book(house, later(house, seen, shipped=1))

    assert [news.kind for news in house.fakes["web"].told] == ["collected"]
    assert house.level("LAMP") == (0, 0)
    assert pickups(house)[0].collected_how == "code"
    assert violations(house) == {}


def test_an_order_that_is_called_off_at_the_channel_leaves_the_desk_and_its_bag_is_put_back(house: House) -> None:
    house.stock("LAMP", 1)
    seen = order(house, ("LAMP", 1))
    book(house, seen)
    [one] = pickups(house)
    act(house, picking.pick, one.id)
    act(house, picking.ready, one.id, "12")

    book(house, later(house, seen, cancelled=1))

    assert pickups(house)[0].state == "cancelled"
    assert [(task.kind, task.shelf) for task in house.rows(Task)] == [("put_back", "12")]
    assert house.level("LAMP") == (1, 0)
    assert violations(house) == {}


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_goods_that_the_channel_s_own_screen_handed_over_leave_the_desk_however_far_it_was(
    house: House, steps: int
) -> None:
    house.stock("LAMP", 1)
    seen = order(house, ("LAMP", 1))
    book(house, seen)
    [one] = pickups(house)
    for work, *more in [(picking.pick,), (picking.ready, "12")][:steps]:
        act(house, work, one.id, *more)

    book(house, later(house, seen, shipped=1))
    book(house, later(house, seen, shipped=1))

    assert (pickups(house)[0].state, pickups(house)[0].collected_how) == ("collected", "told by web")
    assert house.level("LAMP") == (0, 0), "once, although it was told twice"
    assert violations(house) == {}


def test_an_order_that_is_paid_meanwhile_is_not_sent_to_the_till(house: House) -> None:
    house.stock("LAMP", 1)
    seen = order(house, ("LAMP", 1), paid=False)
    book(house, seen)

    book(house, replace(later(house, seen), paid=True))

    assert [one.paid for one in pickups(house)] == [True]


def close(house: House) -> Callable[[], None]:
    """Everything at linden is being counted, until what this gives is called."""
    now = house.clock.now
    taken = house.within(lambda session: stocktakes.open_one(session, house.ids, "linden", by="Anna", now=now()).id)
    return lambda: house.within(lambda session: stocktakes.abandon(session, taken, by="Anna", now=now()))


def test_an_order_that_the_store_cannot_take_now_waits_in_plain_sight_and_then_comes_by_itself(
    house: House, play: Play
) -> None:
    house.stock("LAMP", 1)
    reopen = close(house)

    book(house, order(house, ("LAMP", 1)))
    play(house.worker.tick("web"))

    assert pickups(house) == []
    [letter] = house.letters("web")
    assert (letter.kind, letter.title) == ("pickup", "Order #1001 waits for the pickup desk")
    assert "is being counted" in letter.reason

    reopen()
    house.clock.advance(minutes=2)
    play(house.worker.tick("web"))

    assert [one.state for one in pickups(house)] == ["placed"]
    assert house.letters("web") == []
    assert house.rows(Kept)[0].name == "#1001", "nobody kept the name; the order says who comes"
    assert violations(house) == {}


def test_an_order_for_a_store_that_never_opens_waits_in_plain_sight_and_its_channel_goes_on(
    house: House, play: Play
) -> None:
    house, web = where_stores(house, hours={"mon-sun": "closed"}), house.fakes["web"]
    web.offer("LAMP", stock=0)
    house.stock("LAMP", 2)

    book(house, order(house, ("LAMP", 1)))
    house.clock.advance(minutes=2)
    play(house.worker.tick("web"))

    assert pickups(house) == []
    [letter] = house.letters("web")
    assert "hours" in letter.action
    assert (house.level("LAMP"), web.shows("LAMP", "Lindenstraße")) == ((2, 1), 1)
    assert house.rows(ChannelHealth)[0].attention is None


def test_what_a_person_said_shall_not_be_a_pickup_stays_none(house: House, play: Play) -> None:
    house.stock("LAMP", 1)
    reopen = close(house)
    book(house, order(house, ("LAMP", 1)))
    [letter] = house.letters("web")

    house.within(lambda session: replay.discard(session, letter.id, now=house.clock.now()))
    reopen()
    house.clock.advance(minutes=2)
    play(house.worker.tick("web"))

    assert (pickups(house), house.letters("web")) == ([], [])
    assert house.level("LAMP") == (1, 1), "the order's promise stands all the same"


def test_an_order_that_waits_is_tried_again_when_somebody_asks(house: House) -> None:
    house.stock("LAMP", 1)
    reopen = close(house)
    book(house, order(house, ("LAMP", 1)))
    [letter] = house.letters("web")
    ask = lambda session: replay.replay(session, house.context, letter.id, now=house.clock.now())  # noqa: E731

    house.within(ask)
    assert [one.id for one in house.letters("web")] == [letter.id]
    reopen()
    house.within(ask)

    assert (len(pickups(house)), house.letters("web")) == (1, [])


def test_an_order_for_pieces_that_are_gone_comes_to_the_desk_with_its_shortage(house: House) -> None:
    house.stock("LAMP", 0)

    book(house, order(house, ("LAMP", 1)))

    assert [one.state for one in pickups(house)] == ["placed"]
    assert [case.kind for case in house.cases("conflict")] == ["conflict"]
    assert house.level("LAMP") == (0, 1)
    assert violations(house) == {}


def test_an_order_that_names_no_store_waits_for_a_person(house: House) -> None:
    house.stock("LAMP", 1)

    book(house, order(house, ("LAMP", 1), place=None))

    assert pickups(house) == []
    assert "does not say at which of our stores" in house.letters("web")[0].reason


def test_an_order_with_an_unknown_line_comes_to_the_desk_whole_when_it_is_mapped(house: House) -> None:
    house.stock("LAMP", 1)
    seen = order(house, ("LAMP", 1), ("SOFA", 1))

    book(house, seen)
    assert pickups(house) == []
    house.article("SOFA")
    house.stock("SOFA", 1)
    book(house, later(house, seen))

    assert [one.state for one in pickups(house)] == ["placed"]
    assert (house.level("LAMP"), house.level("SOFA")) == ((1, 1), (1, 1))


def test_part_of_an_order_that_the_buyer_gave_up_is_left_to_the_desk(house: House) -> None:
    house.stock("LAMP", 2)
    seen = order(house, ("LAMP", 2))
    book(house, seen)

    book(house, later(house, seen, cancelled=1))

    assert "changed a part of order #1001" in house.letters("web")[0].reason
    assert pickups(house)[0].state == "placed"


def test_a_deposit_on_the_order_is_no_change_of_it(house: House) -> None:
    house.stock("LAMP", 1)
    house.article("PFAND", stocked=False)
    seen = order(house, ("LAMP", 1), ("PFAND", 2))
    seen = replace(seen, lines=(seen.lines[0], replace(seen.lines[1], stocked=False, place=None)))

    book(house, seen)
    book(house, later(house, seen))

    assert [one.state for one in pickups(house)] == ["placed"]
    assert house.letters("web") == []


@pytest.mark.parametrize("what", [{"pickup": False}, {"counter": True}, {"elsewhere": True}, {"closed": True}])
def test_what_is_not_to_be_collected_at_our_desk_stays_an_order(house: House, what: dict[str, bool]) -> None:
    house.stock("LAMP", 1)

    book(house, replace(order(house, ("LAMP", 1)), **what))

    assert (pickups(house), house.letters("web")) == ([], [])


def where_stores(house: House, **are: object) -> House:
    """The same house with a desk whose stores are different."""
    stores = [one.model_copy(update=are) for one in house.context.settings.locations]
    desk = open_desk(house.context.settings.model_copy(update={"locations": stores}), bytes(32), house.ids, house.clock)
    house = replace(house, context=replace(house.context, desk=desk))
    house.worker.context = house.context
    return house


def test_a_store_that_hands_out_without_us_gets_no_pickups(house: House, play: Play) -> None:
    house.stock("LAMP", 1, "markt")
    house = where_stores(house, pickup="off")

    book(house, order(house, ("LAMP", 1), place="Am Markt"))
    house.clock.advance(minutes=2)
    play(house.worker.tick("web"))

    assert (pickups(house), house.letters("web")) == ([], [])
    assert house.level("LAMP", "markt") == (1, 1)


def test_an_order_that_the_shop_reserved_with_us_is_placed_by_the_shop(house: House) -> None:
    house.stock("LAMP", 2)
    hold = reservations.Request("r1", (reservations.Line("LAMP", "linden", 1),), None, "web", "#1001", "key")
    house.within(lambda session: reservations.reserve(session, [hold], now=house.clock.now()))

    book(house, order(house, ("LAMP", 1)))
    assert pickups(house) == []
    place(house, wanted(house, reservation="r1"))

    assert len(pickups(house)) == 1
    assert house.level("LAMP") == (2, 1)


def test_a_pickup_that_has_ended_stays_ended_whatever_the_order_says(house: House) -> None:
    house.stock("LAMP", 1)
    seen = order(house, ("LAMP", 1))
    book(house, seen)
    act(house, ending.cancel, pickups(house)[0].id)

    book(house, later(house, seen))

    assert [one.state for one in pickups(house)] == ["cancelled"]
    assert house.level("LAMP") == (1, 0)


def test_while_a_channel_is_only_watched_its_own_people_hand_out(house: House) -> None:
    house.stock("LAMP", 1)
    watched = house.channel("web").shadow()

    house.within(
        lambda session: facts.apply(session, house.context, watched, [order(house, ("LAMP", 1))], now=house.clock.now())
    )

    assert pickups(house) == []
    assert house.level("LAMP") == (1, 1)


def wanted(house: House, quantity: int = 1, **more: object) -> placing.Wanted:
    lines = (placing.Line("LAMP", quantity, Money(8490, "EUR")),)
    return placing.Wanted("linden", Person("Berta"), lines, "#1001", "web", owner="key", **more)  # type: ignore[arg-type]


def place(house: House, one: placing.Wanted) -> placing.Placed:
    found = house.within(
        lambda session: placing.place(session, house.context.desk, one, now=house.clock.now())  # type: ignore[arg-type]
    )
    assert isinstance(found, placing.Placed)
    return found


def test_a_shop_that_places_the_pickup_itself_gets_the_one_that_came_with_its_order(house: House) -> None:
    house.stock("LAMP", 5)
    book(house, order(house, ("LAMP", 1)))

    placed = place(house, wanted(house))

    [one] = pickups(house)
    assert (placed.pickup.id, placed.code) == (one.id, house.context.desk.codes.of(one.id))  # type: ignore[union-attr]
    assert (one.owner, house.rows(Kept)[0].name) == ("key", "Berta")
    assert house.level("LAMP") == (5, 1)


def test_a_shop_whose_pickup_says_something_else_than_its_order_is_told_so(house: House) -> None:
    house.stock("LAMP", 5)
    book(house, order(house, ("LAMP", 1)))

    with pytest.raises(Conflict) as told:
        place(house, wanted(house, 2))

    assert told.value.code == "already-placed"
    assert house.level("LAMP") == (5, 1)


def test_a_pickup_that_the_shop_placed_before_its_order_was_seen_stays_the_only_one(house: House) -> None:
    house.stock("LAMP", 5)
    place(house, wanted(house))

    book(house, order(house, ("LAMP", 1)))

    assert len(pickups(house)) == 1
    assert house.level("LAMP") == (5, 1)
