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


def has_all(phone):
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.wait_for_function("() => navigator.serviceWorker.controller")
    phone.wait_for_function(
        """() => new Promise((done) => {
          const opened = indexedDB.open("omnisync-desk", 1);
          opened.onsuccess = () => {
            const asked = opened.result.transaction("kept").objectStore("kept").get("list");
            asked.onsuccess = () => { opened.result.close(); done(Boolean(asked.result) && asked.result.ready.every((one) => one.hash)); };
          };
        })"""
    )


def placed(server, name):
    """A pickup that lies ready: (its id, number and code)."""
    key = uuid.uuid4().hex
    body = {"location": "linden", "paid": True, "customer": {"name": name}, "lines": [{"sku": "KERZE-HIDDENSEE", "quantity": 1}]}
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
    assert small_targets(page, at_least=44) == []


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
    assert "Mehmet Yılmaz" in phone.locator("main").inner_text() or "Anna Schubert" in phone.locator("main").inner_text()
    can_be_used(phone, "offline-picking")
    phone.get_by_role("link", name="Bereit").click()
    phone.locator("a.card", has_text="Frieda Offline").wait_for()
    can_be_used(phone, "offline-ready")
    hand_over(phone, number, code, "offline-handover")
    phone.get_by_text("gespeichert", exact=True).wait_for()
    can_be_used(phone, "offline-saved")
    assert server.call("GET", f"/v1/pickups/{the_id}")["state"] == "ready"

    phone.context.set_offline(False)
    phone.get_by_text("1 gespeicherte Übergabe ist gesendet").wait_for()
    phone.get_by_text("Verbunden, Stand").wait_for()
    can_be_used(phone, "offline-sent")
    assert server.call("GET", f"/v1/pickups/{the_id}")["state"] == "collected"
    phone.get_by_role("button", name="Verstanden").click()
    phone.get_by_text("1 gespeicherte Übergabe ist gesendet").wait_for(state="hidden")
