import asyncio
import tracemalloc

from omnisync import db
from omnisync.orders.offers import ReadyTimes
from omnisync.settings import ChannelPolicy
from omnisync.stock.availability import OnSale
from omnisync.sync.availability import Answers, Question, Stock
from tests.api import SETTINGS, serving
from tests.stock.shop import article, hold, shelf


def ask(engine, clock, *calls, settings=SETTINGS):
    async def story():
        async with serving(engine, clock, settings) as api:
            return [await api.call(method, path, **rest) for method, path, rest in calls]

    return asyncio.run(story())


def get(query, **rest):
    return "GET", f"/v1/availability?{query}", rest


def test_it_says_how_many_where_and_by_when(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
        shelf(session, "LAMP", pieces=4, location="lager")
        hold(session, "LAMP", 2)

    [answer] = ask(engine, clock, get("sku=LAMP&sku=NO-SUCH"))

    [lamp, unknown] = answer.json()["items"]
    assert (lamp["state"], lamp["available"]) == ("in_stock", 7)
    assert lamp["locations"][0] == {
        "location": "linden", "available": 3, "pickup": True, "ready_at": "2026-11-21T12:01:00Z",
    }  # fmt: skip
    assert lamp["locations"][2] == {"location": "lager", "available": 4, "pickup": False, "ready_at": None}
    assert (unknown["state"], unknown["locations"]) == ("unknown", [])


def test_few_pieces_are_limited_and_none_are_out_of_stock(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=3)
        article(session, "VASE")

    [answer] = ask(engine, clock, get("sku=LAMP&sku=VASE"))

    assert [item["state"] for item in answer.json()["items"]] == ["limited", "out_of_stock"]


def test_where_few_pieces_end_is_a_setting(engine, clock):
    server = SETTINGS.server.model_copy(update={"limited_below": 5})
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
        shelf(session, "VASE", pieces=6)

    [answer] = ask(engine, clock, get("sku=LAMP&sku=VASE"), settings=SETTINGS.model_copy(update={"server": server}))

    assert [item["state"] for item in answer.json()["items"]] == ["limited", "in_stock"]


def test_a_bundle_is_there_as_often_as_its_scarcest_part_allows(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "CUP", pieces=9)
        shelf(session, "POT", pieces=5)
        shelf(session, "POT", pieces=5, location="lager")
        article(session, "SET", components={"CUP": 4, "POT": 1})

    [answer] = ask(engine, clock, get("sku=SET"))

    assert answer.json()["items"][0]["available"] == 2


def test_a_channel_is_told_the_number_that_it_is_shown(engine, clock):
    careful = SETTINGS.channels[0].model_copy(update={"policy": ChannelPolicy(buffer="10%", max_listed=6)})
    settings = SETTINGS.model_copy(update={"channels": [careful]})
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
        shelf(session, "LAMP", pieces=100, location="markt")
        shelf(session, "VASE", pieces=50)

    [answer] = ask(engine, clock, get("sku=LAMP&sku=VASE&channel=webshop"), settings=settings)

    assert [item["available"] for item in answer.json()["items"]] == [4, 6]


def test_an_answer_that_has_not_changed_is_a_304(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)
    [first] = ask(engine, clock, get("sku=LAMP"))
    seen = {"headers": {"if-none-match": first.headers["etag"]}}

    [same, same_question] = ask(
        engine, clock, get("sku=LAMP", **seen), ("POST", "/v1/availability/query", {"json": {"sku": ["LAMP"]}})
    )
    with db.transaction(engine) as session:
        hold(session, "LAMP")
    [changed] = ask(engine, clock, get("sku=LAMP", **seen))

    assert (same.status_code, same.content) == (304, b"")
    assert (same_question.headers["etag"], same_question.headers["cache-control"]) == (
        first.headers["etag"],
        "private, max-age=2",
    )
    assert changed.json()["items"][0]["available"] == 4


def test_the_public_sees_states_where_the_settings_allow_it_and_nothing_elsewhere(engine, clock):
    server = SETTINGS.server.model_copy(update={"public_availability": True})
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=5)

    [private] = ask(engine, clock, get("sku=LAMP", role=None))
    [public] = ask(engine, clock, get("sku=LAMP", role=None), settings=SETTINGS.model_copy(update={"server": server}))

    assert private.status_code == 401
    [item] = public.json()["items"]
    assert item["state"] == "in_stock"
    assert "available" not in item
    assert "available" not in item["locations"][0]


def test_a_question_that_cannot_be_is_refused_by_name(engine, clock):
    many = "&".join(f"sku=S{n}" for n in range(201))

    answers = ask(
        engine, clock, get("sku=A&location=mars"), get("sku=A&channel=mars"), get(""), get(many), get("sku=%00")
    )

    assert [answer.status_code for answer in answers] == [422] * 5
    assert "mars" in answers[0].json()["errors"][0]["message"]


def test_what_is_kept_of_an_article_takes_no_more_room_than_it_has_words(clock):
    """Of fifty thousand: orjson's own bytes would hold four kilobytes each."""
    skus = tuple(f"A-{number:05}" for number in range(1_000))
    stock = Stock({sku: OnSale({"linden": 7, "lager": 3}, {}) for sku in skus})
    answers, asked = Answers(SETTINGS, ReadyTimes(SETTINGS)), Question(skus, ("linden", "lager"))
    answers.body(asked, stock, now=clock.now())

    tracemalloc.start()
    clock.advance(minutes=1)
    body = answers.body(asked, stock, now=clock.now())
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 3 * len(body)
