"""The pickup list of one store, on a phone: pack, put aside, hand over, report what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlmodel import Session

from omnisync import access
from omnisync.access import Access, Role
from omnisync.errors import Conflict, InvalidRequest, OmnisyncError, Refused
from omnisync.http import Services
from omnisync.orders import handing, picking, pickup, sending, transfer, tries
from omnisync.orders.handing import ByCode, Reason, WithoutCode, WrongCode
from omnisync.orders.picking import Rejected, Why
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.pickup_api import desk_for
from omnisync.orders.states import State
from omnisync.orders.tables import Pickup
from omnisync.pages import staff_view
from omnisync.pages.logins import Login, Logins, Vouchers, check_token
from omnisync.settings import LocationSettings

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
MESSAGES = {
    "wrong-code": "Dieser Code gehört zu keiner Abholung in dieser Filiale.",
    "too-many-tries": "Zu viele falsche Codes. Bitte etwas warten oder nach Name und Nummer fragen.",
    "wrong-state": "Diese Abholung wurde inzwischen geändert.",
    "out-of-stock": "Die andere Filiale hat nicht mehr genug davon.",
    "reservation-taken": "Die Reservierung dieser Abholung wurde anderswo beendet. Bitte das Büro fragen.",
    "forbidden": "Diese Abholung gehört zu einer anderen Filiale.",
    "foreign-form": "Die Seite war veraltet. Bitte noch einmal versuchen.",
    "not-found": "Diese Abholung gibt es nicht.",
    "already-done": "Das ist schon erledigt.",
    "invalid-request": "Bitte die Angaben prüfen.",
    "no-login": "Name oder Passwort stimmt nicht.",
    "done": "Gespeichert.",
    "handed-over": "Übergeben.",
}
GOOD = {"done", "handed-over"}
PAGES = ("/staff", "/ops")
"""Where a login leads."""
SOMETHING_WRONG = "Das hat nicht geklappt. Bitte noch einmal versuchen."

Work = Callable[[Session, Mapping[str, str], Actor], Any]


@cache
def templates() -> Environment:
    """The pages' templates; everything in them is escaped."""
    found = Environment(loader=PackageLoader("omnisync.pages"), autoescape=True, undefined=StrictUndefined)
    found.globals["message"] = lambda code: MESSAGES.get(code, SOMETHING_WRONG)
    found.globals["is_good"] = GOOD.__contains__
    found.globals["tabs"] = {name: title for name, (title, _) in staff_view.TABS.items()}
    return found


def routes(services: Services) -> APIRouter:
    """The staff pages over these services."""
    page = _Page(services)
    api = APIRouter(prefix="/staff", include_in_schema=False)
    api.add_api_route("", page.list, methods=["GET"])
    api.add_api_route("/login", page.ask_login, methods=["GET"])
    api.add_api_route("/login", page.login, methods=["POST"])
    api.add_api_route("/logout", page.logout, methods=["POST"])
    api.add_api_route("/code", page.ask_code, methods=["GET"])
    api.add_api_route("/code", page.look_up, methods=["POST"])
    api.add_api_route("/pickups/{pickup_id}", page.show, methods=["GET"])
    api.add_api_route("/pickups/{pickup_id}/{step}", page.step, methods=["POST"])
    api.add_api_route("/tasks/{task_id}/done", page.finish_task, methods=["POST"])
    return api


