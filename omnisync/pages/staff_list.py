"""The list of one store: what is to be picked, what is ready, what is done, and what somebody looks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync.orders import accepting, finding, handover
from omnisync.orders import mark as desk_mark
from omnisync.orders.states import State
from omnisync.orders.tables import Pickup
from omnisync.pages import staff_work_pause, staff_work_view
from omnisync.pages.staff_view import Card, Eyes, cards
from omnisync.pages.staff_work_pause import PauseShown
from omnisync.pages.words import later

TABS = {
    "packen": (later("To pick"), (State.PLACED, State.PICKING)),
    "bereit": (later("Ready"), (State.READY,)),
    "erledigt": (later("Done"), (State.COLLECTED, State.EXPIRED, State.CANCELLED)),
}
DONE_SINCE = timedelta(days=1)
SHOWN_AT_FIRST, SHOWN_AT_MOST = 20, 100
"""A page of the first ones is light on a phone's network, also each time it is asked for again; the others come by a tap."""
FOUND_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything the list shows."""

    tab: str
    counts: dict[str, int]
    cards: tuple[Card, ...]
    not_rung_up: int
    ringing: int
    """How many pickups nobody has accepted: the page makes a sound until there is none."""
    missed: int
    """How many of them are waiting for more than half of their lead time."""
    pause: PauseShown | None
    at: str
    mark: str
    """Says another word as soon as anything of this store has changed."""
    wanted: str
    """What somebody looks for; the cards are what was found then."""
    more: int
    """Pickups of the tab that are not shown."""
    whole: bool
    """Somebody asked for all of them."""


def screen(session: Session, eyes: Eyes, tab: str, wanted: str = "", *, whole: bool = True) -> Screen:
    """The list of one store, or what of it is called so; not `whole`: the first ones."""
    code, now, limit = eyes.location.code, eyes.now, SHOWN_AT_MOST if whole else SHOWN_AT_FIRST
    found = (
        finding.find(session, code, wanted, limit=FOUND_AT_MOST) if wanted else _of_tab(session, code, tab, now, limit)
    )
    numbers = counts(session, eyes)
    return Screen(
        tab=tab,
        counts=numbers,
        cards=tuple(cards(session, found, eyes)),
        not_rung_up=len(handover.not_rung_up(session, code)),
        ringing=accepting.ringing(session, code),
        missed=len(accepting.not_accepted(session, code)),
        pause=staff_work_pause.shown(session, eyes),
        at=eyes.say.time(now, eyes.zone, seconds=True),
        mark=desk_mark.of(session, code),
        wanted=wanted,
        more=0 if wanted else numbers[tab] - len(found),
        whole=whole,
    )


def counts(session: Session, eyes: Eyes) -> dict[str, int]:
    """What each tab says beside its name; `aufgaben` is the other work of the store."""
    code = eyes.location.code
    pickups = {name: _count(session, code, name, eyes.now) for name in TABS}
    return pickups | {"aufgaben": staff_work_view.to_do(session, code)}


def _of_tab(session: Session, location: str, tab: str, now: datetime, limit: int) -> Sequence[Pickup]:
    order = {
        "packen": (col(Pickup.ready_by),),
        "bereit": (col(Pickup.collect_by),),
        "erledigt": (col(Pickup.ended_at).desc(),),
    }
    statement = select(Pickup).where(_in_tab(location, tab, now)).order_by(*order[tab], col(Pickup.id))
    return session.exec(statement.limit(limit)).all()


def _count(session: Session, location: str, tab: str, now: datetime) -> int:
    return session.exec(select(sa.func.count()).select_from(Pickup).where(_in_tab(location, tab, now))).one()


def _in_tab(location: str, tab: str, now: datetime) -> sa.ColumnElement[bool]:
    states = col(Pickup.state).in_([state.value for state in TABS[tab][1]])
    here = sa.and_(col(Pickup.location) == location, states)
    return sa.and_(here, col(Pickup.ended_at) >= now - DONE_SINCE) if tab == "erledigt" else here
