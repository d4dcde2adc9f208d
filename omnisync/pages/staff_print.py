"""Paper: pick lists, and slips for bags on rolls of 80 and 62 mm. A slip names no more of a customer than is called out."""

from __future__ import annotations

import re
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
TITLES = frozenset(
    {"herr", "frau", "familie", "fam.", "firma", "fa.", "dr.", "dr", "prof.", "prof", "mag.", "ing.", "dipl.-ing.", "med.", "mr", "mr.", "mrs", "mrs.", "ms", "ms."}
)  # fmt: skip
"""Nobody is called by these."""
FITS = ((8, ""), (14, "wide"), (20, "wide small"))
"""The length of a name on a slip, and how it is set so that no word is broken: beside the shelf, over it, and smaller."""
SHORT_SHELF = 5
"""What is longer takes the room beside the name."""
SHELF_WORD = 11
"""The longest word of a shelf that stands beside the code; what is longer is set smaller, and is broken last of all."""
TWO_LINES = 20
"""What is longer is broken between words and after hyphens; then its longest word counts."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What stands on a bag."""

    id: str
    number: str
    shelf: str
    name: str
    fit: str
    """How the name is set."""
    room: str
    """How the shelf is set."""
    qr: Markup
    """The number once more, for a scanner: it opens the pickup."""


def add(api: APIRouter, gate: Gate) -> None:
    """Add the pages."""
    page = _Page(gate)
    api.add_api_route("/staff/print/picks", page.picks, methods=["GET"])
    api.add_api_route("/staff/print/slips", page.slips, methods=["GET"])
    api.add_api_route("/staff/print/auto", page.auto, methods=["GET"])
    api.add_api_route("/staff/pickups/{pickup_id}/slip", page.slip, methods=["GET"])


def called(name: str) -> str:
    """`Anna S.` of Anna Schubert, of Schubert, Anna, and of Anna Maria Schubert; a single word as it is."""
    last, comma, first = (_bare(part) for part in name.partition(","))
    words = [*first, *last[-1:]] if comma and first else [*last, *first]
    return f"{words[0]}\N{NO-BREAK SPACE}{words[-1][0]}." if len(words) > 1 else "".join(words)


def _bare(name: str) -> list[str]:
    """Its words, without titles; a title alone stays."""
    words = name.split()
    return [word for word in words if word.lower() not in TITLES] or words


def fit(name: str, shelf: str) -> str:
    """How a name is set beside or over that shelf."""
    longest = max(map(len, name.replace("-", "- ").split(" ")))
    looks = FITS if len(shelf) <= SHORT_SHELF else FITS[1:]
    return next((look for most, look in looks if max(longest, min(len(name), TWO_LINES)) <= most), "wide tiny")


def room(shelf: str) -> str:
    """How a shelf is set: large where it is short, and so that it never lies on the code."""
    if len(shelf) <= SHORT_SHELF:
        return ""
    return "long" if max(map(len, re.split(r"\s|(?<=[-/])", shelf))) <= SHELF_WORD else "long small"


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
        slips, back = [_slip(card) for card in screen.cards], "/staff?tab=bereit"
        return self._draw(request, visit, "slips.html", ROLLS, slips=slips, back=back, every=True)

    async def auto(self, request: Request) -> Response:
        """The slips of what nobody has accepted yet; its script prints each once and stays for the next."""
        visit = await self._gate.visit(request)
        if isinstance(visit, Response):
            return visit
        eyes = self._gate.eyes(visit)
        screen = await self._read.run(lambda session: staff_list.screen(session, eyes, "packen"))
        slips = [_slip(card) for card in screen.cards if card.to_accept]
        return self._draw(request, visit, "auto.html", ROLLS, slips=slips)

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
        return self._draw(request, visit, "slips.html", ROLLS, slips=[_slip(card)], back=back, every=False)

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
    name = called(card.who)
    return Slip(card.id, card.number, card.shelf, name, fit(name, card.shelf), room(card.shelf), Markup(made))  # noqa: S704  segno draws numbers only
