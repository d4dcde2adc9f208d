"""What is unclear about articles and places stands in one list; one call answers it, and what waited is booked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync.adapters.base import Article, Can, Listing, OrderLine, OrderSeen, Sale, Write
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import StoppedClock
from omnisync.stock.tables import Movement
from omnisync.sync import polling, questions
from omnisync.sync.tables import ChannelListing
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop
from tests.sync.test_api import ask

CAN = Can(write=Write.ABSOLUTE, batch_size=50)
PLACED = Can(write=Write.NONE, many_locations=True, looks=False)


class Desk:
    """Ops at the list."""

    def __init__(self, house: House, engine: Engine, play: Play) -> None:
        self.house, self._engine, self._play = house, engine, play

    def questions(self, **query: Any) -> list[Mapping[str, Any]]:
        return list(self.page(**query)["items"])

    def page(self, **query: Any) -> Mapping[str, Any]:
        [answer] = ask(self.house, self._engine, self._play, ("GET", "/v1/mappings", {"params": query}))
        assert answer.status_code == 200, answer.text
        found: Mapping[str, Any] = answer.json()
        return found

    def say(self, question: Mapping[str, Any], **said: Any) -> tuple[int, Any]:
        [answer] = ask(
            self.house, self._engine, self._play, ("POST", f"/v1/mappings/{question['id']}/answer", {"json": said})
        )
        return answer.status_code, answer.json().get("released")


@pytest.fixture
def web(clock: StoppedClock) -> FakeChannel:
    return FakeChannel("web", clock, CAN)


@pytest.fixture
def desk(make_house: MakeHouse, engine: Engine, play: Play, web: FakeChannel) -> Desk:
    house = make_house((shop("web"), web))
    lamp = ArticleChange("LAMP-7", {"title": "Lampe Sieben"}, barcodes=("4006381333931",))
    house.within(lambda session: articles.put(session, [lamp], now=house.clock.now()))
    house.article("DESK", title="Schreibtisch Eiche")
    house.stock(["LAMP-7", "DESK"], 9)
    return Desk(house, engine, play)


def asked(one: Mapping[str, Any]) -> tuple[str, str, list[tuple[str, str]]]:
    return one["kind"], one["about"], [(each["sku"], each["why"]) for each in one["proposals"]]


def test_listings_are_matched_by_sku_then_by_barcode_and_else_proposed(
    desk: Desk, web: FakeChannel, play: Play
) -> None:
    web.offers = {
        "1": Listing("1", "LAMP-7"),
        "2": Listing("2", "web-lamp", "4006381333931"),
        "3": Listing("3", "lamp 7", title="Lampe"),
        "4": Listing("4", None, title="schreibtisch eiche"),
        "5": Listing("5", "GIFTCARD"),
        "6": Listing("6", "FBA", managed=False),
    }

    play(desk.house.worker.tick("web"))

    mapped = {row.external_id: row.sku for row in desk.house.rows(ChannelListing)}
    assert mapped == {"1": "LAMP-7", "2": "LAMP-7", "3": None, "4": None, "5": None, "6": None}
    page = desk.page()
    assert [asked(one) for one in page["items"]] == [
        ("two_listings", "LAMP-7", []),
        ("unknown_article", "3", [("LAMP-7", "sku")]),
        ("unknown_article", "4", [("DESK", "title")]),
        ("unknown_article", "5", []),
    ]
    assert page["counts"] == {"changed_barcode": 0, "two_listings": 1, "unknown_article": 3, "unmapped_place": 0}
    first = desk.page(limit=3)
    assert [asked(one)[1] for one in desk.questions(limit=3, cursor=first["next_cursor"])] == ["5"]
    assert [one["about"] for one in desk.questions(kind="two_listings")] == ["LAMP-7"]


def test_an_answer_maps_what_was_unknown_and_books_what_waited_for_it_once(
    desk: Desk, web: FakeChannel, play: Play
) -> None:
    now, clock = desk.house.clock.now(), desk.house.clock
    web.offers = {"9": Listing("9", "lamp 7"), "5": Listing("5", "GIFTCARD")}
    web.stock["9", ""] = web.stock["5", ""] = 0
    lines = (OrderLine("1", Article("9"), 2), OrderLine("2", Article(sku="DESK"), 1))
    web.orders["1001"] = OrderSeen("1001", "#1001", now, now, lines)
    web.facts = [Sale("r/1", Article(barcode="222"), 3, now), Sale("r/2", Article(barcode="222"), 1, now)]
    play(desk.house.worker.tick("web"))
    assert (desk.house.level("LAMP-7"), desk.house.level("DESK")) == ((9, 0), (9, 1))
    by_name = {one["about"]: one for one in desk.questions()}
    assert {name: one["waiting"] for name, one in by_name.items()} == {"9": 1, "5": 0, "222": 2}

    assert desk.say(by_name["9"], sku="LAMP-7") == (200, 1)
    assert desk.say(by_name["222"], sku="DESK") == (200, 2)
    assert desk.say(by_name["5"], keep=True) == (200, 0)

    assert desk.questions() == []
    assert desk.say(by_name["9"], sku="LAMP-7")[0] == 404
    clock.advance(hours=2)
    play(desk.house.worker.tick("web", full=True))  # everything is told again
    assert (desk.house.level("LAMP-7"), desk.house.level("DESK")) == ((9, 2), (5, 1))
    assert desk.house.letters("web") == []
    assert (desk.questions(), {shown.target.external_id for shown in web.log}) == ([], {"9"})


def test_of_two_listings_one_is_the_article_or_both_are(desk: Desk, web: FakeChannel, play: Play) -> None:
    web.offers = {name: Listing(name, "LAMP-7") for name in ("1", "2", "3")}
    play(desk.house.worker.tick("web"))
    [question] = desk.questions()
    assert (question["listings"], question["sku"]) == (["1", "2", "3"], "LAMP-7")
    assert desk.say(question, only="7")[0] == 422
    assert desk.say(question, sku="DESK")[0] == 422
    assert desk.say(question, only="1", keep=True)[0] == 422

    assert desk.say(question, keep=True) == (200, 0)
    assert desk.questions() == []
    web.offers["4"] = Listing("4", "LAMP-7")
    play(desk.house.worker.tick("web", full=True))
    [again] = desk.questions()
    assert desk.say(again, only="2") == (200, 0)

    play(desk.house.worker.tick("web", full=True))  # the channel goes on giving them that SKU
    assert {row.external_id for row in desk.house.rows(ChannelListing, sku="LAMP-7")} == {"2"}
    assert {(one["kind"], one["about"]) for one in desk.questions()} == {("unknown_article", name) for name in "134"}


def test_listings_are_called_by_their_titles_where_these_tell_them_apart(
    desk: Desk, web: FakeChannel, play: Play
) -> None:
    titles = {"1": "Lampe", "2": "Lampe, Aktion", "3": "", "4": "Lampe"}
    web.offers = {name: Listing(name, "LAMP-7", title=title) for name, title in titles.items()}
    play(desk.house.worker.tick("web"))

    [found], _ = desk.house.within(
        lambda session: questions.page(session, [desk.house.channel("web")], kind=None, after=None, limit=9)
    )

    assert found.called() == [("1", "1"), ("2", "Lampe, Aktion"), ("3", "3"), ("4", "4")]


def test_an_order_of_a_listing_that_is_not_the_article_it_names_waits_until_somebody_says_what_it_is(
    desk: Desk, web: FakeChannel, play: Play
) -> None:
    web.offers = {name: Listing(name, "LAMP-7") for name in ("1", "2")}
    web.stock["1", ""] = web.stock["2", ""] = 9
    play(desk.house.worker.tick("web"))
    assert desk.say(desk.questions()[0], only="1") == (200, 0)
    now = desk.house.clock.advance(seconds=1)
    web.orders["7"] = OrderSeen("7", "#7", now, now, (OrderLine("1", Article("2", "LAMP-7"), 1),))

    play(polling.pull(desk.house.context, desk.house.channel("web")))

    [question] = desk.questions()
    assert ((question["about"], question["waiting"]), desk.house.level("LAMP-7")) == (("2", 1), (9, 0))
    assert desk.say(question, sku="LAMP-7") == (200, 1)
    assert desk.house.level("LAMP-7") == (9, 1)


def test_what_is_none_of_ours_keeps_nobody_waiting_until_an_article_of_that_name_comes(
    desk: Desk, web: FakeChannel, play: Play
) -> None:
    now = desk.house.clock.now()
    web.offers = {"5": Listing("5", "GIFTCARD")}
    lines = (OrderLine("1", Article("5", "GIFTCARD"), 2), OrderLine("2", Article(sku="DESK"), 1))
    web.orders["1001"] = OrderSeen("1001", "#1001", now, now, lines)
    web.facts = [Sale("r/1", Article(barcode="222"), 3, now)]
    play(desk.house.worker.tick("web"))
    by_name = {one["about"]: one for one in desk.questions()}
    assert {name: one["waiting"] for name, one in by_name.items()} == {"5": 1, "222": 1}

    assert desk.say(by_name["5"], keep=True) == (200, 1)
    assert desk.say(by_name["222"], keep=True) == (200, 1)

    now = desk.house.clock.advance(seconds=1)
    web.orders["1002"] = OrderSeen("1002", "#1002", now, now, lines)
    web.facts.append(Sale("r/2", Article(barcode="222"), 1, now))
    play(polling.pull(desk.house.context, desk.house.channel("web")))
    assert (desk.questions(), desk.house.letters("web")) == ([], [])
    assert desk.house.level("DESK") == (9, 2)
    desk.house.article("GIFTCARD")
    now = desk.house.clock.advance(seconds=1)
    web.orders["1003"] = OrderSeen("1003", "#1003", now, now, lines)
    play(desk.house.worker.tick("web", full=True))
    assert desk.house.level("GIFTCARD") == (0, 2)
    assert [row.sku for row in desk.house.rows(ChannelListing, external_id="5")] == ["GIFTCARD"]


def test_a_barcode_that_became_anothers_or_nobodys_is_asked_about(desk: Desk, web: FakeChannel, play: Play) -> None:
    web.offers = {"1": Listing("1", "DESK", "111"), "2": Listing("2", "LAMP-7", "4006381333931")}
    play(desk.house.worker.tick("web"))
    assert desk.questions() == []  # a barcode that we do not know yet says nothing

    web.offers = {"1": Listing("1", "DESK", "4006381333931"), "2": Listing("2", "LAMP-7", "333")}
    play(desk.house.worker.tick("web", full=True))
    others, changed = desk.questions()
    assert (asked(others), others["sku"]) == (("changed_barcode", "1", [("LAMP-7", "barcode")]), "DESK")
    assert asked(changed) == ("changed_barcode", "2", [])
    desk.say(others, sku="LAMP-7")
    desk.say(changed, keep=True)

    assert {row.external_id: row.sku for row in desk.house.rows(ChannelListing)} == {"1": "LAMP-7", "2": "LAMP-7"}
    assert [one["kind"] for one in desk.questions()] == ["two_listings"]
    web.offers["2"] = replace(web.offers["2"], barcode="444")
    play(desk.house.worker.tick("web", full=True))
    assert [one["about"] for one in desk.questions(kind="changed_barcode")] == ["2"]


def test_a_place_that_nobody_knows_is_said_once_and_all_that_happened_there_is_booked_once(
    make_house: MakeHouse, clock: StoppedClock, engine: Engine, play: Play
) -> None:
    pos = FakeChannel("pos", clock, PLACED)
    house = make_house((shop("pos", locations=("linden", "markt"), location_map={"P1": "linden"}), pos))
    house.article("LAMP")
    house.stock("LAMP", 9)
    house.stock("LAMP", 9, "markt")
    desk, now = Desk(house, engine, play), clock.now()
    line = OrderLine("1", Article(sku="LAMP"), 2, place="P2")
    pos.orders["7"] = OrderSeen("7", "#7", now, now, (line,), counter=True)
    pos.facts = [
        Sale("r/1", Article(sku="LAMP"), 3, now, place="P2"),
        Sale("r/2", Article(sku="LAMP"), 1, now, place="P1"),
        Sale("r/3", Article(sku="LAMP"), 1, now, place="P3"),
    ]
    play(polling.pull(house.context, house.channel("pos")))
    assert (house.level("LAMP"), house.level("LAMP", "markt")) == ((8, 0), (9, 0))
    second, third = desk.questions()
    assert (asked(second), second["waiting"]) == (("unmapped_place", "P2", []), 2)
    assert desk.say(second, location="mars")[0] == 422

    assert desk.say(second, location="markt") == (200, 2)

    assert house.level("LAMP", "markt") == (4, 0)
    house.channel("pos").known.__init__()  # type: ignore[misc]  # another worker, which knows nothing
    pos.facts.append(Sale("r/4", Article(sku="LAMP"), 1, clock.advance(seconds=1), place="P2"))
    play(polling.pull(house.context, house.channel("pos")))
    assert house.level("LAMP", "markt") == (3, 0)
    assert [one["about"] for one in desk.questions()] == [third["about"]]
    assert len(house.rows(Movement, location="markt", kind="sold")) == 3


def test_an_id_that_nobody_gave_out_is_no_question(desk: Desk) -> None:
    assert desk.say({"id": "nonsense"}, keep=True)[0] == 404
