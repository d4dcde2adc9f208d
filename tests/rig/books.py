"""The clients' journal against the server's: nothing that was acknowledged is lost, and nothing happened twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.commands import verify
from omnisync.stock.tables import Movement, Promise, Reservation
from omnisync.sync.tables import DeadLetter, InboxMessage
from tests.rig.journal import Done, Journal

Effect = tuple[str, str, str, str]
"""(kind, name, SKU, location)."""
MOVES = ("hold", "collected", "released", "sold", "order")
STATES = {"hold": "held", "confirm": "confirmed", "collected": "collected", "released": "released"}
_movement, _reservation, _promise = db.table(Movement), db.table(Reservation), db.table(Promise)
_inbox, _letter = db.table(InboxMessage), db.table(DeadLetter)


@dataclass
class Findings:
    """What is wrong; all empty when the server kept its word."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    """Happened more often than it was acknowledged, or without that anybody asked."""
    violations: list[str] = field(default_factory=list)
    """What `omnisync verify` says."""
    surprises: list[str] = field(default_factory=list)
    """Answers that no client should get."""

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.violations or self.surprises)


def compare(session: Session, journal: Journal) -> Findings:
    """Everything of both journals, effect by effect. All clients have finished: they know of all that happened."""
    told, there = moved(journal.done), recorded(session)
    found = Findings(_in_words(told - there), _in_words(there - told), violations(session), list(journal.surprises))
    found.lost += _wrong_states(session, journal) + _missing_messages(session, journal)
    return found


def violations(session: Session) -> list[str]:
    """What `omnisync verify` has to say."""
    return [f"{name}: {text}" for name, texts in verify.violations(session).items() for text in texts]


def moved(done: Iterable[Done]) -> Counter[Effect]:
    """Pieces by effect, as they were acknowledged."""
    pieces: Counter[Effect] = Counter()
    for one in done:
        for sku, location, quantity in one.lines if one.kind in MOVES else ():
            pieces[one.kind, one.name, sku, location] += quantity
    return pieces


def recorded(session: Session) -> Counter[Effect]:
    """Pieces by effect, as the server's journal has them."""
    pieces: Counter[Effect] = Counter()
    for kind, name, sku, location, quantity in effects(session):
        pieces[kind, name, sku, location] += quantity
    return pieces


def effects(session: Session) -> list[tuple[str, str, str, str, int]]:
    """What the movements did, in their order: kind, name, SKU, location, pieces."""
    named = sa.case(
        (_movement.c.kind == "sold", _movement.c.key),
        (_movement.c.kind == "order", _promise.c.order_id),
        else_=_movement.c.promise,
    )
    rows = session.execute(
        sa.select(_movement.c.kind, named, _movement.c.sku, _movement.c.location, _movement.c.quantity)
        .outerjoin(_promise, _promise.c.id == _movement.c.promise)
        .where(_movement.c.kind.in_(MOVES))
        .order_by(_movement.c.id)
    )
    return [(kind, _plain(kind, name), sku, location, quantity) for kind, name, sku, location, quantity in rows]


def _plain(kind: str, name: str) -> str:
    """The name as the clients know it: a key without whose it is, an order without its channel."""
    if kind == "sold":
        return name.rpartition(":")[2]
    return name.partition(":")[2] if kind == "order" else name


def _wrong_states(session: Session, journal: Journal) -> list[str]:
    told = {one.name: STATES[one.kind] for one in journal.done if one.kind in STATES}
    there = dict(session.execute(sa.select(_reservation.c.id, _reservation.c.state)).all())
    return [
        f"{name} was {state}, the server says {there.get(name)}"
        for name, state in told.items()
        if there.get(name) != state
    ]


def _missing_messages(session: Session, journal: Journal) -> list[str]:
    """Messages that were acknowledged and are neither applied nor in plain sight: waiting, or a letter that is open."""
    rows = session.execute(
        sa.select(_inbox.c.event_id, _inbox.c.state, _letter.c.id).outerjoin(
            _letter, (_letter.c.message_id == _inbox.c.id) & _letter.c.closed_at.is_(None)
        )
    )
    there = {event: state for event, state, letter in rows if state in ("received", "applied") or letter is not None}
    return [f"message {one.name}" for one in journal.done if one.kind == "hook" and one.name not in there]


def _in_words(pieces: Counter[Effect]) -> list[str]:
    return [
        f"{quantity} of {sku} at {location}: {kind} {name}" for (kind, name, sku, location), quantity in pieces.items()
    ]
