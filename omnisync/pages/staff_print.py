"""Paper: pick lists, and slips for bags on rolls of 80 and 62 mm. A slip names no more of a customer than is called out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import segno
from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from sqlmodel import Session

from omnisync.errors import Refused
from omnisync.orders import pickup
from omnisync.orders.tables import Pickup
from omnisync.pages import staff_list, staff_view
from omnisync.pages.forms import to
from omnisync.pages.staff_gate import Gate, Visit
from omnisync.pages.staff_view import Card

ROLLS = {"80": "80 mm", "62": "62 mm"}
SHEETS = ROLLS | {"a4": "A4"}


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands on a bag."""

    number: str
    shelf: str
    name: str
    qr: Markup
    """The number once more, for a scanner: it opens the pickup."""


def add(api: APIRouter, gate: Gate) -> None:
    """Add the pages."""
    page = _Page(gate)
    api.add_api_route("/staff/print/picks", page.picks, methods=["GET"])
    api.add_api_route("/staff/print/slips", page.slips, methods=["GET"])
    api.add_api_route("/staff/pickups/{pickup_id}/slip", page.slip, methods=["GET"])


def called(name: str) -> str:
    """`Anna S.` of Anna Schubert, of Schubert, Anna, and of Anna Maria Schubert; a single word as it is."""
    last, comma, first = (part.strip() for part in name.partition(","))
    words = [*first.split(), *last.split()[-1:]] if comma and first else name.replace(",", " ").split()
    return f"{words[0]}\N{NO-BREAK SPACE}{words[-1][0]}." if len(words) > 1 else "".join(words)


class _Page:
    """The handlers; each is one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self._read = gate, gate.services.read

    async def picks(self, request: Request) -> Response:
        """Everything that is to be picked, each pickup in the order of the shelves."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        eyes = self._gate.eyes(visit)
        screen = await self._read.run(lambda session: staff_list.screen(session, eyes, "packen"))
        cards = [(card, called(card.who)) for card in screen.cards if card.open_lines]
        return self._draw(request, visit, "picks.html", SHEETS, cards=cards, at=eyes.when(eyes.now))

    async def slips(self, request: Request) -> Response:
        """A slip for every bag that waits."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        eyes = self._gate.eyes(visit)
        screen = await self._read.run(lambda session: staff_list.screen(session, eyes, "bereit"))
        back = "/staff?tab=bereit"
        return self._draw(request, visit, "slips.html", ROLLS, slips=[_slip(card) for card in screen.cards], back=back)

    async def slip(self, request: Request, pickup_id: str) -> Response:
        """The slip of one pickup, also before it lies on a shelf."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        try:
            card = await self._read.run(lambda session: self._card(session, pickup_id, visit))
        except Refused as refused:
            return to("/staff", m=refused.code)
        back = f"/staff/pickups/{pickup_id}"
        return self._draw(request, visit, "slips.html", ROLLS, slips=[_slip(card)], back=back)

    def _card(self, session: Session, pickup_id: str, visit: Visit) -> Card:
        found: Sequence[Pickup] = [pickup.load(session, pickup_id, visit.actor)]
        [card] = staff_view.cards(session, found, self._gate.eyes(visit))
        return card

    def _draw(self, request: Request, visit: Visit, name: str, sheets: dict[str, str], **values: Any) -> Response:
        asked = request.query_params.get("roll", "")
        roll = asked if asked in sheets else next(iter(sheets))
        return self._gate.draw(name, visit, roll=roll, sheets=sheets, path=request.url.path, **values)


def _slip(card: Card) -> Slip:
    made = segno.make(card.number, error="m", micro=False).svg_inline(border=2, omitsize=True)
    return Slip(card.number, card.shelf, called(card.who), Markup(made))  # noqa: S704  segno draws numbers only
