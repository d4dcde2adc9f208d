"""The pickup list of one store, on a phone: pack, put aside, hand over, report what is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from sqlmodel import Session

from omnisync.errors import InvalidRequest, OmnisyncError, Refused
from omnisync.http import Services
from omnisync.orders import accepting, codes, finding, handing, pickup, pickup_api, tries
from omnisync.orders.states import State
from omnisync.orders.tables import Pickup
from omnisync.pages import (
    staff_close,
    staff_door,
    staff_help,
    staff_list,
    staff_offline,
    staff_pictures,
    staff_print,
    staff_steps,
    staff_stream,
    staff_view,
    staff_work,
)
from omnisync.pages.forms import SECURITY, form_of, own_page, proved, to
from omnisync.pages.logins import Vouchers, check_token
from omnisync.pages.staff_gate import Gate, Visit
from omnisync.pages.staff_steps import STEPS, Press
from omnisync.routes import pages


def routes(services: Services) -> APIRouter:
    """The desk's pages over these services."""
    gate = Gate(services, pickup_api.desk_for(services))
    page = _Page(gate)
    api = pages()
    staff_door.add(api, gate)
    staff_pictures.add(api, gate)
    staff_print.add(api, gate)
    staff_help.add(api, gate)
    staff_stream.add(api, gate)
    staff_offline.add(api, gate)
    staff_work.add(api, gate)
    api.add_api_route("/staff", page.list, methods=["GET"])
    api.add_api_route("/staff/bell", page.ring, methods=["GET"])
    api.add_api_route("/staff/code", page.ask_code, methods=["GET"])
    api.add_api_route("/staff/code", page.look_up, methods=["POST"])
    api.add_api_route("/staff/pickups/{pickup_id}", page.show, methods=["GET"])
    api.add_api_route("/staff/pickups/{pickup_id}/{step}", page.step, methods=["POST"])
    return api


LONGEST_QUESTION, LONGEST_SCAN = 80, 200


