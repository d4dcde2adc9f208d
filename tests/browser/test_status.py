"""What the stores read about the channels, in a real Chromium; and the overview's stream, which one tab holds for all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.every import log_in
from tests.browser.looks import faint_texts, small_targets, unnamed_controls
from tests.browser.test_ops import DESKTOP, SCREENS

pytestmark = pytest.mark.browser
STREAM = "**/ops/live"


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_the_status_fits_its_screen_and_says_what_could_be_sold(open_page, server, width, height, dark):
    page = log_in(open_page(width, height, dark=dark, touch=width == 390), server, "kim", "/staff")

    page.get_by_role("link", name="Stimmt alles?").click()
    page.get_by_role("heading", name="Stimmt alles?").wait_for()
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"status-{width}-{'dark' if dark else 'light'}.png", full_page=True)

    assert "Bis zu" in page.locator("main").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []
    assert small_targets(page, at_least=44 if width == 390 else 24) == []


def test_two_tabs_share_one_stream_and_both_stay_live(open_page, server):
    first = open_page(*DESKTOP)
    asked = []
    first.context.on(
        "request", lambda request: asked.append(request.url) if request.url.endswith("/ops/live") else None
    )
    log_in(first, server, "olga", "/ops")
    second = first.context.new_page()
    second.goto(f"{server.url}/ops")

    for page in (first, second):
        before = page.locator("#stand [data-words]").inner_text()
        page.wait_for_function(
            "before => document.querySelector('#stand [data-words]').innerText !== before", arg=before
        )

    assert len(asked) == 1


def test_where_no_stream_comes_through_the_page_asks_by_itself(open_page, server):
    page = open_page(*DESKTOP, may_say="Failed to load resource")
    page.route(STREAM, lambda route: route.abort())
    log_in(page, server, "olga", "/ops")
    before = page.locator("#stand [data-words]").inner_text()

    with page.expect_request(lambda request: request.url == f"{server.url}/ops" and request.resource_type == "fetch"):
        page.wait_for_function(
            "before => document.querySelector('#stand [data-words]').innerText !== before", arg=before
        )

    assert "lost" not in page.locator("#stand").get_attribute("class")


@pytest.mark.parametrize("path", ["/staff", "/staff/status"])
def test_the_desks_head_fits_the_smallest_phone(open_page, server, path):
    page = log_in(open_page(320, 640, touch=True), server, "kim", "/staff")

    page.goto(f"{server.url}{path}")
    dot = page.locator(".top .dot").bounding_box()

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert dot["width"] == dot["height"]
