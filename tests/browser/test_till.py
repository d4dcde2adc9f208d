"""The desk at a till: a wide screen, a keyboard and a wedge scanner, no thumb."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from tests.browser.every import log_in
from tests.browser.test_typed import picking  # noqa: F401  a pickup of two articles
from tests.pages.test_staff_browser import SCAN

pytestmark = pytest.mark.browser
TILL, PHONE = (1366, 768), (390, 844)
BARCODE, CUSTOMER = "4006381333931", "Theo Tresen"
FOCUSED = "document.activeElement.closest('.card').querySelector('.code').textContent"


def placed(server):
    """A pickup of one article that has a barcode, and which somebody has just counted: another story may have found none of it."""
    key = uuid.uuid4().hex
    counted = {"key": key, "kind": "count", "sku": "SNEAKER-KIEL-42", "location": "linden", "quantity": 99}
    server.call("POST", "/v1/stock/movements", {"movements": [counted]}, key=f"{key}/counted")
    lines = [{"sku": "SNEAKER-KIEL-42", "quantity": 1}]
    body = {"location": "linden", "paid": True, "customer": {"name": CUSTOMER}, "lines": lines}
    return server.call("POST", "/v1/pickups", body, key=key)


@pytest.fixture
def waiting(server):
    return placed(server)


@pytest.fixture
def till(open_page, server):
    return log_in(open_page(*TILL), server, "kim", "/staff")


def box(page, what):
    return page.locator(what).first.bounding_box()


def test_a_pickup_goes_from_the_list_to_the_customer_by_keyboard_and_scanner(till, waiting):
    number = waiting["number"]
    till.locator("article.card", has_text=number).locator("a.row").focus()
    till.keyboard.press("Enter")
    till.get_by_role("heading", name="Packen").wait_for()
    till.locator(".dock").get_by_role("button", name="Annehmen").focus()
    till.keyboard.press("Enter")
    till.locator(".app").get_by_text("Packt: ").wait_for()
    till.evaluate(SCAN, BARCODE)
    till.locator(".tick.on").wait_for()
    till.get_by_label("Abholfach").fill("9")
    till.keyboard.press("Enter")
    till.get_by_role("heading", name="Filiale Lindenstraße").wait_for()

    till.evaluate(SCAN, waiting["code"])
    till.get_by_text("Abholcode stimmt").wait_for()
    till.get_by_role("button", name="Übergabe bestätigen").focus()
    till.keyboard.press("Enter")

    till.get_by_text(f"{number} übergeben").wait_for()


def test_at_a_till_a_pickup_stands_beside_its_list_and_the_list_is_live(till, server, waiting):
    till.goto(f"{server.url}/staff/pickups/{waiting['id']}")
    here = till.locator(".beside .card[aria-current]")
    here.wait_for()

    assert waiting["number"] in here.inner_text()
    listed, shown = box(till, ".beside"), box(till, ".app main")
    assert listed["x"] + listed["width"] <= shown["x"]
    assert shown["x"] + shown["width"] > TILL[0] * 0.9
    _picture(till, "till.png")
    server.call("POST", f"/v1/pickups/{waiting['id']}/cancel", {"reason": "customer"}, key=uuid.uuid4().hex)
    here.wait_for(state="detached")


def test_on_a_phone_no_list_is_asked_for_beside_a_pickup(picking):  # noqa: F811
    asked = []
    picking.on("request", lambda request: asked.append(request.url))

    picking.reload()
    picking.locator("[data-bell]").wait_for(state="attached")

    assert not any("live=1" in url for url in asked)
    assert not picking.locator(".beside").is_visible()


def test_the_arrows_walk_where_cards_stand_side_by_side(till, server):
    for _ in range(4):
        placed(server)
    till.reload()
    till.locator("article.card").nth(3).wait_for()
    first, second, below = (till.locator("article.card .code").nth(place).inner_text() for place in (0, 1, 3))
    seen = []

    for key in ("ArrowDown", "ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp"):
        till.keyboard.press(key)
        seen.append(till.evaluate(FOCUSED))

    assert seen == [first, second, first, below, first]


def _picture(page, name: str) -> None:
    """Keep what it looked like, for people: OMNISYNC_PICTURES names a folder."""
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / name)
