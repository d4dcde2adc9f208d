"""The desk without a network: what an enrolled device keeps of its store, and the hand-overs that it tells of later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlmodel import Session

from omnisync.access import people
from omnisync.errors import Forbidden, InvalidRequest, OmnisyncError, Refused
from omnisync.orders import checks, offline, tries
from omnisync.orders.checks import Check
from omnisync.orders.handing import WrongCode
from omnisync.orders.offline import Deed, Heard
from omnisync.orders.pickup import Actor
from omnisync.pages import languages, staff_offline_view, staff_steps
from omnisync.pages.forms import SECURITY, form_of
from omnisync.pages.logins import check_token
from omnisync.pages.staff_gate import Gate, Visit
from omnisync.pages.staff_words import MESSAGES, SOMETHING_WRONG
from omnisync.pages.words import Words
from omnisync.sync import late

SHELL, LIST, WORKER, MANIFEST = "/staff/offline", "/staff/offline/list", "/staff/sw.js", "/staff/manifest.webmanifest"
STATIC = Path(__file__).parent / "static"
FILES = (
    "omnisync.css", "staff.css", "staff-wide.css", "omnisync.svg", "fonts/inter-latin.woff2", "offline/desk.css", "offline/desk.js", "offline/start.js", "offline/store.js",
    "offline/codes.js", "offline/sync.js", "offline/notes.js",
)  # fmt: skip
"""What the page needs that is shown without a network."""
CHECKS_AT_ONCE = 6
"""Each is slow on purpose; a device asks again until it has all."""
CHECKS_KEPT = 5000
LONGEST_NAME = 64


def add(api: APIRouter, gate: Gate) -> None:
    """Add the routes."""
    desk = _Offline(gate)
    api.add_api_route(SHELL, desk.shell, methods=["GET"])
    api.add_api_route(LIST, desk.list, methods=["GET"])
    api.add_api_route(WORKER, desk.worker, methods=["GET"])
    api.add_api_route(MANIFEST, desk.manifest, methods=["GET"])
    api.add_api_route("/staff/pickups/{pickup_id}/offline", desk.hear, methods=["POST"])


@dataclass(frozen=True, slots=True)
class _Told:
    """One hand-over as a device tells of it: of which pickup, by whom, with the key that only its code gives."""

    pickup_id: str
    by: str
    proof: str
    deed: Deed


class _Offline:
    """The handlers; each is one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._services, self._desk = gate, gate.services, gate.desk
        self._checks: dict[tuple[str, str], Check] = {}
        """Of the pickups that lie ready; made again after a restart."""

    # ------------------------------------------------------------ what lies on the device

    async def shell(self, request: Request) -> Response:
        """The page that a device keeps for the time without a network. It holds words only: what it shows lies on the device."""
        return self._gate.render("offline.html", languages.of(request))

    async def worker(self, request: Request) -> Response:
        """The script that answers in our place when we cannot be reached; other files, another script."""
        text = (STATIC / "offline" / "worker.js").read_text(encoding="utf-8")
        files = ", ".join(f'"/static/{name}"' for name in FILES)
        made = text.replace("__VERSION__", _version()).replace('"__FILES__"', files)
        return Response(made, headers=SECURITY | {"Service-Worker-Allowed": "/staff"}, media_type="text/javascript")

    async def manifest(self, request: Request) -> Response:
        """What a phone shows of the desk when it is put on the home screen."""
        return JSONResponse(
            staff_offline_view.manifest(languages.of(request)), headers=SECURITY, media_type="application/manifest+json"
        )

    async def list(self, request: Request) -> Response:
        """What an enrolled device keeps: the open pickups of its store as the list shows them, and whether a code is right.
        Whoever is no device (any more) hears so and forgets what it kept."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response) or visit.login.here.device_id is None:
            return JSONResponse({"device": None}, headers=SECURITY)
        device, eyes = visit.login.here.device_id, self._gate.eyes(visit)
        kept = await self._services.read.run(lambda session: staff_offline_view.kept(session, eyes))
        known = await self._known(device, [one["id"] for one in kept["ready"]])
        for one in kept["ready"]:
            found = known.get(one["id"])
            one["salt"], one["hash"] = (found.salt, found.hash) if found else (None, None)
        person = visit.login.here.person
        return JSONResponse(
            kept
            | {
                "device": device, "store": visit.location.name, "token": visit.login.token, "language": visit.say.language,
                "person": person.name if person else None, "iterations": checks.ITERATIONS, "more": len(known) < len(kept["ready"]),
            },
            headers=SECURITY,
        )  # fmt: skip

    async def _known(self, device: str, ready: Iterable[str]) -> Mapping[str, Check]:
        """The check values of these pickups for this device, as far as they are made; a few more each time."""
        wanted = [(device, one) for one in ready]
        missing = [one for one in wanted if one not in self._checks][:CHECKS_AT_ONCE]
        codes = self._desk.codes
        if missing:
            made = await self._services.report.run(lambda _: {one: checks.check(codes, *one) for one in missing})
            while len(self._checks) > CHECKS_KEPT:
                del self._checks[next(iter(self._checks))]
            self._checks |= made
        return {one[1]: self._checks[one] for one in wanted if one in self._checks}

    # ------------------------------------------------------------ what it tells later

    async def hear(self, request: Request, pickup_id: str) -> Response:
        """A hand-over that happened without a network, under its Idempotency-Key; the answer says in words what became of it."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return _no(Forbidden("This is no device of ours any more."), languages.of(request))
        now = self._services.clock.now()
        try:
            form = await form_of(request)
            check_token(form, visit.login)
            told = _told(pickup_id, request.headers.get("idempotency-key", ""), form, now)
            await self._prove(visit, told, now)
            heard, by = await self._services.write.run(lambda session: self._book(session, visit, told, now))
        except OmnisyncError as error:
            return _no(error, visit.say)
        self._services.changed()
        return JSONResponse(staff_offline_view.became(heard, by, self._gate.eyes(visit)), headers=SECURITY)

    async def _prove(self, visit: Visit, told: _Told, now: datetime) -> None:
        """That the code was shown at this device. Tries are counted, as everywhere."""
        device = visit.login.here.device_id
        if device is None:
            raise Forbidden("Only enrolled devices hand over without a network.")
        who = {"device": visit.login.device, "store": visit.location.code}
        codes = self._desk.codes
        await self._services.write.run(lambda session: tries.charge(session, who, now=now))
        if not await self._services.report.run(lambda _: checks.opens(codes, device, told.pickup_id, told.proof)):
            raise WrongCode("This is not what the code of this pickup gives at this device.")
        await self._services.write.run(lambda session: tries.forgive(session, who))

    def _book(self, session: Session, visit: Visit, told: _Told, now: datetime) -> tuple[Heard, str]:
        """Who has left the store since did it all the same; a name that was never there is the device's own."""
        here = visit.login.here
        known = people.was_at(session, told.by, visit.location.code)
        actor = Actor(told.by if known else here.access.name, visit.location.code, here.device_id)
        heard = offline.hear(session, self._desk, told.pickup_id, told.deed, actor=actor, now=now)
        if heard.became in offline.NEEDS_SOMEBODY and not heard.repeated:
            late.open_case(session, self._services.ids, heard, actor=actor, now=now)
        return heard, actor.name


