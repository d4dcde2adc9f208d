"""Codes that we draw: our own scanner reads them off the letter as a mail program shows it, and off the slip of a bag."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

import pytest

from omnisync.orders import mail_html
from tests.browser.every import log_in
from tests.browser.reading import codes_in
from tests.pages.test_staff_browser import SCAN

pytestmark = pytest.mark.browser
CODE = "K7Q4-X9RT"
TEXT = f"""Guten Tag Anna Schubert,

Ihre Bestellung liegt bei Filiale Lindenstraße für Sie bereit. Bitte holen Sie sie bis 25.11.2026 um 19:00 Uhr ab.

  1 x Jacke Nordwind
  2 x Mütze Winterhude

Ihr Abholcode: {CODE}
Bezahlt wird bei der Abholung.

Filiale Lindenstraße
"""


def keep(name, picture):
    """For people: OMNISYNC_PICTURES names a folder."""
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        (Path(folder) / f"{name}.png").write_bytes(picture)


@pytest.mark.parametrize(("width", "dark"), [(320, False), (390, True), (1366, False)])
def test_a_scanner_reads_the_code_off_the_customers_screen(open_page, server, width, dark):
    inline = f"data:image/png;base64,{base64.b64encode(mail_html.picture(CODE)).decode()}"
    mail = open_page(width, 844, dark=dark)
    mail.set_content(mail_html.page(TEXT, CODE, inline))
    assert mail.evaluate("document.documentElement.scrollWidth") <= width
    shown = mail.screenshot(full_page=True)
    keep(f"letter-{width}", shown)

    desk = open_page(width, 844)
    desk.goto(f"{server.url}/staff/login")

    assert codes_in(desk, shown) == [CODE]


@pytest.mark.parametrize("roll", ["80", "62"])
def test_a_scanner_reads_the_number_off_a_slip_and_finds_its_card(open_page, server, roll):
    page = log_in(open_page(390, 844), server, "kim", "/staff")
    page.goto(f"{server.url}/staff/print/slips?roll={roll}")
    slip = page.locator(".paper-slip", has_text="Jonas")
    number, shown = slip.locator(".code").inner_text(), slip.screenshot()
    keep(f"slip-{roll}", shown)

    [scanned] = codes_in(page, shown)
    page.goto(f"{server.url}/staff")
    page.evaluate(SCAN, scanned)

    assert scanned == number
    page.locator(".hero", has_text="Jonas Petersen").wait_for()
    assert number in page.locator(".hero").inner_text()


BROKEN = """() => [...document.querySelectorAll(".paper-slip p > b")].flatMap(({ firstChild: text }) => {
  const range = document.createRange();
  return [...text.data.matchAll(/[^\\s-]+-?/g)].map((word) => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length > 1 ? word[0] : "";
  }).filter(Boolean);
})"""
"""Words of the name that stand on two lines."""
OVERFLOWS = """() => {
  const paper = document.querySelector(".paper-slip").getBoundingClientRect();
  return [...document.querySelectorAll(".paper-slip b, .paper-slip strong, .paper-slip svg")].filter((one) => {
    const box = one.getBoundingClientRect();
    return box.left < paper.left || box.right > paper.right || box.top < paper.top || box.bottom > paper.bottom || one.scrollWidth > one.clientWidth + 1;
  }).map((one) => one.textContent);
}"""
"""What would be cut off."""
ON_THE_CODE = """() => {
  const code = document.querySelector(".paper-slip svg").getBoundingClientRect();
  return [...document.querySelectorAll(".paper-slip p b, .paper-slip p span, .paper-slip p strong")].flatMap((one) => {
    const range = document.createRange();
    range.selectNodeContents(one);
    const lies = (box) => box.left < code.right - 1 && box.right > code.left && box.top < code.bottom - 1 && box.bottom > code.top;
    return [...range.getClientRects()].some(lies) ? [one.textContent] : [];
  });
}"""
"""What is written over the code."""


@pytest.mark.parametrize("roll", ["80", "62"])
@pytest.mark.parametrize(
    "shelf", ["12", "Kühlraum links 3", "Wareneingangspufferlager", "Schwerlastregal/Palettenplatz-0815-B"]
)
@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Anna Schubert", "Anna S."), ("Maximilian Wolkenstein", "Maximilian W."), ("Konstantinopoulos", "Konstantinopoulos"),
        ("Prof. Dr. Bartholomäus-Maria Königsberger", "Bartholomäus-Maria K."), ("Frau Wolfeschlegelsteinhausenberg", "Wolfeschlegelsteinhausenberg"),
    ],
)  # fmt: skip
def test_no_word_of_a_name_is_broken_on_a_slip(open_page, server, roll, shelf, name, called):
    key = uuid.uuid4().hex
    body = {
        "location": "linden", "paid": True, "customer": {"name": name},
        "lines": [{"sku": "MUETZE-WINTERHUDE", "quantity": 1}],
    }  # fmt: skip
    came = {"key": key, "kind": "received", "sku": "MUETZE-WINTERHUDE", "location": "linden", "quantity": 1}
    server.call("POST", "/v1/stock/movements", {"movements": [came]}, key=f"{key}/came")
    made = server.call("POST", "/v1/pickups", body, key=key)
    server.call("POST", f"/v1/pickups/{made['id']}/ready", {"shelf": shelf}, key=f"{key}-ready")
    page = log_in(open_page(390, 844), server, "kim", "/staff")

    page.goto(f"{server.url}/staff/pickups/{made['id']}/slip?roll={roll}")
    page.evaluate("document.fonts.ready.then(() => undefined)")
    slip = page.locator(".paper-slip")
    shown = slip.screenshot()
    keep(f"slip-{roll}-{shelf[:2]}-{called[:6]}", shown)

    assert called in slip.inner_text().replace("\u00a0", " ")
    assert (page.evaluate(BROKEN), page.evaluate(OVERFLOWS), page.evaluate(ON_THE_CODE)) == ([], [], [])
    assert codes_in(page, shown) == [made["number"]]
