"""Every page of the office: no rule of axe-core is broken, it fits its screen and can be read, nobody else is asked; its tables are files,
its numbers lead on, its rows are walked."""

from __future__ import annotations

import pytest

from tests.browser.addresses import OFFICE
from tests.browser.every import MAY_SAY, Door, Tour, log_in
from tests.browser.looks import faint_texts, small_targets, unnamed_controls
from tests.browser.test_ops import DESKTOP, PHONE

pytestmark = pytest.mark.browser
DOOR = Door("anna", "/ops", OFFICE)
LEAST = {PHONE[0]: 44, DESKTOP[0]: 24}
"""Pixels that a thumb or a pointer needs."""
BARE_TABLES = """() => [...document.querySelectorAll('main table:not(.sum), main .dl.files')]
  .filter((one) => one.querySelector('tbody tr') && !one.closest('.panel').querySelector('a[download]') && !document.querySelector('.head a[download]'))
  .map((one) => one.closest('.panel').id)"""
BARE_NUMBERS = """() => [...document.querySelectorAll('main table:not(.sum) td.num')]
  .filter((one) => one.textContent.trim() && !one.querySelector('a') && one.closest('.panel').id !== 'imports')
  .map((one) => `${one.closest('.panel').id}: ${one.dataset.label} ${one.textContent.trim()}`)"""
ROWS = "[data-rows] tbody tr, [data-rows] > .item, [data-rows] > li"
AT_ROW = f"() => [...document.querySelectorAll('{ROWS}')].indexOf(document.activeElement.closest('{ROWS}'))"


def readable(page, width):
    """What cannot be named, read or hit, and whether it is wider than its screen."""
    if width not in LEAST:
        return []
    wide = page.evaluate("document.documentElement.scrollWidth") > width
    faults = [*unnamed_controls(page), *faint_texts(page), *small_targets(page, at_least=LEAST[width])]
    return [*(["too wide"] if wide else []), *faults]


@pytest.fixture
def tour(open_page, server):
    """`tour(width, height)`: Anna has come in."""

    def begin(width, height, **looks):
        page = open_page(width, height, touch=width == 390, may_say=MAY_SAY, **looks)
        begun = Tour(page, server, readable)
        log_in(page, server, DOOR.name, DOOR.path)
        return begun

    return begin


@pytest.mark.parametrize(("width", "height"), [DESKTOP, PHONE])
def test_every_page_can_be_used_by_everybody(tour, width, height):
    tour = tour(width, height)

    for where in DOOR:
        name = tour.come(where)
        tour.see(name)
        if width == PHONE[0]:
            tour.squeeze(name)
        else:
            tour.note(name, by_keyboard(tour.page))
    tour.see(tour.come("/ops/people"))
    tour.page.locator("#new-key").get_by_label("Name").fill(f"axe {width}")
    tour.page.locator("#new-key").get_by_role("button").click()
    tour.page.get_by_role("heading", name="Ihr neuer Schlüssel").wait_for()
    tour.see("a new key")

    tour.ended_well()


def by_keyboard(page):
    """Which table is no file, which number leads nowhere, and whether arrows walk the rows and the slash searches."""
    walked = []
    for _ in range(min(page.locator(ROWS).count(), 3)):
        page.keyboard.press("ArrowDown")
        walked.append(page.evaluate(AT_ROW))
    page.keyboard.press("/")
    return [
        *page.evaluate(BARE_TABLES), *page.evaluate(BARE_NUMBERS),
        *([] if walked == list(range(len(walked))) else [f"arrows: {walked}"]),
        *([] if page.evaluate("document.activeElement.matches('[data-search]')") else ["slash"]),
    ]  # fmt: skip


def test_every_page_fits_its_screen_in_english(tour):
    tour = tour(*PHONE, locale="en-GB")

    for where in DOOR:
        name = tour.come(where)
        tour.note(name, small_targets(tour.page, at_least=LEAST[PHONE[0]]))
        tour.squeeze(name)

    tour.ended_well()
