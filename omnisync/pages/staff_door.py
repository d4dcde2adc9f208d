"""The desk's door: name and password, a device that is enrolled, and who of the store stands there."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from omnisync import access
from omnisync.access import Access, Role, devices, people, sessions
from omnisync.errors import Refused
from omnisync.orders import tries
from omnisync.pages import languages
from omnisync.pages.forms import PAGES, form_of, own_page, to
from omnisync.pages.logins import check_token
from omnisync.pages.staff_gate import Gate

SHORT = "/d"
"""Where the short link of a device begins: `https://sync.example.org/d/K7Q4-X9RT`."""


def add(api: APIRouter, gate: Gate) -> None:
    """Add the door's pages."""
    door = _Door(gate)
    api.add_api_route("/staff/login", door.ask_login, methods=["GET"])
    api.add_api_route("/staff/login", door.login, methods=["POST"])
    api.add_api_route("/staff/logout", door.logout, methods=["POST"])
    api.add_api_route("/staff/who", door.ask_who, methods=["GET"])
    api.add_api_route("/staff/who", door.stand, methods=["POST"])
    api.add_api_route(f"{SHORT}/{{code}}", door.ask_enrol, methods=["GET"])
    api.add_api_route(f"{SHORT}/{{code}}", door.enrol, methods=["POST"])


class _Door:
    """The handlers of the door's pages; each is one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._services = gate, gate.services
        self._codes = devices.codes(gate.services.secret)

    # ------------------------------------------------------------ name and password

    async def ask_login(self, request: Request) -> Response:
        query = request.query_params
        wanted = own_page(query.get("next", ""))
        return self._gate.render("login.html", languages.of(request), problem=query.get("m", ""), next=wanted)

    async def login(self, request: Request) -> Response:
        """Name and password; wrong ones are counted by name and by where they come from."""
        form = await form_of(request)
        name, wanted, now = form.get("name", ""), own_page(form.get("next", "")), self._services.clock.now()
        who = {"device": f"login:{name[:64]}", "store": f"login:{_from(request)}"}
        try:
            await self._services.write.run(lambda session: tries.charge(session, who, now=now))
        except Refused as refused:
            return _again(refused.code, wanted)
        found = await self._services.read.run(
            lambda session: access.check_login(session, name, form.get("password", ""))
        )
        if found is None or not self._has_work(found):
            return _again("no-login", wanted)
        await self._services.write.run(lambda session: tries.forgive(session, who))
        response = to(wanted)
        await self._gate.logins.begin(response, request, found.name)
        return response

    async def logout(self, request: Request) -> Response:
        response = to("/staff/login")
        login = await self._gate.logins.find(request)
        if login is not None:
            check_token(await form_of(request), login)
            await self._gate.logins.end(response, request, login)
        return response

    def _has_work(self, found: Access) -> bool:
        """Staff of a store that hands nothing out have nothing to see here."""
        return found.may(Role.VIEWER) or (found.may(Role.STAFF) and found.location in self._gate.desk.places())

    # ------------------------------------------------------------ who stands there

    async def ask_who(self, request: Request) -> Response:
        """The people of the store, each a button."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        wanted, store = own_page(request.query_params.get("next", "")), visit.location.code
        found = await self._services.read.run(lambda session: people.at(session, store))
        problem = request.query_params.get("m", "")
        return self._gate.draw("who.html", visit, people=found, next=wanted, problem=problem)

    async def stand(self, request: Request) -> Response:
        """One tap: from now on what is done here is theirs."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        form = await form_of(request)
        wanted, here = own_page(form.get("next", "")), visit.login.here
        try:
            check_token(form, visit.login)
            if here.device_id is not None:
                await self._services.write.run(lambda session: sessions.stand(session, here, form.get("name", "")))
        except Refused as refused:
            return to("/staff/who", next=wanted, m=refused.code)
        return to(wanted)

    # ------------------------------------------------------------ a device comes

    async def ask_enrol(self, request: Request, code: str) -> Response:
        """What this code would do; opening the link does nothing yet, for a preview may have opened it."""
        say, now = languages.of(request), self._services.clock.now()
        try:
            await self._charge(request)
            device = await self._services.read.run(lambda session: devices.invited(session, self._codes, code, now=now))
            await self._forgive(request)
        except Refused as refused:
            return self._gate.render("enrol.html", say, refused.status, device=None, code="", problem=refused.code)
        return self._gate.render(
            "enrol.html", say, device=device, store=self._store(device.location), code=code, problem=""
        )

    async def enrol(self, request: Request, code: str) -> Response:
        """This browser is the device from now on."""
        now, ids = self._services.clock.now(), self._services.ids
        try:
            await self._charge(request)
            session_id = await self._services.write.run(
                lambda session: sessions.begin_of_device(
                    session, devices.enrol(session, self._codes, code, now=now).id, ids=ids, now=now
                )
            )
            await self._forgive(request)
        except Refused as refused:
            return self._gate.render(
                "enrol.html", languages.of(request), refused.status, device=None, code="", problem=refused.code
            )
        response = to("/staff/who")
        self._gate.logins.keep_device(response, request, session_id)
        return response

    async def _charge(self, request: Request) -> None:
        who, now = _guesser(request), self._services.clock.now()
        await self._services.write.run(lambda session: tries.charge(session, who, now=now))

    async def _forgive(self, request: Request) -> None:
        who = _guesser(request)
        await self._services.write.run(lambda session: tries.forgive(session, who))

    def _store(self, code: str) -> str:
        return next((one.name for one in self._services.settings.locations if one.code == code), code)


def _from(request: Request) -> str:
    return request.client.host if request.client else ""


def _guesser(request: Request) -> dict[str, str]:
    """Whose wrong codes these are: wherever they come from, everybody together does not get far either."""
    return {"device": f"enrol:{_from(request)}", "store": "enrol"}


def _again(code: str, wanted: str) -> Response:
    """Say what was wrong, and still know where they wanted to go."""
    return to("/staff/login", m=code, next="" if wanted == PAGES[0] else wanted)
