"""The scan button in a real Chromium: with a camera that plays a code, without one, and with the browser's own detector."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests import npm
from tests.browser import films, vendored
from tests.browser.day import BARCODES, PASSWORD
from tests.browser.looks import faint_texts, small_targets, unnamed_controls
from tests.pages.test_staff_browser import SCAN

pytestmark = pytest.mark.browser
KEYS = itertools.count(1)
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
    """A pickup of its own."""
    body = {
        "location": "linden",
        "paid": True,
        "customer": {"name": "Rosa Winter", "email": "rosa@example.org"},
        "lines": [{"sku": sku, "quantity": pieces}],
    }
    return server.call("POST", "/v1/pickups", body, key=f"{sku} {next(KEYS)}")["id"]


def can_be_used(page):
    """The scanner, or the page below where it is closed."""
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert unnamed_controls(page) == []
    assert faint_texts(page) == []
    page.evaluate(
        "document.querySelector('dialog[open]') && document.querySelector('.app')?.setAttribute('hidden', '')"
    )
    assert [one for one in small_targets(page, at_least=44) if "plain-link" not in one] == []
    page.evaluate("document.querySelector('.app')?.removeAttribute('hidden')")


def test_the_camera_reads_a_customers_code_and_the_scanner_is_loaded_only_then(seeing, server):
    page = log_in(seeing(films.qr(server.codes["Jonas Petersen"])), server.url)
    page.wait_for_load_state("networkidle")
    assert loaded(page) == []

    page.get_by_role("button", name="Abholcode scannen").tap()

    page.get_by_text("Abholcode stimmt").wait_for()
    assert "Jonas Petersen" in page.locator(".hero").inner_text()
    assert loaded(page) == list(PONYFILL)
    assert all(url.startswith(server.url) for url in page.loaded)


def test_every_piece_is_picked_by_its_barcode_without_leaving_the_camera(seeing, server):
    pickup = placed(server, "SNEAKER-KIEL-42", pieces=2)
    bars = films.ean13(BARCODES["SNEAKER-KIEL-42"])
    page = log_in(seeing(*[films.nothing()] * 2, *[bars] * 2), server.url)
    page.goto(f"{server.url}/staff/pickups/{pickup}")
    page.get_by_role("button", name="Annehmen").tap()

    page.get_by_role("button", name="Artikel scannen").tap()

    page.get_by_text("In der Tüte: 2 × Sneaker Kiel").wait_for()
    page.get_by_role("dialog").wait_for(state="hidden")
    assert page.locator(".tick.on").count() == 1
    assert page.evaluate("[...document.querySelectorAll('video')].every((one) => !one.srcObject?.active)")
    can_be_used(page)


def test_what_does_not_belong_to_the_pickup_is_said_over_the_camera(seeing, server):
    pickup = placed(server, "KERZE-HIDDENSEE")
    page = log_in(seeing(films.ean13(BARCODES["SNEAKER-KIEL-42"])), server.url)
    page.goto(f"{server.url}/staff/pickups/{pickup}")
    page.get_by_role("button", name="Annehmen").tap()

    page.get_by_role("button", name="Artikel scannen").tap()

    scanner = page.get_by_role("dialog")
    scanner.get_by_text("Dieser Artikel gehört nicht zu dieser Abholung.").wait_for()
    page.keyboard.press("Escape")
    scanner.wait_for(state="hidden")
    assert page.get_by_role("heading", name="Packen").is_visible()


def test_the_list_finds_pickups_by_an_article_and_one_by_its_number(seeing, server):
    ours = [placed(server, "SNEAKER-KIEL-42") for _ in range(2)]
    page = log_in(seeing(films.ean13(BARCODES["SNEAKER-KIEL-42"])), server.url)

    page.get_by_role("button", name="Abholcode scannen").tap()
    page.locator("h2", has_text="Gefunden").wait_for()
    assert all(page.locator(f"a.card[href$='{one}']").is_visible() for one in ours)

    number = server.call("GET", f"/v1/pickups/{ours[0]}")["number"]
    page.get_by_role("link", name="Abholcode eingeben").tap()
    page.get_by_label("Code des Kunden").fill(number.lower())
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/staff/pickups/{ours[0]}")


def test_a_wrong_code_is_said_and_the_scan_button_is_still_there(seeing, server):
    page = log_in(seeing(films.qr("https://shop.example/pickup?code=ZZZZ-ZZZZ")), server.url)

    page.get_by_role("button", name="Abholcode scannen").tap()

    page.get_by_text("Dieser Code gehört zu keiner Abholung").wait_for()
    assert page.get_by_role("button", name="Abholcode scannen").is_visible()


def test_keys_type_the_code_by_touch_also_on_the_smallest_phone(begun, server):
    page = log_in(begun(*FAKE, size=SMALLEST), server.url)

    page.get_by_role("link", name="Abholcode eingeben").tap()
    can_be_used(page)
    for key in server.codes["Jonas Petersen"].replace("-", "") + "0":
        page.get_by_role("button", name=key, exact=True).tap()
    page.get_by_label("Letztes Zeichen löschen").tap()
    page.get_by_role("button", name="Prüfen").tap()

    page.get_by_text("Abholcode stimmt").wait_for()
    can_be_used(page)


def test_a_page_without_https_says_so_and_offers_the_keys(begun, server):
    page = log_in(begun(*FAKE, *NOT_SAFE), server.url.replace("127.0.0.1", "desk.test"))
    assert not page.get_by_role("button", name="Abholcode scannen").is_visible()

    page.get_by_text("Die Kamera braucht https").click()

    scanner = page.get_by_role("dialog")
    scanner.get_by_text("Die Kamera braucht eine sichere Adresse (https).").wait_for()
    assert not scanner.get_by_role("button", name="Kamera").is_visible()
    can_be_used(page)
    scanner.get_by_label("Code des Kunden").fill(server.codes["Jonas Petersen"])
    page.keyboard.press("Enter")
    page.get_by_text("Abholcode stimmt").wait_for()


def test_a_machine_without_a_camera_says_so(begun, server):
    page = log_in(begun(), server.url)

    page.get_by_text("Hier ist keine Kamera").click()

    page.get_by_role("dialog").get_by_text("Hier ist keine Kamera. Hier eintippen").wait_for()


FAILS = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '%s'));"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NotAllowedError", "Der Browser erlaubt die Kamera nicht."),
        ("NotReadableError", "Ein anderes Programm benutzt die Kamera."),
        ("TypeError", "Die Kamera lässt sich hier nicht lesen."),
    ],
)
def test_a_camera_that_cannot_be_had_is_explained_and_the_keys_are_there(begun, server, name, said):
    page = begun(*FAKE)
    page.add_init_script(FAILS % name)
    log_in(page, server.url)

    page.get_by_role("button", name="Abholcode scannen").tap()

    page.get_by_text(said).wait_for()
    assert page.get_by_role("button", name="Prüfen").is_visible()
    can_be_used(page)
    assert page.get_by_role("dialog").get_by_role("button", name="Kamera").is_visible()


def test_a_refused_permission_leads_to_the_keys(begun, server):
    # Without --use-fake-ui nobody presses "allow", and a context without the permission refuses by itself.
    page = begun("--use-fake-device-for-media-stream", "--deny-permission-prompts")
    log_in(page, server.url)

    page.get_by_role("button", name="Abholcode scannen").tap()

    page.get_by_text("Der Browser erlaubt die Kamera nicht.").wait_for()


NATIVE = """
    window.BarcodeDetector = class {
        static getSupportedFormats() { return Promise.resolve(%s); }
        constructor({ formats }) { window.asked = formats; }
        detect() { return Promise.resolve([{ rawValue: "%s" }]); }
    };
