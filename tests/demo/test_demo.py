"""The demo's own arithmetic: what happens next, what should be shown, what was promised too often."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from omnisync.adapters import registry
from omnisync.adapters.client import Reply
from omnisync.clock import StoppedClock
from omnisync.demo import books as bookkeeping
from omnisync.demo import journal, options, plan, plants, proof, storm, switches
from omnisync.demo.books import Books, Held
from omnisync.demo.journal import Shelf
from omnisync.demo.people import People
from omnisync.demo.plan import CHANNELS, EBAY, SQUARE, TILL, WEBSHOP, Plan
from omnisync.demo.proof import Proof
from omnisync.demo.traffic import Act, Do, Traffic, hot
from omnisync.settings import load
from omnisync.stock import ledger, promises, reservations
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Shortage
from omnisync.sync.tables import Case, Conflict, DeadLetter
from omnisync.values import Kind
from omnisync.values import Shelf as At
from tests.stock.shop import article

SEED = 7
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def everything() -> list[plan.Goods]:
    return plan.goods(SEED)


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    ports = {name: 9000 + number for number, name in enumerate(("server", "switches", *CHANNELS))}
    return Plan(tmp_path, SEED, f"sqlite:///{tmp_path}/demo.db", ports, plan.secrets(random.Random(1)))


# ---------------------------------------------------------------- traffic


def test_the_same_seed_makes_the_same_traffic(everything: list[plan.Goods]):
    first, second = (Traffic(random.Random(SEED), everything) for _ in range(2))

    assert [first.next() for _ in range(200)] == [second.next() for _ in range(200)]


def test_everything_happens_and_only_where_it_can(everything: list[plan.Goods]):
    traffic = Traffic(random.Random(SEED), everything)

    acts = [traffic.next() for _ in range(3000)]

    assert {act.do for act in acts} == set(Do)
    assert all(act.location in plan.SELLS[act.channel] for act in acts)
    assert all((act.goods.sku in plan.FLASH) == (act.do is Do.FLASH) for act in acts)


def test_hot_things_are_sold_by_every_channel_and_some_of_them_are_scarce(everything: list[plan.Goods]):
    found = hot(everything)

    for channel in CHANNELS:
        offered = plan.listed(channel, everything)
        assert all(one in offered for one in found)
    assert min(sum(one.pieces.values()) for one in found) < 12 < max(sum(one.pieces.values()) for one in found)


# ---------------------------------------------------------------- plan


def test_the_settings_it_writes_are_settings_that_the_server_reads(planned: Plan):
    plan.write(planned)

    found = load(planned.config, {}, adapters=registry.names(), own=registry.settings_of)

    assert [channel.name for channel in found.channels] == list(CHANNELS)
    assert found.channel(WEBSHOP).settings["access_token"] == planned.secrets["shopify_token"]
    assert found.channel(EBAY).policy.max_listed == plan.EBAY_RULE.max_listed


def test_channels_begin_with_what_they_should_show(planned: Plan, everything: list[plan.Goods]):
    shelves = {
        (location, one.sku): Shelf(on_hand=pieces, safety=one.safety[location])
        for one in everything
        if not one.parts
        for location, pieces in one.pieces.items()
    }

    seeds = plan.seeds(planned)

    shop = {(one["sku"], place): n for one in seeds[WEBSHOP]["listings"] for place, n in one["quantities"].items()}
    market = {one["sku"]: one["quantity"] for one in seeds[EBAY]["listings"]}
    for (channel, place, sku), number in proof.expected(shelves, everything).items():
        if channel == WEBSHOP:
            assert shop[sku, place] == number
        if channel == EBAY:
            assert market[sku] == number


# ---------------------------------------------------------------- books


def test_pieces_promised_at_the_same_moment_are_added_up():
    held = [Held("A", 2, 0.0, 10.0), Held("A", 3, 5.0, 6.0), Held("A", 4, 10.0, 12.0)]

    assert bookkeeping.most_at_once(held) == 5


def test_what_ends_when_another_begins_was_not_promised_twice():
    assert bookkeeping.promised_too_often([Held("A", 2, 0.0, 1.0), Held("A", 2, 1.0, 2.0)], {"A": 2}) == 0


def test_one_piece_for_two_baskets_is_one_too_many():
    held = [Held("A", 1, 0.0, 9.0), Held("A", 1, 1.0, 2.0), Held("B", 1, 0.0, 1.0)]

    assert bookkeeping.promised_too_often(held, {"A": 1, "B": 1}) == 1


# ---------------------------------------------------------------- the journal, read again


def _write(session: Session, *entries: Entry) -> None:
    for sku in {entry.sku for entry in entries}:
        article(session, sku)
    ledger.record(session, entries, now=NOW)


def _entry(kind: Kind, quantity: int, **more: str) -> Entry:
    return Entry(kind, "LAMP", "lager", quantity, cause="demo", occurred_at=NOW, **more)


def test_a_hold_beyond_the_shelf_is_oversold_by_just_those_pieces(session: Session):
    _write(session, _entry(Kind.RECEIVED, 3), _entry(Kind.HOLD, 2, promise="a"), _entry(Kind.HOLD, 2, promise="b"))

    assert journal.oversold(session) == 1


def test_what_a_channel_sold_first_is_no_oversold_unit(session: Session):
    _write(session, _entry(Kind.RECEIVED, 2), _entry(Kind.HOLD, 2, promise="a"), _entry(Kind.SOLD, 2))

    assert journal.oversold(session) == 0


def test_an_order_that_counted_twice_is_found_in_the_tally(session: Session):
    article(session, "LAMP")
    books = Books()
    books.buy(WEBSHOP, "LAMP", 1)
    bought = promises.Wanted(WEBSHOP, "#1", f"{WEBSHOP}:1", "1", At("lager", "LAMP"), 1, NOW)
    promises.make(session, [bought], now=NOW)

    assert journal.wrong_tallies(session, books) == []
    promises.make(session, [bought], now=NOW)
    assert journal.wrong_tallies(session, books) == ["webshop: buyers got 1 of LAMP, omnisync wrote down 2"]


def test_an_order_that_was_lost_is_found_in_the_tally(session: Session):
    books = Books()
    books.buy(TILL, "SET", 1, {"CUP": 2})

    assert journal.wrong_tallies(session, books) == ["kasse: buyers got 2 of CUP, omnisync wrote down 0"]


class Refusing:
    """A shop that sells, and a desk that refuses its pickup."""

    async def visit(self, channel: str, path: str, body: Any) -> Reply:
        return Reply(200, {}, b'{"reference": "#7"}')

    async def tell(self, who: str, path: str, body: Any, *, fine: tuple[int, ...]) -> Reply:
        return Reply(409, {}, b"{}")


def test_an_order_for_the_desk_counts_once_also_where_the_call_of_its_shop_was_refused(
    session: Session, clock: StoppedClock, everything: list[plan.Goods]
):
    goods = next(one for one in everything if not one.parts)
    people = People(Refusing(), Books(), clock, random.Random(1))  # type: ignore[arg-type]
    asyncio.run(people.act(Act(Do.PICKUP, WEBSHOP, goods, "linden", 2, 0.9)))
    article(session, goods.sku)
    promises.make(
        session, [promises.Wanted(WEBSHOP, "#7", f"{WEBSHOP}:7", "1", At("linden", goods.sku), 2, NOW)], now=NOW
    )
    assert journal.wrong_tallies(session, people.books) == []

    line = reservations.Line(goods.sku, "linden", 2)
    [held] = reservations.reserve(
        session, [reservations.Request("pickup", (line,), None, WEBSHOP, "#7")], now=NOW
    )  # at the desk, for the same order

    assert isinstance(held, reservations.Held)
    assert journal.wrong_tallies(session, people.books) == []


def test_a_cancelled_order_is_owed_to_nobody(session: Session):
    books = Books()
    books.buy(WEBSHOP, "LAMP", 1)

    books.cancel(WEBSHOP, "LAMP", 1)

    assert journal.wrong_tallies(session, books) == []


def test_a_hold_that_was_granted_and_not_written_is_a_violation(session: Session):
    assert journal.lost_holds(session, {"01K"}) == ["hold 01K was granted and is not in the database"]


def _sold_twice(session: Session, sku: str, *, short: bool = True, proposal: str = "markt has 3") -> None:
    """A channel conflict, with what belongs to it."""
    shortage = Shortage(location="lager", sku=sku, quantity=1, worst=1, cause="web:1", opened_at=NOW)
    session.add(shortage)
    session.flush()
    case = {"channel": EBAY, "kind": "conflict", "title": "", "proposal": proposal, "opened_at": NOW}
    session.add(Case(id=f"case {sku}", details={"location": "lager", "sku": sku}, **case))
    conflict = {"channel": EBAY, "order_id": "web:1", "location": "lager", "sku": sku, "quantity": 1, "at": NOW}
    session.add(Conflict(id=f"conflict {sku}", shortage_id=shortage.id if short else None, **conflict))
    session.flush()


def test_a_conflict_without_its_shortage_or_a_proposal_is_a_violation(session: Session):
    _sold_twice(session, "LAMP")
    assert journal.unexplained_conflicts(session) == []

    _sold_twice(session, "CUP", short=False)
    _sold_twice(session, "SOFA", proposal="")

    assert sorted(journal.unexplained_conflicts(session)) == [
        "ebay: 1 of CUP at lager were sold twice (web:1), and no shortage says so",
        "ebay: 1 of SOFA at lager were sold twice (web:1), and nothing is proposed",
    ]
    given = proof.give(session, Books(), [], proof.Seen(), since=NOW)
    assert (given.channel_conflicts, given.holds) == (3, False)
    assert set(journal.unexplained_conflicts(session)) <= set(given.violations)


@pytest.mark.parametrize(
    "reason", ["It could not be booked (TypeError).", "The adapter failed on this line (KeyError)."]
)
def test_what_omnisync_itself_failed_on_is_a_violation(session: Session, reason: str):
    told = {"channel": TILL, "kind": "fact", "action": "", "opened_at": NOW, "last_at": NOW}
    session.add(DeadLetter(id="ours", key="fact/1", title="Sale of -1 × Hemd", reason=reason, closed_at=NOW, **told))
    session.add(DeadLetter(id="theirs", key="fact/2", title="Order 7", reason="There is no article RUG.", **told))
    session.flush()

    given = proof.give(session, Books(), [], proof.Seen(), since=NOW)

    assert (given.holds, list(given.violations)) == (False, [f"kasse: Sale of -1 × Hemd: {reason}"])


def test_percentiles_are_values_that_were_measured():
    assert journal.percentile([], 95) == 0.0
    assert journal.percentile([5, 1, 3], 50) == 3
    assert journal.percentile(range(1, 101), 95) == 95


# ---------------------------------------------------------------- proof


def test_drift_counts_every_piece_in_both_directions(everything: list[plan.Goods]):
    should = {(TILL, "001", "A"): 3, (TILL, "001", "B"): 1, (SQUARE, "M", "A"): 2}
    seen = {(TILL, "001", "A"): 1, (TILL, "001", "B"): 2, (SQUARE, "M", "A"): 2}

    assert proof.drift(should, seen) == {(TILL, "001", "A"): -2, (TILL, "001", "B"): 1}


def test_a_shop_offers_as_many_sets_as_its_parts_make(everything: list[plan.Goods]):
    [bundle] = [one for one in everything if one.parts]
    shelves = {("lager", sku): Shelf(on_hand=5, reserved=1) for sku in bundle.parts}

    shown = proof.expected(shelves, everything)

    assert shown[WEBSHOP, "gid://shopify/Location/1", bundle.sku] == 4 // max(bundle.parts.values())


def test_a_channel_that_asks_another_price_is_a_violation():
    seen = proof.Seen()
    seen.add(EBAY, {"levels": [], "prices": {"LAMP": "42.45", "CUP": "3.00"}})
    seen.add(SQUARE, {"levels": [{"sku": "CUP", "place": "M", "quantity": 1, "on_hand": 2, "price_minor": 300}]})

    assert proof.wrong_prices({"LAMP": 4200, "CUP": 300}, seen.prices, []) == [
        "ebay: LAMP costs 4245 cents there, 4200 here"
    ]
    assert seen.levels == {(SQUARE, "M", "CUP"): 2}


@pytest.mark.parametrize("channel", [WEBSHOP, SQUARE, EBAY])
def test_a_listing_whose_price_its_channel_does_not_tell_is_a_violation(everything: list[plan.Goods], channel: str):
    ours = {one.sku: one.price.minor for one in everything}
    shown = {(shop, one.sku): ours[one.sku] for shop in plan.CHANNELS for one in plan.listed(shop, everything)}
    silent = plan.listed(channel, everything)[0].sku

    assert proof.wrong_prices(ours, shown, everything) == []
    del shown[channel, silent]

    assert proof.wrong_prices(ours, shown, everything) == [
        f"{channel}: {silent} shows no price there, {ours[silent]} here"
    ]


@pytest.mark.parametrize(
    "wrong", [{"oversold_units": 1}, {"drift": 1}, {"violations": ["x"]}], ids=["oversold", "drift", "violations"]
)
def test_any_of_the_zeros_turns_the_proof_red(wrong: dict[str, object]):
    good = {
        "orders": {}, "granted": 1, "refused": 1, "oversold_units": 0, "channel_conflicts": 3, "drift": 0,
        "violations": [], "p50_ms": 1.0, "p95_ms": 2.0,
    }  # fmt: skip

    assert Proof(**good).holds
    assert not Proof(**(good | wrong)).holds
    assert "does NOT hold" in proof.in_words(Proof(**(good | wrong)))


# ---------------------------------------------------------------- switches


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("down ebay", ("ebay", "down", True)),
        ("ebay lost", ("ebay", "lose", True)),
        ("limit webshop off", ("webshop", "rate_limited", False)),
        ("kasse off", ("kasse", "all", False)),
        ("double all", ("all", "double", True)),
        ("all off", ("all", "all", False)),
    ],
)
def test_switches_can_be_typed(typed: str, understood: tuple[str, str, bool]):
    turn = switches.understand(typed)

    assert turn is not None
    assert (turn.channel, turn.fault, turn.on) == understood


@pytest.mark.parametrize("typed", ["", "ebay", "down", "down amazon", "all on", "down ebay webshop", "help"])
def test_what_is_no_command_turns_nothing(typed: str):
    assert switches.understand(typed) is None


def test_a_storm_turns_every_switch_on_and_all_off_again():
    on: dict[tuple[str, str], bool] = {}
    ever: Counter[tuple[str, str]] = Counter()
    at_once = 0
    for gust in storm.GUSTS:
        for channel in CHANNELS if gust.channel == switches.ALL else (gust.channel,):
            for fault in switches.FAULTS if gust.fault == switches.ALL else (gust.fault,):
                on[channel, fault] = gust.on
                ever[channel, fault] += gust.on
        at_once = max(at_once, sum(on.values()))

    assert set(+ever) == {(channel, fault) for channel in CHANNELS for fault in switches.FAULTS}
    assert at_once == len(CHANNELS) * len(switches.FAULTS), "for a moment everything is broken"
    assert not any(on.values())
    assert [gust.at for gust in storm.GUSTS] == sorted(gust.at for gust in storm.GUSTS)


class Panel:
    """The doors of four channels that note what is turned there."""

    def __init__(self) -> None:
        self.turned: list[tuple[str, dict[str, bool]]] = []

    async def visit(self, channel: str, path: str, body: dict[str, bool]) -> None:
        assert path == "/_sim/faults"
        self.turned.append((channel, body))


def test_the_door_of_the_switches_shows_and_turns_them_for_the_demos_own_pages():
    panel, ours = Panel(), "http://127.0.0.1:8000"
    door = switches.door(switches.Switches(panel), [ours])  # type: ignore[arg-type]

    async def story() -> list[httpx.Response]:
        transport = httpx.ASGITransport(door)
        async with httpx.AsyncClient(transport=transport, base_url="http://switches") as client:
            turn = {"channel": EBAY, "fault": "down", "on": True}
            return [
                await client.post("/switches", json=turn, headers={"origin": ours}),
                await client.post("/switches", json=turn),
                await client.get("/switches"),
                await client.options("/switches", headers={"origin": ours}),
                await client.post("/switches", json=turn | {"on": False}, headers={"origin": "http://elsewhere"}),
                await client.post("/switches", json=turn | {"channel": "amazon"}),
                await client.post("/switches", json=turn | {"fault": "sleepy"}),
                await client.post("/switches", json=turn | {"on": "yes"}),
                await client.post("/switches", json={"channel": "all", "fault": "all", "on": False}),
            ]

    turned, again, shown, asked, stranger, *refused, off = asyncio.run(story())

    [ebay] = [one for one in shown.json()["channels"] if one["name"] == EBAY]
    assert ebay["faults"] == dict.fromkeys(switches.FAULTS, False) | {"down": True}
    assert turned.json() == again.json() == shown.json()
    assert (turned.headers["access-control-allow-origin"], asked.status_code) == (ours, 204)
    assert "access-control-allow-origin" not in again.headers
    assert (stranger.status_code, "access-control-allow-origin" in stranger.headers) == (403, False)
    assert [answer.status_code for answer in refused] == [404, 404, 422]
    assert not any(on for one in off.json()["channels"] for on in one["faults"].values())
    assert panel.turned == [(EBAY, {"down": True}), (EBAY, {"down": False})]


# ---------------------------------------------------------------- options and plants


def test_the_command_line_of_the_contract_is_understood():
    found = options.parse(["--for", "20", "--port", "8000", "--json", "--plant", "guard", "--database", "sqlite:///x"])

    assert (found.seconds, found.port, found.as_json, found.plant) == (20, 8000, True, "guard")
    assert found.database == "sqlite:///x"


@pytest.mark.parametrize("wrong", [["--for", "-1"], ["--port", "0"], ["--plant", "nothing"], ["--fro", "3"]])
def test_a_command_line_that_makes_no_sense_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as refused:
        options.parse(wrong)

    assert refused.value.code == 2
    assert "usage: run.py demo" in capsys.readouterr().err


def test_a_bug_that_no_longer_fits_is_noticed():
    with pytest.raises(AttributeError, match="to plant a bug in"):
        plants.put(plants, "no such thing", None)


def test_secrets_differ_from_demo_to_demo():
    first, second = (plan.secrets(random.Random(seed)) for seed in (1, 2))

    assert not set(first.values()) & set(second.values())