class _Page:
    """The handlers of the staff pages; each is one request."""

    def __init__(self, services: Services) -> None:
        self._services, self._desk = services, desk_for(services)
        self._logins, self._vouchers = Logins(services.secret), Vouchers(services.secret)
        self._templates = templates()
        self._steps = _steps(self._desk, services, self._vouchers)

    # ------------------------------------------------------------ login

    async def ask_login(self, request: Request) -> Response:
        query = request.query_params
        return self._render("login.html", problem=query.get("m", ""), next=_next(query))

    async def login(self, request: Request) -> Response:
        """Name and password; wrong ones are counted by name and by where they come from."""
        form = await form_of(request)
        name, now = form.get("name", ""), self._services.clock.now()
        who = {"device": f"login:{name[:64]}", "store": f"login:{request.client.host if request.client else ''}"}
        try:
            await self._services.write.run(lambda session: tries.charge(session, who, now=now))
        except Refused as refused:
            return _login_again(refused.code, form)
        found = await self._services.read.run(
            lambda session: access.check_login(session, name, form.get("password", ""))
        )
        store = self._first_store(found) if found and found.may(Role.STAFF) else None
        if found is None or store is None:
            return _login_again("no-login", form)
        await self._services.write.run(lambda session: tries.forgive(session, who))
        response = _to(_next(form))
        new = self._services.ids.new
        self._logins.begin(response, request, Login(found.name, new(), new(), store))
        return response

    async def logout(self, request: Request) -> Response:
        response = _to("/staff/login")
        login = self._logins.of(request)
        if login is not None:
            check_token(await form_of(request), login)
            self._logins.end(response)
        return response

    def _first_store(self, found: Access) -> str | None:
        """Where they work; for the office the first one, and none where no store hands anything out."""
        return found.location or next(iter(self._desk.places()), "" if found.may(Role.OPS) else None)

    async def _who(self, request: Request) -> tuple[Login, Actor] | None:
        """Who asks, as the account stands now; a disabled one is out at once, and office people see the store they chose."""
        login = self._logins.of(request)
        if login is None:
            return None
        found = await self._services.read.run(lambda session: access.find_user(session, login.user))
        if found is None or not found.may(Role.STAFF):
            return None
        chosen = request.query_params.get("store", login.store)
        store = found.location or (chosen if chosen in self._desk.places() else login.store)
        if store not in self._desk.places():
            return None
        return Login(login.user, login.device, login.token, store), Actor(found.name, store)

    # ------------------------------------------------------------ reading

    async def list(self, request: Request) -> Response:
        """The list; asked for by the page's script every few seconds, only its middle is sent."""
        who = await self._who(request)
        if who is None:
            return _to("/staff/login")
        login, actor = who
        tab = request.query_params.get("tab", "packen")
        tab = tab if tab in staff_view.TABS else "packen"
        location, now = self._location(actor), self._services.clock.now()
        places = self._services.settings.locations
        screen = await self._services.read.run(lambda session: staff_view.screen(session, location, places, tab, now))
        template = "list_live.html" if "live" in request.query_params else "list.html"
        return self._render(
            template,
            login=login,
            location=location,
            screen=screen,
            stores=self._stores(login),
            problem=request.query_params.get("m", ""),
        )

    async def show(self, request: Request, pickup_id: str) -> Response:
        """One pickup: to pack, to hand over, or as it ended."""
        who = await self._who(request)
        if who is None:
            return _to("/staff/login")
        login, actor = who
        try:
            found = await self._services.read.run(lambda session: self._card(session, pickup_id, actor))
        except Refused as refused:
            return _to("/staff", m=refused.code)
        return self._pickup_page(login, actor, found, problem=request.query_params.get("m", ""))

    async def ask_code(self, request: Request) -> Response:
        who = await self._who(request)
        if who is None:
            return _to("/staff/login")
        return self._render("code.html", login=who[0], problem=request.query_params.get("m", ""))

    async def look_up(self, request: Request) -> Response:
        """A code somebody shows: the pickup it opens, with a note to ourselves that it was right."""
        who = await self._who(request)
        if who is None:
            return _to("/staff/login")
        login, actor = who
        form = await form_of(request)
        try:
            check_token(form, login)
            found = await self._guess(login, actor, lambda session: self._by_code(session, form.get("code", ""), actor))
        except Refused as refused:
            return _to("/staff/code", m=refused.code)
        return self._pickup_page(login, actor, found, voucher=self._vouchers.write(found.id, login))

    async def _guess(self, login: Login, actor: Actor, read: Callable[[Session], staff_view.Card]) -> staff_view.Card:
        who = {"device": login.device, "store": actor.location or ""}
        now = self._services.clock.now()
        await self._services.write.run(lambda session: tries.charge(session, who, now=now))
        found = await self._services.read.run(read)
        await self._services.write.run(lambda session: tries.forgive(session, who))
        return found

    def _by_code(self, session: Session, code: str, actor: Actor) -> staff_view.Card:
        return self._shown(session, handing.lookup(session, self._desk, code, actor=actor), actor)

    def _card(self, session: Session, pickup_id: str, actor: Actor) -> staff_view.Card:
        return self._shown(session, pickup.load(session, pickup_id, actor), actor)

    def _shown(self, session: Session, found: Pickup, actor: Actor) -> staff_view.Card:
        places, now = self._services.settings.locations, self._services.clock.now()
        [card] = staff_view.cards(session, [found], self._location(actor), places, now)
        return card

    # ------------------------------------------------------------ changing

    async def step(self, request: Request, pickup_id: str, step: str) -> Response:
        """A button of a pickup. Pressed twice, or on a page that is out of date, it says so and does nothing."""
        who = await self._who(request)
        if who is None:
            return _to("/staff/login")
        login, actor = who
        form = await form_of(request)
        work = self._steps.get(step)
        try:
            check_token(form, login)
            if work is None:
                raise InvalidRequest.of("step", f"There is no step {step!r}.")
            await self._services.write.run(lambda session: work(session, pickup_id, form, login, actor))
        except OmnisyncError as error:
            code = error.code if isinstance(error, Refused) else "try-later"
            return _to(f"/staff/pickups/{pickup_id}" if code != "forbidden" else "/staff", m=code)
        self._services.changed()
        return _AFTER.get(step, _stay)(pickup_id)

    async def finish_task(self, request: Request, task_id: str) -> Response:
        who = await self._who(request)
        if who is None:
            return _to("/staff/login")
        login, actor = who
        form, now = await form_of(request), self._services.clock.now()
        try:
            check_token(form, login)
            await self._services.write.run(
                lambda session: sending.finish(session, self._desk, task_id, actor=actor, now=now)
            )
        except Refused as refused:
            return _to("/staff", m=refused.code)
        return _to("/staff", m="done")

    # ------------------------------------------------------------ answering

    def _location(self, actor: Actor) -> LocationSettings:
        return self._services.settings.location(actor.location or "")

    def _stores(self, login: Login) -> Sequence[LocationSettings]:
        return [one for one in self._services.settings.locations if one.pickup != "off"]

    def _pickup_page(
        self, login: Login, actor: Actor, card: staff_view.Card, *, voucher: str = "", problem: str = ""
    ) -> Response:
        name = {State.PLACED: "pack.html", State.PICKING: "pack.html", State.READY: "hand_over.html"}
        template = name.get(State(card.state), "ended.html")
        return self._render(
            template, login=login, location=self._location(actor), card=card, voucher=voucher, problem=problem
        )

    def _render(self, name: str, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(f"staff/{name}").render(**values), headers=SECURITY)


