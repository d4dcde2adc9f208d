"""What a device keeps of its store for the time without a network, and what it is told of the hand-overs it sends later."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from omnisync.access import people
from omnisync.orders import handing
from omnisync.orders.offline import Became, Heard
from omnisync.orders.states import State
from omnisync.orders.tables import Pickup
from omnisync.pages import staff_view
from omnisync.pages.staff_list import SHOWN_AT_MOST, TABS
from omnisync.pages.staff_view import Card, Eyes
from omnisync.pages.words import Words, later

ICONS = (("192", "any"), ("512", "any"), ("512", "maskable"))
"""(pixels, purpose) of the pictures in `static/icons`"""


def manifest(say: Words) -> dict[str, Any]:
    """The web app manifest."""
    icons = [
        {"src": f"/static/icons/{_icon(size, purpose)}", "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size, purpose in ICONS
    ]  # fmt: skip
    return {
        "id": "/staff", "name": say("Pickups (omnisync)"), "short_name": say("Pickups"), "lang": say.language, "start_url": "/staff",
        "scope": "/staff", "display": "standalone", "orientation": "any", "background_color": "#f5f5f2",
        "theme_color": "#f5f5f2", "icons": icons,
    }  # fmt: skip


def _icon(size: str, purpose: str) -> str:
    return f"desk-{size}.png" if purpose == "any" else f"desk-{purpose}-{size}.png"


def kept(session: Session, eyes: Eyes) -> dict[str, Any]:
    """The open pickups of the store, as its list shows them, and who works there."""
    store = eyes.location.code
    return {
        "as_of": eyes.say.time(eyes.now, eyes.zone, seconds=True),
        "people": [{"name": one.name, "initials": one.initials} for one in people.at(session, store)],
        "ready": _of(session, eyes, "bereit"),
        "picking": _of(session, eyes, "packen"),
    }


def _of(session: Session, eyes: Eyes, tab: str) -> list[dict[str, Any]]:
    due = col(Pickup.collect_by) if tab == "bereit" else col(Pickup.ready_by)
    statement = select(Pickup).where(
        col(Pickup.location) == eyes.location.code, col(Pickup.state).in_([state.value for state in TABS[tab][1]])
    )
    found = session.exec(statement.order_by(due, col(Pickup.id)).limit(SHOWN_AT_MOST)).all()
    moments = {one.id: one.collect_by if one.state == State.READY else one.ready_by for one in found}
    return [
        _shown(session, card, staff_view.by(moments[card.id], eyes), eyes)
        for card in staff_view.cards(session, found, eyes)
    ]


def _shown(session: Session, card: Card, due: str, eyes: Eyes) -> dict[str, Any]:
    """A card with times of the clock: nobody counts down while the network is away."""
    lines = [_line(session, line) for line in card.open_lines]
    return {
        "id": card.id, "number": card.number, "who": card.who, "shelf": card.shelf, "paid": card.paid, "to_pay": card.to_pay,
        "note": card.note, "gift": card.gift, "due": eyes.say("overdue") if card.overdue else due, "overdue": card.overdue,
        "placed": card.placed, "pieces": eyes.say.ngettext("%(num)s article", "%(num)s articles", card.pieces),
        "picker": card.picker, "first_shelf": card.first_shelf, "lines": lines, "age": max((one["age"] for one in lines), default=0),
    }  # fmt: skip


def _line(session: Session, line: staff_view.LineShown) -> dict[str, Any]:
    return {
        "sku": line.sku, "title": line.title, "detail": line.detail, "tint": line.tint, "open": line.open,
        "age": handing.min_age(session, [line.sku]) or 0,
    }  # fmt: skip


# ---------------------------------------------------------------- what became of a hand-over

_ENDED = {
    State.CANCELLED: later(
        "%(number)s had been cancelled meanwhile. Your hand-over is booked, and the office looks into it."
    ),
    State.EXPIRED: later("%(number)s had expired meanwhile. Your hand-over is booked, and the office looks into it."),
}
_MOVED = later("%(number)s had been sent to another store meanwhile. Nothing was booked, and the office looks into it.")
_TWICE = later(
    "%(number)s had been handed over before, by %(name)s (%(when)s). Nothing was booked twice, and the office looks into it."
)
_SENT = later("%(number)s: the hand-over is sent.")


def became(heard: Heard, by: str, eyes: Eyes) -> dict[str, Any]:
    """What the device hears, in words."""
    told = {"number": heard.found.number, "name": heard.first.by if heard.first else "", "when": ""}
    if heard.first is not None:
        told["when"] = eyes.when(heard.first.at)
    return {
        "became": heard.became.value,
        "number": heard.found.number,
        "by": by,
        "words": eyes.say(_words(heard), **told),
    }


def _words(heard: Heard) -> str:
    if heard.became is Became.AFTER_END:
        return _ENDED[State(heard.was)]
    if heard.became is Became.TWICE:
        return _TWICE if heard.first is not None else _MOVED
    return _SENT
