"""The ops page: whether every channel shows the truth, why not, and what to press."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlmodel import Session

from omnisync import access
from omnisync.access import Access, Role
from omnisync.errors import Forbidden, NotFound, OmnisyncError, Refused
from omnisync.http import Services
from omnisync.pages import ops_charts, ops_lists, ops_switches, ops_view, ops_words
from omnisync.pages.logins import Login, Logins, check_token
from omnisync.pages.ops_switches import Switches
from omnisync.pages.ops_view import DEFAULT_RANGE, RANGES, Board
from omnisync.pages.staff import SECURITY, form_of
from omnisync.stock import shortages
from omnisync.sync import behind, cases, deadletters, health, mappings, replay
from omnisync.sync.context import Context

FRESH_SECONDS = 1.0
"""However many screens are open, the numbers are read this often at most."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed: what for, by whom, with which fields."""

    name: str
    form: Mapping[str, str]
    by: Access
    now: datetime


Step = Callable[[Session, Context, Press], Any]


def routes(services: Services, context: Context, switches: Switches | None = None) -> APIRouter:
    """The ops page over these services; `switches` are the demo's, where there is one."""
    page = _Page(services, context, switches)
    api = APIRouter(include_in_schema=False)
    api.add_api_route("/", _home, methods=["GET"])
    api.add_api_route("/ops", page.show, methods=["GET"])
    api.add_api_route("/ops/switches", page.switch, methods=["POST"])
    api.add_api_route("/ops/{thing}/{name}/{step}", page.press, methods=["POST"])
    return api


async def _home() -> Response:
    """Who types the bare address gets to the page."""
    return _to("/ops")


class _Page:
    """The handlers of the ops page; each is one request."""

    def __init__(self, services: Services, context: Context, switches: Switches | None) -> None:
        self._services, self._context, self._switches = services, context, switches
        self._logins = Logins(services.secret)
        self._templates = _templates()
        self._read: dict[str, tuple[float, Board]] = {}

    async def show(self, request: Request) -> Response:
        """The page; its script asks for it again every other second and puts in what changed."""
        found = await self._who(request)
        if found is None:
            return _to("/staff/login", next="/ops")
        login, asker = found
        if not asker.may(Role.OPS):
            return self._render("forbidden.html", 403)
        board = await self._board(_range(request))
        demo = await ops_switches.look(self._switches)
        problem = request.query_params.get("m", "")
        return self._render("page.html", board=board, login=login, demo=demo, problem=problem)

    async def press(self, request: Request, thing: str, name: str, step: str) -> Response:
        """A button. Pressed by two people it has one effect, and the second is told."""

        async def work(form: Mapping[str, str], asker: Access) -> None:
            do = STEPS.get((thing, step))
            if do is None:
                raise NotFound(f"There is no step {step!r} of {thing!r}.")
            press = Press(name, form, asker, self._services.clock.now())
            await self._services.write.run(lambda session: do(session, self._context, press))
            self._services.changed()

        return await self._answer(request, work)

    async def switch(self, request: Request) -> Response:
        """Break or mend a simulated channel of the demo."""

        async def work(form: Mapping[str, str], asker: Access) -> None:
            if self._switches is None:
                raise NotFound("There is no demo here.")
            await self._switches.turn(form.get("channel", ""), form.get("fault", ""), form.get("on") == "1")

        return await self._answer(request, work)

    async def _answer(self, request: Request, work: Callable[[Mapping[str, str], Access], Any]) -> Response:
        found = await self._who(request)
        if found is None:
            return _to("/staff/login", next="/ops")
        login, asker = found
        code = "done"
        try:
            form = await form_of(request)
            check_token(form, login)
            if not asker.may(Role.OPS):
                raise Forbidden("This account may not do this.")
            await work(form, asker)
        except OmnisyncError as error:
            code = error.code if isinstance(error, Refused) else "try-later"
        self._read.clear()
        return _to("/ops", range=_range(request), m=code)

    async def _who(self, request: Request) -> tuple[Login, Access] | None:
        """Who asks, as the account stands now; a disabled one is out at once."""
        login = self._logins.of(request)
        if login is None:
            return None
        found = await self._services.read.run(lambda session: access.find_user(session, login.user))
        return None if found is None else (login, found)

    async def _board(self, name: str) -> Board:
        at = self._services.clock.monotonic()
        read_at, board = self._read.get(name, (float("-inf"), None))
        if board is None or at - read_at >= FRESH_SECONDS:
            now = self._services.clock.now()
            board = await self._services.report.run(lambda session: ops_view.board(session, self._context, name, now))
            self._read[name] = at, board
        return board

    def _render(self, name: str, status: int = 200, **values: Any) -> Response:
        page = self._templates.get_template(f"ops/{name}").render(**values)
        return HTMLResponse(page, status, headers=SECURITY)