"""


def test_a_browser_that_reads_codes_itself_loads_nothing(begun, server):
    page = begun(*FAKE)
    page.add_init_script(NATIVE % ('["qr_code", "ean_13", "aztec"]', server.codes["Jonas Petersen"]))
    log_in(page, server.url)

    page.get_by_role("button", name="Abholcode scannen").tap()

    page.get_by_text("Abholcode stimmt").wait_for()
    assert loaded(page) == []


def test_a_browser_whose_own_detector_reads_nothing_gets_ours(seeing, server):
    page = seeing(films.qr(server.codes["Jonas Petersen"]))
    page.add_init_script(NATIVE % ("[]", "ZZZZ-ZZZZ"))
    log_in(page, server.url)

    page.get_by_role("button", name="Abholcode scannen").tap()

    page.get_by_text("Abholcode stimmt").wait_for()
    assert loaded(page) == list(PONYFILL)


def test_a_scanner_that_does_not_load_leaves_the_keys_and_is_tried_again(seeing, server):
    page = seeing(films.qr(server.codes["Jonas Petersen"]))
    page.add_init_script("""
        const Real = Worker;
        window.Worker = class { constructor() { window.Worker = Real; setTimeout(() => this.onerror()); } postMessage() {} };
    """)
    log_in(page, server.url)
    page.get_by_role("button", name="Abholcode scannen").tap()
    page.get_by_text("Die Kamera lässt sich hier nicht lesen.").wait_for()

    page.get_by_role("dialog").get_by_role("button", name="Kamera").tap()

    page.get_by_text("Abholcode stimmt").wait_for()


LIGHT = """
    window.shone = [];
    MediaStreamTrack.prototype.getCapabilities = () => ({ torch: true });
    MediaStreamTrack.prototype.applyConstraints = (wanted) => { shone.push(wanted.advanced[0].torch); return Promise.resolve(); };
    window.shaken = [];
    Navigator.prototype.vibrate = (pattern) => { shaken.push(pattern); return true; };
