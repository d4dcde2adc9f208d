import asyncio

import pytest
import sqlalchemy as sa
from sqlmodel import col

from omnisync import access, db
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.orders import accepting, pickup, pickup_api
from omnisync.orders.pickup import Actor
from omnisync.stock.tables import Balance
from tests.orders.counter import violations
from tests.pages.staff_site import hidden, opened
from tests.stock.shop import level, shelf


def play(engine, clock, story):
    """Run a story against the page and hand back what it returns."""

    async def run():
        async with opened(engine, clock) as site:
            return await story(site)

    return asyncio.run(run())


def state_of(engine, placed):
    with db.transaction(engine) as session:
        assert violations(session) == []
        return pickup.load(session, placed.pickup.id, Actor("test")).state


def test_nobody_sees_anything_before_they_log_in(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1))
        paths = ["/staff", "/staff?live=1", "/staff/code", f"/staff/pickups/{placed.pickup.id}"]
        answers = [await site.get(path) for path in paths]
        pressed = await site.post(f"/staff/pickups/{placed.pickup.id}/pick", version="0", token="")
        return placed.pickup.id, answers, pressed

    name, answers, pressed = play(engine, clock, story)

    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {(303, "/staff/login")}
    login = f"/staff/login?next=%2Fstaff%2Fpickups%2F{name}"
    assert (pressed.status_code, pressed.headers["location"]) == (303, login), (
        "and then back to what the button belonged to"
    )


def test_a_wrong_password_lets_nobody_in_and_guessing_is_stopped(engine, clock):
    async def story(site):
        wrong = [await site.log_in(password="Tee um halb zehn") for _ in range(11)]
        locked = await site.log_in()
        clock.advance(minutes=10)
        return wrong, locked, await site.log_in()

    wrong, locked, right = play(engine, clock, story)

    assert [answer.headers["location"].split("=")[1] for answer in wrong] == ["no-login"] * 10 + ["too-many-tries"]
    assert locked.headers["location"].endswith("too-many-tries")
    assert right.headers["location"] == "/staff"
    assert "HttpOnly" in right.headers["set-cookie"]
    assert "SameSite=lax" in right.headers["set-cookie"]


def test_the_list_shows_number_name_and_time_but_no_code(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 2), note="<b>fett</b>")
        await site.log_in()
        page = (await site.get(f"/staff/pickups/{placed.pickup.id}")).text
        return placed, await site.get("/staff"), page

    placed, answer, page = play(engine, clock, story)

    for word in ("Filiale Lindenstraße", "L-1001", "Anna Schubert", "bis 13:00", "2 Artikel"):
        assert word in answer.text
    assert placed.code not in answer.text + page
    assert "&lt;b&gt;fett" in page
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


def test_from_the_list_to_the_customers_hands(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 2))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        await site.press(page, "pick")
        await site.press(page, "ready", shelf="12")
        waiting = (await site.get("/staff?tab=bereit")).text
        shown = (await site.by_code(placed.code.lower())).text
        voucher = shown.split('name="voucher" value="')[1].split('"')[0]
        part = await site.press(page, "collect", voucher=voucher, rest="keep", **{"take.LAMP": "1"})
        whole = await site.press(page, "collect", voucher=voucher, rest="keep", **{"take.LAMP": "1"})
        return placed, waiting, shown, part, whole, (await site.get("/staff?tab=erledigt")).text

    placed, waiting, shown, part, whole, done = play(engine, clock, story)

    assert "12" in waiting
    assert "Abholcode stimmt" in shown
    undo = f"/staff?tab=bereit&undo={placed.pickup.id}&m=handed-over"
    assert (part.headers["location"], whole.headers["location"]) == (undo, undo)
    assert "mit Abholcode" in done
    assert state_of(engine, placed) == "collected"
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 7


