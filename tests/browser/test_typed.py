"""What somebody has typed stays theirs, whatever comes in between: the answer to another button, news, the network's return."""

from __future__ import annotations

import uuid

import pytest

from tests.browser.every import log_in
from tests.browser.test_staff_offline import enrolled, office, placed  # noqa: F401  the office's page

pytestmark = pytest.mark.browser
PHONE, DESKTOP = (390, 844), (1440, 900)
LINES = {"SNEAKER-KIEL-43": 1, "PULLOVER-HARZ-L": 2}


@pytest.fixture
def picking(open_page, server):
    """A pickup of two articles that somebody picks, and that were just counted: another story may have found none of them."""
    key = uuid.uuid4().hex
    counted = [
        {"key": f"{key}/{sku}", "kind": "count", "sku": sku, "location": "linden", "quantity": 99} for sku in LINES
    ]
    server.call("POST", "/v1/stock/movements", {"movements": counted}, key=f"{key}/counted")
    body = {
        "location": "linden", "paid": True, "customer": {"name": "Tilda Tipp"},
        "lines": [{"sku": sku, "quantity": n} for sku, n in LINES.items()],
    }  # fmt: skip
    made = server.call("POST", "/v1/pickups", body, key=key)
    page = log_in(open_page(*PHONE, touch=True), server, "kim", "/staff")
    page.goto(f"{server.url}/staff/pickups/{made['id']}")
    page.get_by_role("button", name="Annehmen").click()
    page.get_by_text("Packt: ").wait_for()
    return page


def held(page, pattern):
    """Requests to these addresses wait until the test lets them go on."""
    waiting = []
    page.route(pattern, lambda route: waiting.append(route))
    return waiting


def let_go(page, waiting, number=1):
    while len(waiting) < number:
        page.wait_for_timeout(20)
    waiting[number - 1].continue_()


def trouble(page):
    """What can be wrong with the pullovers."""
    return page.locator(".line.pick", has_text="Pullover").locator("details.trouble")


def test_a_shelf_that_is_typed_while_a_tap_is_on_its_way_stays_with_its_cursor(picking):
    waiting = held(picking, "**/tick")
    picking.get_by_role("button", name="Sneaker Kiel liegt in der Tüte").click()
    shelf = picking.get_by_label("Abholfach")
    shelf.press_sequentially("1234")
    shelf.press("ArrowLeft")
    trouble(picking).locator("summary").click()
    picking.get_by_label("Stück").fill("2")
    shelf.focus()

    let_go(picking, waiting)
    picking.locator(".tick.on").wait_for()

    assert shelf.input_value() == "1234"
    assert picking.evaluate("[document.activeElement.name, document.activeElement.selectionStart]") == ["shelf", 3]
    assert picking.get_by_label("Stück").input_value() == "2"
    assert picking.get_by_label("Stück").is_visible(), "and what was opened is open"


def test_a_second_tap_while_the_first_is_on_its_way_counts_too(picking):
    waiting = held(picking, "**/tick")
    picking.get_by_role("button", name="Sneaker Kiel liegt in der Tüte").click()
    picking.get_by_role("button", name="Pullover Harz liegt in der Tüte").click()

    let_go(picking, waiting)
    let_go(picking, waiting, 2)
    picking.get_by_text("1/2").wait_for()

    assert picking.locator(".tick.on").count() == 1
    assert picking.locator("[role=alert]").count() == 0


def test_who_reports_the_same_piece_twice_by_a_double_tap_reports_it_once(picking):
    waiting = held(picking, "**/reject")
    trouble(picking).locator("summary").click()
    trouble(picking).get_by_role("button", name="Nicht gefunden").dblclick()

    let_go(picking, waiting)
    picking.locator(".line.pick .who", has_text="1 × Pullover Harz").wait_for()

    assert len(waiting) == 1
    assert picking.locator("[role=alert]").count() == 0


def test_a_list_that_comes_late_does_not_sweep_away_what_was_begun_meanwhile(open_page, server):
    page = log_in(open_page(*PHONE, touch=True), server, "kim", "/staff")
    waiting = held(page, "**/staff?*live=1*")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    search = page.get_by_label("Nach Name, Nummer oder Bestellung suchen")
    search.press_sequentially("schub")

    let_go(page, waiting)
    page.wait_for_timeout(300)

    assert search.input_value() == "schub"
    assert page.evaluate("document.activeElement.name") == "q"


OTHERWISE = ('id="liegen"', 'id="liegen" data-otherwise')
"""A panel that has changed: one that has not is left as it stands."""


def test_news_of_the_overview_leave_what_was_typed_also_when_the_cursor_has_moved_on(open_page, server):
    page = log_in(open_page(*DESKTOP), server, "olga", "/ops")
    field = page.locator("#liegen").get_by_label("ist SKU")
    field.fill("MUETZE-W")
    field.press("Tab")
    page.route(f"{server.url}/ops", lambda asked: asked.fulfill(body=asked.fetch().text().replace(*OTHERWISE)))

    server.call("POST", "/v1/channels/kasse/pause")
    page.locator("#liegen[data-otherwise]").wait_for()
    server.call("POST", "/v1/channels/kasse/resume")

    assert field.input_value() == "MUETZE-W"
    assert page.evaluate("document.activeElement.matches('#liegen button')")


LEAVES = """() => {
  window.left = [];
  navigation.addEventListener("navigate", (event) => {
    if (new URL(event.destination.url).pathname === location.pathname && event.destination.sameDocument) return;
    left.push(new URL(event.destination.url).pathname);
    event.preventDefault();
  });
}"""
"""Pages that this one leads to and that come so slowly that they have not come yet."""


def test_a_page_that_comes_slowly_when_the_network_is_back_is_asked_for_once_and_taps_lead_there(
    office,  # noqa: F811
    open_page,
    server,
):
    the_id, number, _ = placed(server, "Lena Langsam")
    phone = enrolled(office, open_page, "Ada Sommer")
    phone.context.set_offline(True)
    phone.goto(f"{server.url}/staff?tab=bereit")
    phone.get_by_text("Keine Verbindung seit").wait_for()
    phone.evaluate(LEAVES)

    phone.context.set_offline(False)
    phone.wait_for_function("() => left.length")
    for _ in range(2):
        phone.evaluate("dispatchEvent(new Event('online'))")
        phone.evaluate("navigator.locks.request('omnisync desk offline', () => true)")
    phone.wait_for_timeout(300)
    again = phone.evaluate("left")
    phone.locator("a.card", has_text=number).click()

    assert again == ["/staff"]
    assert phone.evaluate("left") == ["/staff", f"/staff/pickups/{the_id}"]
    assert phone.get_by_role("heading", name="Übergabe").count() == 0, "nothing is begun that would be torn away"