def _typed(text: str) -> str:
    """What somebody typed into the search, without what no name holds."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


class _Page:
    """The handlers of the desk's pages; each is one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._services, self._desk = gate, gate.services, gate.desk
        self._vouchers = Vouchers(gate.services.secret, gate.services.clock)

    # ------------------------------------------------------------ reading

    async def list(self, request: Request) -> Response:
        """The list; asked for by the page's script every few seconds, only its middle is sent."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        tab = request.query_params.get("tab", "packen")
        tab, eyes = tab if tab in staff_list.TABS else "packen", self._gate.eyes(visit)
        handed = request.query_params.get("undo", "")[:64]
        wanted = _typed(request.query_params.get("q", ""))[:LONGEST_QUESTION]
        screen, undo = await self._services.read.run(
            lambda session: (
                staff_list.screen(session, eyes, tab, wanted, whole="all" in request.query_params),
                staff_close.just_now(session, handed, eyes),
            )
        )
        template = "list_live.html" if "live" in request.query_params else "list.html"
        return self._gate.draw(template, visit, screen=screen, undo=undo, problem=request.query_params.get("m", ""))

    async def ring(self, request: Request) -> Response:
        """Whether every page of this store is to sound: how many pickups nobody has accepted, and that in words."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        ringing = await self._services.read.run(lambda session: accepting.ringing(session, visit.location.code))
        words = visit.say.ngettext("%(num)s new pickup: accept it", "%(num)s new pickups: accept them", ringing)
        return JSONResponse({"ringing": ringing, "words": words}, headers=SECURITY)

    async def show(self, request: Request, pickup_id: str) -> Response:
        """One pickup: to pack, to hand over, or as it ended."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        try:
            found = await self._services.read.run(lambda session: self._card(session, pickup_id, visit))
        except Refused as refused:
            return to("/staff", m=refused.code)
        proof = request.query_params.get("proof", "")
        voucher = proof if self._vouchers.vouches(proof, pickup_id, visit.login) else ""
        return self._pickup_page(visit, found, voucher=voucher, problem=request.query_params.get("m", ""))

    async def ask_code(self, request: Request) -> Response:
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        return self._gate.draw("code.html", visit, problem=request.query_params.get("m", ""))

    async def look_up(self, request: Request) -> Response:
        """What somebody scanned or typed leads on: to the pickup that a code opens, with a note to ourselves that it was right
        (so its page can be loaded again, and come back to); else to what has this number or holds this article."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        form = await form_of(request)
        text, back = form.get("code", "")[:LONGEST_SCAN], own_page(form.get("back", ""), "/staff/code")
        try:
            check_token(form, visit.login)
            named = await self._services.read.run(lambda session: _named(session, visit, text))
            if named is not None:
                return _lead(visit, text, named, back)
            code = codes.within(text)
            if codes.normalise(code) is None:
                raise handing.WrongCode("This is no code.")  # and no try: nobody guesses with an article's barcode
            found = await self._guess(visit, lambda session: self._by_code(session, code, visit))
        except Refused as refused:
            return to(back, m=refused.code)
        return to(f"/staff/pickups/{found}", proof=self._vouchers.write(found, visit.login))

    async def _guess(self, visit: Visit, read: Callable[[Session], str]) -> str:
        who = {"device": visit.login.device, "store": visit.location.code}
        now = self._services.clock.now()
        await self._services.write.run(lambda session: tries.charge(session, who, now=now))
        found = await self._services.read.run(read)
        await self._services.write.run(lambda session: tries.forgive(session, who))
        return found

    def _by_code(self, session: Session, code: str, visit: Visit) -> str:
        return handing.lookup(session, self._desk, code, actor=visit.actor).id

    def _card(self, session: Session, pickup_id: str, visit: Visit) -> _Shown:
        return self._shown(session, pickup.load(session, pickup_id, visit.actor), visit)

    def _shown(self, session: Session, found: Pickup, visit: Visit) -> _Shown:
        eyes = self._gate.eyes(visit)
        [card] = staff_view.cards(session, [found], eyes)
        return card, staff_close.look(session, found, eyes)

    # ------------------------------------------------------------ changing

    async def step(self, request: Request, pickup_id: str, step: str) -> Response:
        """A button of a pickup. Pressed twice, or on a page that is out of date, it says so and does nothing."""
        page = f"/staff/pickups/{pickup_id}"
        asked = await self._gate.act(request, page)
        if isinstance(asked, Response):
            return asked
        visit, form = asked
        press = Press(self._desk, self._vouchers, pickup_id, form, visit.login, visit.actor, self._services.clock.now())
        try:
            work = STEPS.get(step)
            if work is None:
                raise InvalidRequest.of("step", f"There is no step {step!r}.")
            if staff_steps.needs_pin(step, form):
                await self._gate.prove(visit, form)
            await self._services.write.run(lambda session: staff_steps.take(session, work, press))
        except OmnisyncError as error:
            code = error.code if isinstance(error, Refused) else "try-later"
            return to(proved(page, form) if code != "forbidden" else "/staff", m=code)
        self._services.changed()
        return _AFTER.get(step, _stay)(page)

    # ------------------------------------------------------------ answering

    def _pickup_page(self, visit: Visit, found: _Shown, *, voucher: str = "", problem: str = "") -> Response:
        card, close = found
        template = _TEMPLATES.get(State(card.state), "ended.html")
        return self._gate.draw(template, visit, card=card, close=close, voucher=voucher, problem=problem)


def _named(session: Session, visit: Visit, text: str) -> Sequence[str] | None:
    found = finding.named(session, visit.location.code, text, limit=2)
    return None if found is None else [one.id for one in found]


def _lead(visit: Visit, text: str, found: Sequence[str], back: str) -> Response:
    """To the pickup that was meant, or to the list of them."""
    if not found:
        return to(back, m="no-article-pickup")
    if len(found) == 1:
        return to(f"/staff/pickups/{found[0]}")
    return to("/staff", store=visit.login.store, q=_typed(text)[:LONGEST_QUESTION])


_Shown = tuple[staff_view.Card, staff_close.Close]
_TEMPLATES = {State.PLACED: "pack.html", State.PICKING: "pack.html", State.READY: "hand_over.html"}


def _stay(page: str) -> Response:
    return to(page, m="done")


_AFTER: Mapping[str, Callable[[str], Response]] = {
    "pick": lambda page: to(page),
    "tick": lambda page: to(page),
    "scan": lambda page: to(page),
    "go": lambda _: to("/staff", m="done"),
    "ready": lambda _: to("/staff", m="done"),
    "collect": lambda page: to("/staff", tab="bereit", undo=page.rpartition("/")[2], m="handed-over"),
    "undo": lambda page: to(page, m="taken-back"),
}
