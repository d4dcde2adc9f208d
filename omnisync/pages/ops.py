"""The office's pages: the overview with what is wrong and what to press, and behind it a page for each thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import APIRouter, Request, Response

from omnisync.access import Role
from omnisync.errors import Forbidden, NotFound
from omnisync.http import Services
from omnisync.pages import ops_rows, ops_switches, ops_view, ops_words, staff_devices, trust
from omnisync.pages.office import (
    account,
    cases,
    channel,
    house,
    letters,
    log,
    menu,
    new_key,
    numbers,
    orders,
    people,
    pickups,
    prices,
    search,
    short,
    stock,
    story,
    today,
    unclear,
)
from omnisync.pages.office.frame import Office, Read, Visit, file_of, render, to
from omnisync.pages.ops_live import Live
from omnisync.pages.ops_switches import Switches
from omnisync.pages.ops_view import DEFAULT_RANGE, RANGES, Board
from omnisync.routes import pages
from omnisync.sync.context import Context

FRESH_SECONDS = 1.0
"""However many screens are open, the numbers are read this often at most."""

PAGES: Sequence[tuple[str, str, Read, Role]] = (
    ("/ops/number", "number.html", numbers.number, Role.VIEWER),
    ("/ops/today", "today.html", today.today, Role.VIEWER),
    ("/ops/search", "search.html", search.search, Role.VIEWER),
    ("/ops/stock", "stock.html", stock.shelves, Role.VIEWER),
    ("/ops/stock/article", "article.html", stock.card, Role.VIEWER),
    ("/ops/stock/explain", "explain.html", account.account, Role.VIEWER),
    ("/ops/pickups", "pickups.html", pickups.pickups, Role.VIEWER),
    ("/ops/pickups/one", "story.html", story.of_pickup, Role.VIEWER),
    ("/ops/pickups/unrung", "unrung.html", today.unrung, Role.VIEWER),
    ("/ops/prices", "prices.html", prices.prices, Role.VIEWER),
    ("/ops/prices/one", "price.html", prices.one, Role.VIEWER),
    ("/ops/orders", "orders.html", orders.orders, Role.VIEWER),
    ("/ops/orders/one", "story.html", story.of_order, Role.VIEWER),
    ("/ops/channel", "channel.html", channel.channel, Role.VIEWER),
    ("/ops/channel/message", "message.html", channel.came, Role.VIEWER),
    ("/ops/cases", "cases.html", cases.cases, Role.VIEWER),
    ("/ops/drift", "drift.html", cases.drift, Role.VIEWER),
    ("/ops/shortages", "shortages.html", short.short, Role.VIEWER),
    ("/ops/mappings", "mappings.html", unclear.unclear, Role.VIEWER),
    ("/ops/log", "log.html", log.log, Role.VIEWER),
    ("/ops/people", "people.html", people.people, Role.ADMIN),
    ("/ops/settings", "house.html", house.house, Role.VIEWER),
    ("/ops/letters", "letters.html", letters.letters, Role.VIEWER),
    ("/ops/letters/one", "letter.html", letters.one, Role.VIEWER),
)
"""(path, template, what it reads, who may see it)"""


def routes(
    services: Services, context: Context, switches: Switches | None = None, doors: trust.Doors | None = None
) -> APIRouter:
    """The office over these services; `switches` are the demo's, where there is one; `doors` are those of our own TLS."""
    api = pages()
    office = Office(services, context, api)
    board = _Board(office, switches)
    api.add_api_route("/", _home, methods=["GET"])
    api.add_api_route("/ops", board.show, methods=["GET"])
    api.add_api_route("/ops/live", Live(office, board.read).show, methods=["GET"])
    api.add_api_route("/ops/switches", board.switch, methods=["POST"])
    staff_devices.add(api, office)
    new_key.add(api, office)
    api.add_api_route("/ops/{thing}/{name}/{step}", board.press, methods=["POST"])
    for path, template, read, role in PAGES:
        office.page(path, template, read, role=role)
    office.page(trust.PATH, "trust.html", trust.reader(doors), role=Role.OPS)
    office.page("/ops/letters/rehearsal", "rehearsal.html", letters.rehearsal, role=Role.OPS, tries=True)
    return api


async def _home() -> Response:
    """Who types the bare address gets to the page."""
    return to("/ops")


class _Board:
    """The overview, which is read once for all who look at it."""

    def __init__(self, office: Office, switches: Switches | None) -> None:
        self._office, self._switches = office, switches
        self._read: dict[tuple[str, str], tuple[float, Board, menu.Counts]] = {}

    async def show(self, request: Request) -> Response:
        """The page; its script asks for it again every other second and puts in what changed."""
        visit = await self._office.visit(request)
        if visit is None:
            return self._office.ask_login(request)
        if not visit.asker.may(Role.VIEWER):
            return render(visit, "forbidden.html", 403)
        board, counts = await self.read(visit)
        if name := visit.get("csv"):
            channels = ops_rows.sheet(board.rows, visit.say)
            return file_of(channels if name == channels.name else None, visit)
        demo = await ops_switches.look(self._switches)
        ranges, faults = {name: words for name, (words, _, _) in RANGES.items()}, ops_words.FAULTS
        return render(visit, "page.html", board=board, counts=counts, demo=demo, ranges=ranges, faults=faults)

    async def press(self, request: Request, thing: str, name: str, step: str) -> Response:
        """A button of any page; afterwards the overview is read anew."""
        answer = await self._office.press(request, thing, name, step)
        self._read.clear()
        return answer

    async def switch(self, request: Request) -> Response:
        """Break or mend a simulated channel of the demo."""

        async def work(form: Mapping[str, str], visit: Visit) -> None:
            if self._switches is None:
                raise NotFound("There is no demo here.")
            if not visit.asker.may(Role.OPS):
                raise Forbidden("This account may not do this.")
            await self._switches.turn(form.get("channel", ""), form.get("fault", ""), form.get("on") == "1")

        answer = await self._office.answer(request, work)
        self._read.clear()
        return answer

    async def read(self, visit: Visit) -> tuple[Board, menu.Counts]:
        """The overview in the reader's language and span, and what is open."""
        services, asked = self._office.services, visit.get("range", DEFAULT_RANGE)
        name = asked if asked in RANGES else DEFAULT_RANGE
        at, key = services.clock.monotonic(), (name, visit.say.language)
        known = self._read.get(key)
        if known is not None and at - known[0] < FRESH_SECONDS:
            return known[1:]
        board, counts = await services.report.run(
            lambda session: (
                ops_view.board(session, self._office.context, name, visit.now, visit.say),
                menu.Counts.read(session),
            )
        )
        self._read[key] = at, board, counts
        return board, counts
