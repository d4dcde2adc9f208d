"""Every page against all rules of axe-core (WCAG 2.2 AA and good practice), in light and dark, on phone and desktop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from itsdangerous import URLSafeSerializer

from omnisync.pages.logins import DEVICE
from tests import npm
from tests.browser.addresses import DESK, OFFICE, STRANGERS, TRUST, go
from tests.browser.conftest import SECRET
from tests.browser.day import LOCKED, PASSWORD
from tests.browser.test_ops import SCREENS

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_ASK = """async (rules) => (await axe.run(document, { runOnly: { type: 'tag', values: rules } })).violations
  .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((one) => one.html.slice(0, 160)).join(' | ')} (${nodes.length})`)"""


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
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=password]) button").click()
    page.get_by_role("heading", level=1).wait_for()
    return page


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_no_page_of_the_office_breaks_a_rule(open_page, server, look, width, height, dark):
    page = open_page(width, height, dark=dark, touch=width == 390, may_say="Failed to load resource")
    wrong = {}
    for where in (one for found in STRANGERS.values() for one in found):
        wrong |= look(page, where, where)
    log_in(page, server, "anna", "/ops")

    for where in (one for found in OFFICE.values() for one in found):
        assert go(page, server, where), where
        wrong |= look(page, str(where))
    wrong |= look(page, "forms", "/ops/people")
    page.locator("#new-key").get_by_label("Name").fill(f"axe {width} {dark}")
    page.locator("#new-key").get_by_role("button").click()
    page.get_by_role("heading", name="Ihr neuer Schlüssel").wait_for()
    wrong |= look(page, "a new key")

    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_no_page_of_the_desk_breaks_a_rule(open_page, server, look, width, height, dark):
    page = open_page(width, height, dark=dark, touch=width == 390, may_say="Failed to load resource")
    page.add_init_script(SEES_GREY)
    log_in(page, server, "kim", "/staff")

    wrong = look(page, "refused", "/ops")
    for where in (one for found in DESK.values() for one in found):
        assert go(page, server, where), where
        wrong |= look(page, str(where))
    page.goto(f"{server.url}/staff?tab=bereit")
    page.locator("a.card").first.click()
    page.get_by_role("button", name="Abholcode scannen").click()
    page.get_by_text("in den Rahmen halten").wait_for()
    wrong |= look(page, "camera")
    page.get_by_role("button", name="Eintippen").click()
    page.get_by_role("button", name="Prüfen").wait_for()
    wrong |= look(page, "keys")

    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_a_locked_device_breaks_no_rule(open_page, server, look, width, height, dark):
    page = open_page(width, height, dark=dark, touch=width == 390, may_say="Failed to load resource")
    cookie = URLSafeSerializer(SECRET, salt="omnisync session").dumps([DEVICE, LOCKED])
    page.context.add_cookies([{"name": DEVICE, "value": str(cookie), "url": server.url}])

    wrong = look(page, "locked", "/staff")

    assert page.get_by_role("heading", name="Dieses Gerät ist gesperrt").is_visible()
    assert wrong == {}, json.dumps(wrong, indent=1, ensure_ascii=False)


@pytest.mark.parametrize(("width", "height", "dark"), SCREENS)
def test_the_page_for_devices_that_do_not_trust_the_house_yet_breaks_no_rule(
    open_page, trusted, axe, width, height, dark
):
    page, wrong = open_page(width, height, dark=dark, touch=width == 390), []
    for where in (one for found in TRUST.values() for one in found):
        assert go(page, trusted, where), where
        page.evaluate(f"{axe}; undefined")
        wrong += page.evaluate(_ASK, RULES)

    assert wrong == []
