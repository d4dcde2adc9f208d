"""What comes out of the desk's printer: pick lists, and slips that say no more than is called out in the store."""

from __future__ import annotations

import re

import pytest

from omnisync.orders import placing
from omnisync.orders.customers import Person
from omnisync.pages.staff_print import called, fit
from omnisync.values import Money
from tests.pages.test_staff import play

LAMPS = (placing.Line("LAMP", 2, Money(4245, "EUR")),)
ANNA = Person("Anna Schubert", "anna@example.org", "+49 30 1234567")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Anna Schubert", "Anna\u00a0S."), ("Anna Maria Schubert", "Anna\u00a0S."), ("Schubert, Anna", "Anna\u00a0S."),
        ("von Stein, Karl", "Karl\u00a0S."), ("Mehmet Kaya-Yılmaz", "Mehmet\u00a0K."), ("Prince", "Prince"),
        ("Özil,", "Özil"), (", ", ""), ("", ""), ("Prof. Dr. Anna Schubert", "Anna\u00a0S."), ("Frau Schubert", "Schubert"),
        ("Schubert, Dr. Anna", "Anna\u00a0S."), ("Frau Dr.", "Frau\u00a0D."), ("J. K. Rowling", "J.\u00a0R."),
    ],
)  # fmt: skip
def test_a_customer_is_called_by_first_name_and_initial(name, said):
    assert called(name) == said


def test_a_slip_has_number_shelf_and_the_called_name_and_nothing_else_of_the_customer(engine, clock):
    async def story(site):
        one = await site.place_ready(lines=LAMPS, customer=ANNA, reference="#4711", note="Bitte klingeln")
        await site.place_ready(("LAMP", 1), customer=Person("Jonas Petersen"), reference="#2")
        picked = await site.place(("LAMP", 1), reference="#3")
        await site.log_in()
        pages = [
            f"/staff/pickups/{one.pickup.id}/slip?roll=62",
            "/staff/print/slips",
            f"/staff/pickups/{picked.pickup.id}/slip",
        ]
        return one, [(await site.get(page)).text for page in pages]

    one, (single, every, before) = play(engine, clock, story)

    assert sorted(re.findall(r'paper-slip"[^>]*><b class="code">([^<]+)', every)) == ["L-1001", "L-1002"]
    for word in ("L-1001", "<strong>12</strong>", "Anna\u00a0S."):
        assert word in single
    for word in ("Schubert", "#4711", "klingeln", "42,45", "84,90", "1234567", "example.org", "Tischleuchte", one.code):
        assert word not in single
    assert "L-1003" in before
    assert "<strong>" not in before, "it lies on no shelf yet"


def test_a_pick_list_names_what_to_take_from_where_and_by_when(engine, clock):
    async def story(site):
        await site.place(lines=LAMPS, customer=ANNA, note="Ohne Karton", gift=True)
        await site.place_ready(("LAMP", 1), reference="#2")
        await site.log_in()
        return (await site.get("/staff/print/picks?roll=a4")).text

    page = play(engine, clock, story)

    for word in (
        "L-1001",
        "2 ×",
        "Lamp",
        "Anna\u00a0S.",
        "bis 13:00",
        "Als Geschenk verpacken",
        "Ohne Karton",
        'class="paper roll-a4"',
    ):
        assert word in page
    for word in ("L-1002", "Schubert", "€"):
        assert word not in page


def test_an_unknown_roll_is_the_usual_one_and_slips_are_cut_from_rolls_only(engine, clock):
    async def story(site):
        await site.log_in()
        rolls = [(await site.get(f"/staff/print/{page}")).text for page in ("slips?roll=a4", "picks?roll=<b>")]
        missing = await site.get("/staff/pickups/01NOBODY/slip")
        return [re.search(r'data-roll="([^"]*)"', page)[1] for page in rolls], missing.headers["location"]

    assert play(engine, clock, story) == (["80", "80"], "/staff?m=not-found")


def test_nobody_prints_who_is_not_logged_in_nor_what_another_store_keeps(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        paths = [
            "/staff/print/picks",
            "/staff/print/slips",
            "/staff/print/auto",
            f"/staff/pickups/{placed.pickup.id}/slip",
        ]
        stranger = [(await site.get(path)).headers["location"] for path in paths]
        await site.log_in("toni")
        other = await site.get(paths[-1])
        return stranger, other.headers["location"], (await site.get(paths[1])).text

    stranger, other, slips = play(engine, clock, story)

    assert set(stranger) == {"/staff/login"}
    assert other == "/staff?m=forbidden"
    assert "L-1001" not in slips


def test_slips_that_print_by_themselves_are_those_of_pickups_that_nobody_has_accepted(engine, clock):
    async def story(site):
        waits = await site.place(lines=LAMPS, customer=ANNA, reference="#1")
        taken = await site.place(("LAMP", 1), reference="#2")
        await site.place_ready(("LAMP", 1), reference="#3")
        await site.log_in()
        await site.press(f"/staff/pickups/{taken.pickup.id}", "pick")
        return waits, (await site.get("/staff/print/auto?roll=62")).text

    waits, page = play(engine, clock, story)

    assert re.findall(r'paper-slip" data-slip="(\w+)"><b class="code">([^<]+)', page) == [(waits.pickup.id, "L-1001")]
    assert "Anna\u00a0S." in page
    assert waits.code not in page


@pytest.mark.parametrize(
    ("name", "look"),
    [("Anna\u00a0S.", ""), ("Maximilian\u00a0W.", "wide"), ("Bartholomäus-Maria\u00a0K.", "wide small"),
     ("Konstantinopoulos", "wide small"), ("Wolfeschlegelsteinhausenberg", "wide tiny"), ("x" * 60, "wide tiny")],
)  # fmt: skip
def test_a_name_is_set_as_large_as_it_can_be_without_breaking_a_word(name, look):
    assert fit(name, "12") == look
    assert fit(name, "Kühlraum") == (look or "wide")
