"""How reservations end: confirmed, collected, released or expired, whole or in part, each exactly once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.announce import announce_all
from omnisync.errors import Conflict, InvalidRequest, NotFound, Refused
from omnisync.stock import ledger, shelves
from omnisync.stock.tables import Movement, Reservation
from omnisync.values import EPOCH, Kind, Shelf

reservation = db.table(Reservation)
movement = db.table(Movement)
OPEN = ("held", "confirmed")
OVERDUE_AT_ONCE = 500
"""So many the worker ends in one go."""
OVERDUE_IN_THE_WAY = 5_000
"""So many are ended for somebody who wants their pieces; who wants more than these keep finds the rest when he asks again."""
PAGE = 500


class How(StrEnum):
    """What a caller wants of an open reservation."""

    CONFIRM = "confirm"
    COLLECT = "collect"
    RELEASE = "release"
    EXPIRE = "expire"


_OUTCOME = {
    How.COLLECT: (Kind.COLLECTED, "collected"),
    How.RELEASE: (Kind.RELEASED, "released"),
    How.EXPIRE: (Kind.RELEASED, "expired"),
}


@dataclass(frozen=True, slots=True)
class End:
    """One end of a reservation. `pieces` names a part; the rest is given back, or stays held with `keep_rest`.

    `rung_up` are pieces of it that a till has booked already: they leave `reserved` and move no on_hand again.
    """

    reservation_id: str
    how: How
    pieces: Mapping[Shelf, int] | None = None
    keep_rest: bool = False
    rung_up: Mapping[Shelf, int] = field(default_factory=dict)
    cause: str | None = None
    at: datetime | None = None
    """When it happened, if it is heard of later."""


@dataclass(frozen=True, slots=True)
class State:
    """A reservation as read under the locks of its shelves."""

    id: str
    state: str
    expires_at: datetime | None
    owner: str | None
    taken: bool
    lines: tuple[Mapping[str, Any], ...]
    created_at: datetime
    channel: str | None
    reference: str | None

    @property
    def shelves(self) -> set[Shelf]:
        return {Shelf(line["location"], line["sku"]) for line in self.lines}

    def overdue(self, now: datetime) -> bool:
        """Held past its time: expired wherever it is read or ended, whether or not somebody has written so yet."""
        return self.state == "held" and self.expires_at is not None and self.expires_at <= now


def end(session: Session, wanted: Sequence[End], *, now: datetime) -> list[State | Refused]:
    """End or confirm reservations, one answer each, in their order; a second end gets a typed refusal and no effect."""
    ids = {one.reservation_id for one in wanted}
    shelves.lock(session, shelves_of(session, ids))
    found = states(session, ids)
    left = {name: dict(pieces) for name, pieces in open_pieces(session, ids).items()}
    before = dict(found)
    entries: list[ledger.Entry] = []
    answers: list[State | Refused] = []
    for one in wanted:
        try:
            state = _checked(one, found.get(one.reservation_id), now)
            entries += _entries(one, left.get(state.id, {}), now)
            found[state.id] = _advanced(one, state, left.get(state.id, {}))
            answers.append(found[state.id])
        except Refused as refused:
            answers.append(refused)
    ledger.record(session, entries, now=now)
    _write_states(session, before, found, now)
    return answers


def end_one(session: Session, wanted: End, *, now: datetime) -> State:
    """One of them, or why not."""
    [answer] = end(session, [wanted], now=now)
    if isinstance(answer, Refused):
        raise answer
    return answer


def _checked(one: End, state: State | None, now: datetime) -> State:
    if state is None:
        raise NotFound(f"There is no reservation {one.reservation_id}.")
    if state.state not in OPEN:
        raise Conflict(f"This reservation is already {state.state}.", code=f"already-{state.state}", state=state.state)
    if one.how is not How.EXPIRE and state.overdue(now):
        raise Conflict("This reservation has expired.", code="already-expired", state="expired")
    return state


def _entries(one: End, left: dict[Shelf, int], now: datetime) -> list[ledger.Entry]:
    """The journal rows of this end; `left` is what is open and shrinks."""
    if one.how is How.CONFIRM:
        return []
    kind, _ = _OUTCOME[one.how]
    part = dict(left) if one.pieces is None else dict(one.pieces)
    _check_part(part, left)
    entries = []
    for shelf in sorted(part):
        booked = min(one.rung_up.get(shelf, 0), part[shelf]) if kind is Kind.COLLECTED else 0
        entries += [
            _entry(one, kind, shelf, part[shelf] - booked, now),
            _entry(one, kind, shelf, booked, now, physical=False),
        ]
        left[shelf] -= part[shelf]
    if not one.keep_rest:
        entries += [_entry(one, Kind.RELEASED, shelf, n, now) for shelf, n in sorted(left.items())]
        left.update(dict.fromkeys(left, 0))
    return [entry for entry in entries if entry.quantity > 0]


def _check_part(part: Mapping[Shelf, int], left: Mapping[Shelf, int]) -> None:
    errors = [
        {
            "field": "lines",
            "message": f"{shelf.sku} at {shelf.location}: {n} asked for, {left.get(shelf, 0)} still open",
        }
        for shelf, n in part.items()
        if n > left.get(shelf, 0)
    ]
    if errors:
        raise InvalidRequest(errors)


def _entry(one: End, kind: Kind, shelf: Shelf, n: int, now: datetime, *, physical: bool = True) -> ledger.Entry:
    return ledger.Entry(
        kind,
        shelf.sku,
        shelf.location,
        n,
        one.cause or f"reservation:{one.reservation_id}",
        one.at or now,
        promise=one.reservation_id,
        reason="expired" if one.how is How.EXPIRE else None,
        physical=physical,
    )


def _advanced(one: End, state: State, left: Mapping[Shelf, int]) -> State:
    if one.how is How.CONFIRM:
        return replace(state, state="confirmed", expires_at=None)
    if any(left.values()):
        return state  # a part of it stays held
    return replace(state, state=_OUTCOME[one.how][1])


@dataclass(frozen=True, slots=True)
class Back:
    """Pieces of a collected reservation that were not handed over after all; of those in `rung_up` the till keeps the sale.

    `at` is when they had been collected: what was counted since has seen them.
    """

    reservation_id: str
    pieces: Mapping[Shelf, int]
    at: datetime
    cause: str
    rung_up: Mapping[Shelf, int] = field(default_factory=dict)


def hand_back(session: Session, back: Back, *, now: datetime) -> None:
    """Take a collection back: the pieces are there and held again, and the reservation is open as before."""
    before = states(session, [back.reservation_id])
    entries = []
    for shelf, n in sorted(back.pieces.items()):
        kept = min(back.rung_up.get(shelf, 0), n)
        for pieces, physical in ((n - kept, True), (kept, False)):
            entry = ledger.Entry(
                Kind.HANDED_BACK, shelf.sku, shelf.location, pieces, back.cause, back.at,
                promise=back.reservation_id, physical=physical,
            )  # fmt: skip
            entries += [entry] if pieces else []
    ledger.record(session, entries, now=now)
    after = {name: replace(state, state="confirmed", expires_at=None) for name, state in before.items()}
    _write_states(session, before, after if entries else before, now)


_ADVANCE = (
    sa.update(reservation)
    .where(reservation.c.id == sa.bindparam("the_id"), reservation.c.state == sa.bindparam("was"))
    .values(state=sa.bindparam("becomes"), expires_at=sa.bindparam("until"), ended_at=sa.bindparam("at"))
)


def _write_states(session: Session, before: Mapping[str, State], after: Mapping[str, State], now: datetime) -> None:
    changed = [state for state in after.values() if state != before[state.id]]
    rows = [
        {
            "the_id": state.id, "was": before[state.id].state, "becomes": state.state, "until": state.expires_at,
            "at": None if state.state in OPEN else now,
        }
        for state in changed
    ]  # fmt: skip
    if rows and session.connection().execute(_ADVANCE, rows).rowcount != len(rows):
        raise shelves.GuardBroken("A reservation was ended by somebody else under our lock.")
    told = [(f"reservation.{state.state}", {"id": state.id, "reference": state.reference}) for state in changed]
    announce_all(session, told, now=now)


# ---------------------------------------------------------------- reading


def states(session: Session, ids: Collection[str], *, lock: bool = True) -> dict[str, State]:
    """Those reservations, their rows locked unless somebody only wants to look."""
    if not ids:
        return {}
    statement = sa.select(reservation).where(reservation.c.id.in_(sorted(ids))).order_by(reservation.c.id)
    rows = session.execute(statement.with_for_update() if lock else statement)
    return {
        row.id: State(
            row.id, row.state, row.expires_at, row.owner, row.pickup is not None, tuple(row.lines), row.created_at,
            row.channel, row.reference,
        )
        for row in rows
    }  # fmt: skip


def shelves_of(session: Session, ids: Collection[str]) -> set[Shelf]:
    """The shelves those reservations hold pieces of; their lines never change, so no lock is needed."""
    if not ids:
        return set()
    rows = session.execute(sa.select(reservation.c.lines).where(reservation.c.id.in_(sorted(ids)))).scalars()
    return {Shelf(line["location"], line["sku"]) for lines in rows for line in lines}


def open_pieces(session: Session, promises: Iterable[str]) -> dict[str, dict[Shelf, int]]:
    """What is open of each promise (reservation or order): the sum of its movements' `reserved`. Exact while its shelves
    are locked."""
    wanted = sorted(set(promises))
    if not wanted:
        return {}
    found: dict[str, dict[Shelf, int]] = defaultdict(dict)
    for promise, location, sku, pieces in session.execute(_OPEN_PIECES, {"promises": wanted}):
        found[promise][Shelf(location, sku)] = int(pieces)
    return dict(found)


_OPEN_PIECES = (
    sa.select(movement.c.promise, movement.c.location, movement.c.sku, sa.func.sum(movement.c.reserved))
    .where(db.among(movement.c.promise, db.many("promises")))
    .group_by(movement.c.promise, movement.c.location, movement.c.sku)
)


class Progress(NamedTuple):
    """How far the pieces of one shelf are."""

    held: int
    collected: int


_PROGRESS = _OPEN_PIECES.add_columns(
    sa.func.sum(
        sa.case(
            (movement.c.kind == Kind.COLLECTED.value, movement.c.quantity),
            (movement.c.kind == Kind.HANDED_BACK.value, -movement.c.quantity),
            else_=0,
        )
    )
)


def progress(session: Session, ids: Collection[str]) -> dict[str, dict[Shelf, Progress]]:
    """How far the pieces of those reservations are. One that ended in a month which has left the journal is not among them."""
    found: dict[str, dict[Shelf, Progress]] = defaultdict(dict)
    rows = session.execute(_PROGRESS, {"promises": sorted(ids)}) if ids else ()
    for promise, location, sku, held, collected in rows:
        found[promise][Shelf(location, sku)] = Progress(int(held), int(collected))
    return found


# ---------------------------------------------------------------- expiry


@dataclass(frozen=True, slots=True)
class Overdue:
    """Holds whose time is over, and every shelf they touch."""

    ids: tuple[str, ...]
    shelves: frozenset[Shelf]


def overdue(session: Session, wanted: Collection[Shelf] | None, *, now: datetime, limit: int) -> Overdue:
    """Overdue holds, those that touch `wanted` only (None: all), oldest first; at most `limit` of them."""
    found: dict[str, set[Shelf]] = {}
    for row in _past_their_time(session, now):
        touched = {Shelf(line["location"], line["sku"]) for line in row.lines}
        if wanted is None or not touched.isdisjoint(wanted):
            found[row.id] = touched
        if len(found) == limit:
            break
    return Overdue(tuple(found), frozenset(shelf for touched in found.values() for shelf in touched))


def _past_their_time(session: Session, now: datetime) -> Iterator[sa.Row[Any]]:
    """By pages: nearly always there is none, and where thousands ran out together they hide nobody's behind them."""
    after, name = EPOCH, ""
    while page := session.execute(_PAST_THEIR_TIME, {"now": now, "after": after, "name": name}).all():
        yield from page
        after, name = page[-1].expires_at, page[-1].id


