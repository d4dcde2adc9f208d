import asyncio

import pytest

from omnisync import db
from omnisync.settings import LimitSettings
from omnisync.stock import ends, reservations
from omnisync.stock.limits import Limits
from tests.api import SETTINGS, serving
from tests.conftest import START
from tests.stock.archives import archived
from tests.stock.shop import a_request, level, shelf, violations

LINES = [{"sku": "LAMP", "location": "linden", "quantity": 1}]


def in_stock(engine, pieces, **more):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=pieces)
        for location, there in more.items():
            shelf(session, "LAMP", pieces=there, location=location)


def now_on_shelf(engine):
    with db.transaction(engine) as session:
        assert violations(session) == []
        return level(session, "LAMP")


def test_a_hold_is_answered_with_what_was_held_and_until_when(engine, clock):
    in_stock(engine, 3)

    async def story():
        async with serving(engine, clock) as api:
            return await api.call("POST", "/v1/reservations", json={"reference": "cart-1", "lines": LINES})

    answer = asyncio.run(story())
    body = answer.json()
    assert (answer.status_code, body["state"], body["expires_at"]) == (201, "held", "2026-11-21T10:15:00Z")
    assert (body["lines"], body["reference"]) == ([LINES[0] | {"held": LINES[0]["quantity"], "collected": 0}], "cart-1")
    assert now_on_shelf(engine).reserved == 1


def test_a_refused_hold_says_what_is_left_and_where_else_it_is(engine, clock):
    in_stock(engine, 1, markt=4)

    async def story():
        async with serving(engine, clock) as api:
            return await api.call("POST", "/v1/reservations", json={"lines": [LINES[0] | {"quantity": 2}]})

    answer = asyncio.run(story())
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json()["type"].endswith("/out-of-stock")
    [lack] = answer.json()["shortages"]
    assert (lack["requested"], lack["available"]) == (2, 1)
    assert lack["elsewhere"] == [{"location": "markt", "available": 4, "ready_at": "2026-11-21T12:01:00Z"}]


def test_sixty_four_callers_at_once_never_get_more_than_there_is(engine, clock):
    in_stock(engine, 20)

    async def story():
        async with serving(engine, clock) as api:
            calls = [api.call("POST", "/v1/reservations", json={"lines": LINES}) for _ in range(64)]
            return [answer.status_code for answer in await asyncio.gather(*calls)]

    statuses = asyncio.run(story())
    assert (statuses.count(201), statuses.count(409)) == (20, 44)
    assert now_on_shelf(engine).free == 0


@pytest.mark.parametrize("together", [True, False])
def test_the_same_key_is_one_effect_and_one_answer(engine, clock, together):
    in_stock(engine, 9)

    async def story():
        async with serving(engine, clock) as api:
            calls = [api.call("POST", "/v1/reservations", key="once", json={"lines": LINES}) for _ in range(5)]
            return await asyncio.gather(*calls) if together else [await call for call in calls]

    answers = asyncio.run(story())
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert now_on_shelf(engine).reserved == 1


def test_the_same_key_with_another_body_is_refused(engine, clock):
    in_stock(engine, 9)

    async def story():
        async with serving(engine, clock) as api:
            await api.call("POST", "/v1/reservations", key="once", json={"lines": LINES})
            return await api.call("POST", "/v1/reservations", key="once", json={"lines": [LINES[0] | {"quantity": 2}]})

    answer = asyncio.run(story())
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (422, "idempotency-key-reused")
    assert now_on_shelf(engine).reserved == 1


def test_the_same_key_on_another_path_is_another_request(engine, clock):
    in_stock(engine, 9)

    async def story():
        async with serving(engine, clock) as api:
            held = [(await api.call("POST", "/v1/reservations", json={"lines": LINES})).json()["id"] for _ in range(2)]
            ends = [await api.call("POST", f"/v1/reservations/{name}/release", key="once") for name in held]
            return held, [answer.json()["id"] for answer in ends]

    held, released = asyncio.run(story())
    assert released == held
    assert now_on_shelf(engine).reserved == 0


def test_a_refusal_for_want_of_stock_is_repeated_under_its_key(engine, clock):
    in_stock(engine, 0)

    async def story():
        async with serving(engine, clock) as api:
            first = await api.call("POST", "/v1/reservations", key="once", json={"lines": LINES})
            in_stock(engine, 5)
            return first, await api.call("POST", "/v1/reservations", key="once", json={"lines": LINES})

    first, again = asyncio.run(story())
    assert (first.status_code, again.content) == (409, first.content)


