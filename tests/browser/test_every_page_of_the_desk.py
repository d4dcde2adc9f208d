"""Every page of the desk: no rule of axe-core is broken, a thumb hits everything, nothing is too wide, nobody else is asked."""

from __future__ import annotations

import uuid

import pytest

from tests.browser.addresses import DESK
from tests.browser.every import MAY_SAY, Door, Tour, log_in
from tests.browser.looks import too_small
from tests.browser.test_ops import DESKTOP, PHONE

pytestmark = pytest.mark.browser
DOOR = Door("kim", "/staff", {**DESK, "a search": ("/staff?q=schubert",)})
SEES_GREY = """
    navigator.mediaDevices.enumerateDevices = () => Promise.resolve([{ kind: "videoinput" }]);
    navigator.mediaDevices.getUserMedia = () => {
        const wall = document.createElement("canvas");
        wall.getContext("2d").fillRect(0, 0, wall.width, wall.height);
        return Promise.resolve(wall.captureStream(5));
    };
"""
"""A camera for browsers of tests."""


def thumbs(page, width):
    """What is missed by a thumb, on a phone."""
    return too_small(page) if width <= PHONE[0] else []


@pytest.fixture(scope="module")
def long_names(server):
    """Ready under S: somebody whose name is long, on a shelf whose name is as long as it may be."""
    key = uuid.uuid4().hex
    piece = {"sku": "MUETZE-WINTERHUDE", "location": "linden", "quantity": 1}
    server.call(
        "POST", "/v1/stock/movements", {"movements": [{"key": key, "kind": "received", **piece}]}, key=f"{key}/came"
    )
    who = {"name": "Bartholomäus-Maria Wolfeschlegelsteinhausenbergerdorff-Schubert"}
    wanted = {"location": "linden", "paid": True, "customer": who, "lines": [{"sku": piece["sku"], "quantity": 1}]}
    made = server.call("POST", "/v1/pickups", wanted, key=key)
    server.call(
        "POST",
        f"/v1/pickups/{made['id']}/ready",
        {"shelf": "SCHWERLASTREGALPALETTENSTELLPLATZ-0815-B"},
        key=f"{key}-ready",
    )


@pytest.fixture
def tour(open_page, server, long_names):
    """`tour(width, height)`: Kim has come in."""

    def begin(width, height, **looks):
        page = open_page(width, height, touch=width == 390, may_say=MAY_SAY, **looks)
        page.add_init_script(SEES_GREY)
        begun = Tour(page, server, thumbs)
        log_in(page, server, DOOR.name, DOOR.path)
        return begun

    return begin


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE])
def test_every_page_can_be_used_by_everybody(tour, width, height):
    tour = tour(width, height)

    tour.see(tour.come("/ops"))  # refused
    for where in DOOR:
        name = tour.come(where)
        tour.see(name)
        if width == PHONE[0]:
            tour.squeeze(name)
    tour.come("/staff?tab=bereit")
    tour.page.locator("a.card").first.click()
    tour.page.get_by_role("button", name="Abholcode scannen").click()
    tour.page.get_by_text("in den Rahmen halten").wait_for()
    tour.see("camera")
    tour.page.get_by_role("button", name="Eintippen").click()
    tour.page.get_by_role("button", name="Prüfen").wait_for()
    tour.see("keys")

    tour.ended_well()


def test_every_page_fits_its_screen_in_english(tour):
    tour = tour(*PHONE, locale="en-GB")

    for where in DOOR:
        name = tour.come(where)
        tour.note(name, thumbs(tour.page, PHONE[0]))
        tour.squeeze(name)

    tour.ended_well()
