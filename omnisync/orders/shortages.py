"""What can be done about a shortage: a proposal for each promise that breaks, and carrying them out together."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict
from omnisync.orders import breaking, ending, holding, picking, pickup, sending, transfer
from omnisync.orders.breaking import Promised, Who
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.states import State
from omnisync.orders.tables import ChannelOrder, Pickup, PickupLine
from omnisync.stock import availability, ends, promises, shelves, transfers
from omnisync.stock import shortages as cases
from omnisync.stock.effects import Level
from omnisync.stock.tables import Shortage
from omnisync.values import Shelf, format_time

_line = db.table(PickupLine)


class Action(StrEnum):
    """What is proposed for a promise that breaks."""

    TRANSFER = "transfer"
    """Goods come from another location."""
    OTHER_STORE = "other_store"
    """Another location sends the order."""
    PART = "part"
    """The rest of the pickup stays."""
    CANCEL = "cancel"
    AT_CHANNEL = "cancel_at_channel"
    """A person tells the buyer and cancels there: only the channel can end its promise."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One broken promise and what to do about it; `lines` are those of the pickup or transfer that are given up here."""

    promised: Promised
    pieces: int
    action: Action
    source: str | None = None
    lines: Mapping[str, int] | None = None

    def view(self) -> dict[str, Any]:
        """As plain data."""
        one = self.promised
        return {
            "kind": one.who.value, "id": one.of, "reference": one.reference, "paid": one.paid,
            "placed_at": format_time(one.placed_at), "quantity": self.pieces, "action": self.action.value,
            "location": self.source,
            "lines": None if self.lines is None else [{"sku": sku, "quantity": n} for sku, n in self.lines.items()],
        }  # fmt: skip


@dataclass
class _Left:
    """What other locations can still give, while proposals are made: each takes its pieces from it."""

    session: Session
    desk: Desk
    known: dict[Shelf, int]

    def source(self, here: str, wanted: Mapping[str, int], among: Iterable[str]) -> str | None:
        """The first of these locations that has all of it."""
        for code in among:
            there = holding.stocked(self.session, code, wanted)
            if code != here and there and all(self._at(shelf) >= n for shelf, n in there.items()):
                self.known |= {shelf: self._at(shelf) - n for shelf, n in there.items()}
                return code
        return None

    def _at(self, shelf: Shelf) -> int:
        if shelf not in self.known:
            levels = availability.levels(self.session, [shelf])
            self.known[shelf] = levels.get(shelf, Level()).available
        return self.known[shelf]


def propose(session: Session, desk: Desk, found: Shortage, *, now: datetime) -> list[Proposal]:
    """For each promise that this shortage breaks, in the order in which they break."""
    shelf, left = Shelf(found.location, found.sku), _Left(session, desk, {})
    broken = breaking.broken(breaking.promised_from(session, shelf, now=now), found.quantity)
    return [_PROPOSE[one.who](left, shelf, one, pieces) for one, pieces in broken]


def fingerprint(proposals: Sequence[Proposal]) -> str:
    """Names exactly these proposals: who accepts says what he has seen."""
    return hashlib.blake2b(orjson.dumps([one.view() for one in proposals]), digest_size=8).hexdigest()


def accept(session: Session, desk: Desk, number: int, seen: str, *, by: str, now: datetime) -> Shortage:
    """Carry out the proposals that somebody has seen, all or none. Conflict, with what is possible now, if they no longer fit."""
    db.lock_names(session, [f"shortage:{number}"])  # not its row: that is locked after the shelf, by every fact
    found, proposals = _as_seen(session, desk, number, seen, now)
    shelf = Shelf(found.location, found.sku)
    _lock(session, shelf, proposals)
    found, proposals = _as_seen(session, desk, number, seen, now)  # somebody may have packed a bag meanwhile
    for one in sorted(proposals, key=lambda one: (one.promised.of, one.promised.name)):
        _CARRY_OUT[one.promised.who](session, desk, shelf, one, by, now)
    cases.accept(session, number, by=by, now=now)
    session.flush()
    session.refresh(found)
    return found


