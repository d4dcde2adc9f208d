"""A light first load, what a device reads that does not trust the house yet, and lists without scripts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.every import log_in
from tests.browser.looks import faint_texts, too_small, unnamed_controls

pytestmark = pytest.mark.browser
FIRST_LOAD = 100_000
"""Bytes over the wire."""


@pytest.mark.parametrize(("name", "door"), [("kim", "/staff"), ("olga", "/ops")])
@pytest.mark.parametrize("letters", ["", "Łukasz Yıldız-Dvořák"])
def test_the_first_load_is_light_whatever_the_names_are(open_page, server, name, door, letters):
    page = log_in(open_page(390, 844, touch=True), server, name, door)
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    names: dict[str, str] = {}
    bytes_of: dict[str, float] = {}
    wire.on("Network.requestWillBeSent", lambda one: names.update({one["requestId"]: one["request"]["url"]}))
    wire.on("Network.loadingFinished", lambda one: bytes_of.update({one["requestId"]: one["encodedDataLength"]}))

    page.goto(f"{server.url}{door}")
    if letters:
        page.evaluate("(said) => document.querySelector('h1').append(said)", letters)
    page.evaluate("document.fonts.ready.then(() => undefined)")
    page.wait_for_timeout(300)

    shown = {url.removeprefix(server.url): int(bytes_of[one]) for one, url in names.items() if one in bytes_of}
    assert sum(1 for url in shown if "inter-" in url) == (2 if letters else 1), shown
    assert sum(shown.values()) < FIRST_LOAD, shown
    assert not any("vendor" in url for url in shown)


@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_until_the_fonts_have_come_its_page_is_no_wider_than_the_phone(open_page, trusted, locale):
    page = open_page(320, 700, touch=True, locale=locale, may_say="Failed to load resource")
    page.route("**/*.woff2", lambda asked: asked.abort())

    page.goto(f"{trusted.url}/trust")

    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize(("width", "dark"), [(390, False), (390, True), (1440, False), (1440, True)])
@pytest.mark.parametrize("locale", ["de-DE", "en-GB"])
def test_a_device_that_does_not_trust_the_house_yet_can_read_what_to_do(open_page, trusted, width, dark, locale):
    page = open_page(width, 844, touch=width == 390, dark=dark, locale=locale)

    page.goto(f"{trusted.url}/trust")
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"trust-{locale}-{width}-{dark}.png", full_page=True)

    assert (unnamed_controls(page), faint_texts(page), too_small(page)) == ([], [], [])
    for one in (width, 320):
        page.set_viewport_size({"width": one, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= one


@pytest.mark.parametrize(
    ("name", "door", "link", "leads_to"),
    [
        ("kim", "/staff", "Bereit", "tab=bereit"),
        ("kim", "/staff", "Abholcode eingeben", "/staff/code"),
        ("olga", "/ops", "Abholungen", "/ops/pickups"),
        ("olga", "/ops", "Bestand", "/ops/stock"),
    ],
)
def test_with_scripts_blocked_the_lists_read_and_their_links_lead_on(chromium, server, name, door, link, leads_to):
    context = chromium.new_context(viewport={"width": 390, "height": 844}, locale="de-DE", java_script_enabled=False)
    page = log_in(context.new_page(), server, name, door)
    shown = page.locator("body").inner_text()

    page.get_by_role("link", name=link, exact=link != "Bereit").first.click()

    page.get_by_role("heading", level=1).wait_for()
    assert leads_to in page.url
    assert ("Anna Schubert" if door == "/staff" else "eBay DE") in shown
    assert not any(word in shown for word in ("Abholcode scannen", "Der Ton ist aus", "Kamera"))
    context.close()