def test_a_hold_is_confirmed_collected_in_part_and_ends_once(engine, clock):
    in_stock(engine, 3)

    async def story():
        async with serving(engine, clock) as api:
            held = await api.call("POST", "/v1/reservations", json={"lines": [LINES[0] | {"quantity": 3}]})
            at = f"/v1/reservations/{held.json()['id']}"
            confirmed = await api.call("POST", f"{at}/confirm")
            collected = await api.call("POST", f"{at}/collect", json={"lines": LINES})
            second = await api.call("POST", f"{at}/release")
            return confirmed, collected, second, await api.call("GET", at)

    confirmed, collected, second, read = asyncio.run(story())
    assert (confirmed.json()["state"], confirmed.json()["expires_at"]) == ("confirmed", None)
    assert (collected.json()["state"], read.json()["state"]) == ("collected", "collected")
    assert (second.status_code, second.json()["type"].rsplit("/")[-1]) == (409, "already-collected")
    assert now_on_shelf(engine).on_hand == 2
    assert confirmed.json()["lines"] == [LINES[0] | {"quantity": 3, "held": 3, "collected": 0}]
    assert collected.json()["lines"] == read.json()["lines"] == [LINES[0] | {"quantity": 3, "held": 0, "collected": 1}]


def test_what_became_of_pieces_in_a_month_that_was_archived_is_not_known_any_more(engine, clock, tmp_path):
    in_stock(engine, 3)

    async def story():
        async with serving(engine, clock) as api:
            held = await api.call("POST", "/v1/reservations", json={"lines": LINES})
            at = f"/v1/reservations/{held.json()['id']}"
            await api.call("POST", f"{at}/collect")
            clock.advance(days=150)
            with db.transaction(engine) as session:
                assert archived(session, tmp_path, "2026-11", START.replace(month=12, day=1), now=clock.now())
            return await api.call("GET", at)

    read = asyncio.run(story())
    assert read.json()["state"] == "collected"
    assert read.json()["lines"] == [LINES[0] | {"held": 0, "collected": None}]


def test_a_hold_past_its_time_reads_as_expired(engine, clock):
    in_stock(engine, 3)

    async def story():
        async with serving(engine, clock) as api:
            held = await api.call("POST", "/v1/reservations", json={"expires_in_seconds": 60, "lines": LINES})
            clock.advance(seconds=60)
            at = f"/v1/reservations/{held.json()['id']}"
            return await api.call("GET", at), await api.call("POST", f"{at}/confirm")

    read, refused = asyncio.run(story())
    assert read.json()["state"] == "expired"
    assert [(line["held"], line["collected"]) for line in read.json()["lines"]] == [(0, 0)]
    assert refused.json()["type"].endswith("/already-expired")


def test_another_keys_reservation_does_not_exist(engine, clock):
    in_stock(engine, 3)

    async def story():
        async with serving(engine, clock) as api:
            held = await api.call("POST", "/v1/reservations", role="ops", json={"lines": LINES})
            at = f"/v1/reservations/{held.json()['id']}"
            return await api.call("GET", at), await api.call("POST", f"{at}/release")

    read, released = asyncio.run(story())
    assert (read.status_code, released.status_code) == (404, 404)
    with db.transaction(engine) as session:
        assert ends.expire_overdue(session, now=START) == 0