def _told(pickup_id: str, name: str, form: Mapping[str, str], now: datetime) -> _Told:
    """The fields of a hand-over. How long ago it was counts, by the device's own clock, not what time that clock shows."""
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Refused("Send an Idempotency-Key header.", code="idempotency-key-missing")
    noted_at, sent_at = (_moment(form, field) for field in ("noted_at", "sent_at"))
    deed = Deed(
        name, staff_steps.numbers(form, "take."), form["noted_at"], now - max(timedelta(), sent_at - noted_at),
        age_checked=form.get("age") == "checked",
    )  # fmt: skip
    return _Told(pickup_id, form.get("by", ""), form.get("proof", ""), deed)


def _moment(form: Mapping[str, str], field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(form.get(field, "")).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest.of(field, "is a time with its zone, like 2026-11-21T09:00:00Z") from None
    return moment


def _no(error: OmnisyncError, say: Words) -> Response:
    refused = isinstance(error, Refused)
    code, status = (error.code, error.status) if isinstance(error, Refused) else ("try-later", 503)
    words: Any = say(MESSAGES.get(code, SOMETHING_WRONG)) if refused else say(SOMETHING_WRONG)
    return JSONResponse({"refused": code, "words": words}, status, headers=SECURITY)


@cache
def _version() -> str:
    """Changes with any of the files that a device keeps."""
    names = [*FILES, "offline/worker.js"]
    parts = [(STATIC / name).read_bytes() for name in names]
    template = Path(__file__).parent / "templates" / "staff" / "offline.html"
    return hashlib.sha256(b"\0".join([*parts, template.read_bytes()])).hexdigest()[:16]
