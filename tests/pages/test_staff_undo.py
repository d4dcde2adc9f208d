"""Handing over, and taking that back, as the desk's pages do it."""

from __future__ import annotations

import re

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.orders import acts, placing
from omnisync.values import Money
from tests.pages.staff_site import hidden
from tests.pages.test_staff import play, state_of
from tests.people import PIN, at_the_desk
from tests.stock.shop import level


def aged(site, years=18):
    change = ArticleChange("LAMP", {"min_age": years})
    return site.services.write.run(lambda session: articles.put(session, [change], now=site.services.clock.now()))


def collect(site, placed, n=1, **fields):
    page = f"/staff/pickups/{placed.pickup.id}"
    return site.press(page, "collect", reason="id_seen", **{"take.LAMP": str(n)} | fields)


def undo_form(page):
    """The hidden fields of the offer to take a hand-over back; None where there is no offer."""
    found = re.search(r'<form class="note ok undo".*?</form>', page, re.DOTALL)
    return hidden(found[0]) if found else None


def test_one_tap_takes_a_hand_over_back_for_ten_seconds(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 2))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.log_in()
        handed = (await collect(site, placed, 2)).headers["location"]
        clock.advance(seconds=7)
        offered = (await site.get(handed)).text
        back = await site.post(f"{page}/undo", **undo_form(offered))
        twice = await site.post(f"{page}/undo", **undo_form(offered))
        return placed, handed, offered, back, twice, (await site.get(page)).text

    placed, handed, offered, back, twice, after = play(engine, clock, story)

    assert handed == f"/staff?tab=bereit&undo={placed.pickup.id}&m=handed-over"
    assert "L-1001 übergeben" in offered
    assert 'data-undo="3"' in offered
    assert back.headers["location"].endswith("m=taken-back")
    assert twice.headers["location"].endswith("m=wrong-state")
    assert "Übergabe bestätigen" in after
    assert state_of(engine, placed) == "ready"
    with db.transaction(engine) as session:
        assert (level(session, "LAMP").on_hand, level(session, "LAMP").reserved) == (9, 2)


def test_after_ten_seconds_nothing_is_offered_and_the_form_of_before_does_nothing(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        await site.log_in()
        handed = (await collect(site, placed)).headers["location"]
        offered = undo_form((await site.get(handed)).text)
        clock.advance(seconds=11)
        late = await site.post(f"/staff/pickups/{placed.pickup.id}/undo", **offered)
        return placed, (await site.get(handed)).text, late

    placed, page, late = play(engine, clock, story)

    assert undo_form(page) is None
    assert late.headers["location"].endswith("m=undo-over")
    assert state_of(engine, placed) == "collected"


def test_nobody_is_offered_to_take_back_what_another_store_handed_over(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        await site.log_in()
        handed = (await collect(site, placed)).headers["location"]
        other = site.another()
        await other.log_in("toni")
        return (await other.get(handed)).text, (await site.get("/staff?undo=nonsense")).text

    elsewhere, nonsense = play(engine, clock, story)

    assert undo_form(elsewhere) is None
    assert undo_form(nonsense) is None


def test_a_later_correction_takes_a_pin_and_a_reason_and_stands_in_the_timeline(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        page = f"/staff/pickups/{placed.pickup.id}"
        await site.services.write.run(lambda session: at_the_desk(session, "Kim Lang", "KL", pin=True))
        await site.enrolled()
        await site.tap("Kim Lang")
        await collect(site, placed, pin=PIN)
        clock.advance(hours=1)
        shown = (await site.get(page)).text
        without = await site.press(page, "undo", why="wrong_bag")
        wrong = await site.press(page, "undo", why="wrong_bag", pin="0000")
        vague = await site.press(page, "undo", why="whatever", pin=PIN)
        right = await site.press(page, "undo", why="wrong_bag", pin=PIN)
        return placed, shown, [one.headers["location"].split("m=")[1] for one in (without, wrong, vague, right)]

    placed, shown, said = play(engine, clock, story)

    assert "Übergabe korrigieren" in shown
    assert said == ["pin-needed", "wrong-pin", "invalid-request", "taken-back"]
    assert state_of(engine, placed) == "ready"
    with db.transaction(engine) as session:
        last = acts.of(session, placed.pickup.id)[-1]
    assert (last.what, last.by, last.details["why"]) == ("handed_back", "Kim Lang", "wrong_bag")


def test_after_a_day_the_page_offers_no_correction(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        await site.log_in()
        await collect(site, placed)
        clock.advance(hours=23)
        await site.log_in()
        before = (await site.get(f"/staff/pickups/{placed.pickup.id}")).text
        clock.advance(hours=2)
        await site.log_in()
        return before, (await site.get(f"/staff/pickups/{placed.pickup.id}")).text

    before, after = play(engine, clock, story)

    assert "Übergabe korrigieren" in before
    assert "Übergabe korrigieren" not in after


def test_what_is_not_for_everybody_takes_a_tap_that_the_age_was_checked(engine, clock):
    async def story(site):
        placed = await site.place_ready(("LAMP", 1))
        plain = await site.place_ready(("LAMP", 1), reference="#2")
        await site.log_in()
        before = (await site.get(f"/staff/pickups/{plain.pickup.id}")).text
        await aged(site)
        shown = (await site.get(f"/staff/pickups/{placed.pickup.id}")).text
        return placed, before, shown, await collect(site, placed), await collect(site, placed, age="checked")

    placed, before, shown, without, checked = play(engine, clock, story)

    assert "Alter geprüft" not in before
    assert "Alter geprüft: ab 18 Jahren" in shown
    assert "Ab 18 Jahren" in shown
    assert without.headers["location"].endswith("m=age-unchecked")
    assert "m=handed-over" in checked.headers["location"]
    with db.transaction(engine) as session:
        assert acts.of(session, placed.pickup.id)[-1].details["age_checked"] == 18


def test_a_gift_shows_no_price_and_what_is_not_paid_is_the_biggest_fact(engine, clock):
    async def story(site):
        lamp = placing.Line("LAMP", 2, Money(4245, "EUR"))
        desk_lines = {"lines": (lamp,)}
        gift = await site.place_ready(paid=True, gift=True, **desk_lines)
        owed = await site.place_ready(reference="#2", **desk_lines)
        await site.log_in()
        pages = [(await site.get(f"/staff/pickups/{one.pickup.id}")).text for one in (gift, owed)]
        await collect(site, gift, 2)
        return *pages, (await site.get(f"/staff/pickups/{gift.pickup.id}")).text

    gift, owed, ended = play(engine, clock, story)

    assert "Bezahlt" in gift
    assert "€" not in gift + ended
    assert re.search(r'class="fact warn">.*?Zuerst an der Kasse</span><b>84,90\xa0€', owed)
