"""A pickup on a phone, from the list to the hand-over by the customer's code."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.day import PASSWORD
from tests.browser.looks import cut_words, faint_texts, unnamed_controls

pytestmark = pytest.mark.browser
PHONE = (390, 844)


@pytest.fixture
def phone(open_page, server):
    page = open_page(*PHONE, touch=True)
    page.goto(f"{server.url}/staff")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", name="Filiale Lindenstraße").wait_for()
    return page


def can_be_used(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []
    assert cut_words(page) == []


def test_a_pickup_is_packed_put_aside_and_handed_over_by_its_code(phone, server):
    _picture(phone, "staff.png")
    can_be_used(phone)
    card = phone.locator("article.card", has_text="Mehmet Yılmaz")
    number = card.locator(".code").inner_text()

    card.get_by_role("button", name="Annehmen").click()
    phone.get_by_role("heading", name="Packen").wait_for()
    can_be_used(phone)
    phone.get_by_role("button", name="Sneaker Kiel liegt in der Tüte").click()
    phone.locator(".tick.on").wait_for()
    can_be_used(phone)
    phone.get_by_label("Abholfach").fill("7")
    phone.get_by_role("button", name="Bereitlegen").click()

    phone.get_by_role("link", name="Abholcode eingeben").click()
    phone.get_by_label("Code des Kunden").fill(server.codes["Mehmet Yılmaz"].lower())
    phone.get_by_role("button", name="Prüfen").click()
    phone.get_by_text("Abholcode stimmt").wait_for()
    assert number in phone.locator(".hero").inner_text()
    can_be_used(phone)
    phone.get_by_role("button", name="Übergabe bestätigen").click()
    phone.get_by_text(f"{number} übergeben").wait_for()

    phone.get_by_role("link", name="Erledigt").click()
    done = phone.locator("a.card", has_text="Mehmet Yılmaz").inner_text()
    assert "Abgeholt" in done
    assert "mit Abholcode" in done


def test_the_list_never_shows_a_customers_code(phone, server):
    shown = phone.content()
    phone.get_by_role("link", name="Bereit").click()
    phone.locator("a.card", has_text="Jonas Petersen").wait_for()

    assert not any(code in shown + phone.content() for code in server.codes.values())


def _picture(page, name: str) -> None:
    """Keep what it looked like, for people: OMNISYNC_PICTURES names a folder."""
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / name)