def _as_seen(
    session: Session, desk: Desk, number: int, seen: str, now: datetime
) -> tuple[Shortage, Sequence[Proposal]]:
    found = cases.load_open(session, number)
    proposals = propose(session, desk, found, now=now)
    if fingerprint(proposals) != seen:
        raise changed(proposals)
    return found, proposals


def _lock(session: Session, shelf: Shelf, proposals: Sequence[Proposal]) -> None:
    """Everything that these would touch, in the order in which everybody goes: pickups, transfers, names of orders, their
    promises, shelves."""
    of: dict[Who, list[str]] = {
        who: sorted(one.promised.of for one in proposals if one.promised.who is who) for who in Who
    }
    asked = [transfers.load(session, name) for name in of[Who.TRANSFER]]
    for name in sorted({*of[Who.PICKUP], *(one.pickup_id for one in asked if one.pickup_id)}):
        sending.locked(session, name)
    for one in asked:
        transfers.load(session, one.id, lock=True)
    promises.lock(session, [one.promised.name for one in proposals if one.promised.who is Who.ORDER])
    held = {shelf, *ends.shelves_of(session, [one.promised.name for one in proposals])}
    places = {one.source for one in proposals if one.source} | {one.to_location for one in asked}
    shelves.lock(session, held | {Shelf(place, at.sku) for place in places for at in held})


def changed(proposals: Sequence[Proposal]) -> Conflict:
    """What was proposed is not possible any more; this is."""
    return Conflict(
        "This is not what is proposed now.", code="proposal-changed", proposal=fingerprint(proposals),
        promises=[one.view() for one in proposals],
    )  # fmt: skip


# ---------------------------------------------------------------- pickups


def _for_pickup(left: _Left, shelf: Shelf, one: Promised, pieces: int) -> Proposal:
    here = _unpacked(left.session, one.of)
    lines = breaking.lines_for(_each(left.session, here), here, shelf.sku, pieces)
    wanted = _with_rejected(left.session, one.of, lines)
    if source := left.source(shelf.location, wanted, sending.sources(left.desk, shelf.location)):
        return Proposal(one, pieces, Action.TRANSFER, source, lines)
    rest = pickup.open_lines(left.session, one.of) != lines
    return Proposal(one, pieces, Action.PART if rest else Action.CANCEL, None, lines)


def _unpacked(session: Session, pickup_id: str) -> dict[str, int]:
    lines = pickup.lines_of(session, [pickup_id])[pickup_id]
    return {line.sku: n for line in lines if (n := pickup.open_quantity(line) - line.coming - line.picked) > 0}


def _with_rejected(session: Session, pickup_id: str | None, lines: Mapping[str, int]) -> dict[str, int]:
    """These lines and what the pickup lacks already: goods come for all of it."""
    wanted = Counter(lines)
    for line in pickup.lines_of(session, [pickup_id])[pickup_id] if pickup_id else ():
        wanted[line.sku] += line.rejected
    return {sku: n for sku, n in sorted(wanted.items()) if n}


def _each(session: Session, skus: Iterable[str]) -> dict[str, dict[str, int]]:
    return {sku: articles.explode(session, [(sku, 1)]) for sku in skus}


def _settle_pickup(session: Session, desk: Desk, shelf: Shelf, one: Proposal, by: str, now: datetime) -> None:
    actor = Actor(by)
    if one.action is Action.CANCEL:
        ending.cancel(session, desk, one.promised.of, actor=actor, now=now, reason="shortage")
        return
    picking.give_up(session, desk, one.promised.of, one.lines or {}, now=now)
    if one.source is not None:
        transfer.transfer(session, desk, one.promised.of, one.source, "goods_come", actor=actor, now=now)


# ---------------------------------------------------------------- transfers, orders, holds


def _for_transfer(left: _Left, shelf: Shelf, one: Promised, pieces: int) -> Proposal:
    asked = transfers.load(left.session, one.of)
    lines_asked = transfers.lines_of(left.session, [one.of])[one.of]
    unsent = {line.sku: line.unsent for line in lines_asked if line.unsent}
    lines = breaking.lines_for({line.sku: line.each for line in lines_asked}, unsent, shelf.sku, pieces)
    others = [code for code in sending.sources(left.desk, asked.to_location) if code != asked.to_location]
    wanted = _with_rejected(left.session, asked.pickup_id, lines)
    source = left.source(shelf.location, wanted, others) if asked.promise is not None else None
    return Proposal(one, pieces, Action.TRANSFER if source else Action.CANCEL, source, lines)


