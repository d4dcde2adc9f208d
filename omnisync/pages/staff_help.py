"""`/staff/help`: what the people of a store need to know, on one sheet of paper, in the words of the screens themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from omnisync.pages.staff_gate import Gate
from omnisync.pages.words import Words, later

PATH = "/staff/help"


@dataclass(frozen=True, slots=True)
class Step:
    """A sentence; its places are filled with what stands on the buttons, in the reader's language."""

    text: str
    words: Sequence[str] = ()

    def said(self, say: Words) -> str:
        """`„Annehmen“ tippen: …`"""
        return say(self.text, **{f"word{number}": say(word) for number, word in enumerate(self.words, 1)})


CHAPTERS: Sequence[tuple[str, Sequence[Step]]] = (
    (later("A new order sounds"), (
        Step(later("Tap your initials at the top right: from then on what is done carries your name.")),
        Step(later("“%(word1)s” takes the order: the sound stops everywhere, and everybody sees who picks it."), ("Accept",)),
        Step(later("If nobody accepts within half of the promised time, the office sees it.")),
    )),
    (later("Pick"), (
        Step(later("The articles stand in the order of the shelves. Scan each piece, or tap its box.")),
        Step(later("“%(word1)s” on the line: “%(word2)s” or “%(word3)s”. The stock is corrected everywhere at once."), ("Problem", "Not found", "Damaged")),
        Step(later("Something is missing: the page offers other stores, “%(word1)s”, and “%(word2)s”."), ("Ask the customer", "Cancel the pickup")),
        Step(later("Put the bag on a pickup shelf, type the shelf, press “%(word1)s”. The customer gets the message now, not before."), ("Put aside",)),
    )),
    (later("Hand over"), (
        Step(later("“%(word1)s”: scan the customer's code or type it. Only this pickup opens."), ("Enter a pickup code",)),
        Step(later("Two facts are big: the shelf, and “%(word1)s” or “%(word2)s”. Unpaid goods go to the till before they go to the customer."), ("Paid", "First to the till")),
        Step(later("“%(word1)s”: look at the identity card, then tick it."), ("Age-restricted",)),
        Step(later("Without a code: open the pickup in the list, choose the reason, type your PIN.")),
        Step(later("Not everything: lower the number of pieces, and say what becomes of the rest.")),
    )),
    (later("Something went wrong"), (
        Step(later("“%(word1)s” stands on the list for ten seconds after a hand-over."), ("Undo",)),
        Step(later("Later, for a day: open it under “%(word1)s”, give a reason and your PIN."), ("Done",)),
        Step(later("Five wrong PINs lock the device. The office opens it again.")),
    )),
    (later("When nothing works"), (
        Step(later("“No connection”: what is on the screen is as old as it says. Do not promise anything new; a hand-over by code is saved on the device and sent later.")),
        Step(later("The curve at the top of the list says whether the online shop and the marketplaces know what is here.")),
        Step(later("A device was lost: tell the office at once. It signs the device off with one press.")),
    )),
)  # fmt: skip


def add(api: APIRouter, gate: Gate) -> None:
    """Add the page."""

    async def show(request: Request) -> Response:
        visit = await gate.visit(request)
        if isinstance(visit, Response):
            return visit
        chapters = [(visit.say(title), [step.said(visit.say) for step in steps]) for title, steps in CHAPTERS]
        return gate.draw("help.html", visit, chapters=chapters)

    api.add_api_route(PATH, show, methods=["GET"])
