"""`/ops/devices`: which devices and people stand at the desks of the stores, and the one click that ends any of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import segno
from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from sqlmodel import Session

from omnisync import access
from omnisync.access import Access, Role, acts, devices, people, sessions
from omnisync.access.acts import Door
from omnisync.access.devices import Seen
from omnisync.access.people import Person
from omnisync.access.sessions import Opened
from omnisync.clock import Ids
from omnisync.errors import Conflict, Forbidden, InvalidRequest, NotFound, Refused
from omnisync.orders.codes import Codes
from omnisync.pages.forms import form_of, to
from omnisync.pages.logins import check_token
from omnisync.pages.office import menu
from omnisync.pages.office.frame import Office, Visit, file_of, render
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.staff_door import SHORT
from omnisync.pages.staff_words import GOOD, MESSAGES, SOMETHING_WRONG
from omnisync.pages.words import Words, later
from omnisync.settings import LocationSettings

PATH = "/ops/devices"


@dataclass(frozen=True, slots=True)
class Store:
    """A store with who and what stands at its desk."""

    location: LocationSettings
    devices: list[Seen]
    people: list[Person]


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the page shows."""

    stores: list[Store]
    sessions: list[Opened]
    invited: Seen | None
    now: datetime


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed: with which fields, by whom."""

    form: Mapping[str, str]
    by: Access
    codes: Codes
    ids: Ids
    places: list[str]
    now: datetime

    @property
    def store(self) -> str:
        """The store that was chosen: one where something can be collected."""
        if self.form.get("location") not in self.places:
            raise InvalidRequest.of("location", "Choose a store.")
        return self.form["location"]

    def __getitem__(self, name: str) -> str:
        return self.form.get(name, "").strip()


Step = Callable[[Session, Press], Mapping[str, str]]
"""Does it, and says where the page is looked at next."""


def add(api: APIRouter, office: Office) -> None:
    """Add the page and its buttons."""
    page = _Page(office)
    api.add_api_route(PATH, page.show, methods=["GET"])
    api.add_api_route(f"{PATH}/{{step}}", page.press, methods=["POST"])


def _sheet(board: Board, say: Words) -> Sheet:
    """The devices of all stores, for a file."""
    names = {store.location.code: store.location.name for store in board.stores}
    columns = (
        Column(later("Store"), lambda one: names.get(one.location, one.location)), Column(later("Device"), lambda one: one.name),
        Column(later("Invited by"), lambda one: one.invited_by), Column(later("Enrolled"), lambda one: one.enrolled_at),
        Column(later("Last seen"), lambda one: one.seen_at), Column(later("Locked"), lambda one: one.locked),
        Column(later("Ended by"), lambda one: one.ended_by),
    )  # fmt: skip
    return Sheet("devices", say("Devices"), columns, [one for store in board.stores for one in store.devices], "")


class _Page:
    """The handlers of the page; each is one request."""

    def __init__(self, office: Office) -> None:
        self._office, self._services = office, office.services
        self._codes = devices.codes(office.services.secret)
        self._places = [one.code for one in office.services.settings.locations if one.pickup != "off"]

    async def show(self, request: Request) -> Response:
        visit = await self._office.visit(request)
        if visit is None:
            return self._office.ask_login(request, PATH)
        if not visit.asker.may(Role.OPS):
            return render(visit, "forbidden.html", 403)
        board, counts = await self._services.read.run(
            lambda session: (self._board(session, visit.get("show"), visit.now), menu.Counts.read(session))
        )
        if name := visit.get("csv"):
            found = _sheet(board, visit.say)
            return file_of(found if name == found.name else None, visit)
        link = self._link(request, board.invited) if board.invited else ""
        return render(
            visit, "staff_devices.html", board=board, counts=counts, link=link, qr=_qr(link) if link else "", zone_of=_zone,
            message=lambda code: visit.say(MESSAGES.get(code, SOMETHING_WRONG)), is_good=GOOD.__contains__,
        )  # fmt: skip

    async def press(self, request: Request, step: str) -> Response:
        visit = await self._office.visit(request)
        if visit is None:
            return self._office.ask_login(request, PATH)
        form = await form_of(request)
        try:
            work = _allowed(visit, form, step)
            press = Press(form, visit.asker, self._codes, self._services.ids, self._places, visit.now)
            after = await self._services.write.run(lambda session: _noted(session, work, step, press))
        except Refused as refused:
            return to(PATH, m=refused.code)
        return to(PATH, **after)

    def _board(self, session: Session, wanted: str, now: datetime) -> Board:
        seen = devices.list_all(session, now=now)
        places = [self._services.settings.location(code) for code in self._places]
        open_now = (one for one in seen if one.id == wanted and one.waits)
        return Board(
            [
                Store(
                    place,
                    [one for one in seen if one.location == place.code],
                    list(people.at(session, place.code)),
                )
                for place in places
            ],
            list(sessions.of_people(session, now=now)),
            next(open_now, None),
            now,
        )

    def _link(self, request: Request, device: Seen) -> str:
        base = self._services.settings.server.public_url or str(request.base_url)
        return f"{base.rstrip('/')}{SHORT}/{self._codes.of(device.id)}"


def _allowed(visit: Visit, form: Mapping[str, str], step: str) -> Step:
    check_token(form, visit.login)
    if not visit.asker.may(Role.OPS):
        raise Forbidden("This account may not do this.")
    if step not in STEPS:
        raise NotFound(f"There is no step {step!r}.")
    return STEPS[step]


def _noted(session: Session, work: Step, step: str, press: Press) -> Mapping[str, str]:
    """Do it and write down who pressed it: both or neither."""
    after = work(session, press)
    about = (press["id"] or after.get("show", "")) if step in OF_DEVICES else press["id"] or press["name"]
    acts.keep(session, Door.OFFICE, press.by.name, ("devices", step), _called(session, step, about), now=press.now)
    return after


def _called(session: Session, step: str, about: str) -> str:
    """What the office knows it by: a device by its name, a session by whose it was."""
    if step in OF_DEVICES:
        return devices.load(session, about).name
    return sessions.owner(session, about) if step == "end-session" else about


def _zone(location: LocationSettings) -> ZoneInfo:
    return ZoneInfo(location.timezone)


def _qr(link: str) -> Markup:
    """A QR code as SVG: dark on light in every colour scheme, as cameras want it."""
    return Markup(segno.make(link, error="m", micro=False).svg_inline(border=3, omitsize=True, light="#fff"))  # noqa: S704  segno draws numbers only


# ---------------------------------------------------------------- what the buttons do


def _invite(session: Session, press: Press) -> Mapping[str, str]:
    made = devices.invite(
        session, press.codes, press["name"], press.store, by=press.by.name, ids=press.ids, now=press.now
    )
    return {"show": made.id, "m": "invited"}


def _end_device(session: Session, press: Press) -> Mapping[str, str]:
    devices.end(session, press["id"], by=press.by.name, now=press.now)
    return {"m": "ended"}


def _unlock(session: Session, press: Press) -> Mapping[str, str]:
    devices.load(session, press["id"])
    devices.forgive(session, press["id"])
    return {"m": "unlocked"}


def _add_person(session: Session, press: Press) -> Mapping[str, str]:
    if not press["name"]:
        raise InvalidRequest.of("name", "Name the person.")
    access.create_user(session, press["name"], None, Role.STAFF, location=press.store, now=press.now)
    people.set_initials(session, press["name"], press["initials"])
    if press["pin"]:
        people.set_pin(session, press["name"], press["pin"])
    return {"m": "added"}


def _set_pin(session: Session, press: Press) -> Mapping[str, str]:
    people.set_pin(session, _of_a_store(session, press["id"]), press["pin"] or None)
    return {"m": "done"}


def _end_person(session: Session, press: Press) -> Mapping[str, str]:
    access.disable_user(session, _of_a_store(session, press["id"]), now=press.now)
    return {"m": "ended"}


def _end_session(session: Session, press: Press) -> Mapping[str, str]:
    sessions.end(session, press["id"], now=press.now)
    return {"m": "ended"}


def _of_a_store(session: Session, name: str) -> str:
    """Only people of stores are looked after here: whom ops made cannot be ended by ops."""
    user = access.load_user(session, name)
    if user.role != Role.STAFF:
        raise Forbidden("This person belongs to no store.")
    if user.disabled_at is not None:
        raise Conflict("This person was ended before.", code="already-done")
    return user.name


STEPS: Mapping[str, Step] = {
    "invite": _invite,
    "end": _end_device,
    "unlock": _unlock,
    "add-person": _add_person,
    "pin": _set_pin,
    "end-person": _end_person,
    "end-session": _end_session,
}
OF_DEVICES = frozenset({"invite", "end", "unlock"})
"""Their `id` is a device's."""