def test_without_a_code_a_reason_is_needed(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        without = await site.press(page, "collect", **{"take.LAMP": "1"})
        forged = await site.press(page, "collect", voucher="made up", **{"take.LAMP": "1"})
        with_reason = await site.press(page, "collect", reason="id_seen", note="Ausweis", **{"take.LAMP": "1"})
        return without, forged, with_reason

    without, forged, with_reason = play(engine, clock, story)

    assert without.headers["location"].endswith("m=invalid-request")
    assert forged.headers["location"].endswith("m=wrong-code")
    assert with_reason.headers["location"].endswith("m=handed-over")


def test_a_voucher_is_for_one_pickup_at_one_device(engine, clock):
    async def story(site):
        mine, other = await site.place_ready(("LAMP", 1)), await site.place_ready(("LAMP", 1))
        await site.log_in()
        shown = (await site.by_code(mine.code)).text
        voucher = shown.split('name="voucher" value="')[1].split('"')[0]
        elsewhere = await site.press(
            f"/staff/pickups/{other.pickup.id}", "collect", voucher=voucher, **{"take.LAMP": "1"}
        )
        await site.log_in()
        page = f"/staff/pickups/{mine.pickup.id}"
        return elsewhere, await site.press(page, "collect", voucher=voucher, **{"take.LAMP": "1"})

    answers = play(engine, clock, story)

    assert [answer.headers["location"].split("m=")[1] for answer in answers] == ["wrong-code", "wrong-code"]


def test_a_code_is_asked_for_once_whatever_goes_wrong_meanwhile(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 2))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        shown = await site.by_code(placed.code)
        fields = hidden(shown.text) | {"rest": "keep"}
        again = await site.get(str(shown.url))
        refused = await site.post(f"{page}/collect", **fields | {"take.LAMP": "3"})
        led = (await site.get(refused.headers["location"])).text
        await site.log_in()
        return shown.text, again.text, refused.headers["location"], led, (await site.get(str(shown.url))).text

    shown, again, refused, led, elsewhere = play(engine, clock, story)

    assert "voucher" in hidden(shown)
    assert hidden(again)["voucher"] == hidden(shown)["voucher"]
    assert "m=" in refused
    assert hidden(led)["voucher"] == hidden(shown)["voucher"]
    assert "voucher" not in hidden(elsewhere)


def test_a_voucher_stands_for_a_quarter_of_an_hour(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        await site.log_in()
        page = (await site.by_code(placed.code)).url
        clock.advance(minutes=15)
        last = (await site.get(str(page))).text
        clock.advance(seconds=1)
        return last, (await site.get(str(page))).text

    last, late = play(engine, clock, story)

    assert ("voucher" in hidden(last), "voucher" in hidden(late)) == (True, False)


def test_wrong_codes_are_counted_by_device(engine, clock):
    async def story(site):
        await site.log_in()
        token = (await site.get("/staff/code")).text.split('name="token" value="')[1].split('"')[0]
        return [await site.post("/staff/code", token=token, code=f"0000-00{n:02}") for n in range(12)]

    answers = play(engine, clock, story)

    assert [answer.headers["location"].split("m=")[1] for answer in answers] == ["wrong-code"] * 10 + [
        "too-many-tries"
    ] * 2


def test_what_is_missing_is_reported_and_comes_from_the_other_store(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 2))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        await site.press(page, "reject", sku="LAMP", quantity="1", why="not_found")
        shown, listed = (await site.get(page)).text, (await site.get("/staff")).text
        work, moved = (await site.get("/staff/work")).text, await site.press(page, "bring")
        return shown, listed, work, moved

    shown, listed, work, moved = play(engine, clock, story)

    assert "1 fehlt: Lamp" in shown
    assert "Filiale Markt hat noch 9 Stück" in listed
    assert "fehlte bei einer Abholung" in work
    assert moved.headers["location"].endswith("m=done")
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").reserved, level(session, "LAMP").incoming) == (1, 0)
        assert (level(session, "LAMP", "markt").on_hand, level(session, "LAMP", "markt").reserved) == (9, 1)


def test_a_button_pressed_twice_or_on_an_old_page_does_nothing_more(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 2))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        first_page = (await site.get(page)).text
        fields = hidden(first_page) | {"reason": "known", "take.LAMP": "1"}
        twice = [await site.post(f"{page}/collect", **fields) for _ in range(2)]
        return [answer.headers["location"].split("m=")[1] for answer in twice]

    outcomes = play(engine, clock, story)

    assert outcomes == ["handed-over", "wrong-state"]
    with db.transaction(engine) as session:
        assert level(session, "LAMP").on_hand == 8


