"""Torments of orders that are collected in the store: each is at the desk once, and the channel hears what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from omnisync import db
from omnisync.errors import Refused
from omnisync.orders import ending, handing, picking
from omnisync.orders.handing import ByCode
from omnisync.orders.pickup import Actor
from omnisync.orders.tables import ChannelOrder, Pickup
from omnisync.sync.tables import DeadLetter
from omnisync.torture import acts
from omnisync.torture.counterpart import LOCATION, Bought, DoesNotApply
from omnisync.torture.stage import NAME, SKUS, Stage

A, B, C, *_ = SKUS
STAFF = Actor("Anna", LOCATION)
_order, _pickup, _letter = db.table(ChannelOrder), db.table(Pickup), db.table(DeadLetter)


async def pickups(stage: Stage) -> None:
    """Orders to be collected in the store are at its desk once, also when they are told again. One is handed over, one lies ready,
    one is called off; the channel hears what became of the first two and nothing more, though each answer is lost once and the process is another one
    by then."""
    if not stage.adapter.can.tells_pickups:
        raise DoesNotApply("it is told of no pickups")
    taken, lying = stage.pick_up((A, 2)), stage.pick_up((B, 1))
    await stage.rounds(2)
    acts.expect_told(stage, taken, lying)
    _expect_at_the_desk(stage, taken, "placed")
    _expect_at_the_desk(stage, lying, "placed")
    stage.wire.fate = acts.lost_once()
    for bought in (taken, lying):
        _staff(stage, picking.pick, bought)
        _staff(stage, picking.ready, bought, "12")
    await stage.rounds(4, seconds=70)
    _expect_heard(stage, taken, "open", "ready")
    stage.restart()
    _hand_over(stage, taken)
    await stage.rounds(4, seconds=70)
    stage.wire.calm()
    await _called_off(stage)
    acts.read_from_the_beginning(stage)
    await stage.rounds(3)
    _expect_at_the_desk(stage, taken, "collected")
    _expect_at_the_desk(stage, lying, "ready")
    _expect_heard(stage, taken, "collected")
    _expect_heard(stage, lying, "open", "ready")


async def called_off(stage: Stage) -> None:
    """The store calls pickups off, one before and one after it lay ready: their pieces can be sold again at once. The channel hears of
    each, or a person is asked who can cancel there; nobody is asked any more once that is done. Each answer is lost once and the
    process is another one by then."""
    if not stage.adapter.can.tells_pickups:
        raise DoesNotApply("it is told of no pickups")
    early, late = stage.pick_up((A, 2)), stage.pick_up((B, 1))
    await stage.rounds(2)
    _staff(stage, picking.pick, late)
    _staff(stage, picking.ready, late, "12")
    await stage.rounds(2)
    stage.wire.fate = acts.lost_once()
    for bought in (early, late):
        _staff(stage, ending.cancel, bought)
        stage.books.come_back(bought.id)
    await stage.rounds(4, seconds=70)
    stage.restart()
    await stage.rounds(4, seconds=70)
    stage.wire.calm()
    for bought in (early, late):
        if not _is_heard_or_asked(stage, bought):
            continue
        stage.counterpart.cancel(bought)
    stage.clock.advance(hours=2)
    acts.read_from_the_beginning(stage)
    await stage.rounds(3)
    for bought in (early, late):
        _expect_at_the_desk(stage, bought, "cancelled")
        _expect_heard(stage, bought, "over")


def _is_heard_or_asked(stage: Stage, bought: Bought) -> bool:
    """Whether a person was asked, because the channel takes no such word."""
    asked, heard = _asked(stage, bought), stage.counterpart.fetched(bought)
    if bool(asked) == (heard == "over"):
        stage.wrong(
            f"order {bought.id} is called off; the channel thinks that it is {heard}, and {asked} letters ask a person"
        )
    return bool(asked) and heard != "over"


def _asked(stage: Stage, bought: Bought) -> int:
    """How many letters ask somebody to tell the channel of this order."""
    ours = {f"news/{pickup}" for pickup, _ in _at_the_desk(stage, bought)}
    mine = (_letter.c.channel == NAME, _letter.c.closed_at.is_(None), _letter.c.key.in_(ours))
    with db.reading(stage.engine) as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(_letter).where(*mine)).scalar_one())


async def _called_off(stage: Stage) -> None:
    off = stage.pick_up((C, 1))
    await stage.rounds(2)
    if acts.if_any(lambda: stage.cancel(off)):
        await stage.rounds(2)
        _expect_at_the_desk(stage, off, "cancelled")


def _hand_over(stage: Stage, bought: Bought) -> None:
    for pickup, _ in _at_the_desk(stage, bought):
        _staff(stage, handing.collect, bought, ByCode(stage.desk.codes.of(pickup)))
    stage.books.leave(bought.id)


def _staff(stage: Stage, act: Callable[..., object], bought: Bought, *more: Any) -> None:
    """Somebody at the desk presses a button."""
    for pickup, _ in _at_the_desk(stage, bought):
        try:
            with db.transaction(stage.engine) as session:
                act(session, stage.desk, pickup, *more, actor=STAFF, now=stage.clock.now())
        except Refused as refused:
            stage.wrong(f"the desk cannot go on with order {bought.id}: {refused.message}")


def _at_the_desk(stage: Stage, bought: Bought) -> list[tuple[str, str]]:
    """(id, state) of the pickups there for this order."""
    same = sa.and_(_pickup.c.channel == _order.c.channel, _pickup.c.reference == _order.c.reference)
    ours = (_order.c.channel == NAME, _order.c.external_id.in_(bought.told_as), _pickup.c.location == LOCATION)
    statement = sa.select(_pickup.c.id, _pickup.c.state).select_from(_order.join(_pickup, same)).where(*ours)
    with db.reading(stage.engine) as session:
        return [(row.id, row.state) for row in session.execute(statement)]


def _expect_at_the_desk(stage: Stage, bought: Bought, state: str) -> None:
    states = [found for _, found in _at_the_desk(stage, bought)]
    if states != [state]:
        stage.wrong(f"order {bought.id} should be at the desk once, {state}; there is {', '.join(states) or 'nothing'}")


def _expect_heard(stage: Stage, bought: Bought, *words: str) -> None:
    if (heard := stage.counterpart.fetched(bought)) not in words:
        stage.wrong(f"the channel thinks that order {bought.id} is {heard}; it is {words[-1]}")
