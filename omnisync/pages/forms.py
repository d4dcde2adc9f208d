"""What all pages share: the headers of every answer, the fields of a form, and where an answer may lead."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
CAMERA = SECURITY | {"Permissions-Policy": "camera=(self), microphone=(), geolocation=()"}
"""For the pages that scan."""
PAGES = ("/staff", "/ops")
"""Where a login leads: to one of these, or below it."""


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, the last value of each."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}


def own_page(wanted: str, default: str = PAGES[0]) -> str:
    """That page, if it is one of ours; nobody is led to another site."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return default
    ours = any(parts.path == page or parts.path.startswith(f"{page}/") for page in PAGES)
    return wanted if ours and not parts.scheme and not parts.netloc and wanted.isprintable() else default


def proved(page: str, form: Mapping[str, str]) -> str:
    """The page again, with the note that its code was right if the form carried one: nobody asks a customer twice."""
    voucher = form.get("voucher", "")
    return f"{page}?{urlencode({'proof': voucher})}" if voucher else page


def to(path: str, **query: str) -> Response:
    """Go there; what is empty is not said."""
    said = {name: value for name, value in query.items() if value}
    mark = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{mark}{urlencode(said)}" if said else path, status_code=303, headers=SECURITY)