@cache
def _templates() -> Environment:
    found = Environment(loader=PackageLoader("omnisync.pages"), autoescape=True, undefined=StrictUndefined)
    found.globals["message"] = lambda code: ops_words.MESSAGES.get(code, ops_words.SOMETHING_WRONG)
    found.globals["is_good"] = ops_words.GOOD.__contains__
    found.globals["ranges"] = {name: words for name, (words, _, _) in RANGES.items()}
    found.globals["chart_size"] = (ops_charts.WIDTH, ops_charts.HEIGHT)
    found.globals["faults"] = ops_words.FAULTS
    return found


def _range(request: Request) -> str:
    asked = request.query_params.get("range", DEFAULT_RANGE)
    return asked if asked in RANGES else DEFAULT_RANGE


def _to(path: str, **query: str) -> Response:
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303, headers=SECURITY)


# ---------------------------------------------------------------- what the buttons do


def _pause(session: Session, context: Context, press: Press) -> None:
    health.pause(session, context.channel(press.name).name, now=press.now)


def _resume(session: Session, context: Context, press: Press) -> None:
    health.resume(session, context.channel(press.name).name, now=press.now)


def _sync(session: Session, context: Context, press: Press) -> None:
    behind.compare_all(session, context.channel(press.name), now=press.now)


def _sync_all(session: Session, context: Context, press: Press) -> None:
    for channel in context.channels.values():
        behind.compare_all(session, channel, now=press.now)


def _replay(session: Session, context: Context, press: Press) -> None:
    replay.replay(session, context, press.name, now=press.now)


def _replay_all(session: Session, context: Context, press: Press) -> None:
    """Those the page showed; one that another one mended is closed by then."""
    for letter in deadletters.list_open(session, limit=ops_lists.LISTED_AT_MOST):
        if letter.closed_at is None:
            replay.replay(session, context, letter.id, now=press.now)


def _discard(session: Session, context: Context, press: Press) -> None:
    replay.discard(session, press.name, now=press.now)


def _map(session: Session, context: Context, press: Press) -> None:
    letter = deadletters.find(session, press.name)
    wanted = {press.form.get("external_id", ""): press.form.get("sku", "").strip()}
    mappings.put(session, context, context.channel(letter.channel), wanted, now=press.now)


def _apply(session: Session, context: Context, press: Press) -> None:
    cases.apply(session, press.name, by=press.by.name, now=press.now)


def _dismiss(session: Session, context: Context, press: Press) -> None:
    cases.dismiss(session, press.name, by=press.by.name, now=press.now)


def _accept(session: Session, context: Context, press: Press) -> None:
    if not press.name.isdecimal():
        raise NotFound(f"There is no shortage {press.name!r}.")
    shortages.accept(session, int(press.name), by=press.by.name, now=press.now)


STEPS: Mapping[tuple[str, str], Step] = {
    ("channels", "pause"): _pause,
    ("channels", "resume"): _resume,
    ("channels", "sync"): _sync,
    ("all", "sync"): _sync_all,
    ("all", "replay"): _replay_all,
    ("letters", "replay"): _replay,
    ("letters", "discard"): _discard,
    ("letters", "map"): _map,
    ("cases", "apply"): _apply,
    ("cases", "dismiss"): _dismiss,
    ("shortages", "accept"): _accept,
}
