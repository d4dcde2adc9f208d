"""The store's other work on a phone, and at a till by keyboard and scanner."""

from __future__ import annotations

import uuid

import pytest

from tests.browser.day import PASSWORD
from tests.browser.looks import faint_texts, small_targets, unnamed_controls
from tests.pages.test_staff_browser import SCAN

pytestmark = pytest.mark.browser
PAGES = ("", "/find?q=er", "/article?sku=KERZE-HIDDENSEE", "/count?sku=KERZE-HIDDENSEE", "/pause")


@pytest.fixture
def at_work(open_page, server):
    """`at_work(width, height)`: the page of the tasks."""

    def come(width, height, *, touch=False):
        page = open_page(width, height, touch=touch)
        page.goto(f"{server.url}/staff/login?next=/staff/work")
        page.get_by_label("Name").fill("kim")
        page.get_by_label("Passwort").fill(PASSWORD)
        page.get_by_role("button", name="Anmelden").click()
        page.get_by_role("heading", name="Filiale Lindenstraße").wait_for()
        return page

    return come


@pytest.mark.parametrize("width", [390, 320])
def test_every_page_can_be_used_with_a_thumb(at_work, server, width):
    page = at_work(width, 844, touch=True)

    for path in PAGES:
        page.goto(f"{server.url}/staff/work{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert unnamed_controls(page) == []
        assert faint_texts(page) == []
        assert [one for one in small_targets(page, at_least=44) if 'type="radio"' not in one] == []


def test_an_article_is_looked_for_counted_and_said_to_be_right(at_work):
    page = at_work(390, 844, touch=True)

    page.get_by_role("link", name="Artikel suchen").click()
    page.get_by_label("Barcode, Artikelnummer oder Name").fill("kerze")
    page.get_by_role("button", name="Suchen").click()
    page.get_by_role("heading", name="Artikel", exact=True).wait_for()
    page.get_by_role("link", name="Zählen").click()
    page.get_by_label("Stück in dieser Filiale").fill("55")
    page.get_by_role("button", name="Zählung buchen").click()

    page.get_by_text("Kerze Hiddensee: 55 gezählt").wait_for()


def test_an_article_is_put_aside_and_pickups_are_paused_for_an_hour(at_work, server):
    page, key = at_work(390, 844, touch=True), uuid.uuid4().hex
    came = {"key": key, "kind": "received", "sku": "MUETZE-WINTERHUDE", "location": "linden", "quantity": 1}
    server.call("POST", "/v1/stock/movements", {"movements": [came]}, key=f"{key}/came")

    page.goto(f"{server.url}/staff/work/article?sku=MUETZE-WINTERHUDE")
    page.get_by_text("Für Kunden zurücklegen").click()
    page.get_by_label("Name").fill("Erika Kaya")
    page.get_by_label("Abholfach").fill("7")
    page.get_by_role("button", name="Bereitlegen").click()
    page.get_by_text("Zurückgelegt").wait_for()
    page.goto(f"{server.url}/staff?q=Erika")  # the list begins with the most urgent twenty
    page.locator("a.card", has_text="Erika Kaya").first.wait_for()

    page.goto(f"{server.url}/staff/work/pause")
    page.get_by_label("Eine Stunde").check()
    page.get_by_role("button", name="Pausieren").click()
    page.get_by_text("Abholungen pausiert bis").wait_for()
    page.get_by_role("button", name="Wieder annehmen").click()
    page.get_by_text("Abholungen werden wieder angenommen.").wait_for()


def test_at_a_till_a_scan_opens_the_article_and_the_next_one_while_counting(at_work):
    page = at_work(1366, 768)

    page.evaluate(SCAN, "HEMD-ALSTER-M")
    page.get_by_role("heading", name="Artikel", exact=True).wait_for()
    page.get_by_role("link", name="Zählen").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Hemd Alster").wait_for()
    page.evaluate(SCAN, "MUETZE-WINTERHUDE")

    page.get_by_text("Mütze Winterhude").wait_for()
    assert page.url.endswith("/staff/work/count?sku=MUETZE-WINTERHUDE")
    assert page.get_by_label("Stück in dieser Filiale").input_value() == ""
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("heading", name="Filiale Lindenstraße").wait_for()
