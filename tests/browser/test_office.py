"""The office's pages in a real Chromium: how they are worked by keyboard and by thumb."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.looks import small_targets
from tests.browser.test_ops import DESKTOP, PHONE, log_in

pytestmark = pytest.mark.browser


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


def _picture(page, name: str) -> None:
    """Keep what it looked like, for people: OMNISYNC_PICTURES names a folder."""
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / name, full_page=True)
