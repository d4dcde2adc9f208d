"""The other work of a store at its desk: tasks, counting, goods that come, what came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import NotFound, OmnisyncError, Refused
from omnisync.pages import staff_list, staff_work_goods, staff_work_pause, staff_work_view
from omnisync.pages.forms import to
from omnisync.pages.staff_gate import Gate, Visit
from omnisync.pages.staff_view import Eyes
from omnisync.pages.staff_work_steps import STEPS, WORK, Press
from omnisync.stock import counts
from omnisync.values import row_id

LONGEST_QUESTION = 80


def add(api: APIRouter, gate: Gate) -> None:
    """Add the pages."""
    page = _Page(gate)
    for path, handler in (
        ("", page.overview), ("/find", page.find), ("/scan", page.scan), ("/article", page.article), ("/count", page.count),
        ("/transfer", page.transfer), ("/return", page.came_back), ("/pause", page.pause),
    ):  # fmt: skip
        api.add_api_route(f"{WORK}{path}", handler, methods=["GET"])
    api.add_api_route(f"{WORK}/{{step}}", page.press, methods=["POST"])


Read = Callable[[Session, Eyes], Mapping[str, Any]]


def _typed(request: Request, name: str) -> str:
    """A value of the address without what no name holds."""
    text = request.query_params.get(name, "")
    return "".join(letter for letter in text if letter.isprintable()).strip()[:LONGEST_QUESTION]


class _Page:
    """The handlers; each is one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._services = gate, gate.services

    # ------------------------------------------------------------ reading

    async def overview(self, request: Request) -> Response:
        """Everything that is to do; asked for by the page's script every few seconds, only its middle is sent."""
        titles = {one.name: one.title or one.name for one in self._services.settings.channels}
        sent = request.query_params.get("sent", "")[:200]

        def read(session: Session, eyes: Eyes) -> Mapping[str, Any]:
            return {
                "work": staff_work_view.work(session, eyes, titles), "counts": staff_list.counts(session, eyes),
                "undo": staff_work_view.just_sent(session, eyes, sent),
            }  # fmt: skip

        template = "work_live.html" if "live" in request.query_params else "work.html"
        return await self._draw(request, template, read, lane=self._services.report)

    async def find(self, request: Request) -> Response:
        """Articles that are called so, or have that barcode; a single one opens at once."""
        wanted = _typed(request, "q")

        def read(session: Session, eyes: Eyes) -> Mapping[str, Any]:
            return {"wanted": wanted, "found": staff_work_goods.find(session, eyes, wanted) if wanted else []}

        return await self._draw(request, "work_find.html", read, single=_opens_at_once)

    async def scan(self, request: Request) -> Response:
        """A barcode from a scanner: the page of its article; what nobody knows is looked for."""
        code, then = _typed(request, "code"), request.query_params.get("then", "")
        page = then if then in ("article", "count") else "article"

        def read(session: Session, eyes: Eyes) -> Mapping[str, Any]:
            return {"found": staff_work_goods.find(session, eyes, code)}

        def leads(found: Mapping[str, Any]) -> str:
            skus = [one.sku for one in found["found"]]
            return _page(page, sku=skus[0]) if len(skus) == 1 else _page("find", q=code)

        return await self._draw(request, "", read, single=leads)

    async def article(self, request: Request) -> Response:
        """One article: how many can be had here and elsewhere, and what can be done with it."""
        sku = request.query_params.get("sku", "")

        def read(session: Session, eyes: Eyes) -> Mapping[str, Any]:
            goods = _known(session, eyes, sku)
            here, others = staff_work_goods.everywhere(session, eyes, sku)
            return {"goods": goods, "here": here, "others": others, "key": self._services.ids.new()}

        return await self._draw(request, "work_article.html", read)

    async def count(self, request: Request) -> Response:
        """Blind: what the ledger thinks is said after somebody has counted."""
        sku, done = request.query_params.get("sku", ""), request.query_params.get("done", "")

        def read(session: Session, eyes: Eyes) -> Mapping[str, Any]:
            counted = counts.outcome(session, eyes.location.code, done) if done else None
            if sku:
                counts.countable(session, sku)
            goods = staff_work_goods.of(session, eyes, {one for one in (sku, counted and counted.sku) if one})
            return {
                "goods": goods.get(sku), "counted": counted, "counted_goods": counted and goods[counted.sku],
                "key": self._services.ids.new(),
            }  # fmt: skip

        return await self._draw(request, "work_count.html", read)

    async def transfer(self, request: Request) -> Response:
        """What is to come of one transfer."""
        name = request.query_params.get("id", "")
        return await self._draw(
            request,
            "work_transfer.html",
            lambda session, eyes: {"arrival": staff_work_view.arrival(session, eyes, name)},
        )

    async def came_back(self, request: Request) -> Response:
        """One return that somebody looks at."""
        name = request.query_params.get("id", "")

        def read(session: Session, eyes: Eyes) -> Mapping[str, Any]:
            try:
                number = row_id(name)
            except ValueError:
                raise NotFound("There is no such return.") from None
            return {"back": staff_work_view.returned(session, eyes, number)}

        return await self._draw(request, "work_return.html", read)

    async def pause(self, request: Request) -> Response:
        """Whether this store takes pickups now, and for how long it may pause."""

        def read(session: Session, eyes: Eyes) -> Mapping[str, Any]:
            return {"pause": staff_work_pause.shown(session, eyes), "choices": staff_work_pause.choices(eyes)}

        return await self._draw(request, "work_pause.html", read)

    # ------------------------------------------------------------ changing

    async def press(self, request: Request, step: str) -> Response:
        """A button. Pressed twice, or on a page that is out of date, it says so and does nothing."""
        asked = await self._gate.act(request, WORK)
        if isinstance(asked, Response):
            return asked
        visit, form = asked
        chosen = STEPS.get(step)
        if chosen is None:
            return self._lead(visit, WORK, {"m": "not-found"})
        try:
            if chosen.takes_pin(form):
                await self._gate.prove(visit, form)
            says = await self._services.write.run(
                lambda session: chosen.work(session, self._pressed(session, visit, form))
            )
        except OmnisyncError as error:
            code = error.code if isinstance(error, Refused) else "try-later"
            back = WORK if code in _GONE else chosen.back(form)
            return self._lead(visit, back, {"m": code})
        self._services.changed()
        return self._lead(visit, chosen.then(form), says)

    def _pressed(self, session: Session, visit: Visit, form: Mapping[str, str]) -> Press:
        now = db.now(session, self._services.clock)
        return Press(self._gate.desk, form, visit.actor, visit.login.access.owner, visit.location.code, now)

    # ------------------------------------------------------------ answering

    async def _draw(
        self,
        request: Request,
        template: str,
        read: Read,
        *,
        lane: Any = None,
        single: Callable[[Any], str] | None = None,
    ) -> Response:
        """That page over what was read; where it is not there (any more), back to all the work."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        eyes = self._gate.eyes(visit)
        try:
            found = await (lane or self._services.read).run(lambda session: read(session, eyes))
        except Refused as refused:
            return self._lead(visit, WORK, {"m": refused.code})
        page = single(found) if single else ""
        if page:
            return self._lead(visit, page, {})
        return self._gate.draw(template, visit, problem=request.query_params.get("m", ""), **found)

    def _lead(self, visit: Visit, page: str, says: Mapping[str, str]) -> Response:
        """There, in the same store: the office may look at each."""
        store = {} if visit.login.access.location else {"store": visit.location.code}
        return to(page, **store, **says)


_GONE = {"not-found", "forbidden", "already-received", "already-decided", "already-done"}
"""Whoever hears that has nothing left to do on the page they were on."""


def _opens_at_once(found: Mapping[str, Any]) -> str:
    return _page("article", sku=found["found"][0].sku) if len(found["found"]) == 1 else ""


def _page(name: str, **asked: str) -> str:
    return f"{WORK}/{name}?{urlencode(asked)}"


def _known(session: Session, eyes: Eyes, sku: str) -> staff_work_goods.Goods:
    if sku not in articles.known(session, [sku]):
        raise NotFound("There is no such article.")
    return staff_work_goods.of(session, eyes, [sku])[sku]
