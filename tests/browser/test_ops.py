"""/ops in a real Chromium, in front of a real server: how it looks, stays live, and is worked by keyboard."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.browser.day import PASSWORD
from tests.browser.looks import faint_texts, small_targets, unnamed_controls

pytestmark = pytest.mark.browser
DESKTOP, PHONE = (1440, 900), (390, 844)
SCREENS = [pytest.param(*size, dark, id=f"{size[0]}-{'dark' if dark else 'light'}") for size in (DESKTOP, PHONE) for dark in (False, True)]  # fmt: skip


def log_in(page, server, name="olga"):
    page.goto(f"{server.url}/ops")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", name="Sync-Übersicht", level=1).wait_for()
    return page


@pytest.fixture
def ops(open_page, server):
    return log_in(open_page(*DESKTOP), server)


def row(page, channel):
    return page.locator(f"#kanal-{channel}")


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_the_page_fits_its_screen_and_can_be_read(open_page, server, width, height, dark):
    page = log_in(open_page(width, height, dark=dark, touch=width == 390), server)

    page.screenshot(path=_picture(f"ops-{width}-{'dark' if dark else 'light'}.png"), full_page=width == 390)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []
    assert small_targets(page, at_least=40 if width == 390 else 24) == []
    assert page.evaluate("getComputedStyle(document.body).fontFamily").startswith("Inter")
    assert page.evaluate("document.fonts.check('16px Inter')")


def test_it_says_what_could_be_sold_twice_and_where(ops):
    banner = ops.locator("#banner").inner_text()

    assert "eBay DE zeigt noch" in banner
    assert "die wir nicht senken können, höchstens" in banner
    assert "Verspätet" in row(ops, "ebay").inner_text()
    assert "Pünktlich" in row(ops, "kasse").inner_text()
    assert ops.locator("#verlauf svg path.p95").count() == 1
    assert ops.locator("#kanal-ebay svg.bars rect").count() == 48


def test_what_happens_elsewhere_appears_without_a_reload(ops, server):
    ops.evaluate("window.stillHere = true")

    server.call("POST", "/v1/channels/kasse/pause")
    row(ops, "kasse").locator(".pill", has_text="Angehalten").wait_for()
    server.call("POST", "/v1/channels/kasse/resume")
    row(ops, "kasse").locator(".pill", has_text="Pünktlich").wait_for()

    assert ops.evaluate("window.stillHere") is True


def test_a_button_works_by_keyboard_and_keeps_the_focus(ops, server):
    # Each asked in one go: news may put a fresh row in the place of this one at any moment.
    ops.evaluate("document.querySelector('[data-key=\"channels/kasse/sync\"]').focus()")
    ops.keyboard.press("Tab")
    assert ops.evaluate("document.activeElement.dataset.key") == "channels/kasse/pause"
    assert ops.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    ops.keyboard.press("Enter")
    row(ops, "kasse").locator(".pill", has_text="Angehalten").wait_for()

    row(ops, "kasse").get_by_role("button", name="Kassen Lindenstraße fortsetzen").press("Enter")
    row(ops, "kasse").locator(".pill", has_text="Pünktlich").wait_for()
    assert ops.locator("#note").get_by_text("Gespeichert.").is_visible()
    assert (
        next(one["state"] for one in server.call("GET", "/v1/channels")["items"] if one["channel"] == "kasse")
        == "on_time"
    )


def test_what_changes_while_a_button_works_does_not_take_its_answer_away(ops, server):
    def slowly(route):
        if route.request.method == "POST":
            server.call("POST", "/v1/channels/ebay/pause")
            time.sleep(3)  # the news of it comes while the button still waits
        route.continue_()

    ops.route("**/ops/**", slowly)
    row(ops, "kasse").get_by_role("button", name="Kassen Lindenstraße anhalten").press("Enter")

    ops.locator("#note").get_by_text("Gespeichert.").wait_for()
    row(ops, "kasse").locator(".pill", has_text="Angehalten").wait_for()
    row(ops, "ebay").locator(".pill", has_text="Angehalten").wait_for()
    for channel in ("kasse", "ebay"):
        server.call("POST", f"/v1/channels/{channel}/resume")
    row(ops, "kasse").locator(".pill", has_text="Pünktlich").wait_for()


def test_typing_is_not_swept_away_by_the_next_numbers(ops, server):
    field = ops.locator("#liegen").get_by_label("ist SKU")
    field.fill("MUETZE-W")
    stand = ops.locator("#stand").inner_text()

    ops.wait_for_function("before => document.querySelector('#stand').innerText !== before", arg=stand)
    ops.wait_for_timeout(2500)

    assert field.input_value() == "MUETZE-W"


def test_the_range_changes_the_chart(ops):
    ops.get_by_role("link", name="7 Tage").click()
    ops.wait_for_url("**range=7d")

    assert ops.locator(".seg [aria-current]").inner_text() == "7 Tage"
    assert "." in ops.locator("#verlauf .xs span").first.inner_text()


def test_a_server_that_is_away_is_said_so_and_nothing_jumps(open_page, server):
    page = log_in(open_page(*DESKTOP, may_say="503"), server)
    page.route(
        "**/ops**",
        lambda route: route.fulfill(status=503, body="later") if route.request.method == "GET" else route.continue_(),
    )

    page.locator("#stand.lost").wait_for()
    words = page.locator("#stand").inner_text()
    page.unroute("**/ops**")
    page.locator("#stand:not(.lost)").wait_for()

    assert "Keine Verbindung" in words
    assert page.locator("#kanal-ebay").count() == 1


def test_a_store_is_told_that_this_is_not_its_page(open_page, server):
    page = open_page(*PHONE)
    page.goto(f"{server.url}/staff")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", name="Filiale Lindenstraße").wait_for()

    answer = page.request.get(f"{server.url}/ops")

    assert answer.status == 403
    assert "Dieses Konto darf das nicht sehen" in answer.text()


def _picture(name: str) -> Path | None:
    """Where to keep what the page looked like, for people: OMNISYNC_PICTURES names a folder."""
    folder = os.environ.get("OMNISYNC_PICTURES")
    return Path(folder) / name if folder else None
