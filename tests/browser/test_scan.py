"""The scan button in a real Chromium: with a camera that plays a code, without one, and with the browser's own detector."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import films
from tests.browser.day import BARCODES, PASSWORD
from tests.browser.looks import faint_texts, small_targets, unnamed_controls

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}
SMALLEST = {"width": 320, "height": 568}
PONYFILL = ("scan-worker.js", "ponyfill.js", "zxing-exported.js", "zxing_reader.wasm")
FAKE = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
NOT_SAFE = ["--host-resolver-rules=MAP desk.test 127.0.0.1"]


@pytest.fixture
def begun() -> Iterator[Any]:
    """`begun(*options)`: a browser of its own, for what it sees is said when it starts."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no browser for tests: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser for tests: pip install playwright")
    browsers, said = [], []
    with sync_api.sync_playwright() as playwright:

        def begin(*options: str, size: dict[str, int] = PHONE, **more: Any) -> Any:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *options])
            browsers.append(browser)
            context = browser.new_context(viewport=size, has_touch=True, locale="de-DE", **more)
            page = context.new_page()
            page.on("pageerror", lambda error: said.append(str(error)))
            page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
            return page

        yield begin
        for browser in browsers:
            browser.close()
    assert said == []


@pytest.fixture
def seeing(begun, tmp_path):
    """`seeing(picture)`: a phone whose camera sees that."""

    def look(*pictures: films.Picture, **more: Any) -> Any:
        film = films.keep(tmp_path / "film.y4m", *pictures)
        return begun(*FAKE, f"--use-file-for-fake-video-capture={film}", **more)

    return look


def log_in(page, url):
    page.loaded = []
    page.on("request", lambda request: page.loaded.append(request.url))
    page.goto(f"{url}/staff")
    page.get_by_label("Name").fill("kim")
    page.get_by_label("Passwort").fill(PASSWORD)
    page.get_by_role("button", name="Anmelden").click()
    page.get_by_role("heading", name="Filiale Lindenstraße").wait_for()
    return page


def loaded(page):
    """Which files of the ponyfill came over the wire."""
    return [name for name in PONYFILL if any(url.endswith(name) for url in page.loaded)]


def placed(server, sku, pieces=1):
    """A pickup of its own: (id, code)."""
    body = {
        "location": "linden",
        "channel": "webshop",
        "reference": f"scan-{sku}-{pieces}-{len(server.call('GET', '/v1/pickups?location=linden')['items'])}",
        "paid": True,
        "customer": {"name": "Rosa Winter", "email": "rosa@example.org"},
        "lines": [{"sku": sku, "quantity": pieces}],
    }
    answer = server.call("POST", "/v1/pickups", body)
    return answer["id"], answer["code"]


def can_be_used(page):
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []
    assert small_targets(page, at_least=44) == []


def test_the_camera_reads_a_customers_code_and_the_scanner_is_loaded_only_then(seeing, server):
    page = log_in(seeing(films.qr(server.codes["Jonas Petersen"])), server.url)
    page.wait_for_load_state("networkidle")
    assert loaded(page) == []

    page.get_by_role("button", name="Abholcode scannen").tap()

    page.get_by_text("Abholcode stimmt").wait_for()
    assert "Jonas Petersen" in page.locator(".hero").inner_text()
    assert loaded(page) == list(PONYFILL)
    assert all(url.startswith(server.url) for url in page.loaded)
