"""Torments of orders that are collected in the store: each is at the desk once, and the channel hears what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from omnisync import db
from omnisync.errors import Refused
from omnisync.orders import handing, picking
from omnisync.orders.handing import ByCode
from omnisync.orders.pickup import Actor
from omnisync.orders.tables import ChannelOrder, Pickup
from omnisync.torture import acts
from omnisync.torture.counterpart import LOCATION, Bought, DoesNotApply
from omnisync.torture.stage import NAME, SKUS, Stage

A, B, C, *_ = SKUS
STAFF = Actor("Anna", LOCATION)
_order, _pickup = db.table(ChannelOrder), db.table(Pickup)


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
