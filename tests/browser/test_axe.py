"""Every page against all rules of axe-core (WCAG 2.2 AA and good practice), in light and dark, on phone and desktop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import npm
from tests.browser.day import PASSWORD
from tests.browser.test_office import PAGES
from tests.browser.test_ops import SCREENS

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_ASK = """async (rules) => (await axe.run(document, { runOnly: { type: 'tag', values: rules } })).violations
  .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((one) => one.html.slice(0, 160)).join(' | ')} (${nodes.length})`)"""
OFFICE = {
    "one price": "/ops/prices/one?sku=SNEAKER-KIEL-42&channel=webshop",
    "overview": "/ops",
    "devices": "/ops/devices",
    "certificate": "/ops/trust",
    "unrung": "/ops/pickups/unrung",
    "missing": "/ops/letters/one?id=x",
}
BEHIND = {
    "story of a pickup": ("/ops/pickups", "#pickups tbody a"),
    "story of an order": ("/ops/orders", "#orders tbody a"),
    "one letter": ("/ops/letters", "#letters tbody a"),
    "one message": ("/ops/channel?name=webshop", "#messages tbody a"),
}
"""A page behind the first link of a list."""
DESK = {
    "list": "/staff",
    "ready": "/staff?tab=bereit",
    "done": "/staff?tab=erledigt",
    "code": "/staff/code",
    "status": "/staff/status",
    "who": "/staff/who",
    "instructions": "/staff/help",
    "practice": "/staff/practice",
    "work": "/staff/work",
    "find": "/staff/work/find?q=er",
    "article": "/staff/work/article?sku=KERZE-HIDDENSEE",
    "count": "/staff/work/count?sku=KERZE-HIDDENSEE",
    "pause": "/staff/work/pause",
}


@pytest.fixture(scope="module")
def axe() -> str:
    """The library as text: it is handed to the page from outside, past its content policy."""
    lacking = npm.missing("axe-core", runs=False)
    if lacking:
        pytest.skip(lacking)
    return (
        npm.installed(Path(__file__).parent / "axe" / "package.json", "axe") / "node_modules/axe-core/axe.min.js"
    ).read_text()


SEES_GREY = """
    navigator.mediaDevices.enumerateDevices = () => Promise.resolve([{ kind: "videoinput" }]);
    navigator.mediaDevices.getUserMedia = () => {
        const wall = document.createElement("canvas");
        wall.getContext("2d").fillRect(0, 0, wall.width, wall.height);
        return Promise.resolve(wall.captureStream(5));
    };
"""
"""A camera for browsers of tests."""
Look = Callable[..., dict[str, list[str]]]


@pytest.fixture
def look(axe, server) -> Look:
    """What is wrong with the page at that address, else with the one that is open."""

    def of(page, name, path=""):
        if path:
            page.goto(f"{server.url}{path}")
        page.evaluate(f"{axe}; undefined")
        found = page.evaluate(_ASK, RULES)
        return {name: found} if found else {}

    return of


def log_in(page, server, name, then):
    page.goto(f"{server.url}/staff/login?next={then}")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", level=1).wait_for()
    return page


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_no_page_of_the_office_breaks_a_rule(open_page, server, look, width, height, dark):
    page = open_page(width, height, dark=dark, touch=width == 390, may_say="Failed to load resource")
    wrong = look(page, "login", "/staff/login")
    log_in(page, server, "olga", "/ops")

    for name, path in {**OFFICE, **PAGES}.items():
        wrong |= look(page, name, path)
    for name, (path, first) in BEHIND.items():
        page.goto(f"{server.url}{path}")
        page.locator(first).first.click()
        wrong |= look(page, name)

    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_no_page_of_the_desk_breaks_a_rule(open_page, server, look, width, height, dark):
    page = open_page(width, height, dark=dark, touch=width == 390, may_say="Failed to load resource")
    page.add_init_script(SEES_GREY)
    log_in(page, server, "kim", "/staff")

    wrong = look(page, "enrol", "/d/XXXX-XXXX") | look(page, "refused", "/ops")
    for name, path in DESK.items():
        wrong |= look(page, name, path)
    page.goto(f"{server.url}/staff")
    if page.get_by_role("link", name="Weiter packen").count():
        page.get_by_role("link", name="Weiter packen").first.click()
    else:
        page.locator("article.card a").first.click()
    page.locator("[data-page]").wait_for()
    wrong |= look(page, "picking")
    page.goto(f"{server.url}/staff?tab=bereit")
    page.locator("a.card").first.click()
    wrong |= look(page, "handing over")
    page.get_by_role("button", name="Abholcode scannen").click()
    page.get_by_text("in den Rahmen halten").wait_for()
    wrong |= look(page, "camera")
    page.get_by_role("button", name="Eintippen").click()
    page.get_by_role("button", name="Prüfen").wait_for()
    wrong |= look(page, "keys")

    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)
