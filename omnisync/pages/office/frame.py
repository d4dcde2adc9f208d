"""What all pages of the office share: who looks, in which words, with which filters; a page, its file, and its buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment
from sqlmodel import Session

from omnisync.access import Access, Role
from omnisync.errors import Forbidden, NotFound, OmnisyncError, Refused
from omnisync.http import Services
from omnisync.pages import languages, ops_charts, words
from omnisync.pages.forms import SECURITY, form_of
from omnisync.pages.logins import Login, Logins, check_token
from omnisync.pages.office import menu, says, sheet, steps
from omnisync.pages.office.sheet import Sheet
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import Words
from omnisync.sync.context import Context
from omnisync.values import Money
from omnisync.writer import Batches

SHOWN, EXPORTED = 50, 10_000
"""Rows of a table on a page, and in its file."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at a page."""

    say: Words
    login: Login
    asker: Access
    path: str
    query: Mapping[str, str]
    now: datetime
    zone: ZoneInfo

    def get(self, name: str, default: str = "") -> str:
        """A filter as the URL says it."""
        return self.query.get(name, default).strip()

    @property
    def rows(self) -> int:
        """How many rows of a table are wanted."""
        return EXPORTED if self.get("csv") else SHOWN

    def url(self, **changes: object) -> str:
        """This page with some filters changed; an empty one is dropped."""
        query = {name: value for name, value in self.query.items() if name != "m"}
        query |= {name: str(value) for name, value in changes.items()}
        kept = {name: value for name, value in query.items() if value}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def may(self, role: str) -> bool:
        """Whether the buttons of that role are theirs."""
        return self.asker.may(Role(role))

    def moment(self, name: str) -> datetime | None:
        """A moment as a field of a form says it, on the wall clock of the store; None where it makes no sense."""
        try:
            told = datetime.fromisoformat(self.get(name))
        except ValueError:
            return None
        return (told if told.tzinfo else told.replace(tzinfo=self.zone)).astimezone(UTC)

    def shown(self, value: Any) -> str:
        """A value of a table as this reader writes it."""
        if isinstance(value, bool):
            return self.say("yes") if value else self.say("no")
        if isinstance(value, int):
            return self.say.number(value)
        if isinstance(value, datetime):
            return self.say.when(value, self.now, self.zone)
        if isinstance(value, Money):
            return self.say.money(value.minor, value.currency)
        return "" if value is None else str(value)


Read = Callable[[Session, Context, Visit], Any]
"""What a page shows; its attribute `sheets` are its tables."""


@dataclass(frozen=True)
class Office:
    """Serves the pages over these services."""

    services: Services
    context: Context
    api: APIRouter

    def page(self, path: str, template: str, read: Read, *, role: Role = Role.VIEWER, tries: bool = False) -> None:
        """A page; with `?csv=NAME` one of its tables as a file. One that `tries` something and takes it back may write."""

        async def show(request: Request) -> Response:
            return await self._show(
                request, template, read, role, self.services.write if tries else self.services.report
            )

        self.api.add_api_route(path, show, methods=["GET"])

    async def visit(self, request: Request) -> Visit | None:
        """Who looks, as the account stands now; a disabled one is out at once."""
        login = await Logins(self.services).find(request)
        if login is None:
            return None
        query = {name: value for name, value in request.query_params.items() if "\x00" not in value}
        path = request.url.path
        return Visit(
            languages.of(request),
            login,
            login.access,
            path,
            query,
            self.services.clock.now(),
            says.zone_of(self.context),
        )

    def ask_login(self, request: Request, back: str = "/ops") -> Response:
        """To the login, and from there to this page, with its filters."""
        return Logins(self.services).ask(request, back)

    async def press(self, request: Request, thing: str, name: str, step: str) -> Response:
        """A button. Pressed by two people it has one effect, and the second is told."""
        do = steps.STEPS.get((thing, step))

        async def work(form: Mapping[str, str], visit: Visit) -> str:
            if do is None:
                raise NotFound(f"There is no step {step!r} of {thing!r}.")
            if not visit.asker.may(do.role):
                raise Forbidden("This account may not do this.")
            press = steps.Press(name, form, visit.asker, visit.now)
            outcome = await self.services.write.run(
                lambda session: steps.carry_out(session, self.context, (thing, step), press)
            )
            self.services.changed()
            return outcome

        return await self.answer(request, work)

    async def answer(self, request: Request, work: Callable[[Mapping[str, str], Visit], Any]) -> Response:
        """Do what a form asks for and go back to the page it stood on, with one word about how it went."""
        visit, form = await self.visit(request), await form_of(request)
        if visit is None:
            return self.ask_login(request, _back(form))
        try:
            check_token(form, visit.login)
            code = await work(form, visit) or "done"
        except OmnisyncError as error:
            code = error.code if isinstance(error, Refused) else "try-later"
        return to(_back(form), m=code)

    async def _show(self, request: Request, template: str, read: Read, role: Role, door: Batches) -> Response:
        visit = await self.visit(request)
        if visit is None:
            return self.ask_login(request)
        if not visit.asker.may(role):
            return render(visit, "forbidden.html", 403)
        try:
            view, counts = await door.run(lambda session: self._read(session, read, visit))
        except Refused as refused:
            is_missing = isinstance(refused, NotFound)
            detail = said(str(refused), visit.say) if is_missing else ""
            status = 404 if is_missing else 422
            return render(visit, "missing.html", status, code=refused.code, detail=detail, counts=menu.NOTHING)
        if name := visit.get("csv"):
            return file_of(next((one for one in view.sheets if one.name == name), None), visit)
        if go := getattr(view, "go", ""):
            return to(go)
        return render(visit, template, view=view, counts=counts)

    def _read(self, session: Session, read: Read, visit: Visit) -> tuple[Any, menu.Counts]:
        return read(session, self.context, visit), menu.Counts.read(session)


def file_of(found: Sheet | None, visit: Visit) -> Response:
    """A table as a file; the page that says there is none where there is none."""
    if found is None:
        return render(visit, "missing.html", 404, code="not-found", detail="", counts=menu.NOTHING)
    headers = SECURITY | {"Content-Disposition": f'attachment; filename="omnisync-{found.name}.csv"'}
    # The mark at the beginning tells spreadsheets that it is UTF-8.
    return Response("\ufeff" + sheet.written(found, visit.say), media_type="text/csv; charset=utf-8", headers=headers)


def render(visit: Visit, name: str, status: int = 200, **values: Any) -> Response:
    """A page in the reader's language, for one visit."""
    page = templates(visit.say).get_template(f"ops/{name}").render(visit=visit, login=visit.login, **values)
    return HTMLResponse(page, status, headers=SECURITY)


@cache
def templates(say: Words) -> Environment:
    """The office's templates in one language."""
    found = words.environment(say)
    found.globals |= {"message": lambda code: say(says.MESSAGES.get(code, says.SOMETHING_WRONG)), "menu": menu.ENTRIES}
    found.globals |= {"is_good": says.GOOD.__contains__, "chart_size": (ops_charts.WIDTH, ops_charts.HEIGHT)}
    return found


def to(path: str, **query: str) -> Response:
    """Lead the browser on; what the path asks for already is kept."""
    joined = f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path
    return RedirectResponse(joined, status_code=303, headers=SECURITY)


def _back(form: Mapping[str, str]) -> str:
    """The page a form stood on: one of the office's, nothing else."""
    wanted = form.get("back", "")
    return wanted if wanted == "/ops" or wanted.startswith(("/ops/", "/ops?")) else "/ops"