def test_another_site_cannot_press_our_buttons(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1))
        await site.log_in()
        page = f"/staff/pickups/{placed.pickup.id}"
        return placed, await site.post(f"{page}/pick", version="0", token="guessed")

    placed, answer = play(engine, clock, story)

    assert answer.headers["location"].endswith("m=foreign-form")
    assert state_of(engine, placed) == "placed"


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ("reject", {"sku": "LAMP", "quantity": "-1", "why": "damaged"}),
        ("reject", {"sku": "LAMP", "quantity": "9999999", "why": "damaged"}),
        ("reject", {"sku": "LAMP", "quantity": "1", "why": "ugly"}),
        ("reject", {"sku": "NOBODY", "quantity": "1", "why": "damaged"}),
        ("collect", {"reason": "known", "take.LAMP": "x"}),
        ("collect", {"reason": "known", "take.LAMP": "5"}),
        ("explode", {}),
        ("bring", {"location": "mars"}),
    ],
)
def test_nonsense_is_refused_in_words(engine, clock, step, fields):
    async def story(site):
        placed = await site.place_ready(("LAMP", 2))
        await site.log_in()
        page = f"/staff/pickups/{placed.pickup.id}"
        answer = await site.press(page, step, **fields)
        return placed, answer, await site.get(answer.headers["location"])

    placed, answer, after = play(engine, clock, story)

    assert answer.headers["location"].endswith("m=invalid-request")
    assert "Bitte die Angaben prüfen" in after.text
    assert state_of(engine, placed) == "ready"


def test_staff_see_their_own_store_and_the_office_chooses(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1), location="markt")
        await site.log_in("kim")
        kim = [await site.get("/staff?store=markt"), await site.get(f"/staff/pickups/{placed.pickup.id}")]
        await site.log_in("olga")
        olga = await site.get("/staff?store=markt")
        return kim, olga

    (listed, single), olga = play(engine, clock, story)

    assert "Anna Schubert" not in listed.text
    assert single.headers["location"] == "/staff?m=forbidden"
    assert "Filiale Markt" in olga.text
    assert "Anna Schubert" in olga.text


def test_who_is_disabled_is_out_at_once(engine, clock):
    async def story(site):
        await site.log_in()
        inside = await site.get("/staff")
        with db.transaction(engine) as session:
            access.disable_user(session, "kim", now=clock.now())
        return inside, await site.get("/staff")

    inside, outside = play(engine, clock, story)

    assert (inside.status_code, outside.status_code) == (200, 303)


def test_the_store_sounds_until_every_pickup_is_accepted(engine, clock):
    def ringing(page):
        return page.split('data-ringing="')[1].split('"')[0]

    async def story(site):
        await site.log_in()
        placed = [await site.place(("LAMP", 1)) for _ in range(2)]
        pages = [(await site.get("/staff?live=1")).text]
        bells = [(await site.get("/staff/bell")).json()]
        for one in placed:
            await site.press(f"/staff/pickups/{one.pickup.id}", "pick")
            pages.append((await site.get("/staff?live=1")).text)
            bells.append((await site.get("/staff/bell")).json())
        return pages, bells

    pages, bells = play(engine, clock, story)

    assert [ringing(page) for page in pages] == ["2", "1", "0"]
    assert [bell["ringing"] for bell in bells] == [2, 1, 0]
    assert bells[0]["words"] == "2 neue Abholungen: bitte annehmen"
    assert "<html" not in pages[0]


def test_a_pickup_that_nobody_accepts_is_said_to_be_so(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1))
        clock.advance(hours=1)
        desk = pickup_api.desk_for(site.services)
        await site.services.write.run(lambda session: accepting.alarm(session, desk, now=clock.now()))
        await site.log_in()
        before = (await site.get("/staff")).text
        await site.press(f"/staff/pickups/{placed.pickup.id}", "pick")
        return before, (await site.get("/staff")).text

    before, after = play(engine, clock, story)

    assert "1 Abholung hat niemand angenommen" in before
    assert "niemand angenommen" not in after
    assert "Packt: kim" in after


