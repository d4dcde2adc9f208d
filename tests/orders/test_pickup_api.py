import asyncio

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.orders.tables import Pickup
from omnisync.stock.tables import Idempotency
from tests.api import serving
from tests.orders.counter import violations
from tests.stock.shop import level, shelf

CUSTOMER = {"name": "Anna Schubert", "email": "anna@example.org"}
LAMP = {"sku": "LAMP", "quantity": 1, "price_minor": 4245, "currency": "EUR"}
ORDER = {"location": "linden", "customer": CUSTOMER, "lines": [LAMP], "reference": "#1001", "channel": "webshop"}


def in_stock(engine, pieces, **more):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=pieces)
        for location, there in more.items():
            shelf(session, "LAMP", pieces=there, location=location)


def now_on_shelf(engine, location="linden"):
    with db.transaction(engine) as session:
        assert violations(session) == []
        return level(session, "LAMP", location)


def play(engine, clock, story):
    """Run a story against the API and hand back what it returns."""

    async def run():
        async with serving(engine, clock) as api:
            return await story(api)

    return asyncio.run(run())


async def place(api, **changes):
    return await api.call("POST", "/v1/pickups", json=ORDER | changes)


async def step(api, placed, verb, body=None, *, role="staff", **more):
    return await api.call("POST", f"/v1/pickups/{placed['id']}/{verb}", role=role, json=body or {}, **more)


async def make_ready(api, **changes):
    placed = (await place(api, **changes)).json()
    await step(api, placed, "pick")
    await step(api, placed, "ready", {"shelf": "12"})
    return placed


def test_a_placed_pickup_is_answered_with_number_code_and_times(engine, clock):
    in_stock(engine, 3)

    answer = play(engine, clock, place)

    body = answer.json()
    assert answer.status_code == 201
    assert (body["state"], body["number"]) == ("placed", "L-1001")
    assert (body["ready_by"], body["collect_by"]) == ("2026-11-21T12:00:00Z", "2026-11-25T18:00:00Z")
    assert body["due"] == {"amount_minor": 4245, "currency": "EUR"}
    assert [(line["sku"], line["quantity"]) for line in body["lines"]] == [("LAMP", 1)]
    assert len(body["code"]) == 9
    assert now_on_shelf(engine).reserved == 1


def test_neither_code_nor_customer_stand_in_what_is_kept_of_an_answer(engine, clock):
    in_stock(engine, 3)

    async def story(api):
        first = await api.call("POST", "/v1/pickups", key="same", json=ORDER)
        return first, await api.call("POST", "/v1/pickups", key="same", json=ORDER)

    first, again = play(engine, clock, story)

    assert first.content == again.content
    with db.reading(engine) as session:
        kept = b"".join(session.execute(sa.select(db.table(Idempotency).c.answer)).scalars())
        rows = session.execute(sa.select(db.table(Pickup))).mappings().all()
    assert first.json()["code"].encode() not in kept
    assert b"Anna" not in kept
    assert len(rows) == 1
    assert first.json()["code"].replace("-", "") not in str(rows)


def test_a_refused_pickup_says_what_is_left_and_where_else_it_can_be_collected(engine, clock):
    in_stock(engine, 1, markt=4)

    answer = play(engine, clock, lambda api: place(api, lines=[LAMP | {"quantity": 2}]))

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/out-of-stock")
    [lack] = answer.json()["shortages"]
    assert (lack["requested"], lack["available"], lack["elsewhere"][0]["location"]) == (2, 1, "markt")


def test_an_earlier_hold_of_the_same_key_becomes_the_pickup(engine, clock):
    in_stock(engine, 1)
    lines = [{"sku": "LAMP", "location": "linden", "quantity": 1}]

    async def story(api):
        held = (await api.call("POST", "/v1/reservations", json={"lines": lines})).json()
        placed = await place(api, reservation=held["id"])
        taken = await place(api, reservation=held["id"], reference="#2")
        own = placed.json()["reservation"]
        return placed, taken, await api.call("POST", f"/v1/reservations/{own}/release")

    placed, taken, released = play(engine, clock, story)

    assert placed.status_code == 201
    assert (taken.status_code, taken.json()["type"].rsplit("/", 1)[1]) == (409, "reservation-taken")
    assert (released.status_code, released.json()["type"].rsplit("/", 1)[1]) == (409, "reservation-taken")
    assert now_on_shelf(engine).reserved == 1


