"""Why is it that number: at every moment of the past the account of it equals what was published."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Engine

from omnisync import app, db
from omnisync.adapters.base import Can, Write
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import Ids, StoppedClock
from omnisync.stock import ends, ledger, policies, reservations
from omnisync.stock.tables import Reservation
from omnisync.sync import mappings
from omnisync.sync.explain import Question, explain, number_at
from omnisync.sync.tables import Sent, ShownState
from omnisync.sync.wanted import wanted
from omnisync.values import Kind, Shelf, format_time
from tests.api import serving
from tests.conftest import START, empty
from tests.properties import even
from tests.sync.conftest import Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, build, settings_for, shop

EXAMPLES = int(os.environ.get("OMNISYNC_EXAMPLES", "0"))
"""So many, other ones in each run; without it a few that are always the same."""
SKUS = ("CUP", "POT")
SHELVES = [Shelf(location, sku) for location in ("linden", "markt") for sku in SKUS]
SAID = (Kind.SOLD, Kind.RECEIVED, Kind.FOUND, Kind.DAMAGED, Kind.BLOCKED, Kind.UNBLOCKED, Kind.SAFETY, Kind.COUNT, Kind.OFF_SALE)  # fmt: skip
SHOWS = Can(write=Write.ABSOLUTE, batch_size=50, looks=True)

channels = st.sampled_from(("web", "square", "till"))
shelves, skus, few = st.sampled_from(SHELVES), st.sampled_from((*SKUS, "SET")), st.integers(1, 4)
steps = st.one_of(
    st.tuples(st.just("happens"), st.sampled_from(SAID), shelves, few, st.integers(0, 90)),
    st.tuples(st.just("holds"), skus, few),
    st.tuples(st.just("releases")),
    st.tuples(st.just("buys"), channels, skus, few, st.booleans()),
    st.tuples(st.just("edits"), channels, skus, st.integers(0, 9)),
    st.tuples(
        st.just("becomes_careful"), st.sampled_from((0, 1, "30%")), st.integers(0, 2), st.sampled_from((None, 3))
    ),
    st.tuples(st.just("is_owned"), st.sampled_from(("ledger", "till"))),
    st.tuples(st.just("is_made_of"), st.integers(1, 3), st.booleans()),
)


Number = tuple[datetime, str, str, str, int | None]
"""When, at which channel and place, of which SKU, how many."""


class Running(StoppedClock):
    """No two things happen at the same moment."""

    def now(self) -> datetime:
        self.advance(seconds=0.001)
        return super().now()


@dataclass
class Past:
    """A house whose settings change, and every number that it wanted to show and when."""

    engine: Engine
    clock: StoppedClock = field(default_factory=lambda: Running(START))
    owner: str = "ledger"
    policy: dict[str, Any] = field(default_factory=dict)
    published: list[Number] = field(default_factory=list)
    last: dict[tuple[str, str, str], Number] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = Ids(self.clock, random.Random(1))
        places = {"S1": "linden", "S2": "markt"}
        self.fakes = {
            "web": FakeChannel("web", self.clock, SHOWS),
            "square": FakeChannel("square", self.clock, Can(write=Write.ABSOLUTE, batch_size=50, looks=True, many_locations=True), places=list(places)),
            "till": FakeChannel("till", self.clock, Can(write=Write.ABSOLUTE, batch_size=50, looks=True, shows="on_hand")),
        }  # fmt: skip
        self.restart()
        self.house.article(*SKUS)
        self.is_made_of(2, True)
        for fake in self.fakes.values():
            for sku in (*SKUS, "SET"):
                fake.offer(sku)
        for shelf in SHELVES:
            self.house.stock(shelf.sku, 9, shelf.location)

    def restart(self) -> None:
        both = ("linden", "markt")
        made = settings_for(
            shop("web", locations=both, policy=self.policy),
            shop("square", locations=both, location_map={"S1": "linden", "S2": "markt"}, policy=self.policy),
            shop("till", locations=("markt",)),
            owners={"markt": self.owner},
        )
        self.house: House = build(self.engine, self.clock, self.ids, made, list(self.fakes.values()))
        self.house.within(lambda session: policies.load(session, made, now=self.clock.now()))

    async def play(self, story: Sequence[tuple[Any, ...]]) -> None:
        """One channel after the other has its turn; those that wait are behind meanwhile, which costs less and shows more."""
        for (what, *how), name in zip(story, cycle(self.fakes), strict=False):
            getattr(self, what)(*how)
            self.clock.advance(seconds=31)
            await self.house.deliver(name)
            await self.house.worker.tick(name)
            self.look_around()

    def look_around(self) -> None:
        """What every listing should show at this moment, by those who publish it; what changed is kept, with what was before."""
        now = self.clock.now()
        with db.reading(self.engine) as session:
            for name, channel in self.house.context.channels.items():
                for one in wanted(session, self.house.context, channel, [*SKUS, "SET"], now=now):
                    where = (name, one.place, one.sku)
                    before = self.last.get(where, (now, *where, None))
                    self.last[where] = (now, *where, one.quantity)
                    if before[-1] != one.quantity:
                        self.published += [self.last[where]] if before[-1] is None else [before, self.last[where]]

    def happens(self, kind: Kind, shelf: Shelf, n: int, ago: int) -> None:
        now = self.clock.now()
        entry = ledger.Entry(
            kind, shelf.sku, shelf.location, 0 if kind is Kind.OFF_SALE else n, "test", moment(now, ago)
        )
        self.house.within(lambda session: ledger.record(session, [entry], now=now))

    def holds(self, sku: str, n: int) -> None:
        now, line = self.clock.now(), reservations.Line(sku, "linden", n)
        request = reservations.Request(self.ids.new(), (line,), now.replace(year=2027))
        self.house.within(lambda session: reservations.reserve(session, [request], now=now))

    def releases(self) -> None:
        held = [ends.End(one.id, ends.How.RELEASE) for one in self.house.rows(Reservation, state="held")]
        self.house.within(lambda session: ends.end(session, held, now=self.clock.now()))

    def buys(self, name: str, sku: str, n: int, hook: bool) -> None:
        self.fakes[name].buy(sku, n, place="S1" if name == "square" else None, hook=hook)

    def edits(self, name: str, sku: str, n: int) -> None:
        self.fakes[name].edit(sku, n, "S1" if name == "square" else "")

    def becomes_careful(self, buffer: int | str, stop_at: int, max_listed: int | None) -> None:
        self.policy = {"buffer": buffer, "stop_at": stop_at, "max_listed": max_listed}
        self.restart()

    def is_owned(self, owner: str) -> None:
        self.owner = owner
        self.restart()

    def is_made_of(self, cups: int, pot: bool) -> None:
        change = ArticleChange("SET", {"title": "Set"}, components={"CUP": cups} | ({"POT": 1} if pot else {}))
        self.house.within(lambda session: articles.put(session, [change], now=self.clock.now()))


def moment(now: datetime, seconds_ago: int) -> datetime:
    return datetime.fromtimestamp(now.timestamp() - seconds_ago, tz=now.tzinfo)


def test_the_account_of_every_past_moment_is_the_number_that_was_published_then(engine: Engine) -> None:
    @settings(
        max_examples=EXAMPLES or 6, deadline=None, derandomize=not EXAMPLES, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), backend=even.register(),
    )  # fmt: skip
    @given(st.lists(steps, min_size=8, max_size=14))
    def it_is(story: Sequence[tuple[Any, ...]]) -> None:
        empty(engine)
        past = Past(engine)
        asyncio.run(past.play(story))

        sent = [(row.sent_at, row.channel, row.place, row.sku, row.quantity) for row in past.house.rows(Sent) if row.quantity is not None]  # fmt: skip
        assert sent
        with db.reading(engine) as session:
            for at, channel, place, sku, quantity in past.published + sent:
                explained = number_at(session, past.house.context, channel, place, sku, at)
                assert explained == quantity, (at, channel, place, sku)
            for at, channel, place, sku, quantity in past.published[-9:] + past.published[:9]:
                told = explain(session, past.house.context, Question(sku, None, channel, at))
                [shown] = [one for one in told["channel"]["places"] if (one["place"] or "") == place]
                assert shown["pieces"] == quantity == sum(term["pieces"] for term in shown["terms"])
                assert adds_up(told)

    it_is()


def adds_up(told: dict[str, Any]) -> bool:
    """Every sum in the account is the sum of what is said to be its parts."""
    shelves = [one for place in told["locations"] for one in (place["parts"] or [place])]
    bundles = [place for place in told["locations"] if place["parts"]]
    return all(one["pieces"] == sum(term["pieces"] for term in one["terms"]) for one in shelves) and all(
        place["pieces"] == min(part["makes"] for part in place["parts"] if part["scarcest"]) for place in bundles
    )


def test_pieces_missing_at_a_listing_are_explained_with_the_article_that_it_is_mapped_to(
    engine: Engine, clock: StoppedClock, play: Play
) -> None:
    past = Past(engine, clock)
    house, channel = past.house, past.house.channel("web")
    play(house.settle(rounds=2))
    past.edits("web", "CUP", 5)
    play(house.worker.tick("web", full=True))
    clock.advance(seconds=31)
    before = clock.now()
    clock.advance(seconds=31)

    house.within(lambda session: mappings.put(session, house.context, channel, {"id-CUP": "POT"}, now=clock.now()))
    play(house.worker.tick("web", full=True))

    assert house.rows(ShownState, channel="web", external_id="id-CUP")[0].provisional == 13
    with db.reading(engine) as session:
        then = number_at(session, house.context, "square", "S1", "CUP", before)
        now = {
            (name, one.place, one.sku): (one.quantity, number_at(session, house.context, name, one.place, one.sku, clock.now()))
            for name in past.fakes
            for one in wanted(session, house.context, house.channel(name), [*SKUS, "SET"], now=clock.now())
        }  # fmt: skip
    assert then == 0
    assert [where for where, (published, explained) in now.items() if published != explained] == []


def test_what_is_shown_is_said_also_when_no_later_write_was_taken(
    engine: Engine, clock: StoppedClock, play: Play
) -> None:
    past = Past(engine, clock)
    house = past.house
    play(house.settle(rounds=2))
    shown = past.fakes["web"].shows("CUP")
    past.fakes["web"].faults.unknown = {"id-CUP"}
    for pieces in range(1, 8):
        house.stock("CUP", pieces)
        clock.advance(hours=2)
        play(house.tick("web"))

    with db.reading(engine) as session:
        told = explain(session, house.context, Question("CUP", None, "web", clock.now()))

    [place] = told["channel"]["places"]
    assert (place["applied"], {one["applied_at"] for one in place["sent"]}) == (shown, {None})


def test_of_missing_pieces_only_the_listings_are_named_that_a_place_lost_them_to(
    engine: Engine, clock: StoppedClock, play: Play
) -> None:
    past = Past(engine, clock)
    play(past.house.settle(rounds=2))
    past.edits("square", "CUP", 7)
    past.edits("till", "CUP", 4)
    for name in past.fakes:
        play(past.house.worker.tick(name, full=True))

    with db.reading(engine) as session:
        told = explain(session, past.house.context, Question("CUP", None, "square", clock.now()))

    missing = {
        place["place"]: [(term["pieces"], [one["channel"] for one in term["listings"]])]
        for place in told["channel"]["places"]
        for term in place["terms"]
        if term["term"] == "unseen"
    }
    assert missing == {"S1": [(-2, ["square"])], "S2": [(-5, ["till"])]}


def test_each_term_names_its_causes_and_what_the_channel_was_sent(
    engine: Engine, clock: StoppedClock, ids: Ids, play: Play
) -> None:
    past = Past(engine, clock)
    house = past.house
    house.stock("CUP", 2, kind=Kind.BLOCKED, cause="staff:ada")
    house.stock("CUP", 1, kind=Kind.SAFETY)
    past.holds("CUP", 3)
    past.becomes_careful("10%", 0, 5)
    house = past.house
    play(house.settle(rounds=2))
    before = house.clock.now()
    house.clock.advance(seconds=1)
    past.happens(Kind.OFF_SALE, Shelf("linden", "CUP"), 0, 0)

    async def story() -> list[Any]:
        services = app.services_for(house.context.settings, engine, clock, ids, bytes(range(32)))
        async with serving(engine, clock, house.context.settings, made=app.create(services, house.context)) as api:
            asked = [
                f"sku=CUP&channel=web&at={format_time(before)}", "sku=CUP&location=linden", "sku=SET&channel=square&location=linden",
                "sku=NO-SUCH", "sku=CUP&at=2099-01-01T00:00:00Z", "sku=CUP&channel=web&at=2020-01-01T00:00:00Z", "sku=CUP&location=mars",
            ]  # fmt: skip
            return [await api.call("GET", f"/v1/stock/explain?{query}", role="ops") for query in asked]

    then, now, bundle, *refused = play(story())

    [linden, _] = then.json()["locations"]
    terms = {term["term"]: term for term in linden["terms"]}
    assert {name: term["pieces"] for name, term in terms.items()} == {
        "on_hand": 9, "blocked": -2, "reserved": -3, "safety": -1,
    }  # fmt: skip
    assert terms["reserved"]["causes"][0]["cause"].startswith("reservation:")
    assert (terms["blocked"]["causes"][0]["cause"], terms["blocked"]["reasons"]) == ("staff:ada", {"": 2})
    [place] = then.json()["channel"]["places"]
    steps = {term["term"]: term["pieces"] for term in place["terms"] if term["term"] != "location"}
    assert (steps, place["pieces"], place["applied"]) == ({"buffer": -2, "max_listed": -5}, 5, 5)
    assert [(one["quantity"], one["outcome"]) for one in place["sent"]] == [(5, "applied")]
    assert [term["term"] for term in now.json()["locations"][0]["terms"]][-1] == "off_sale"
    assert now.json()["available"] == 0
    [shelf] = bundle.json()["locations"]
    assert [(part["sku"], part["scarcest"]) for part in shelf["parts"]] == [("CUP", True), ("POT", False)]
    assert [one.status_code for one in refused] == [404, 422, 404, 422]