# ---------------------------------------------------------------- the steps behind the buttons

Step = Callable[[Session, str, Mapping[str, str], Login, Actor], Any]


def _steps(desk: Desk, services: Services, vouchers: Vouchers) -> Mapping[str, Step]:
    """What each button does, in the transaction of its request."""

    def pick(session: Session, pickup_id: str, form: Mapping[str, str], login: Login, actor: Actor) -> Any:
        _same(session, pickup_id, form, actor)
        return picking.pick(session, desk, pickup_id, actor=actor, now=services.clock.now())

    def ready(session: Session, pickup_id: str, form: Mapping[str, str], login: Login, actor: Actor) -> Any:
        _same(session, pickup_id, form, actor)
        shelf = form.get("shelf", "").strip()[:40]
        if not shelf:
            raise InvalidRequest.of("shelf", "Name the shelf.")
        return picking.ready(session, desk, pickup_id, shelf, actor=actor, now=services.clock.now())

    def collect(session: Session, pickup_id: str, form: Mapping[str, str], login: Login, actor: Actor) -> Any:
        _same(session, pickup_id, form, actor)
        proof = _proof(desk, vouchers, pickup_id, form, login)
        rest: handing.Rest = "release" if form.get("rest") == "release" else "keep"
        part, now = _numbers(form, "take."), services.clock.now()
        return handing.collect(session, desk, pickup_id, proof, actor=actor, now=now, part=part, rest=rest)

    def reject(session: Session, pickup_id: str, form: Mapping[str, str], login: Login, actor: Actor) -> Any:
        _same(session, pickup_id, form, actor)
        rejected = [Rejected(form.get("sku", ""), _number(form.get("quantity", "1")), _why(form))]
        return picking.reject(session, desk, pickup_id, rejected, actor=actor, now=services.clock.now())

    def bring(session: Session, pickup_id: str, form: Mapping[str, str], login: Login, actor: Actor) -> Any:
        _same(session, pickup_id, form, actor)
        location, now = form.get("location", ""), services.clock.now()
        return transfer.transfer(session, desk, pickup_id, location, "goods_come", actor=actor, now=now)

    return {"pick": pick, "ready": ready, "collect": collect, "reject": reject, "bring": bring}