"""


def test_a_phone_with_a_light_turns_it_on_and_off_and_trembles_at_a_find(seeing, server):
    pickup = placed(server, "KERZE-HIDDENSEE")
    page = seeing(*[films.nothing()] * 9, films.ean13("4006381333931"))
    page.add_init_script(LIGHT)
    log_in(page, server.url)
    page.goto(f"{server.url}/staff/pickups/{pickup}")
    page.get_by_role("button", name="Annehmen").tap()

    page.get_by_role("button", name="Artikel scannen").tap()
    light = page.get_by_role("button", name="Licht")
    light.tap()
    page.locator("[data-light][aria-pressed=true]").wait_for()
    can_be_used(page)
    light.tap()
    page.locator("[data-light][aria-pressed=false]").wait_for()
    assert page.evaluate("shone") == [True, False]

    page.get_by_role("dialog").get_by_text("gehört nicht zu dieser Abholung").wait_for()
    assert page.evaluate("shaken") == [60, [40, 60, 40]]


def test_a_closed_scanner_leaves_no_camera_on(seeing, server):
    page = log_in(seeing(films.nothing()), server.url)
    page.get_by_role("button", name="Abholcode scannen").tap()
    page.get_by_text("in den Rahmen halten").wait_for()
    tracks = page.evaluate("document.querySelector('video').srcObject.getTracks().map((one) => one.readyState)")

    page.get_by_role("button", name="Schließen").tap()

    assert tracks == ["live"]
    ended = "document.querySelector('video').srcObject.getTracks().map((one) => one.readyState)"
    assert page.evaluate(ended) == ["ended"]


def test_at_a_till_the_keyboard_opens_the_keys_types_and_leads_back(begun, server):
    page = log_in(begun(*FAKE, size={"width": 1366, "height": 768}), server.url)

    page.get_by_role("link", name="Abholcode eingeben").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    assert page.evaluate("(({ scrollHeight, clientHeight }) => scrollHeight <= clientHeight)(scanner)")
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.matches('[data-scan-type]')"), "the focus is back where it was"
    page.keyboard.press("Enter")
    page.locator("[name=typed]:focus").wait_for()
    page.keyboard.type(server.codes["Jonas Petersen"].lower(), delay=90)
    page.keyboard.press("Enter")

    page.get_by_text("Abholcode stimmt").wait_for()


def test_a_wedge_scanner_works_over_the_open_scanner_too(begun, server):
    pickup = placed(server, "KERZE-HIDDENSEE", pieces=2)
    page = log_in(begun(*FAKE), server.url)
    page.goto(f"{server.url}/staff/pickups/{pickup}")
    page.get_by_role("button", name="Annehmen").tap()
    page.get_by_role("button", name="Barcode eintippen").tap()
    page.locator("[name=typed]:focus").wait_for()

    page.evaluate(SCAN, BARCODES["KERZE-HIDDENSEE"])

    page.get_by_role("dialog").get_by_text("In der Tüte: 2 × Kerze Hiddensee").wait_for()
    assert page.get_by_label("Barcode des Artikels").input_value() == ""
    assert page.get_by_text("1/2").is_visible()


def test_what_is_vendored_is_what_npm_has():
    if lacking := npm.missing("barcode-detector", runs=False):
        pytest.skip(lacking)

    assert [path.name for path, content in vendored.originals() if path.read_bytes() != content] == []
