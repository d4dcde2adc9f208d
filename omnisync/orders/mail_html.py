"""A customer's letter as mail programs show it: its text, and the pickup code as a QR picture that travels within the mail."""

from __future__ import annotations

import io
from collections.abc import Iterator
from email.message import EmailMessage
from html import escape

import segno

PIXELS_PER_MODULE = 8
QUIET_MODULES = 4
"""Of white on each side, so that a code in a dark mail program can be read."""
LARGEST_PIXELS = 232
_FONT = "font-family:Inter,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_PAGE = f"margin:0;padding:24px 12px;background:#f5f5f2;color:#1d1d1b;{_FONT};font-size:16px;line-height:1.5"
_SHEET = "max-width:520px;margin:0 auto;padding:24px;background:#ffffff;border-radius:14px"
_BOX = "margin:20px 0;text-align:center"
_CODE = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:26px;font-weight:700;letter-spacing:2px;white-space:nowrap"


def picture(code: str) -> bytes:
    """The QR code that a store's scanner reads, as a PNG."""
    made = io.BytesIO()
    segno.make(code, error="m", micro=False).save(made, kind="png", scale=PIXELS_PER_MODULE, border=QUIET_MODULES)
    return made.getvalue()


def add(message: EmailMessage, text: str, code: str, *, name: str) -> None:
    """Beside the text of this mail, the same as a page with the picture in it: no other host is asked for anything.

    `name` is what the mail is called, unlike any other.
    """
    cid = f"qr.{name}"
    message.add_alternative(page(text, code, f"cid:{cid}"), subtype="html")
    *_, html = message.iter_parts()
    assert isinstance(html, EmailMessage)
    html.add_related(
        picture(code), "image", "png", cid=f"<{cid}>", filename="code.png", disposition="inline"
    )  # fmt: skip


def page(text: str, code: str, image: str) -> str:
    """The paragraphs of the text; where one names the code, the picture of it stands above. Tables and scripts are not needed."""
    blocks = "\n".join(_block(lines, code, image) for lines in _paragraphs(text))
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'</head>\n<body style="{_PAGE}">\n<div style="{_SHEET}">\n{blocks}\n</div>\n</body></html>\n'
    )


def _paragraphs(text: str) -> Iterator[list[str]]:
    for paragraph in text.strip("\n").split("\n\n"):
        yield [line for line in paragraph.split("\n") if line.strip()]


def _block(lines: list[str], code: str, image: str) -> str:
    if any(code in line for line in lines):
        return "\n".join(_with_code(line, code, image) if code in line else f"<p>{escape(line)}</p>" for line in lines)
    if all(line.startswith("  ") for line in lines):
        return "<ul>" + "".join(f"<li>{escape(line.strip())}</li>" for line in lines) + "</ul>"
    return f"<p>{'<br>'.join(escape(line) for line in lines)}</p>"


def _with_code(line: str, code: str, image: str) -> str:
    """`Ihr Abholcode: K7Q4-X9RT`, with the picture between the words and the code."""
    words, _, _ = line.partition(code)
    size = f'width="{LARGEST_PIXELS}" height="{LARGEST_PIXELS}"'
    return (
        f'<div style="{_BOX}">{escape(words.strip())}<br>\n<img src="{image}" {size} alt="{escape(line)}" '
        f'style="display:inline-block;border:0"><br>\n<span style="{_CODE}">{escape(code)}</span></div>'
    )
