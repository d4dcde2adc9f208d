"""A phone becomes a device of its store by the code that the office shows, and people take turns at it."""

from __future__ import annotations

import pytest

from tests.browser.day import PASSWORD
from tests.browser.looks import faint_texts, small_targets, unnamed_controls

pytestmark = pytest.mark.browser
PHONE, DESK = (390, 844), (1440, 900)


@pytest.fixture
def office(open_page, server):
    page = open_page(*DESK)
    page.goto(f"{server.url}/ops/devices")
    page.get_by_label("Name").fill("olga")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", name="Geräte und Personen").wait_for()
    return page


def invited(office, name):
    """The link behind the QR code that the office shows."""
    office.get_by_label("Name des Geräts").fill(name)
    office.get_by_role("button", name="Code zeigen").last.click()
    office.get_by_role("heading", name=f"{name} anmelden").wait_for()
    assert office.locator(".qr svg").bounding_box()["width"] >= 150
    return office.locator(".link-code").inner_text()


def can_be_used(page, width):
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_is_enrolled_and_people_take_turns_with_one_tap(office, open_page, dark):
    name = f"Handy {'dunkel' if dark else 'hell'}"
    link = invited(office, name)
    can_be_used(office, DESK[0])
    phone = open_page(*PHONE, touch=True, dark=dark)

    phone.goto(link)
    can_be_used(phone, PHONE[0])
    phone.get_by_role("button", name="Anmelden").click()
    phone.get_by_role("heading", name="Wer ist da?").wait_for()
    can_be_used(phone, PHONE[0])
    assert small_targets(phone, at_least=44) == []
    phone.get_by_role("button", name="Ada Sommer").click()
    phone.get_by_role("link", name="Ada Sommer ist hier").click()
    phone.get_by_role("button", name="Ben Vogt").click()
    phone.get_by_role("link", name="Ben Vogt ist hier").wait_for()
    can_be_used(phone, PHONE[0])

    office.reload()
    office.get_by_role("button", name=f"{name}: Abmelden").click()
    office.get_by_text("Beendet.").wait_for()
    phone.reload()
    phone.get_by_role("button", name="Anmelden").wait_for()
