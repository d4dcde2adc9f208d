"""The letter with the pickup code as a mail program shows it: our own scanner reads the picture off that screen."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from omnisync.orders import mail_html

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
READ = """async (encoded) => {
  const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const pen = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const reader = new Worker("/static/scan-worker.js", { type: "module" });
  return new Promise((done, failed) => {
    reader.onerror = () => failed(new Error("no scanner"));
    reader.onmessage = ({ data }) => {
      if (data.ready) reader.postMessage({ picture: pen.getImageData(0, 0, bitmap.width, bitmap.height) });
      else done(data.codes ?? [data.broken]);
    };
    reader.postMessage({ formats: ["qr_code"] });
  });
}"""


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

    assert desk.evaluate(READ, base64.b64encode(shown).decode()) == [CODE]
