"""Which language a reader gets, and the switch that stands on each page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from omnisync.pages import words
from omnisync.pages.words import LANGUAGES, Words
from omnisync.routes import pages

COOKIE = "omnisync_language"
LASTS_SECONDS = 365 * 24 * 60 * 60


def of(request: Request) -> Words:
    """The reader's words: as chosen by the switch, else as the browser asks, else German."""
    chosen, accepted = request.cookies.get(COOKIE, ""), request.headers.get("accept-language", "")
    return words.speaking(words.negotiated(chosen, accepted))


def routes() -> APIRouter:
    """The switch."""
    api = pages()
    api.add_api_route("/language", choose, methods=["POST"])
    return api


async def choose(request: Request) -> Response:
    """Keep the language that was pressed and go back to where the switch stood."""
    fields = parse_qs((await request.body()).decode("utf-8", "replace"))
    chosen = fields.get("language", [""])[0]
    answer = RedirectResponse(_back(request), status_code=303)
    if chosen in LANGUAGES:
        answer.set_cookie(
            COOKIE, chosen, max_age=LASTS_SECONDS, httponly=True, samesite="lax", secure=request.url.scheme == "https"
        )
    return answer


def _back(request: Request) -> str:
    """The page it was pressed on, of this site only."""
    page = urlsplit(request.headers.get("referer", ""))
    if page.netloc != request.headers.get("host") or not page.path.startswith("/") or page.path.startswith("//"):
        return "/"
    return f"{page.path}?{page.query}" if page.query else page.path
