"""The office's pages in a real Chromium: how they look at each size, in light and dark, and how they are worked by keyboard."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.looks import faint_texts, small_targets, unnamed_controls
from tests.browser.test_ops import DESKTOP, PHONE, SCREENS, log_in

pytestmark = pytest.mark.browser
PAGES = {
    "today": "/ops/today",
    "delay": "/ops/number?name=delay",
    "twice": "/ops/number?name=twice",
    "queue": "/ops/number?name=queue",
    "stock": "/ops/stock",
    "article": "/ops/stock/article?sku=SNEAKER-KIEL-42",
    "explain": "/ops/stock/explain?sku=SNEAKER-KIEL-42",
    "search": "/ops/search?q=sneaker",
    "pickups": "/ops/pickups",
    "orders": "/ops/orders",
    "prices": "/ops/prices",
    "letters": "/ops/letters",
    "rehearsal": "/ops/letters/rehearsal",
    "cases": "/ops/cases",
    "shortages": "/ops/shortages",
    "mappings": "/ops/mappings",
    "drift": "/ops/drift",
    "channel": "/ops/channel?name=webshop",
    "log": "/ops/log",
    "settings": "/ops/settings",
}


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_every_page_fits_its_screen_and_can_be_read(open_page, server, width, height, dark):
    page = log_in(open_page(width, height, dark=dark, touch=width == 390), server)
    wrong = {}
    for name, path in PAGES.items():
        page.goto(f"{server.url}{path}")
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
