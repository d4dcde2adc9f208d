"""`/staff/practice` opens and ends a practice; `/practice/staff...` is the desk's pages over it, each marked."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from concurrent.futures import Executor
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from omnisync.errors import OmnisyncError, Refused
from omnisync.http import Services
from omnisync.orders import accepting, pickup_api
from omnisync.pages.forms import SECURITY, form_of, to
from omnisync.pages.logins import check_token
from omnisync.pages.practice import day
from omnisync.pages.practice.rooms import LASTS, Room, Rooms
from omnisync.pages.staff_gate import Gate, Visit
from omnisync.pages.staff_stream import PATH as STREAM
from omnisync.routes import pages

PATH, INSIDE, DESK = "/staff/practice", "/practice", "/staff"
_OURS = re.compile(r'"/staff(?=["/?])')
_BODY = re.compile(r"<body[^>]*>")
_STYLES = '<link rel="stylesheet" href="/static/practice.css">\n</head>'


def routes(services: Services, executor: Executor) -> APIRouter:
    """The pages, with the rooms of this process; their databases are read and written in that executor's one thread."""
    door = _Door(Gate(services, pickup_api.desk_for(services)), Rooms(services, executor))
    api = pages()
    api.add_api_route(PATH, door.ask, methods=["GET"])
    api.add_api_route(PATH, door.begin, methods=["POST"])
    api.add_api_route(f"{PATH}/end", door.end, methods=["POST"])
    api.add_api_route(f"{INSIDE}/{{path:path}}", door.inside, methods=["GET", "POST"])
    return api


class _Door:
    """The handlers; each is one request."""

    def __init__(self, gate: Gate, rooms: Rooms) -> None:
        self._gate, self._rooms, self._services = gate, rooms, gate.services

    async def ask(self, request: Request) -> Response:
        """What it is, and the button that begins."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        problem, minutes = request.query_params.get("m", ""), int(LASTS.total_seconds() // 60)
        return self._gate.draw(
            "practice.html", visit, problem=problem, minutes=minutes, room=self._rooms.find(visit.login)
        )

    async def begin(self, request: Request) -> Response:
        """A fresh day, in place of one that goes on."""
        visit = await self._pressed(request)
        if isinstance(visit, Response):
            return visit
        try:
            await self._rooms.open(visit.login)
        except OmnisyncError as error:
            return to(PATH, m=error.code if isinstance(error, Refused) else "practice-full")
        return to(f"{INSIDE}{DESK}", store=visit.login.store)

    async def end(self, request: Request) -> Response:
        """Back to the real desk, with one tap."""
        visit = await self._pressed(request)
        if isinstance(visit, Response):
            return visit
        self._rooms.close(visit.login)
        return to(DESK, m="practice-over")

    async def inside(self, request: Request, path: str) -> Response:
        """A page of the desk over the practice's database, with its links kept inside and the mark on it."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        room, wanted = self._rooms.find(visit.login), f"/{path}"
        if wanted == STREAM:
            return Response(status_code=204, headers=SECURITY)  # the page asks by itself
        if room is None:
            return self._over(request, visit, wanted)
        if not _is_of_the_desk(wanted):
            return to(f"{INSIDE}{DESK}", store=room.store)
        answer = await _ask(room, request, wanted)
        if answer.status_code == 404:
            return to(f"{INSIDE}{DESK}", store=room.store)
        return await self._marked(answer, visit, room)

    async def _pressed(self, request: Request) -> Visit | Response:
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        try:
            check_token(await form_of(request), visit.login)
        except Refused as refused:
            return to(PATH, m=refused.code)
        return visit

    def _over(self, request: Request, visit: Visit, wanted: str) -> Response:
        """It has ended; the scripts of a page that still shows it are told in their own form."""
        if wanted == f"{DESK}/bell":
            return JSONResponse({"ringing": 0, "words": ""}, headers=SECURITY)
        if "live" in request.query_params:
            return self._gate.draw("practice_over.html", visit)
        return to(PATH, m="practice-over")

    async def _marked(self, answer: Response, visit: Visit, room: Room) -> Response:
        if "location" in answer.headers:
            return to(_inside(answer.headers["location"]))
        if not answer.headers.get("content-type", "").startswith("text/html"):
            return answer
        text = _OURS.sub(f'"{INSIDE}{DESK}', bytes(answer.body).decode())
        ringing = await self._services.read.run(lambda session: accepting.ringing(session, room.store))
        told: dict[str, Any] = {"room": room, "ringing": ringing, "pin": day.PIN, "coded": day.CODED, "path": PATH}
        bar = bytes(self._gate.draw("practice_bar.html", visit, **told).body).decode()
        return HTMLResponse(_with_bar(text, bar, visit.say("Practice")), answer.status_code, headers=SECURITY)


def _is_of_the_desk(path: str) -> bool:
    """The desk's pages, except its real doors: nobody logs in or out inside a practice."""
    return (path == DESK or path.startswith(f"{DESK}/")) and path not in (f"{DESK}/login", f"{DESK}/logout")


def _inside(location: str) -> str:
    """Where an answer leads, kept inside."""
    return f"{INSIDE}{location}" if _is_of_the_desk(location.partition("?")[0]) else PATH


def _with_bar(text: str, bar: str, title: str) -> str:
    """The mark on top of every page, before anything else; a part of a page that goes on showing it needs none."""
    marked = text.replace("</head>", _STYLES, 1).replace("<title>", f"<title>{title}: ", 1)
    return _BODY.sub(lambda found: found[0] + bar, marked, count=1)


async def _ask(room: Room, request: Request, path: str) -> Response:
    """What the practice's own application answers. Cookies it would set stay there."""
    status, headers, body = 500, list[tuple[bytes, bytes]](), bytearray()

    async def take(message: MutableMapping[str, Any]) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], list(message["headers"])
        else:
            body.extend(message.get("body", b""))

    await room.api({**request.scope, "path": path, "raw_path": path.encode(), "root_path": ""}, request.receive, take)
    kept = {name.decode(): value.decode() for name, value in headers if name not in (b"set-cookie", b"content-length")}
    return Response(bytes(body), status, headers=kept)
