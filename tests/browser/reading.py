"""Reads codes off a screen, with the scanner that the desk brings along."""

from __future__ import annotations

import base64
from typing import Any

_READ = """async (encoded) => {
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


def codes_in(page: Any, picture: bytes) -> list[str]:
    """The codes in this picture (PNG), read by a page of the desk."""
    found: list[str] = page.evaluate(_READ, base64.b64encode(picture).decode())
    return sorted(found)