BAD_BODIES = {
    "text for a number": b'{"lines": [{"sku": "LAMP", "location": "linden", "quantity": "1"}]}',
    "a boolean for a number": b'{"lines": [{"sku": "LAMP", "location": "linden", "quantity": true}]}',
    "a fraction": b'{"lines": [{"sku": "LAMP", "location": "linden", "quantity": 1.5}]}',
    "negative": b'{"lines": [{"sku": "LAMP", "location": "linden", "quantity": -1}]}',
    "enormous": b'{"lines": [{"sku": "LAMP", "location": "linden", "quantity": 99999999999999999999}]}',
    "NaN": b'{"lines": [{"sku": "LAMP", "location": "linden", "quantity": NaN}]}',
    "lone surrogate": b'{"lines": [{"sku": "\\ud800", "location": "linden", "quantity": 1}]}',
    "NUL": b'{"lines": [{"sku": "LA\\u0000MP", "location": "linden", "quantity": 1}]}',
    "not UTF-8": b'{"reference": "\xff", "lines": []}',
    "half": b'{"lines": [',
    "no lines": b'{"lines": []}',
    "an unknown field": b'{"lines": [{"sku": "LAMP", "location": "linden", "quantity": 1, "colour": "red"}]}',
    "an unknown SKU": b'{"lines": [{"sku": "NO-SUCH", "location": "linden", "quantity": 1}]}',
    "an unknown location": b'{"lines": [{"sku": "LAMP", "location": "mars", "quantity": 1}]}',
    "an unknown channel": b'{"channel": "mars", "lines": [{"sku": "LAMP", "location": "linden", "quantity": 1}]}',
    "nothing": b"",
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_is_a_clear_422_and_leaves_no_trace(engine, clock, name):
    in_stock(engine, 3)

    async def story():
        async with serving(engine, clock) as api:
            headers = {"content-type": "application/json"}
            return await api.call("POST", "/v1/reservations", content=BAD_BODIES[name], headers=headers)

    answer = asyncio.run(story())
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (422, "invalid-request")
    assert answer.json()["errors"]
    assert now_on_shelf(engine).reserved == 0


def test_a_body_of_ten_megabytes_is_refused_unread(engine, clock):
    async def chunks():
        for _ in range(10):
            yield b" " * 1024 * 1024

    async def story():
        async with serving(engine, clock) as api:
            declared = await api.call("POST", "/v1/reservations", content=b" " * 10 * 1024 * 1024)
            headers = {"content-type": "application/json"}
            return declared, await api.call("POST", "/v1/reservations", content=chunks(), headers=headers)

    for answer in asyncio.run(story()):
        assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (413, "too-large")


@pytest.mark.parametrize(
    ("role", "key", "status", "code"),
    [
        (None, "new", 401, "unauthorized"),
        ("staff", "new", 403, "forbidden"),
        ("shop", None, 400, "idempotency-key-missing"),
    ],
)
def test_who_may_not_is_told_so(engine, clock, role, key, status, code):
    async def story():
        async with serving(engine, clock) as api:
            return await api.call("POST", "/v1/reservations", role=role, key=key, json={"lines": LINES})

    answer = asyncio.run(story())
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (status, code)


def test_nobody_hoards_more_than_the_limits_allow(engine, clock):
    in_stock(engine, 50)
    limits = LimitSettings(open_holds_per_key=5, open_holds_per_reference=2, lines=1, quantity=3)
    settings = SETTINGS.model_copy(update={"limits": limits})

    async def story():
        async with serving(engine, clock, settings) as api:

            async def hold(*lines, **more):
                return await api.call("POST", "/v1/reservations", json={"lines": [*(lines or LINES)]} | more)

            large = [await hold(LINES[0] | {"quantity": 4}), await hold(*LINES, *LINES)]
            carts = await asyncio.gather(*(hold(reference="cart-1") for _ in range(4)))
            others = await asyncio.gather(*(hold() for _ in range(5)))
            await api.call("POST", f"/v1/reservations/{others[0].json()['id']}/confirm")
            clock.advance(seconds=1)
            confirmed = [await hold(), await hold()]
            clock.advance(seconds=900)
            return large, carts, others, confirmed, [await hold(), await hold(reference="cart-1")]

    large, carts, others, confirmed, later = asyncio.run(story())

    def codes(answers):
        return [one.status_code for one in answers]

    assert [one.json()["limit"] for one in large] == ["quantity", "lines"]
    assert codes(large) == [409, 409]
    assert codes(carts) == [201, 201, 429, 429]
    assert carts[3].json()["type"].endswith("/too-many-holds")
    assert (carts[3].json()["limit"], carts[3].json()["allowed"]) == ("open_holds_per_reference", 2)
    assert codes(others) == [201, 201, 201, 429, 429]
    assert (others[4].json()["limit"], others[4].headers["retry-after"]) == ("open_holds_per_key", "900")
    assert "can raise the limit" in others[4].json()["action"]
    assert codes(confirmed) == [201, 429]
    assert codes(later) == [201, 201]


def test_who_buys_again_and_again_is_not_taken_for_a_hoarder(engine, clock):
    in_stock(engine, 50)
    limits = LimitSettings(open_holds_per_key=2, open_holds_per_reference=1)

    async def story():
        async with serving(engine, clock, SETTINGS.model_copy(update={"limits": limits})) as api:
            answers = []
            for _ in range(5):
                held = await api.call("POST", "/v1/reservations", json={"lines": LINES, "reference": "customer-7"})
                answers += [held, await api.call("POST", f"/v1/reservations/{held.json()['id']}/confirm")]
                clock.advance(seconds=1)  # a key is counted again then, where it is at its limit
            return answers

    assert [answer.status_code for answer in asyncio.run(story())] == [201, 200] * 5


def test_holds_that_another_node_granted_count_within_ten_seconds(engine, clock):
    in_stock(engine, 50)
    here, there = (Limits(LimitSettings(open_holds_per_key=2)) for _ in range(2))

    def asks(limits, name):
        with db.transaction(engine) as session:
            request = a_request(("LAMP", 1), id=name, owner="shop")
            if refused := limits.check(session, [request], now=clock.now()):
                return refused[0].code
            limits.note(reservations.reserve(session, [request], now=clock.now()))
            return "held"

    before = [asks(here, "r1"), asks(there, "r2")]
    clock.advance(seconds=10)

    assert before == ["held", "held"]
    assert [asks(here, "r3"), asks(there, "r4")] == ["too-many-holds", "too-many-holds"]


def test_who_collects_without_naming_lines_collects_all(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=3)

    async def story():
        async with serving(engine, clock) as api:
            lines = [{"sku": "LAMP", "location": "linden", "quantity": 2}]
            held = (await api.call("POST", "/v1/reservations", json={"lines": lines})).json()
            return [await api.call("POST", f"/v1/reservations/{held['id']}/collect", json=body) for body in ({}, None)]

    first, second = asyncio.run(story())

    assert (first.status_code, first.json()["state"]) == (200, "collected")
    assert second.status_code == 409