def test_from_the_order_to_the_customers_hands(engine, clock):
    in_stock(engine, 2)

    async def story(api):
        placed = await make_ready(api, lines=[LAMP | {"quantity": 2}])
        found = await api.call("POST", "/v1/pickups/lookup", role="staff", json={"code": placed["code"].lower()})
        wrong = await step(api, placed, "collect", {"code": "0000-0000"})
        part = {"code": placed["code"], "lines": [{"sku": "LAMP", "quantity": 1}]}
        first = await step(api, placed, "collect", part)
        second = await step(api, placed, "collect", {"without_code": {"reason": "id_seen"}})
        third = await step(api, placed, "collect", {"code": placed["code"]})
        return found, wrong, first, second, third

    found, wrong, first, second, third = play(engine, clock, story)

    assert (found.json()["shelf"], found.json()["customer"]["name"]) == ("12", "Anna Schubert")
    assert (wrong.status_code, wrong.json()["type"].rsplit("/", 1)[1]) == (403, "wrong-code")
    assert (first.json()["state"], second.json()["state"]) == ("ready", "collected")
    assert second.json()["collected_how"] == "id_seen"
    assert (third.status_code, third.json()["state"]) == (409, "collected")
    assert now_on_shelf(engine).on_hand == 0


def test_staff_never_see_the_code_and_another_store_sees_nothing(engine, clock):
    in_stock(engine, 2, markt=2)

    async def story(api):
        mine, theirs = (await place(api)).json(), (await place(api, location="markt", reference="#2")).json()
        listed = await api.call("GET", "/v1/pickups", role="staff")
        own = await api.call("GET", f"/v1/pickups/{mine['id']}", role="staff")
        refused = [
            await api.call("GET", f"/v1/pickups/{theirs['id']}", role="staff"),
            await api.call("GET", "/v1/pickups?location=markt", role="staff"),
            await step(api, theirs, "pick"),
        ]
        return mine, listed, own, refused

    mine, listed, own, refused = play(engine, clock, story)

    assert [item["id"] for item in listed.json()["items"]] == [mine["id"]]
    assert own.json()["customer"]["email"] == "anna@example.org"
    assert mine["code"] not in own.text + listed.text
    assert [answer.status_code for answer in refused] == [403, 403, 403]


def test_who_guesses_is_stopped_and_the_right_code_is_not_counted(engine, clock):
    in_stock(engine, 2)

    async def story(api):
        placed = await make_ready(api)
        right = [
            await api.call("POST", "/v1/pickups/lookup", role="staff", json={"code": placed["code"]}) for _ in range(15)
        ]
        wrong = [await step(api, placed, "collect", {"code": f"0000-000{n % 10}"}) for n in range(12)]
        clock.advance(minutes=10)
        return right, wrong, await step(api, placed, "collect", {"code": placed["code"]})

    right, wrong, after = play(engine, clock, story)

    assert {answer.status_code for answer in right} == {200}
    assert [answer.status_code for answer in wrong] == [403] * 10 + [429] * 2
    assert int(wrong[-1].headers["retry-after"]) > 0
    assert after.json()["state"] == "collected"


