"""Our own promises: holds that are granted whole or not at all, and end exactly once.

The journal row of a hold is its pending row and is never edited; its ends are new rows with the same `promise`, and what
is still open of it is their sum. A batch is the primitive; one is a batch of one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync import db
from omnisync.announce import announce_all
from omnisync.catalog import articles, bundles
from omnisync.errors import Conflict, InvalidRequest, OutOfStock, Refused
from omnisync.stock import ends, ledger, promises, shelves, shortages, turns
from omnisync.stock.decide import Wish, decide
from omnisync.stock.effects import Level
from omnisync.stock.tables import Reservation
from omnisync.values import Kind, Shelf

reservation = db.table(Reservation)


@dataclass(frozen=True, slots=True)
class Line:
    """So many pieces of one SKU at one location."""

    sku: str
    location: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to hold stock. Without `expires_at` it stands until it is ended (a confirmed promise).

    `takes` names an earlier hold of the same owner that this one takes over. With channel and reference it also takes over what
    an order of that reference has promised; the buyer has ordered then, so that it stands without an end. `there`: it cannot wait
    for goods that come later, and takes only what is there. `again`: it stands for what an earlier one of its reference had taken
    over, so that the rest of the order keeps its own.
    """

    id: str
    lines: tuple[Line, ...]
    expires_at: datetime | None
    channel: str | None = None
    reference: str | None = None
    owner: str | None = None
    takes: str | None = None
    there: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation as it stands now."""

    id: str
    state: str
    lines: tuple[Line, ...]
    expires_at: datetime | None
    created_at: datetime
    channel: str | None = None
    reference: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class _Credit:
    """A promise that a request takes over, with what is open of it."""

    promise: str
    open: Mapping[Shelf, int]
    is_hold: bool


def reserve(session: Session, requests: Sequence[Request], *, now: datetime) -> list[Held | Refused]:
    """Hold what the shelves can keep, in the order of the requests: each whole, or refused with what is lacking.

    Refused: OutOfStock; InvalidRequest for a SKU nobody knows; Conflict `already-expired`, `reservation-taken`,
    `reservation-mismatch` when an earlier hold cannot be taken over. Overdue holds of the same shelves expire first.
    """
    together = _one_taker_each(requests)
    answers = _reserve(session, requests[:together], now=now)
    return answers + (reserve(session, requests[together:], now=now) if requests[together:] else [])


def _one_taker_each(requests: Sequence[Request]) -> int:
    """How many requests can be decided together: the next one wants to take over the same promise as one of them, so that it
    has to see what became of it."""
    taken: set[str] = set()
    for number, request in enumerate(requests):
        names = {request.takes or "", *_references([request])} - {""}
        if not taken.isdisjoint(names):
            return number
        taken |= names
    return len(requests)


def _reserve(session: Session, requests: Sequence[Request], *, now: datetime) -> list[Held | Refused]:
    db.lock_names(session, _references(requests))
    wanted = _pieces(session, requests)
    takeovers = _candidates(session, requests)
    asked_for = {shelf for pieces in wanted for shelf in pieces}
    overdue = ends.overdue(session, asked_for, now=now, limit=ends.OVERDUE_IN_THE_WAY)
    everything = asked_for | takeovers.shelves | overdue.shelves
    locked = shelves.lock(session, everything)
    if overdue.ids:
        ends.end(session, [ends.End(found, ends.How.EXPIRE) for found in overdue.ids], now=now)
        locked = shelves.lock(session, everything)
    answers, wishes = _prepare(session, requests, wanted, takeovers, locked, now)
    granted = _grant(answers, wishes, locked)
    _write(session, [(requests[index], wishes[index]) for index in granted], locked, now)
    for index, wish in granted.items():
        answers[index] = _held(requests[index], wish, now)
    return [answer for answer in answers if answer is not None]


@dataclass(frozen=True, slots=True)
class _Prepared:
    wish: Wish
    credits: tuple[_Credit, ...]

    def until(self, request: Request) -> datetime | None:
        return None if any(not credit.is_hold for credit in self.credits) else request.expires_at


def _prepare(
    session: Session,
    requests: Sequence[Request],
    wanted: Sequence[dict[Shelf, int]],
    takeovers: _Candidates,
    locked: Mapping[Shelf, Level],
    now: datetime,
) -> tuple[list[Held | Refused | None], dict[int, _Prepared]]:
    """Refuse what can be refused without counting; the rest become wishes with their credits."""
    known = articles.known(session, {shelf.sku for pieces in wanted for shelf in pieces if shelf not in locked})
    opened = takeovers.read(session)
    answers: list[Held | Refused | None] = [None] * len(requests)
    prepared = {}
    for index, (request, pieces) in enumerate(zip(requests, wanted, strict=True)):
        unknown = [shelf.sku for shelf in pieces if shelf not in locked and shelf.sku not in known]
        if unknown:
            at = {line.sku: f"lines.{number}.sku" for number, line in enumerate(request.lines)}
            answers[index] = InvalidRequest(
                [{"field": at.get(sku, "lines"), "message": f"There is no article {sku}."} for sku in unknown]
            )
            continue
        stocked = {shelf: n for shelf, n in pieces.items() if shelf in locked or known[shelf.sku].stocked}
        try:
            found = _credits(request, stocked, opened, now)
        except Refused as refused:
            answers[index] = refused
            continue
        barred = {shelf: locked[shelf].backorder for shelf in stocked if shelf in locked} if request.there else {}
        waiting = _not_there_yet(session, found, locked) if request.there else {}
        prepared[index] = _Prepared(Wish(stocked, _sum_of(found), barred, waiting), found)
    return answers, prepared


def _grant(
    answers: list[Held | Refused | None], wishes: Mapping[int, _Prepared], locked: Mapping[Shelf, Level]
) -> dict[int, _Prepared]:
    verdicts = decide(
        [prepared.wish for prepared in wishes.values()],
        {shelf: level.free for shelf, level in locked.items()},
        {shelf for shelf, level in locked.items() if level.off_sale},
    )
    granted = {}
    for (index, prepared), lacks in zip(wishes.items(), verdicts, strict=True):
        if lacks:
            answers[index] = OutOfStock(lacks)
        else:
            granted[index] = prepared
    return granted


def _write(
    session: Session, granted: Sequence[tuple[Request, _Prepared]], locked: Mapping[Shelf, Level], now: datetime
) -> None:
    """Credits back, holds on, in the journal row by row and on the balances as one guarded net change a shelf."""
    rows: list[tuple[ledger.Entry, Level]] = []
    net: dict[Shelf, int] = defaultdict(int)
    for request, prepared in granted:
        for entry in _entries(request, prepared, now):
            change = entry.quantity if entry.kind is Kind.HOLD else -entry.quantity
            rows.append((entry, Level(reserved=change)))
            net[entry.shelf] += change
    shelves.hold(session, {shelf: n for shelf, n in net.items() if n > 0}, now=now)
    db.insert_all(session, reservation, [_row(request, prepared, now) for request, prepared in granted])
    ledger.insert(session, rows, now=now)
    announce_all(
        session, [("reservation.held", {"id": one.id, "reference": one.reference}) for one, _ in granted], now=now
    )
    _give_back(session, {shelf: Level(reserved=n) for shelf, n in net.items() if n < 0}, locked, rows, now)
    taken = [(credit, request) for request, prepared in granted for credit in prepared.credits]
    ends.taken_over(session, {credit.promise: request.id for credit, request in taken if credit.is_hold}, now=now)
    promises.taken_over(
        session, [(credit.promise, sum(credit.open.values())) for credit, _ in taken if not credit.is_hold]
    )


def _give_back(
    session: Session,
    changes: Mapping[Shelf, Level],
    locked: Mapping[Shelf, Level],
    rows: Sequence[tuple[ledger.Entry, Level]],
    now: datetime,
) -> None:
    """Fewer pieces are promised than before, which may mend a shortage."""
    if not changes:
        return
    shelves.write(session, changes, now=now)
    after = {shelf: locked[shelf].plus(change) for shelf, change in changes.items()}
    shortages.settle(session, locked, after, {row.shelf: row.cause for row, _ in rows}, now=now)


def _entries(request: Request, prepared: _Prepared, now: datetime) -> Iterable[ledger.Entry]:
    cause = f"reservation:{request.id}"
    for credit in prepared.credits:
        for shelf, n in credit.open.items():
            yield ledger.Entry(
                Kind.RELEASED, shelf.sku, shelf.location, n, cause, now, promise=credit.promise, reason="taken over"
            )
    for shelf, n in prepared.wish.pieces.items():
        yield ledger.Entry(Kind.HOLD, shelf.sku, shelf.location, n, cause, now, promise=request.id)


def _pieces(session: Session, requests: Sequence[Request]) -> list[dict[Shelf, int]]:
    """For each request its pieces: equal lines merged and bundles exploded, in lock order."""
    among = bundles.among(session, {line.sku for request in requests for line in request.lines})
    return [_merge(session, request.lines, among) for request in requests]


def _merge(session: Session, lines: Iterable[Line], among: Collection[str]) -> dict[Shelf, int]:
    pieces: dict[Shelf, int] = defaultdict(int)
    for line in lines:
        holds = (
            articles.explode(session, [(line.sku, line.quantity)]) if line.sku in among else {line.sku: line.quantity}
        )
        for sku, quantity in holds.items():
            pieces[Shelf(line.location, sku)] += quantity
    return dict(sorted(pieces.items()))


def _references(requests: Sequence[Request]) -> list[str]:
    return [promises.name_of(r.channel, r.reference) for r in requests if r.channel and r.reference]


# ---------------------------------------------------------------- taking over


@dataclass(frozen=True, slots=True)
class _Candidates:
    """What requests may take over, found before the shelves are locked and read again after it."""

    holds: frozenset[str]
    orders: Mapping[tuple[str, str], tuple[str, ...]]
    shelves: frozenset[Shelf]

    def read(self, session: Session) -> _Opened:
        ids = [*self.holds, *(promise for found in self.orders.values() for promise in found)]
        return _Opened(ends.states(session, self.holds), ends.open_pieces(session, ids), self.orders)


@dataclass(frozen=True, slots=True)
class _Opened:
    states: Mapping[str, ends.State]
    pieces: Mapping[str, Mapping[Shelf, int]]
    orders: Mapping[tuple[str, str], tuple[str, ...]]


def _candidates(session: Session, requests: Sequence[Request]) -> _Candidates:
    holds = frozenset(request.takes for request in requests if request.takes)
    references = {(r.channel, r.reference) for r in requests if r.channel and r.reference}
    by_reference = promises.of_references(session, references)
    found = {shelf for rows in by_reference.values() for _, shelf in rows} | ends.shelves_of(session, holds)
    return _Candidates(
        holds, {name: tuple(promise for promise, _ in rows) for name, rows in by_reference.items()}, frozenset(found)
    )


def _credits(request: Request, pieces: Mapping[Shelf, int], opened: _Opened, now: datetime) -> tuple[_Credit, ...]:
    found = []
    if request.takes is not None:
        _check_takeover(request, opened.states.get(request.takes), now)
        found.append(_Credit(request.takes, opened.pieces.get(request.takes, {}), is_hold=True))
    covers: dict[str, int] = defaultdict(int)
    for shelf, n in pieces.items():
        covers[shelf.sku] += n
    of_order = () if request.again else opened.orders.get((request.channel or "", request.reference or ""), ())
    for promise in of_order:
        passed_on = {}
        for shelf, n in opened.pieces.get(promise, {}).items():
            if part := min(n, covers[shelf.sku]):
                passed_on[shelf] = part
                covers[shelf.sku] -= part
        if passed_on:
            found.append(_Credit(promise, passed_on, is_hold=False))
    return tuple(found)


def _check_takeover(request: Request, state: ends.State | None, now: datetime) -> None:
    if state is None or state.owner != request.owner:
        raise Conflict("This reservation is not one of yours.", code="reservation-mismatch")
    if state.taken:
        raise Conflict("This reservation was already taken by another pickup.", code="reservation-taken")
    if state.overdue(now):
        raise Conflict("This reservation has expired.", code="already-expired")
    if state.state not in ends.OPEN:
        raise Conflict(f"This reservation is already {state.state}.", code=f"already-{state.state}")
    if {shelf.location for shelf in state.shelves} != {line.location for line in request.lines}:
        raise Conflict("This reservation is for another location.", code="reservation-mismatch")


def _not_there_yet(session: Session, found: Sequence[_Credit], locked: Mapping[Shelf, Level]) -> dict[Shelf, int]:
    """What of these promises has yet to come: who takes them over cannot wait for it."""
    return {
        shelf: n - turns.there(session, shelf, locked[shelf], {one.promise: one.open.get(shelf, 0) for one in found})
        for shelf, n in _sum_of(found).items()
    }


def _sum_of(found: Sequence[_Credit]) -> dict[Shelf, int]:
    credit: dict[Shelf, int] = defaultdict(int)
    for one in found:
        for shelf, n in one.open.items():
            credit[shelf] += n
    return dict(credit)


# ---------------------------------------------------------------- rows


def _row(request: Request, prepared: _Prepared, now: datetime) -> dict[str, Any]:
    until, pieces = prepared.until(request), prepared.wish.pieces
    return {
        "id": request.id, "state": "held" if until else "confirmed", "channel": request.channel,
        "reference": request.reference, "owner": request.owner, "created_at": now, "expires_at": until,
        "lines": [{"sku": shelf.sku, "location": shelf.location, "quantity": n} for shelf, n in pieces.items()],
    }  # fmt: skip


def _held(request: Request, prepared: _Prepared, now: datetime) -> Held:
    until = prepared.until(request)
    return Held(
        request.id,
        "held" if until else "confirmed",
        tuple(Line(shelf.sku, shelf.location, n) for shelf, n in prepared.wish.pieces.items()),
        until,
        now,
        request.channel,
        request.reference,
        request.owner,
    )
