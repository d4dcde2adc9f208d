"""What a channel offers, as the beginning of a catalogue."""

from __future__ import annotations

import gc
import tracemalloc
from functools import partial

import pytest

from omnisync.adapters.base import Can, Listing, ListingPage, Write
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention
from omnisync.sync import offers, polling
from omnisync.sync.tables import ChannelListing
from omnisync.values import Money
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import shop

PAGE = 100


class Large(FakeChannel):
    """Makes its pages when they are asked for; each listing carries a lot of what only the adapter needs."""

    def __init__(self, clock: StoppedClock, number: int | None) -> None:
        self.page = PAGE
        super().__init__("web", clock, Can(write=Write.ABSOLUTE, batch_size=50, looks=False))
        self.number = number

    async def listings(self, cursor: str | None) -> ListingPage:
        first = int(cursor or 0)
        numbers = range(first, first + self.page)
        page = [Listing(f"id-{n}", f"SKU-{n}", title=f"Article {n}", extra={"raw": f"{n}" * 2000}) for n in numbers]
        more = self.number is None or first + self.page < self.number
        return ListingPage(page, str(first + self.page if self.number else first), more=more)


def test_every_offer_is_a_row_and_of_a_sku_that_is_offered_twice_the_first_counts(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := FakeChannel("web", clock)))
    web.offer("LAMP", title="Lamp")
    web.offer("LAMP", external_id="again", title="The same lamp")
    web.offer("", external_id="nameless")
    web.offer("VASE", barcode="4006381333931")
    web.prices = {"id-LAMP": Money(8490, "EUR"), "again": Money(1, "EUR")}

    rows = play(offers.catalogue(house.channel("web")))

    assert [(row["sku"], row["title"], row["barcode"], row["price"], row["currency"]) for row in rows] == [
        ("LAMP", "Lamp", "", "84.90", "EUR"),
        ("VASE", "VASE", "4006381333931", "", ""),
    ]


def test_of_ten_thousand_listings_nothing_is_kept_but_their_rows(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), Large(clock, 10_000)))
    channel = house.channel("web")
    gc.collect()

    tracemalloc.start()
    rows = play(offers.catalogue(channel))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert [rows[0]["sku"], rows[-1]["sku"], len({row["sku"] for row in rows})] == ["SKU-0", "SKU-9999", 10_000]
    assert peak < 20_000_000  # what the listings carry would be five times that


def test_a_channel_that_says_the_same_page_for_ever_is_given_up_and_nothing_is_taken_for_gone(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), Large(clock, None)))
    house.within(lambda session: session.add(ChannelListing(channel="web", external_id="old", added_at=clock.now())))

    for work in (offers.catalogue, partial(polling.pull_listings, house.context)):
        with pytest.raises(NeedsAttention, match="same page"):
            play(work(house.channel("web")))

    assert [row.gone_at for row in house.rows(ChannelListing, external_id="old")] == [None]


def test_the_last_of_very_many_pages_is_read_too(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    web = Large(clock, 3 * 250)
    house = make_house((shop("web"), web))
    web.page = 3

    assert play(polling.pull_listings(house.context, house.channel("web"))) == 750
    assert len(house.rows(ChannelListing, external_id="id-749")) == 1