def test_what_cannot_be_packed_is_corrected_moved_extended_or_called_off(engine, clock):
    in_stock(engine, 3, markt=3)

    async def story(api):
        placed = (await place(api, lines=[LAMP | {"quantity": 2}])).json()
        lines = {"lines": [{"sku": "LAMP", "quantity": 1, "reason": "not_found"}]}
        answers = [
            await step(api, placed, "reject", lines),
            await step(api, placed, "transfer", {"location": "markt", "kind": "goods_come"}),
            await step(api, placed, "extend", {"collect_by": "2026-12-05T12:00:00Z"}),
            await step(api, placed, "cancel", {"reason": "asked on the phone"}),
            await step(api, placed, "cancel"),
        ]
        return answers, await api.call("GET", "/v1/tasks", role="staff")

    (rejected, moved, extended, cancelled, again), tasks = play(engine, clock, story)

    assert (rejected.json()["state"], rejected.json()["lines"][0]["rejected"]) == ("placed", 1)
    assert moved.json()["lines"][0]["rejected"] == 0
    assert extended.json()["collect_by"] == "2026-12-05T12:00:00Z"
    assert (cancelled.json()["state"], again.status_code) == ("cancelled", 409)
    assert sorted(task["kind"] for task in tasks.json()["items"]) == ["count"], "what nobody has sent comes no more"
    assert now_on_shelf(engine).reserved == 0


def test_a_task_is_finished_once(engine, clock):
    in_stock(engine, 3)

    async def story(api):
        placed = await make_ready(api)
        await step(api, placed, "cancel")
        [task] = (await api.call("GET", "/v1/tasks", role="staff")).json()["items"]
        done = [await api.call("POST", f"/v1/tasks/{task['id']}/done", role="staff") for _ in range(2)]
        return task, [answer.status_code for answer in done]

    task, statuses = play(engine, clock, story)

    assert (task["kind"], task["shelf"]) == ("put_back", "12")
    assert statuses == [200, 409]


def test_the_right_code_too_early_is_no_guess(engine, clock):
    in_stock(engine, 3)

    async def story(api):
        placed = (await place(api)).json()
        early = [await step(api, placed, "collect", {"code": placed["code"]}) for _ in range(12)]
        lost = [await step(api, {"id": "nobody"}, "collect", {"code": placed["code"]}) for _ in range(12)]
        await step(api, placed, "pick")
        await step(api, placed, "ready", {"shelf": "12"})
        ready = (await api.call("GET", "/v1/pickups?state=ready")).json()["items"]
        return early, lost, ready, await step(api, placed, "collect", {"code": placed["code"]})

    early, lost, ready, collected = play(engine, clock, story)

    assert {answer.status_code for answer in early} == {409}
    assert {answer.status_code for answer in lost} == {404}
    assert [one["state"] for one in ready] == ["ready"]
    assert collected.status_code == 200


def test_pickups_that_lack_pieces_are_listed_with_who_has_them_and_how_many_more_there_are(engine, clock):
    in_stock(engine, 4, markt=1)

    async def story(api):
        for number in range(2):
            placed = (await place(api, reference=f"#{number}", lines=[LAMP | {"quantity": 2}])).json()
            gone = {"lines": [{"sku": "LAMP", "quantity": 1, "reason": "damaged"}]}
            await step(api, placed, "reject", gone)
        return (await api.call("GET", "/v1/shortages?limit=1", role="ops")).json()

    page = play(engine, clock, story)

    [lacking] = page["lacking"]
    assert (lacking["from_location"], lacking["lines"]) == ("markt", [{"sku": "LAMP", "quantity": 1}])
    assert (page["lacking_total"], page["stock_errors_total"]) == (2, 0)


def test_lists_are_paged_in_the_order_in_which_pickups_are_due(engine, clock):
    in_stock(engine, 9)

    async def story(api):
        for number in range(5):
            await place(api, reference=f"#{number}")
            clock.advance(minutes=1)
        pages, cursor = [], None
        for _ in range(3):
            query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            page = (await api.call("GET", "/v1/pickups", params=query)).json()
            pages.append([item["reference"] for item in page["items"]])
            cursor = page["next_cursor"]
        return pages, cursor, await api.call("GET", "/v1/pickups?cursor=nonsense")

    pages, cursor, nonsense = play(engine, clock, story)

    assert (pages, cursor) == ([["#0", "#1"], ["#2", "#3"], ["#4"]], None)
    assert nonsense.status_code == 422


