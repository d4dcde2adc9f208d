"""A store without a network: the list stays readable, hand-overs by code are saved and sent later, and of two for one bag one wins."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from tests.browser.day import PASSWORD
from tests.browser.looks import faint_texts, small_targets, unnamed_controls

pytestmark = pytest.mark.browser
PHONE, DESK = (390, 844), (1440, 900)
AWAY = "net::ERR_INTERNET_DISCONNECTED"


@pytest.fixture
def office(open_page, server):
    page = open_page(*DESK)
    page.goto(f"{server.url}/ops/devices")
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", name="Geräte und Personen").wait_for()
    return page


def enrolled(office, open_page, who, **looks):
    """A phone of the store at which somebody stands, and which has all it needs without a network."""
    office.get_by_label("Name des Geräts").fill(f"Handy {uuid.uuid4().hex[:6]}")
    office.get_by_role("button", name="Code zeigen").last.click()
    office.get_by_role("heading", name="anmelden").wait_for()
    phone = open_page(*PHONE, touch=True, may_say=AWAY, **looks)
    phone.goto(office.locator(".link-code").inner_text())
    phone.get_by_role("button", name="Anmelden").click()
    phone.get_by_role("button", name=who).click()
    phone.get_by_role("link", name=f"{who} ist hier").wait_for()
    has_all(phone)
    return phone


HAS_ALL = """async () => {
  const kept = () => new Promise((done) => {
    const opened = indexedDB.open("omnisync-desk", 1);
    opened.onsuccess = () => {
      const asked = opened.result.transaction("kept").objectStore("kept").get("list");
      asked.onsuccess = () => { opened.result.close(); done(asked.result); };
    };
  });
  for (let tries = 0; tries < 600; tries++) {
    if ((await kept())?.ready.every((one) => one.hash)) return true;
    await new Promise((done) => setTimeout(done, 100));
  }
  return false;
}"""
"""Every pickup that lies ready has its check value: a few come at a time. (`wait_for_function` takes a promise for true.)"""


def has_all(phone):
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.wait_for_function("() => navigator.serviceWorker.controller")
    assert phone.evaluate(HAS_ALL)


def placed(server, name, pieces=1):
    """A pickup that lies ready: (its id, number and code)."""
    key = uuid.uuid4().hex
    body = {
        "location": "linden",
        "paid": True,
        "customer": {"name": name},
        "lines": [{"sku": "KERZE-HIDDENSEE", "quantity": pieces}],
    }
    made = server.call("POST", "/v1/pickups", body, key=key)
    server.call("POST", f"/v1/pickups/{made['id']}/ready", {"shelf": "7"}, key=f"{key}-ready")
    return made["id"], made["number"], made["code"]


def can_be_used(page, name=""):
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder and name:
        page.screenshot(path=Path(folder) / f"{name}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []
    # A radio button is as large as its label.
    assert [one for one in small_targets(page, at_least=44) if 'type="radio"' not in one] == []


def hand_over(phone, number, code, name=""):
    phone.locator("a.card", has_text=number).click()
    phone.get_by_label("Code des Kunden").fill("K7Q4-X9RT")
    can_be_used(phone, name)
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_text("Dieser Code passt nicht").wait_for()
    can_be_used(phone, name and f"{name}-wrong")
    phone.get_by_label("Code des Kunden").fill(code.lower())
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_text("1 Übergabe ist gespeichert, nicht gesendet").wait_for()


def test_a_hand_over_without_a_network_is_saved_and_sent_later(office, open_page, server):
    the_id, number, code = placed(server, "Frieda Offline")
    phone = enrolled(office, open_page, "Ada Sommer")
    phone.context.set_offline(True)

    phone.goto(f"{server.url}/staff")
    phone.get_by_text("Keine Verbindung seit").wait_for()
    assert (
        "Mehmet Yılmaz" in phone.locator("main").inner_text() or "Anna Schubert" in phone.locator("main").inner_text()
    )
    can_be_used(phone, "offline-picking")
    phone.get_by_role("link", name="Bereit").click()
    phone.locator("a.card", has_text="Frieda Offline").wait_for()
    can_be_used(phone, "offline-ready")
    phone.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    can_be_used(phone, "offline-desktop")
    phone.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    hand_over(phone, number, code, "offline-handover")
    phone.get_by_text("gespeichert", exact=True).wait_for()
    can_be_used(phone, "offline-saved")
    assert server.call("GET", f"/v1/pickups/{the_id}")["state"] == "ready"

    phone.context.set_offline(False)
    phone.get_by_text("1 gespeicherte Übergabe ist gesendet").wait_for()
    phone.get_by_text("Verbunden ·").wait_for()
    can_be_used(phone, "offline-sent")
    assert server.call("GET", f"/v1/pickups/{the_id}")["state"] == "collected"
    phone.get_by_role("button", name="Verstanden").click()
    phone.get_by_text("1 gespeicherte Übergabe ist gesendet").wait_for(state="hidden")


def test_a_page_that_was_loaded_past_the_worker_becomes_its_own_again(office, open_page):
    phone = enrolled(office, open_page, "Ada Sommer")
    chromium = phone.context.new_cdp_session(phone)
    phone.evaluate("window.before = true")
    chromium.send("Page.reload", {"ignoreCache": True})
    phone.wait_for_function("() => !window.before && document.readyState === 'complete'")

    has_all(phone)


def test_a_part_of_a_pickup_is_handed_over_without_a_network_and_the_rest_waits(office, open_page, server):
    the_id, number, code = placed(server, "Teresa Teil", pieces=3)
    phone = enrolled(office, open_page, "Ada Sommer")
    phone.context.set_offline(True)
    phone.goto(f"{server.url}/staff?tab=bereit")
    phone.locator("a.card", has_text=number).click()
    pieces = phone.get_by_label("Kerze Hiddensee: Stück, die übergeben werden")
    assert phone.get_by_text("Der Rest wartet weiter auf den Kunden.").is_hidden()

    pieces.fill("4")
    phone.get_by_label("Code des Kunden").fill(code)
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_text("So viele Stück liegen nicht hier.").wait_for()
    pieces.fill("1")
    phone.get_by_text("Der Rest wartet weiter auf den Kunden.").wait_for()
    can_be_used(phone, "offline-part")
    phone.set_viewport_size({"width": 320, "height": 640})
    can_be_used(phone, "offline-part-320")
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_text("1 Übergabe ist gespeichert, nicht gesendet").wait_for()
    phone.context.set_offline(False)
    phone.get_by_text("1 gespeicherte Übergabe ist gesendet").wait_for()

    found = server.call("GET", f"/v1/pickups/{the_id}")
    assert found["state"] == "ready"
    assert [(line["quantity"], line["collected"]) for line in found["lines"]] == [(3, 1)]


@pytest.mark.parametrize("page", ["/staff/work/count?sku=KERZE-HIDDENSEE", "/staff/work/article?sku=KERZE-HIDDENSEE"])
def test_a_button_that_may_not_have_been_heard_says_so_and_one_that_was_not_pressed_does_not(
    office, open_page, server, page
):
    phone = enrolled(office, open_page, "Ada Sommer")
    phone.goto(f"{server.url}{page}")
    phone.context.set_offline(True)
    phone.evaluate("document.querySelector('main form[method=post]:not([hidden])').submit()")
    phone.get_by_text("Ob das noch angekommen ist, weiß hier niemand").wait_for()
    assert phone.url == f"{server.url}/staff/work?m=unsure"
    can_be_used(phone, "offline-unsure")

    phone.goto(f"{server.url}{page}")
    phone.get_by_text("Keine Verbindung seit").wait_for()
    assert phone.get_by_text("Ob das noch angekommen ist, weiß hier niemand").is_hidden()


def test_without_a_network_nothing_new_is_promised_and_the_page_says_so(office, open_page, server):
    phone = enrolled(office, open_page, "Ada Sommer")
    promised = server.call("GET", "/v1/pickups?location=linden")
    phone.goto(f"{server.url}/staff/work/article?sku=KERZE-HIDDENSEE")
    phone.get_by_text("Für Kunden zurücklegen").click()
    phone.get_by_label("Name").fill("Nora Niemals")
    phone.get_by_label("Abholfach").fill("9")

    phone.context.set_offline(True)
    phone.get_by_role("button", name="Bereitlegen").click()
    phone.get_by_text("Ob das noch angekommen ist, weiß hier niemand").wait_for()
    phone.goto(f"{server.url}/staff/work/article?sku=KERZE-HIDDENSEE")
    phone.get_by_text("Packen, Reservieren").wait_for()

    assert "müssen warten" in phone.locator("main").inner_text()
    assert phone.get_by_role("button", name="Bereitlegen").count() == 0
    phone.context.set_offline(False)
    phone.get_by_role("heading", name="Artikel", exact=True).or_(phone.get_by_text("Verbunden")).first.wait_for()
    assert server.call("GET", "/v1/pickups?location=linden") == promised


def test_of_two_devices_without_a_network_one_wins_and_the_other_is_told(office, open_page, server):
    the_id, number, code = placed(server, "Paul Doppelt")
    first, second = (enrolled(office, open_page, who) for who in ("Ada Sommer", "Ben Vogt"))
    for phone in (first, second):
        phone.context.set_offline(True)
        phone.goto(f"{server.url}/staff?tab=bereit")
        hand_over(phone, number, code)

    first.context.set_offline(False)
    first.get_by_text("1 gespeicherte Übergabe ist gesendet").wait_for()
    second.context.set_offline(False)
    second.get_by_text(f"{number} war schon übergeben worden, von Ada Sommer").wait_for()
    second.get_by_text("Verbunden ·").wait_for()
    can_be_used(second, "offline-late")

    assert server.call("GET", f"/v1/pickups/{the_id}")["state"] == "collected"
    office.goto(f"{server.url}/ops/cases")
    case = office.get_by_role("row", name=f"{number} wurde zweimal übergeben, von Ada Sommer und von Ben Vogt")
    case.wait_for()
    can_be_used_by_the_office(office, "offline-case")
    case.get_by_role("button", name="Verwerfen").click()
    case.wait_for(state="detached")


def can_be_used_by_the_office(page, name):
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []


def test_a_code_alone_finds_its_pickup_without_a_network(office, open_page, server):
    the_id, number, code = placed(server, "Gerda Nurcode")
    phone = enrolled(office, open_page, "Ada Sommer", dark=True)
    phone.context.set_offline(True)

    phone.goto(f"{server.url}/staff/code")
    can_be_used(phone, "offline-code")
    phone.get_by_label("Code des Kunden").fill("0000-0000")
    phone.get_by_role("button", name="Prüfen").click()
    phone.get_by_text("Dieser Code passt nicht").wait_for()
    phone.get_by_label("Code des Kunden").fill(code)
    phone.get_by_label("Code des Kunden").press("Enter")
    phone.get_by_text("Abholcode stimmt").wait_for()
    can_be_used(phone, "offline-proved")
    phone.get_by_label("Ben Vogt").check()
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_text("1 Übergabe ist gespeichert, nicht gesendet").wait_for()
    phone.reload()
    phone.locator("a.card", has_text=number).click()
    phone.get_by_text("gespeichert, noch nicht gesendet").wait_for()
    can_be_used(phone, "offline-waits")

    phone.context.set_offline(False)
    phone.get_by_role("link", name="Die Verbindung ist wieder da").click()
    phone.get_by_text("1 gespeicherte Übergabe ist gesendet").wait_for()
    told = office_sees(office, server, the_id)
    assert "Ben Vogt" in told
    assert "offline" in told


def office_sees(office, server, the_id):
    office.goto(f"{server.url}/ops/pickups/one?id={the_id}")
    return office.locator("main").inner_text()


def test_a_device_that_was_ended_forgets_the_list_and_keeps_what_it_did(office, open_page, server):
    _, number, code = placed(server, "Ines Ende")
    phone = enrolled(office, open_page, "Ada Sommer")
    phone.context.set_offline(True)
    phone.goto(f"{server.url}/staff?tab=bereit")
    hand_over(phone, number, code)
    name = office.get_by_role("heading", name="anmelden").inner_text().removesuffix(" anmelden")
    office.goto(f"{server.url}/ops/devices")
    office.get_by_role("button", name=f"{name}: Abmelden").click()
    office.get_by_text("Beendet.").wait_for()

    phone.context.set_offline(False)
    phone.get_by_role("button", name="Anmelden").wait_for()
    phone.get_by_text("Dieses Gerät wurde abgemeldet").wait_for()
    assert number in phone.locator("[data-offline-notes]").inner_text()
    can_be_used(phone, "offline-ended")
    phone.context.set_offline(True)
    phone.goto(f"{server.url}/staff?tab=bereit")
    phone.get_by_text("Ohne Verbindung ist hier nichts zu sehen").wait_for()
    assert "Ines Ende" not in phone.content()
    can_be_used(phone, "offline-nothing")


def test_a_browser_that_is_no_device_keeps_nothing(open_page, server):
    page = open_page(*DESK)
    page.goto(f"{server.url}/staff")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", name="Filiale Lindenstraße").wait_for()

    assert page.evaluate("fetch('/staff/offline/list').then((answer) => answer.json())") == {"device": None}
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0


def test_the_desk_can_be_put_on_the_home_screen(office, open_page, server):
    phone = enrolled(office, open_page, "Ada Sommer")
    told = phone.context.new_cdp_session(phone).send("Page.getInstallabilityErrors")
    made = phone.evaluate("fetch('/staff/manifest.webmanifest').then((answer) => answer.json())")

    # Playwright's windows are private ones, which install nothing.
    assert [error["errorId"] for error in told["installabilityErrors"]] == ["in-incognito"]
    assert (made["start_url"], made["display"], made["short_name"]) == ("/staff", "standalone", "Abholungen")
    sizes = phone.evaluate(
        """(icons) => Promise.all(icons.map(async ({ src }) => {
          const image = new Image(); image.src = src; await image.decode(); return `${image.width}x${image.height}`;
        }))""",
        made["icons"],
    )
    assert sizes == [icon["sizes"] for icon in made["icons"]]
