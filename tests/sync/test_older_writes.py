"""A write that was long thought lost arrives, or is answered, after a newer one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session

from omnisync.adapters.base import Can, Outcome, Published, Write
from omnisync.catalog import pricelist
from omnisync.catalog.pricelist import BasePrice
from omnisync.clock import StoppedClock
from omnisync.sync import behind, claims, drift
from omnisync.sync.claims import Claimed
from omnisync.sync.settle import settle
from omnisync.sync.tables import Sent
from omnisync.values import Money
from tests.sync.conftest import MakeHouse, Play, two_shops, with_lamp
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop


def test_the_late_answer_to_an_older_write_changes_nothing(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 5)
    play(house.settle())
    web = house.fakes["web"]
    web.faults.delay_writes = 1
    house.stock("LAMP", 4)
    play(house.tick("web"))
    house.stock("LAMP", 2)
    play(house.settle())
    assert web.shows("LAMP") == 2

    web.land_late_writes()
    assert web.shows("LAMP") == 4
    play(house.settle(rounds=4))

    assert web.shows("LAMP") == 2
    assert [row.outcome for row in sorted(house.rows(Sent, channel="web"), key=lambda row: row.tag)].count(
        "unknown"
    ) == 1


def test_an_older_write_that_is_answered_late_is_only_logged(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 5)
    play(house.settle())
    older, newer = (_claim(house, "web", pieces) for pieces in (4, 2))

    for claimed in (newer, older):
        _settle(house, "web", claimed, [Published(Outcome.APPLIED)] * len(claimed))

    assert [one.shown.quantity for one in (*older, *newer)] == [4, 2]
    assert house.state("web", "LAMP").believed == 2
    assert sorted(row.outcome for row in house.rows(Sent, channel="web"))[-1] == "superseded"


def test_an_older_number_that_lands_on_a_newer_one_is_replaced_in_the_next_round(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = two_shops(make_house, clock)
    with_lamp(house, 5)
    play(house.settle())
    web = house.fakes["web"]
    older, newer = (_claim(house, "web", pieces) for pieces in (4, 2))

    for claimed in (newer, older):
        _settle(house, "web", claimed, play(web.publish([replace(one.shown, compare=None) for one in claimed])))
    assert web.shows("LAMP") == 4

    looked_at = play(drift.read_due(house.context, house.channel("web")))
    play(house.tick("web"))

    assert (looked_at, web.shows("LAMP")) == (1, 2)


def test_where_nothing_can_be_looked_at_what_an_older_write_may_have_replaced_is_written_again(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    web = FakeChannel("web", clock, Can(write=Write.ABSOLUTE, batch_size=50, looks=False, prices=True))
    house = make_house((shop("web"), web))
    house.article("LAMP")
    web.offer("LAMP")
    house.stock("LAMP", 5)
    _price(house, 1999)
    play(house.settle())
    older: list[Claimed] = []
    newer: list[Claimed] = []
    for claimed, pieces, cents in ((older, 4, 1899), (newer, 2, 1799)):
        _price(house, cents)
        claimed += [*_claim(house, "web", pieces), *_claim(house, "web", pieces, prices=True)]

    for claimed in (newer, older):
        _settle(house, "web", claimed, play(web.publish([one.shown for one in claimed])))
    assert (web.shows("LAMP"), web.prices["id-LAMP"]) == (4, Money(1899, "EUR"))
    play(house.tick("web"))

    assert (web.shows("LAMP"), web.prices["id-LAMP"]) == (2, Money(1799, "EUR"))


def _price(house: House, cents: int) -> None:
    at, price = house.clock.advance(seconds=1), BasePrice("LAMP", Money(cents, "EUR"))
    house.within(lambda session: pricelist.set_price(session, price, ids=house.ids, now=at))


def _settle(house: House, name: str, claimed: Sequence[Claimed], published: Sequence[Published]) -> None:
    channel, now = house.channel(name), house.clock.now()
    house.within(lambda session: settle(session, house.context, channel, claimed, published, now=now))


def _claim(house: House, name: str, pieces: int, *, prices: bool = False) -> Sequence[Claimed]:
    """A worker takes the new number and is not heard of for so long that its claim is over."""
    house.stock("LAMP", pieces)
    channel, now = house.channel(name), house.clock.now()

    def claim(session: Session) -> Sequence[Claimed]:
        behind.compute(session, house.context, channel, ["LAMP"], now=now)
        keys = claims.due(session, channel, now=now, prices=prices, limit=9)
        return claims.claim(session, house.context, channel, keys, now=now)

    claimed: Sequence[Claimed] = house.within(claim)
    house.clock.advance(seconds=claims.IN_FLIGHT.total_seconds() + 1)
    return claimed


def test_a_channel_that_applies_later_hears_of_fewer_at_once_and_of_more_when_it_shows_what_it_took(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    can = Can(write=Write.ABSOLUTE, batch_size=50, applied_at_once=False)
    house = make_house((shop("web"), web := FakeChannel("web", clock, can)))
    with_lamp(house, 9)
    play(house.settle())
    before, web.faults.accept_and_drop = len(web.log), 1

    for pieces in (4, 7, 2):
        house.stock("LAMP", pieces)
        play(house.tick("web"))
    assert [shown.quantity for shown in web.log[before:]] == [2], "the 4 has not landed"
    house.stock("LAMP", 7)
    play(house.settle())

    assert [shown.quantity for shown in web.log[before:]] == [2, 7]
    assert web.shows("LAMP") == 7
