"""How much one caller may hold at once: against hoarding, by mistake or on purpose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Refused
from omnisync.settings import LimitSettings
from omnisync.stock.reservations import Held, Request
from omnisync.stock.tables import Reservation

RECOUNT = timedelta(seconds=10)
"""Holds that other nodes granted are seen at least so often."""
PATIENCE = timedelta(seconds=1)
"""Whoever is at the limit is not counted more often than that."""
_reservation = db.table(Reservation)
_OPEN = sa.and_(_reservation.c.state == "held", _reservation.c.expires_at > sa.bindparam("now", type_=db.Instant()))
_MINE = (_OPEN, _reservation.c.owner == sa.bindparam("owner"))
_COUNT = sa.select(sa.func.count()).where(*_MINE)
_FIRST_TO_EXPIRE = sa.select(_reservation.c.expires_at).where(*_MINE).order_by(_reservation.c.expires_at).limit(1)
Customer = tuple[str | None, str | None]
"""The key that asks, and its reference."""


class TooManyHolds(Refused):
    """So many holds are open already: the caller ends some or waits, or whoever runs omnisync raises the limit."""

    status = 429
    code = "too-many-holds"


class HoldTooLarge(Refused):
    """The caller asks for less at once, or whoever runs omnisync raises the limit."""

    status = 409
    code = "hold-too-large"


@dataclass(slots=True)
class _Count:
    """At most so many holds of a key are open: those counted, and those that this process granted since."""

    open: int
    at: datetime


@dataclass
class Limits:
    """The limits over the holds of every key. A key's holds are counted now and then, not for every request."""

    settings: LimitSettings
    _counts: dict[str | None, _Count] = field(default_factory=dict)

    def check(self, session: Session, requests: Sequence[Request], *, now: datetime) -> dict[int, Refused]:
        """Which of these (by their place) go beyond a limit, if all before them are granted."""
        more: Counter[str | None] = Counter()
        of_reference = self._of_references(session, requests, now)
        refused: dict[int, Refused] = {}
        for place, request in enumerate(requests):
            customer = request.owner, request.reference
            why = (
                too_large(self.settings, request.lines, "hold")
                or self._too_many_of_key(session, request.owner, more[request.owner], now)
                or self._too_many_of_reference(customer, of_reference)
            )
            if why:
                refused[place] = why
            else:
                more[request.owner] += 1
                of_reference[customer] += 1
        return refused

    def note(self, outcomes: Sequence[Held | Refused]) -> None:
        """These were granted, or not."""
        for outcome in outcomes:
            if isinstance(outcome, Held) and outcome.owner in self._counts:
                self._counts[outcome.owner].open += 1

    def _too_many_of_key(self, session: Session, owner: str | None, more: int, now: datetime) -> Refused | None:
        allowed, count = self.settings.open_holds_per_key, self._counts.get(owner)
        full = count is not None and count.open + more >= allowed
        if count is None or now - count.at >= (PATIENCE if full else RECOUNT):
            number = int(session.execute(_COUNT, {"now": now, "owner": owner}).scalar_one())
            count = self._counts[owner] = _Count(number, now)
        if count.open + more < allowed:
            return None
        first = session.execute(_FIRST_TO_EXPIRE, {"now": now, "owner": owner}).scalar()
        wait = max(1, int((first - now).total_seconds())) if first else 1
        return _too_many("open_holds_per_key", allowed, "this key", wait)

    def _too_many_of_reference(self, customer: Customer, open_now: Mapping[Customer, int]) -> Refused | None:
        allowed = self.settings.open_holds_per_reference
        if customer[1] is None or open_now[customer] < allowed:
            return None
        return _too_many("open_holds_per_reference", allowed, f"the reference {customer[1]}", 60)

    def _of_references(self, session: Session, requests: Sequence[Request], now: datetime) -> Counter[Customer]:
        references = {request.reference for request in requests if request.reference is not None}
        # By the reference alone, so that its index is used: of one reference there are few, of open holds many.
        rows = db.look_up(session, _reservation, ("reference",), references, columns=_ASKED)
        return Counter((row.owner, row.reference) for row in rows if row.state == "held" and row.expires_at > now)


class _Line(Protocol):
    """A line of what is asked for."""

    @property
    def quantity(self) -> int: ...


def too_large(settings: LimitSettings, lines: Sequence[_Line], what: str) -> HoldTooLarge | None:
    """Why one hold or pickup (`what`) with these lines is too large, if it is."""
    asked = {"lines": len(lines), "quantity": max(line.quantity for line in lines)}
    allowed = {"lines": settings.lines, "quantity": settings.quantity}
    for name, number in asked.items():
        if number > allowed[name]:
            return HoldTooLarge(
                f"One {what} has at most {allowed[name]} {_WORDS[name]} (limits.{name}), {number} were asked for.",
                limit=name, allowed=allowed[name], action=f"Hold less at once. {_RAISE}",
            )  # fmt: skip
    return None


_ASKED = ("owner", "reference", "state", "expires_at")
_WORDS = {"lines": "lines", "quantity": "pieces a line"}
_RAISE = "Whoever runs omnisync can raise the limit."


def _too_many(limit: str, allowed: int, whose: str, wait_seconds: int) -> Refused:
    return TooManyHolds(
        f"{allowed} holds of {whose} are open, and limits.{limit} allows no more.",
        limit=limit, allowed=allowed, retry_after_seconds=wait_seconds,
        action=f"Confirm or release some of them, or wait until they expire. {_RAISE}",
    )  # fmt: skip
