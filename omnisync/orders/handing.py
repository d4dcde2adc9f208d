"""Handing a pickup over: by the customer's code or with a reason, whole or in part."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict, InvalidRequest, Refused
from omnisync.orders import handover, holding, pickup, sending, states, tasks
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.states import Step
from omnisync.orders.tables import Pickup, PickupLine
from omnisync.stock.ends import How
from omnisync.values import Shelf

_line = db.table(PickupLine)
Rest = Literal["keep", "release"]


class Reason(StrEnum):
    """Why a pickup is handed over without its code."""

    ORDER_NUMBER_AND_NAME = "order_number_and_name"
    ID_SEEN = "id_seen"
    KNOWN = "known"
    PROXY = "proxy"


class AgeUnchecked(Conflict):
    """Something of it is not for everybody, and nobody has said that the age was checked."""

    code = "age-unchecked"


class WrongCode(Refused):
    """This code does not open this pickup."""

    status = 403
    code = "wrong-code"


@dataclass(frozen=True, slots=True)
class ByCode:
    """The customer showed a code."""

    code: str


@dataclass(frozen=True, slots=True)
class WithoutCode:
    """Somebody of the store answers for it."""

    reason: Reason
    note: str = ""


@dataclass(frozen=True, slots=True)
class ToldBy:
    """Its channel says that it was handed over: somebody used the channel's own screen."""

    channel: str


@dataclass(frozen=True, slots=True)
class Offline:
    """A device checked the code while it had no network, and tells of it now."""

    at: datetime
    deed: str
    """The name that the device gave it."""


Proof = ByCode | WithoutCode | ToldBy | Offline


def lookup(session: Session, desk: Desk, code: str, *, actor: Actor) -> Pickup:
    """The pickup that this code opens, within the actor's store."""
    found = pickup.by_code_hash(session, desk.codes.hash(code), actor)
    if found is None:
        raise WrongCode("No pickup of this store has this code.")
    return found


def collect(
    session: Session,
    desk: Desk,
    pickup_id: str,
    proof: ByCode | WithoutCode,
    *,
    actor: Actor,
    now: datetime,
    part: Mapping[str, int] | None = None,
    rest: Rest = "keep",
    age_checked: bool = False,
) -> Pickup:
    """Hand over what is open, or a part of it; the rest waits further or is given back. Its stock leaves the ledger now, unless
    the till has booked the same pieces before. AgeUnchecked where one of the articles has a minimum age and nobody checked it."""
    found = pickup.load(session, pickup_id, actor, lock=True)
    if isinstance(proof, ByCode) and not desk.codes.opens(proof.code, found.code_hash):
        raise WrongCode("This code does not open this pickup.")
    if found.state != states.State.READY:
        raise states.wrong_state(found, Step.COLLECT)
    still_open = pickup.open_lines(session, pickup_id)
    taken = dict(still_open if part is None else part)
    if not taken:
        raise InvalidRequest.of("lines", "Name at least one line.")
    pickup.check_part(taken, still_open)
    more = _age(session, taken, checked=age_checked)
    left = less(still_open, taken)
    return _hand_over(session, desk, found, proof, taken, left=left, rest=rest, actor=actor, now=now, more=more)


def min_age(session: Session, skus: Collection[str]) -> int | None:
    """The age in years that somebody must have who takes these; a bundle is for nobody who may not have what it holds."""
    found = articles.known(session, {*skus, *articles.explode(session, ((sku, 1) for sku in skus))})
    return max((one.min_age for one in found.values() if one.min_age), default=None)


def _age(session: Session, taken: Collection[str], *, checked: bool) -> dict[str, int]:
    """What the timeline keeps of it: the age that was checked."""
    wanted = min_age(session, taken)
    if wanted is None:
        return {}
    if not checked:
        raise AgeUnchecked(f"Somebody must say that the customer is at least {wanted}.", min_age=wanted)
    return {"age_checked": wanted}


def hear(session: Session, desk: Desk, found: Pickup, *, now: datetime) -> Pickup:
    """What is open was handed over, its channel says."""
    proof = ToldBy(found.channel or "")
    sending.call_off(session, found, by=proof.channel, now=now)
    taken = pickup.open_lines(session, found.id)
    return _hand_over(session, desk, found, proof, taken, left={}, rest="release", actor=Actor(proof.channel), now=now)


def hear_offline(
    session: Session,
    desk: Desk,
    found: Pickup,
    proof: Offline,
    taken: Mapping[str, int],
    *,
    actor: Actor,
    now: datetime,
    more: Mapping[str, Any],
) -> Pickup:
    """These pieces of an open pickup were handed over at that moment. A rest waits further where the pickup lies ready."""
    ready = found.state == states.State.READY
    if not ready:
        sending.call_off(session, found, by=actor.name, now=now)
    left = less(pickup.open_lines(session, found.id), taken)
    rest: Rest = "keep" if ready else "release"
    return _hand_over(session, desk, found, proof, taken, left=left, rest=rest, actor=actor, now=now, more=more)


