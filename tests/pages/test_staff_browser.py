"""The staff page in a real Chromium, on a phone's screen. Runs in a process of its own: `pytest -m browser`."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from sqlalchemy.engine import Engine

from omnisync import app, db
from omnisync.access import Role
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.clock import Ids, StoppedClock
from omnisync.orders import picking, pickup, pickup_api, placing
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor
from tests.api import SETTINGS
from tests.conftest import START
from tests.people import PASSWORD, person
from tests.stock.shop import shelf

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
SMALLEST_TARGET = 44


class StandingClock(StoppedClock):
    """Stands still also while somebody sleeps: a page that listens must not make a day of it."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.02)


@pytest.fixture
def clock() -> StoppedClock:
    return StandingClock(START)


@pytest.fixture
def server(engine: Engine, clock: StoppedClock) -> Iterator[tuple[str, pickup_api.Desk]]:
    """A real server on a free port, with lamps and Kim."""
    services = app.services_for(SETTINGS, engine, clock, Ids(clock, random.Random(5)), bytes(range(32)))
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=9)
        shelf(session, "LAMP", pieces=9, location="markt")
        person(session, "kim", Role.STAFF, location="linden")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        running = uvicorn.Server(uvicorn.Config(app.create(services), log_config=None, lifespan="off"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", pickup_api.desk_for(services)
        running.should_exit = True
        thread.join()


@pytest.fixture
def phone() -> Iterator[object]:
    """A page of a phone-sized Chromium that is not logged in."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no browser for tests: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser for tests: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_context(viewport=PHONE, has_touch=True, locale="de-DE").new_page()
        page.clock.install()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        browser.close()
        assert faults == []


def place(engine, desk, clock, pieces=1):
    wanted = placing.Wanted("linden", Person("Anna Schubert"), (placing.Line("LAMP", pieces),))
    with db.transaction(engine) as session:
        return placing.place(session, desk, wanted, now=clock.now())


def log_in(page, url):
    page.goto(f"{url}/staff")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_selector("h1:has-text('Lindenstraße')")


def too_small(page):
    """Buttons, links and fields that a thumb would miss."""
    return page.evaluate(
        """least => [...document.querySelectorAll('a[href], button, summary, .field, .choice label')]
            .filter(one => one.checkVisibility())
            .filter(one => !one.classList.contains('plain-link') || one.classList.contains('icon'))
            .filter(one => one.getBoundingClientRect().height < least)
            .map(one => one.outerHTML.slice(0, 80))""",
        SMALLEST_TARGET,
    )


COUNTS_TONES = """
    window.contexts = []; window.tones = 0;
    const Real = AudioContext;
    window.AudioContext = class extends Real { constructor(...more) { super(...more); contexts.push(this); } };
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...more) { tones += 1; return start.apply(this, more); };
"""


def unmuted(page, text):
    """Touch the page: browsers allow no sound before."""
    page.get_by_role("heading", name=text).tap()
    assert page.evaluate("Promise.all(contexts.map((one) => one.resume().then(() => one.state)))") == ["running"]


def test_every_page_sounds_again_and_again_until_somebody_accepts(engine, clock, server, phone):
    url, desk = server
    phone.add_init_script(COUNTS_TONES)
    first = place(engine, desk, clock)
    with db.transaction(engine) as session:
        picking.pick(session, desk, first.pickup.id, actor=Actor("Toni"), now=clock.now())
    log_in(phone, url)
    unmuted(phone, "Filiale Lindenstraße")
    phone.clock.run_for(5000)
    assert phone.evaluate("tones") == 0, "an accepted pickup is not announced"

    second = place(engine, desk, clock)
    phone.clock.run_for(5000)
    phone.wait_for_selector("text=L-1002")
    assert phone.evaluate("tones") == 2, "one sound of two tones"
    assert sounded(phone, 4)

    phone.goto(f"{url}/staff/pickups/{first.pickup.id}")
    phone.clock.run_for(5000)
    phone.wait_for_selector("text=1 neue Abholung")
    assert phone.get_by_text("Der Ton ist aus").is_visible()
    unmuted(phone, "Packen")
    assert not phone.get_by_text("Der Ton ist aus").is_visible()
    assert sounded(phone, 2)

    with db.transaction(engine) as session:
        picking.pick(session, desk, second.pickup.id, actor=Actor("Toni"), now=clock.now())
    phone.clock.run_for(5000)
    phone.get_by_text("1 neue Abholung").wait_for(state="hidden")
    tones = phone.evaluate("tones")
    phone.clock.run_for(30000)
    assert phone.evaluate("tones") == tones


SCAN = """(code) => {
    const place = document.activeElement;
    const press = (key) => place.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    for (const key of code) if (press(key) && place.matches("input")) place.value += key;
    if (press("Enter") && place.form) place.form.requestSubmit();
}"""
"""What a wedge scanner types: faster than any hand, and Enter. Playwright's own keys cross two processes one by one: on a busy machine
they come as slowly as a hand's."""


def sounded(page, tones):
    """Wait until so many tones were played."""
    for _ in range(100):
        if page.evaluate("tones") >= tones:
            return True
        page.clock.run_for(500)
    return False


def test_a_scanner_picks_wherever_the_cursor_stands(engine, clock, server, phone):
    url, desk = server
    with db.transaction(engine) as session:
        articles.put(session, [ArticleChange("LAMP", {}, barcodes=("4006381333931",))], now=clock.now())
    placed = place(engine, desk, clock, pieces=2)
    log_in(phone, url)
    phone.goto(f"{url}/staff/pickups/{placed.pickup.id}")

    phone.evaluate(SCAN, "4006381333931")
    phone.wait_for_selector("text=1/2")
    phone.get_by_label("Abholfach").fill("A3")
    phone.evaluate(SCAN, "4006381333931")
    phone.wait_for_selector(".tick.on")
    assert phone.get_by_label("Abholfach").input_value() == "A3"  # neither lost, nor with the scan in it
    phone.evaluate(SCAN, "4006381333948")

    phone.wait_for_selector("text=Dieser Artikel gehört nicht zu dieser Abholung.")
    assert phone.get_by_role("button", name="Bereitlegen").is_visible()


def test_a_hand_that_types_and_presses_enter_is_no_scanner(engine, clock, server, phone):
    url, desk = server
    placed = place(engine, desk, clock)
    log_in(phone, url)
    phone.goto(f"{url}/staff/pickups/{placed.pickup.id}")
    phone.get_by_role("button", name="Annehmen").click()

    phone.get_by_label("Abholfach").focus()
    for key in "Regal7":
        phone.keyboard.press(key, delay=90)
    phone.keyboard.press("Enter")

    phone.wait_for_selector("text=Gespeichert.")
    with db.reading(engine) as session:
        assert pickup.load(session, placed.pickup.id, Actor("test")).shelf == "Regal7"


def test_a_lost_connection_is_said_and_found_again(engine, clock, server, phone):
    url, _ = server
    phone.route("**/staff/stream*", lambda route: route.abort())
    log_in(phone, url)

    phone.route("**/staff?*live=1*", lambda route: route.fulfill(status=503))
    phone.clock.run_for(5000)
    phone.wait_for_selector("text=Keine Verbindung")
    phone.unroute("**/staff?*live=1*")
    phone.clock.run_for(5000)

    phone.wait_for_selector("text=Verbunden")


def test_a_new_pickup_is_on_every_page_at_once_by_one_stream_of_the_browser(engine, clock, server, phone):
    url, desk = server
    log_in(phone, url)
    second = phone.context.new_page()
    streams = []
    phone.context.on("request", lambda request: streams.append(request.url) if "/staff/stream" in request.url else None)
    second.goto(f"{url}/staff")
    second.wait_for_selector("text=Nichts zu packen")

    place(engine, desk, clock)

    phone.wait_for_selector("text=L-1001")
    second.wait_for_selector("text=L-1001")
    assert streams == [], "the first page listens for both"
    phone.close()
    place(engine, desk, clock)
    second.wait_for_selector("text=L-1002")
    assert len(streams) == 1, "and then the second one does"


def test_somebody_is_found_by_name_also_with_scripts_blocked(engine, clock, server, phone):
    url, desk = server
    place(engine, desk, clock)
    log_in(phone, url)
    plain = phone.context.browser.new_context(viewport=PHONE, java_script_enabled=False, locale="de-DE")
    plain.add_cookies(phone.context.cookies())
    page = plain.new_page()
    page.goto(f"{url}/staff?tab=bereit")

    page.get_by_role("searchbox").fill("schubert")
    page.keyboard.press("Enter")

    page.wait_for_selector("text=Gefunden")
    assert "q=schubert" in page.url
    assert page.get_by_text("L-1001").is_visible()
    page.get_by_label("Suche beenden").click()
    assert page.locator(".empty").is_visible()


def test_a_hand_over_can_be_taken_back_while_its_seconds_run(engine, clock, server, phone):
    url, desk = server
    placed = place(engine, desk, clock)
    with db.transaction(engine) as session:
        articles.put(session, [ArticleChange("LAMP", {"min_age": 18})], now=clock.now())
        picking.pick(session, desk, placed.pickup.id, actor=Actor("Toni"), now=clock.now())
        picking.ready(session, desk, placed.pickup.id, "12", actor=Actor("Toni"), now=clock.now())
    log_in(phone, url)

    def hand_over():
        phone.goto(f"{url}/staff/pickups/{placed.pickup.id}")
        phone.get_by_label("Ausweis gesehen").check()
        phone.get_by_role("button", name="Übergabe bestätigen").click()

    hand_over()
    assert phone.url.endswith(placed.pickup.id), "the browser asks for the age first"
    phone.get_by_label("Alter geprüft: ab 18 Jahren").check()
    assert too_small(phone) == []
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_role("button", name="Rückgängig").click()
    phone.wait_for_selector("text=Zurückgenommen")

    hand_over()
    phone.get_by_label("Alter geprüft: ab 18 Jahren").check()
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_role("button", name="Rückgängig").wait_for()
    clock.advance(seconds=10)
    phone.clock.run_for(11000)
    phone.get_by_role("button", name="Rückgängig").wait_for(state="detached")


def test_slips_come_out_as_wide_as_the_roll_each_on_its_own_and_the_roll_is_remembered(engine, clock, server, phone):
    url, desk = server
    for _ in range(2):
        placed = place(engine, desk, clock)
        with db.transaction(engine) as session:
            picking.ready(session, desk, placed.pickup.id, "12", actor=Actor("Toni"), now=clock.now())
    log_in(phone, url)

    phone.goto(f"{url}/staff/print/slips")
    assert sheets(phone) == [(80, 50), (80, 50)]
    assert too_small(phone) == []
    phone.get_by_role("link", name="62 mm").click()
    phone.wait_for_selector("body[data-roll='62']")
    assert sheets(phone) == [(62, 40), (62, 40)]

    phone.goto(f"{url}/staff/pickups/{placed.pickup.id}")
    phone.get_by_label("Zettel drucken").click()
    phone.wait_for_selector("body[data-roll='62']")
    assert sheets(phone) == [(62, 40)]


KEEPS_PRINTS = """
    window.print = () => sessionStorage.setItem("prints", JSON.stringify(
        [...JSON.parse(sessionStorage.getItem("prints") ?? "[]"), [...document.querySelectorAll("[data-auto] .code")].map((one) => one.textContent)]));
"""
"""What was printed by this tab, also before it was loaded anew."""


def test_a_new_pickup_prints_its_slip_by_itself_once_and_sounds_there_too(engine, clock, server, phone):
    url, desk = server
    phone.context.add_init_script(KEEPS_PRINTS)
    phone.add_init_script(COUNTS_TONES)
    place(engine, desk, clock)
    log_in(phone, url)

    phone.goto(f"{url}/staff/print/auto?roll=62")
    phone.locator("[data-last]", has_text="L-1001").wait_for()
    place(engine, desk, clock, pieces=2)
    phone.locator("[data-last]", has_text="L-1002").wait_for()
    phone.reload()
    phone.wait_for_function("() => !document.querySelector('[data-auto] [data-slip]')")
    other = phone.context.new_page()
    other.goto(f"{url}/staff/print/auto?roll=62")
    other.wait_for_function("() => !document.querySelector('[data-auto] [data-slip]')")
    place(engine, desk, clock)
    for page in (phone, other):
        page.wait_for_function("() => localStorage.getItem('printed').split(',').length === 3")

    prints = [
        one for page in (phone, other) for one in page.evaluate("JSON.parse(sessionStorage.getItem('prints') ?? '[]')")
    ]
    assert sorted(prints) == [["L-1001"], ["L-1002"], ["L-1003"]]
    unmuted(phone, "Automatische Zettel")
    assert sounded(phone, 2)


def test_of_two_devices_each_sounds_until_somebody_accepts_at_one_of_them(engine, clock, server, phone):
    url, desk = server
    tablet = phone.context.browser.new_context(
        viewport={"width": 1024, "height": 768}, has_touch=True, locale="de-DE"
    ).new_page()
    tablet.clock.install()
    for page in (phone, tablet):
        page.add_init_script(COUNTS_TONES)
        log_in(page, url)
        unmuted(page, "Filiale Lindenstraße")

    place(engine, desk, clock)
    assert [sounded(page, 2) for page in (phone, tablet)] == [True, True]
    phone.get_by_role("button", name="Annehmen").tap()
    phone.get_by_role("heading", name="Packen").wait_for()
    tablet.get_by_text("Packt: kim").wait_for()
    tablet.wait_for_function("() => document.querySelector('[data-ringing]').dataset.ringing === '0'")
    tablet.clock.run_for(1000)
    tones = tablet.evaluate("tones")
    tablet.clock.run_for(30000)

    assert tablet.evaluate("tones") == tones
    assert tablet.get_by_role("button", name="Annehmen").count() == 0, "who picks stands fast"


def test_at_a_till_the_keyboard_searches_walks_and_leads_back(engine, clock, server, phone):
    url, desk = server
    phone.set_viewport_size({"width": 1366, "height": 768})
    first, second = place(engine, desk, clock), place(engine, desk, clock)
    log_in(phone, url)

    phone.keyboard.press("/")
    phone.clock.run_for(100)
    phone.keyboard.type("schubert", delay=90)
    assert phone.get_by_role("searchbox").input_value() == "schubert"
    phone.keyboard.press("Escape")
    phone.keyboard.press("ArrowDown")
    phone.keyboard.press("ArrowDown")
    phone.keyboard.press("Enter")
    phone.get_by_role("heading", name="Packen").wait_for()
    assert phone.url.endswith((first.pickup.id, second.pickup.id))
    phone.keyboard.press("Escape")
    phone.get_by_role("heading", name="Filiale Lindenstraße").wait_for()

    phone.evaluate(SCAN, "https://shop.example/x/1")
    phone.wait_for_selector("text=Dieser Code gehört zu keiner Abholung")


def sheets(page):
    """Width and height of each printed page in millimetres."""
    boxes = re.findall(r"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", page.pdf(prefer_css_page_size=True).decode("latin1"))
    return [tuple(round(float(points) / 72 * 25.4) for points in box) for box in boxes]


def test_a_pickup_goes_through_a_thumbs_hands(engine, clock, server, phone):
    url, desk = server
    placed = place(engine, desk, clock, pieces=2)
    log_in(phone, url)

    phone.get_by_role("button", name="Annehmen").click()
    assert too_small(phone) == []
    phone.get_by_label("Abholfach").fill("12")
    phone.get_by_role("button", name="Bereitlegen").click()
    phone.get_by_role("link", name="Abholcode eingeben").click()
    phone.get_by_label("Code des Kunden").fill(placed.code.lower().replace("-", " "))
    phone.get_by_role("button", name="Prüfen").click()
    phone.wait_for_selector("text=Abholcode stimmt")
    assert not phone.get_by_text("wartet weiter auf den Kunden").is_visible()
    phone.get_by_label("Stück, die übergeben werden").fill("1")
    assert phone.get_by_text("wartet weiter auf den Kunden").is_visible()
    assert too_small(phone) == []
    phone.get_by_role("button", name="Übergabe bestätigen").click()

    phone.wait_for_selector("text=L-1001 übergeben")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    with db.reading(engine) as session:
        assert "LAMP" in str(
            session.connection().exec_driver_sql("SELECT sku FROM pickup_line WHERE collected = 1").all()
        )