def _settle_transfer(session: Session, desk: Desk, shelf: Shelf, one: Proposal, by: str, now: datetime) -> None:
    """Nobody sends these from here; the pickup lacks them, or gets them from elsewhere."""
    asked = transfers.load(session, one.promised.of)
    found = sending.locked(session, asked.pickup_id)
    gone = transfers.call_off(session, asked.id, one.lines, by=by, now=now)
    sending.close_tasks(session, transfers.load(session, asked.id), by, now)
    waits = found is not None and sending.never_come(session, asked, found, gone, now=now)
    if waits and found is not None and one.source is not None:
        transfer.transfer(session, desk, found.id, one.source, "goods_come", actor=Actor(by), now=now)


def _for_order(left: _Left, shelf: Shelf, one: Promised, pieces: int) -> Proposal:
    found = left.session.get_one(ChannelOrder, one.of)
    among = [code for sold in left.desk.settings.channels if sold.name == found.channel for code in sold.locations]
    source = left.source(shelf.location, {shelf.sku: pieces}, among)
    return Proposal(one, pieces, Action.OTHER_STORE if source else Action.AT_CHANNEL, source)


def _settle_order(session: Session, desk: Desk, shelf: Shelf, one: Proposal, by: str, now: datetime) -> None:
    if one.source is not None:
        promises.move(session, one.promised.name, one.pieces, one.source, now=now)


def _for_hold(left: _Left, shelf: Shelf, one: Promised, pieces: int) -> Proposal:
    """A hold is kept whole or not at all: its shop is told, and asks again for what there is. One whose time is over is written
    off."""
    return Proposal(one, pieces, Action.CANCEL)


def _settle_hold(session: Session, desk: Desk, shelf: Shelf, one: Proposal, by: str, now: datetime) -> None:
    how = ends.How.EXPIRE if one.promised.over else ends.How.RELEASE
    ends.end_one(session, ends.End(one.promised.name, how), now=now)


_PROPOSE: Mapping[Who, Callable[[_Left, Shelf, Promised, int], Proposal]] = {
    Who.PICKUP: _for_pickup,
    Who.TRANSFER: _for_transfer,
    Who.ORDER: _for_order,
    Who.HOLD: _for_hold,
}
_CARRY_OUT: Mapping[Who, Callable[[Session, Desk, Shelf, Proposal, str, datetime], None]] = {
    Who.PICKUP: _settle_pickup,
    Who.TRANSFER: _settle_transfer,
    Who.ORDER: _settle_order,
    Who.HOLD: _settle_hold,
}


# ---------------------------------------------------------------- pickups that lack pieces


@dataclass(frozen=True, slots=True)
class Lacking:
    """An open pickup that lacks pieces which were not found, damaged, lost, or could not be sent."""

    pickup: Pickup
    lines: Mapping[str, int]
    source: str | None
    """Who could send them; null: the customer goes without them, or is told."""


def lacking(session: Session, desk: Desk, *, limit: int = 100) -> tuple[list[Lacking], int]:
    """Those that are not packed yet, with who could send what they lack: the oldest of them, and how many there are."""
    waits = sa.exists().where(_line.c.pickup_id == col(Pickup.id), _line.c.rejected > 0)
    here = (col(Pickup.state).in_((State.PLACED.value, State.PICKING.value)), waits)
    found = session.exec(select(Pickup).where(*here).order_by(col(Pickup.id)).limit(limit)).all()
    left = _Left(session, desk, {})
    lines = pickup.lines_of(session, [one.id for one in found])
    answer = []
    for one in found:
        lacks = {line.sku: line.rejected for line in lines[one.id] if line.rejected}
        answer.append(Lacking(one, lacks, left.source(one.location, lacks, sending.sources(desk, one.location))))
    return answer, session.exec(select(sa.func.count()).select_from(Pickup).where(*here)).one()