_WHEN = (reservation.c.expires_at, reservation.c.id)
_AFTER: tuple[sa.BindParameter[Any], ...] = (sa.bindparam("after", type_=db.Instant()), sa.bindparam("name"))
_PAST_THEIR_TIME = (
    sa.select(reservation.c.id, reservation.c.lines, reservation.c.expires_at)
    .where(reservation.c.state == "held", reservation.c.expires_at <= sa.bindparam("now"))
    .where(sa.tuple_(*_WHEN) > sa.tuple_(*_AFTER))
    .order_by(*_WHEN)
    .limit(PAGE)
)


def expire_overdue(session: Session, *, now: datetime, limit: int = OVERDUE_AT_ONCE) -> int:
    """Give back what overdue holds keep; returns how many were ended."""
    ids = overdue(session, None, now=now, limit=limit).ids
    answers = end(session, [End(found, How.EXPIRE) for found in ids], now=now)
    return sum(not isinstance(answer, Refused) for answer in answers)


def excuse_outage(session: Session, *, down_since: datetime, now: datetime) -> int:
    """While we were down nobody could confirm or collect: holds that were alive then get that time on top."""
    down = now - down_since
    if down <= timedelta(0):
        return 0
    statement = (
        sa.update(reservation)
        .where(reservation.c.state == "held", reservation.c.expires_at > down_since)
        .values(expires_at=reservation.c.expires_at + sa.literal(down // timedelta(microseconds=1), sa.BigInteger))
    )
    return cast("sa.CursorResult[Any]", session.execute(statement)).rowcount


_TAKEN = (
    sa.update(reservation)
    .where(reservation.c.id == sa.bindparam("the_id"), reservation.c.state.in_(OPEN), reservation.c.pickup.is_(None))
    .values(state="released", pickup=sa.bindparam("by"), ended_at=sa.bindparam("at"))
)


def taken_over(session: Session, taken: Mapping[str, str], *, now: datetime) -> None:
    """Mark holds as taken over by another reservation, once each; their journal rows are the caller's."""
    rows = [{"the_id": old, "by": new, "at": now} for old, new in taken.items()]
    if rows and session.connection().execute(_TAKEN, rows).rowcount != len(rows):
        raise shelves.GuardBroken("A reservation was taken by somebody else under our lock.")