def test_what_was_handed_over_and_not_rung_up_is_listed(engine, clock):
    in_stock(engine, 3)

    async def story(api):
        placed = await make_ready(api)
        await step(api, placed, "collect", {"code": placed["code"]})
        return placed, await api.call("GET", "/v1/pickups/not-rung-up", role="staff")

    placed, answer = play(engine, clock, story)

    assert [(item["sku"], item["pickup"]) for item in answer.json()["items"]] == [("LAMP", placed["id"])]


BAD_ORDERS = [
    {"location": "mars"},
    {"channel": "moon"},
    {"customer": {}},
    {"customer": {"name": ""}},
    {"lines": []},
    {"lines": [LAMP | {"quantity": 0}]},
    {"lines": [LAMP | {"quantity": True}]},
    {"lines": [LAMP | {"quantity": 1.0}]},
    {"lines": [LAMP | {"quantity": 10**9}]},
    {"lines": [LAMP | {"sku": "NOBODY KNOWS"}]},
    {"lines": [LAMP | {"currency": None}]},
    {"lines": [LAMP | {"currency": "euro"}]},
    {"lines": [LAMP, {"sku": "LAMP", "quantity": 1}]},
    {"paid": "yes"},
    {"unknown": 1},
    {"note": "\x00"},
]


def test_bad_orders_are_refused_with_the_field_that_is_wrong_and_leave_no_trace(engine, clock):
    in_stock(engine, 5)

    async def story(api):
        return [await place(api, **changes) for changes in BAD_ORDERS]

    answers = play(engine, clock, story)

    assert [answer.status_code for answer in answers] == [422] * len(BAD_ORDERS)
    assert all(answer.json()["errors"][0]["field"] for answer in answers)
    assert now_on_shelf(engine).reserved == 0


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("ready", {}),
        ("ready", {"shelf": ""}),
        ("collect", {}),
        ("collect", {"code": "K7Q4-X9RT", "without_code": {"reason": "known"}}),
        ("collect", {"without_code": {"reason": "he smiled"}}),
        ("reject", {"lines": [{"sku": "LAMP", "quantity": 1, "reason": "ugly"}]}),
        ("extend", {"collect_by": "tomorrow"}),
        ("extend", {"collect_by": "2026-12-05T12:00:00"}),
        ("transfer", {"location": "markt", "kind": "teleport"}),
    ],
)
def test_bad_steps_are_refused(engine, clock, verb, body):
    in_stock(engine, 5)

    async def story(api):
        return await step(api, await make_ready(api), verb, body)

    assert play(engine, clock, story).status_code == 422


def test_every_step_wants_a_key_of_its_own_and_knows_no_strangers(engine, clock):
    in_stock(engine, 5)

    async def story(api):
        placed = (await place(api)).json()
        missing = await step(api, placed, "pick", key=None)
        same = [await step(api, placed, "pick", key="k") for _ in range(2)]
        nobody = await step(api, placed, "ready", {"shelf": "1"}, role=None)
        unknown = await step(api, {"id": "nobody"}, "pick")
        return missing, same, nobody, unknown

    missing, same, nobody, unknown = play(engine, clock, story)

    assert (missing.status_code, missing.json()["type"].rsplit("/", 1)[1]) == (400, "idempotency-key-missing")
    assert [answer.status_code for answer in same] == [200, 200]
    assert (nobody.status_code, unknown.status_code) == (401, 404)


def test_a_price_in_another_currency_than_the_articles_is_refused_and_holds_nothing(engine, clock):
    in_stock(engine, 5)
    said = {"prices": [{"kind": "base", "sku": "LAMP", "amount_minor": 4245, "currency": "EUR"}]}

    async def story(api):
        await api.call("PUT", "/v1/prices", role="ops", json=said)
        clock.advance(seconds=1)
        return await place(api, lines=[LAMP | {"currency": "USD"}]), await place(api)

    wrong, right = play(engine, clock, story)

    assert (wrong.status_code, right.status_code) == (422, 201)
    [error] = wrong.json()["errors"]
    assert error["field"] == "lines.0.currency"
    assert error["message"].startswith("LAMP is sold in EUR here. Send its price in EUR")
    assert now_on_shelf(engine).reserved == 1
