"""Who stands at the desk's screen, and whether they may: every request of the desk comes through here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from omnisync.access import Role, devices, people
from omnisync.errors import Refused
from omnisync.http import Services
from omnisync.orders.pickup import Actor, Desk
from omnisync.pages import languages
from omnisync.pages.forms import CAMERA, PAGES, SECURITY, form_of, proved, to
from omnisync.pages.logins import Login, Logins, check_token
from omnisync.pages.staff_view import Eyes
from omnisync.pages.staff_words import templates
from omnisync.pages.words import Words
from omnisync.settings import LocationSettings

SCANNING = {"list.html", "pack.html", "hand_over.html"}


class WrongPin(Refused):
    """This is not the PIN of who stands there."""

    status = 403
    code = "wrong-pin"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who may see this store."""

    login: Login
    location: LocationSettings
    say: Words

    @property
    def actor(self) -> Actor:
        """Who answers for it in the journal."""
        return Actor(self.login.user, self.location.code, self.login.here.device_id)


class Gate:
    """Lets in enrolled devices and people with a password; draws the pages for them."""

    def __init__(self, services: Services, desk: Desk) -> None:
        self.services, self.desk = services, desk
        self.logins = Logins(services)

    async def visit(self, request: Request, back: str = PAGES[0]) -> Visit | Response:
        """Who asks, as device and account stand now; else where they have to go first, and from there to the page or `back`."""
        login = await self.logins.find_device(request) or await self.logins.find(request)
        if login is None or not login.access.may(Role.STAFF):
            return self.logins.ask(request, back)
        if login.here.locked:
            return self.render("locked.html", languages.of(request), 403, login=login)
        store = self._store(request, login)
        if store is None:
            return to("/staff/login")
        seen = Login(login.user, login.device, login.token, login.here, store)
        return Visit(seen, self.services.settings.location(store), languages.of(request))

    async def act(self, request: Request, back: str) -> tuple[Visit, dict[str, str]] | Response:
        """The same for a button: it takes our own form, and somebody who answers for it."""
        visit = await self.visit(request, back)
        if isinstance(visit, Response):
            return visit
        form = await form_of(request)
        try:
            check_token(form, visit.login)
        except Refused as refused:
            return to(back, m=refused.code)
        if not visit.login.here.somebody:
            return to("/staff/who", next=proved(back, form), m="who")
        return visit, form

    async def prove(self, visit: Visit, form: Mapping[str, str]) -> None:
        """At a device: that it is really the person whose initials were tapped. A password has proved that already.

        Each try is counted before it is looked at; after too many wrong ones the device is shut.
        """
        here, pin = visit.login.here, form.get("pin", "").strip()
        if here.device_id is None or here.person is None:
            return
        if not here.person.has_pin:
            raise Refused("This person has no PIN.", code="no-pin")
        if not pin:
            raise Refused("This takes a PIN.", code="pin-needed")
        device_id, name, now = here.device_id, here.person.name, self.services.clock.now()
        await self.services.write.run(lambda session: devices.charge(session, device_id, now=now))
        if not await self.services.report.run(lambda session: people.pin_is(session, name, pin)):
            raise WrongPin("This is not the PIN of who stands there.")
        await self.services.write.run(lambda session: devices.forgive(session, device_id))

    def eyes(self, visit: Visit) -> Eyes:
        settings = self.services.settings
        return Eyes(
            visit.say, visit.location, settings.locations, self.services.clock.now(), bool(settings.server.pictures)
        )

    def draw(self, name: str, visit: Visit, status: int = 200, **values: Any) -> Response:
        """One of the desk's pages for this visitor."""
        return self.render(name, visit.say, status, login=visit.login, location=visit.location, **values)

    def render(self, name: str, say: Words, status: int = 200, **values: Any) -> Response:
        page = templates(say).get_template(f"staff/{name}").render(**values)
        return HTMLResponse(page, status, headers=CAMERA if name in SCANNING else SECURITY)

    def _store(self, request: Request, login: Login) -> str | None:
        """Staff see their own store, the office the one it chose or else the first; None where nothing can be collected."""
        places, bound = self.desk.places(), login.access.location
        chosen = bound or request.query_params.get("store", "")
        return chosen if chosen in places else None if bound else next(iter(places), None)
