"""Torments of orders that are not paid: their pieces can be sold again, and the channel hears of it."""

from __future__ import annotations

import sqlalchemy as sa

from omnisync import db
from omnisync.orders.tables import ChannelOrder
from omnisync.sync.tables import DeadLetter
from omnisync.torture import acts, verdict
from omnisync.torture.counterpart import Bought, DoesNotApply
from omnisync.torture.stage import NAME, SKUS, Stage
from omnisync.torture.wire import UNANSWERED

A, B, *_ = SKUS
_order, _letter = db.table(ChannelOrder), db.table(DeadLetter)


async def unpaid(stage: Stage) -> None:
    """Of two orders that are not paid one is, on the last day: it keeps its pieces. The other one's can be sold again, but not while the
    channel is away and nobody can know. The channel hears of it, or a person is asked who can cancel there, once and not again; each
    answer is lost once and the process is another one by then."""
    if not stage.adapter.can.tells_pickups:
        raise DoesNotApply("it is told of no orders that are over")
    forgotten, late = stage.owe((A, 2)), stage.owe((B, 1))
    await stage.rounds(2)
    acts.expect_told(stage, forgotten, late)
    days = stage.context.channel(NAME).policy.unpaid_days
    stage.clock.advance(days=days - 1)
    stage.counterpart.pay(late)
    await stage.rounds(2)
    stage.wire.fate = lambda call: UNANSWERED
    stage.clock.advance(days=1)
    await stage.rounds(3, seconds=900)
    for fault in verdict.shelves_of(stage, A, B):
        stage.wrong(f"while nobody can know whether it was paid: {fault}")
    stage.wire.fate = acts.lost_once()
    stage.books.come_back(forgotten.id)
    await stage.rounds(6, seconds=310)
    stage.restart()
    await stage.rounds(4, seconds=70)
    stage.wire.calm()
    if _is_heard_or_asked(stage, forgotten):
        stage.counterpart.cancel(forgotten)
    stage.clock.advance(hours=2)
    acts.read_from_the_beginning(stage)
    await stage.rounds(3)
    before = _times_heard(stage, forgotten)
    stage.clock.advance(days=days)
    await stage.rounds(3)
    if (more := _times_heard(stage, forgotten) - before) > 0:
        stage.wrong(f"that nobody paid for order {forgotten.id} was told {more} times more after the channel knew")
    if (heard := stage.counterpart.fetched(late)) == "over":
        stage.wrong(f"order {late.id} was paid; the channel thinks that it is {heard}")


def _is_heard_or_asked(stage: Stage, bought: Bought) -> bool:
    """Whether a person was asked, because the channel takes no such word."""
    asked, heard = _asked(stage, bought), stage.counterpart.fetched(bought)
    if (asked, heard == "over") not in ((0, True), (1, False)):
        stage.wrong(
            f"nobody paid for order {bought.id}; the channel thinks that it is {heard}, {asked} letters ask a person"
        )
    return heard != "over"


def _asked(stage: Stage, bought: Bought) -> int:
    """How many letters ask somebody to cancel this order."""
    keys = sa.select(sa.literal("news/order/", db.Name) + _order.c.id).where(
        _order.c.channel == NAME, _order.c.external_id.in_(bought.told_as)
    )
    mine = (_letter.c.channel == NAME, _letter.c.closed_at.is_(None), _letter.c.key.in_(keys))
    with db.reading(stage.engine) as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(_letter).where(*mine)).scalar_one())


def _times_heard(stage: Stage, bought: Bought) -> int:
    """How often the adapter was asked to say it."""
    return sum(news.order_id in bought.told_as for news in stage.news)