def _barcodes(engine, clock, **codes):
    with db.transaction(engine) as session:
        changes = [ArticleChange(sku, {"title": sku.title()}, barcodes=tuple(some)) for sku, some in codes.items()]
        articles.put(session, changes, now=clock.now())


def test_pieces_are_picked_in_the_order_of_the_shelves_by_scan_or_tap(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            shelf(session, "CUP", pieces=3)
            session.execute(sa.update(Balance).where(col(Balance.sku) == "LAMP").values(shelf="A10"))
            session.execute(sa.update(Balance).where(col(Balance.sku) == "CUP").values(shelf="A2"))
        _barcodes(engine, clock, LAMP=("4006381333931", "L-77"), CUP=("96385074",))
        placed = await site.place(("CUP", 1), ("LAMP", 2))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        shown = (await site.get(page)).text
        told = [
            await site.press(page, "scan", code=code)
            for code in ("4006381333931", " L-77 ", "LAMP", "96385074", "4006381333948")
        ]
        full = (await site.get(page)).text
        await site.press(page, "tick", sku="LAMP", picked="1")
        return placed, shown, told, full, (await site.get(page)).text

    placed, shown, told, full, after = play(engine, clock, story)

    assert shown.index("1 × Cup") < shown.index("2 × Lamp")
    outcomes = [answer.headers["location"].partition("m=")[2] for answer in told]
    assert outcomes == ["", "", "all-picked", "", "not-in-pickup"]
    assert full.count('aria-pressed="true"') == 2
    assert "1/2" in after
    assert state_of(engine, placed) == "picking"


@pytest.mark.parametrize(("picked", "outcome"), [("3", "invalid-request"), ("-1", "invalid-request"), ("2", "")])
def test_no_more_can_be_picked_than_was_ordered(engine, clock, picked, outcome):
    async def story(site):
        placed = await site.place(("LAMP", 2))
        await site.log_in()
        return await site.press(f"/staff/pickups/{placed.pickup.id}", "tick", sku="LAMP", picked=picked)

    assert play(engine, clock, story).headers["location"].partition("m=")[2] == outcome


def test_when_the_last_piece_is_missing_somebody_decides_before_anything_is_cancelled(engine, clock):
    async def story(site):
        placed = await site.place(("LAMP", 1))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        await site.press(page, "reject", sku="LAMP", why="not_found")
        shown = (await site.get(page)).text
        for _ in range(2):
            await site.press(page, "ask")
        asked = (await site.get("/staff/work")).text
        unsaid = await site.press(page, "go", location="markt")
        went = await site.press(page, "go", location="markt", agreed="phone")
        return placed, shown, asked, unsaid, went, (await site.get("/staff/work")).text

    placed, shown, asked, unsaid, went, after = play(engine, clock, story)

    for offer in (
        "Ware kommt aus Filiale Markt",
        "Kunde geht zu Filiale Markt",
        "Kunde fragen",
        "Endgültig stornieren",
    ):
        assert offer in shown
    assert asked.count("Etwas fehlt") == 1
    assert unsaid.headers["location"].endswith("m=invalid-request")
    assert went.headers["location"] == "/staff?m=done"
    assert "Etwas fehlt" not in after
    with db.transaction(engine) as session:
        found = pickup.load(session, placed.pickup.id, Actor("test"))
        assert (found.location, found.state, found.agreed_how, found.agreed_by) == ("markt", "placed", "phone", "kim")
        assert level(session, "LAMP", "markt").reserved == 1
        assert violations(session) == []


def test_what_cannot_be_had_anywhere_is_cancelled_by_hand(engine, clock):
    async def story(site):
        with db.transaction(engine) as session:
            shelf(session, "CUP", pieces=1)
        placed = await site.place(("CUP", 1))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        await site.press(page, "reject", sku="CUP", why="damaged")
        shown = (await site.get(page)).text
        await site.press(page, "cancel")
        return placed, shown

    placed, shown = play(engine, clock, story)

    assert "Auch anderswo nicht da" in shown
    assert "Ware kommt aus" not in shown
    assert state_of(engine, placed) == "cancelled"