def _same(session: Session, pickup_id: str, form: Mapping[str, str], actor: Actor) -> None:
    """The pickup is still as the page showed it: a button pressed twice has one effect."""
    found = pickup.load(session, pickup_id, actor, lock=True)
    if str(found.version) != form.get("version"):
        raise Conflict("This pickup has changed since the page was shown.", state=found.state)


def _proof(
    desk: Desk, vouchers: Vouchers, pickup_id: str, form: Mapping[str, str], login: Login
) -> ByCode | WithoutCode:
    voucher = form.get("voucher", "")
    if voucher:
        if not vouchers.vouches(voucher, pickup_id, login):
            raise WrongCode("The code was shown too long ago.")
        return ByCode(desk.codes.of(pickup_id))
    try:
        return WithoutCode(Reason(form.get("reason", "")), form.get("note", "").strip()[:200])
    except ValueError:
        raise InvalidRequest.of("reason", "Choose a reason.") from None


def _why(form: Mapping[str, str]) -> Why:
    try:
        return Why(form.get("why", ""))
    except ValueError:
        raise InvalidRequest.of("why", "Choose a reason.") from None


def _numbers(form: Mapping[str, str], prefix: str) -> dict[str, int]:
    """SKU -> pieces of the fields that begin so; zeros are left out."""
    found = {name.removeprefix(prefix): _number(value) for name, value in form.items() if name.startswith(prefix)}
    return {sku: n for sku, n in found.items() if n}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise InvalidRequest.of("quantity", f"{text!r} is no number of pieces.")
    return int(text)


def _stay(pickup_id: str) -> Response:
    return _to(f"/staff/pickups/{pickup_id}", m="done")


_AFTER: Mapping[str, Callable[[str], Response]] = {
    "pick": lambda pickup_id: _to(f"/staff/pickups/{pickup_id}"),
    "ready": lambda _: _to("/staff", m="done"),
    "collect": lambda _: _to("/staff", tab="bereit", m="handed-over"),
}


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, the last value of each."""
    body = (await request.body()).decode("utf-8", "replace")
    return {name: values[-1] for name, values in parse_qs(body, keep_blank_values=True).items()}


def _next(fields: Mapping[str, str]) -> str:
    """Which page somebody wanted to see before we asked who they are: one of ours, nothing else."""
    wanted = fields.get("next", "")
    return wanted if wanted in PAGES else PAGES[0]


def _login_again(code: str, form: Mapping[str, str]) -> Response:
    """Say what was wrong, and still know where they wanted to go."""
    return _to("/staff/login", m=code, **({"next": _next(form)} if _next(form) != PAGES[0] else {}))


def _to(path: str, **query: str) -> Response:
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303, headers=SECURITY)