def hear_after_end(
    session: Session,
    desk: Desk,
    found: Pickup,
    proof: Offline,
    taken: Mapping[str, int],
    *,
    actor: Actor,
    now: datetime,
    more: Mapping[str, Any],
) -> Pickup:
    """The same of a pickup that has ended meanwhile. Nothing is held for it any more, so the pieces go off the shelf as a sale
    does, also below what was promised to others since."""
    location, pieces = desk.location(found.location), holding.stocked(session, found.location, taken)
    booked = handover.till_books(location, paid=found.paid)
    rung_up = handover.hand_over(session, found, pieces, now=proof.at) if booked else {}
    holding.gone(session, found, pieces, name=proof.deed, rung_up=rung_up, at=proof.at, now=now)
    tasks.close_put_back(session, found.id, by=actor.name, now=now)
    return _note(session, desk, found, proof, taken, keeps=False, left={}, actor=actor, now=now, more=more)


def less(still_open: Mapping[str, int], taken: Mapping[str, int]) -> dict[str, int]:
    """What is left of some pieces when others are taken off."""
    return {sku: n - taken.get(sku, 0) for sku, n in still_open.items() if n > taken.get(sku, 0)}


def _hand_over(
    session: Session,
    desk: Desk,
    found: Pickup,
    proof: Proof,
    taken: Mapping[str, int],
    *,
    left: Mapping[str, int],
    rest: Rest,
    actor: Actor,
    now: datetime,
    more: Mapping[str, Any] | None = None,
) -> Pickup:
    keeps = bool(left) and rest == "keep"
    pieces = holding.pieces(session, found, taken)
    _move_stock(session, desk, found, pieces, keep_rest=keeps, at=_moment(proof, now), now=now)
    return _note(session, desk, found, proof, taken, keeps=keeps, left=left, actor=actor, now=now, more=more or {})


def _note(
    session: Session,
    desk: Desk,
    found: Pickup,
    proof: Proof,
    taken: Mapping[str, int],
    *,
    keeps: bool,
    left: Mapping[str, int],
    actor: Actor,
    now: datetime,
    more: Mapping[str, Any],
) -> Pickup:
    at = _moment(proof, now)
    for sku, n in sorted(taken.items()):
        _add_collected(session, found.id, sku, n)
    how = _how(proof)
    if keeps:
        moved = states.advance(session, found.id, Step.COLLECT_PART, collected_how=how, handed_over_by=actor.name)
    else:
        step = _STEPS.get(type(proof), Step.COLLECT)
        moved = _finish(session, desk, found, step, how, actor, at, put_back=bool(left))
    lines = [{"sku": sku, "quantity": n} for sku, n in sorted(taken.items())]
    desk.tell(session, "collected", moved, by=actor, now=at, whole=not left, lines=lines, **more)
    return moved


_STEPS: Mapping[type[Proof], Step] = {ToldBy: Step.HEAR_COLLECTED, Offline: Step.HEAR_OFFLINE}


def _moment(proof: Proof, now: datetime) -> datetime:
    return proof.at if isinstance(proof, Offline) else now


def _finish(
    session: Session, desk: Desk, found: Pickup, step: Step, how: str, actor: Actor, now: datetime, *, put_back: bool
) -> Pickup:
    ended = states.advance(
        session, found.id, step, collected_how=how, handed_over_by=actor.name, ended_at=now, overdue=False
    )
    tasks.close_overdue(session, found.id, by=actor.name, now=now)
    if put_back:
        tasks.put_back(session, desk, ended, now=now)
    return ended


def _move_stock(
    session: Session,
    desk: Desk,
    found: Pickup,
    pieces: Mapping[Shelf, int],
    *,
    keep_rest: bool,
    at: datetime,
    now: datetime,
) -> None:
    location = desk.location(found.location)
    booked = handover.till_books(location, paid=found.paid)
    rung_up = handover.hand_over(session, found, pieces, now=at) if booked else {}
    holding.end(session, found, How.COLLECT, part=pieces, keep_rest=keep_rest, rung_up=rung_up, at=at, now=now)


def _how(proof: Proof) -> str:
    if isinstance(proof, ByCode):
        return "code"
    if isinstance(proof, Offline):
        return "code: offline"
    if isinstance(proof, ToldBy):
        return f"told by {proof.channel}"
    return f"{proof.reason.value}: {proof.note}" if proof.note else proof.reason.value


def _add_collected(session: Session, pickup_id: str, sku: str, n: int) -> None:
    session.execute(
        sa.update(_line)
        .where(_line.c.pickup_id == pickup_id, _line.c.sku == sku)
        .values(collected=_line.c.collected + n)
    )
