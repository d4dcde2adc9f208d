"""The office's pages in a real Chromium: how they look at each size, in light and dark, and how they are worked by keyboard."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.browser.addresses import OFFICE, go
from tests.browser.looks import faint_texts, small_targets, unnamed_controls
from tests.browser.test_ops import DESKTOP, PHONE, SCREENS, log_in

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_every_page_fits_its_screen_and_can_be_read(open_page, server, width, height, dark):
    page = log_in(open_page(width, height, dark=dark, touch=width == 390, may_say="Failed to load"), server, "anna")
    wrong = {}
    for name, where in ((_name(where), where) for found in OFFICE.values() for where in found):
        go(page, server, where)
        _picture(page, f"office-{name}-{width}-{'dark' if dark else 'light'}.png")
        faults = [
            *(["too wide"] if page.evaluate("document.documentElement.scrollWidth") > width else []),
            *unnamed_controls(page), *faint_texts(page), *small_targets(page, at_least=40 if width == 390 else 24),
        ]  # fmt: skip
        wrong |= {name: faults} if faults else {}

    assert wrong == {}


@pytest.mark.parametrize("path", ["/ops", "/ops/stock", "/ops/pickups", "/ops/letters"])
def test_nothing_is_too_wide_for_the_smallest_phone(open_page, server, path):
    page = log_in(open_page(320, 640, touch=True), server)

    page.goto(f"{server.url}{path}")

    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_slash_searches_and_the_arrows_walk_the_rows(open_page, server):
    page = log_in(open_page(*DESKTOP), server)
    page.goto(f"{server.url}/ops/today")

    page.keyboard.press("/")
    page.keyboard.type("SNEAKER-KIEL")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Suche", level=1).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused = page.evaluate("document.activeElement.innerText")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Sneaker Kiel", level=1).wait_for()

    assert focused == "SNEAKER-KIEL-43"
    assert "sku=SNEAKER-KIEL-43" in page.url


BARE_TABLES = """() => [...document.querySelectorAll('main table:not(.sum), main .dl.files')]
  .filter((one) => one.querySelector('tbody tr') && !one.closest('.panel').querySelector('a[download]') && !document.querySelector('.head a[download]'))
  .map((one) => one.closest('.panel').id)"""
BARE_NUMBERS = """() => [...document.querySelectorAll('main table:not(.sum) td.num')]
  .filter((one) => one.textContent.trim() && !one.querySelector('a') && one.closest('.panel').id !== 'imports')
  .map((one) => `${one.closest('.panel').id}: ${one.dataset.label} ${one.textContent.trim()}`)"""
ROWS = "[data-rows] tbody tr, [data-rows] > .item, [data-rows] > li"
AT_ROW = f"() => [...document.querySelectorAll('{ROWS}')].indexOf(document.activeElement.closest('{ROWS}'))"


def test_every_table_is_a_file_every_number_leads_on_and_every_row_is_walked(open_page, server):
    page = log_in(open_page(*DESKTOP, may_say="Failed to load resource"), server, "anna")
    wrong = {}
    for where in (one for found in OFFICE.values() for one in found):
        go(page, server, where)
        rows = page.locator(ROWS).count()
        walked = []
        for _ in range(min(rows, 3)):
            page.keyboard.press("ArrowDown")
            walked.append(page.evaluate(AT_ROW))
        page.keyboard.press("/")
        faults = [
            *page.evaluate(BARE_TABLES), *page.evaluate(BARE_NUMBERS),
            *([] if walked == list(range(len(walked))) else [f"arrows: {walked}"]),
            *([] if page.evaluate("document.activeElement.matches('[data-search]')") else ["slash"]),
        ]  # fmt: skip
        wrong |= {str(where): faults} if faults else {}

    assert wrong == {}


def test_a_new_key_is_shown_and_taken_along_by_one_press(open_page, server):
    page = log_in(open_page(*PHONE, touch=True), server, "anna")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    page.goto(f"{server.url}/ops/people")

    form = page.locator("#new-key")
    form.get_by_label("Name").fill("Kassenrechner")
    form.get_by_label("Was er darf").select_option("staff")
    form.get_by_label("Filiale, für Personal").select_option("linden")
    form.get_by_role("button", name="Anlegen").click()
    page.get_by_role("heading", name="Ihr neuer Schlüssel").wait_for()
    _picture(page, "office-key-390.png")
    shown = page.locator("#key").inner_text()
    page.get_by_role("button", name="Kopieren").click()
    page.get_by_role("button", name="Kopiert").wait_for()

    assert page.evaluate("navigator.clipboard.readText()") == shown
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    assert small_targets(page, at_least=40) == []


def test_the_switch_changes_the_language_of_every_page(open_page, server):
    page = log_in(open_page(*DESKTOP), server)
    page.goto(f"{server.url}/ops/stock?q=kiel")

    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Stock", level=1).wait_for()
    stayed = page.url
    page.goto(f"{server.url}/ops")
    page.get_by_role("heading", name="Sync overview", level=1).wait_for()

    assert stayed.endswith("/ops/stock?q=kiel")
    assert "still shows" in page.locator("#banner").inner_text()


def test_a_table_comes_down_as_a_file(open_page, server):
    page = log_in(open_page(*DESKTOP), server)
    page.goto(f"{server.url}/ops/stock")

    with page.expect_download() as coming:
        page.get_by_role("link", name="Bestände als CSV").click()

    assert coming.value.suggested_filename == "omnisync-stock.csv"
    assert "SNEAKER-KIEL-42" in Path(coming.value.path()).read_text(encoding="utf-8-sig")


def test_the_pages_read_without_scripts(chromium, server):
    context = chromium.new_context(java_script_enabled=False, locale="de-DE", viewport={"width": 390, "height": 844})
    page = log_in(context.new_page(), server)

    page.get_by_role("link", name="Abholungen", exact=True).click()
    rows = page.locator("#pickups tbody tr").count()
    context.close()

    assert rows >= 2


def test_the_way_to_this_page_is_in_sight_on_a_phone(open_page, server):
    page = log_in(open_page(*PHONE, touch=True), server)
    page.goto(f"{server.url}/ops/settings")

    box = page.locator(".ways [aria-current]").bounding_box()

    assert 0 <= box["x"] <= PHONE[0] - box["width"]


def _name(where) -> str:
    """As part of a file's name."""
    return re.sub(r"\W+", "-", str(where)).strip("-")


def _picture(page, name: str) -> None:
    """Keep what it looked like, for people: OMNISYNC_PICTURES names a folder."""
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / name, full_page=True)
