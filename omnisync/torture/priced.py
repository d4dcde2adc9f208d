"""Torments of prices: to the cent, each by itself, on time, and the newest last."""

from __future__ import annotations

from datetime import timedelta

from omnisync.torture import acts
from omnisync.torture.counterpart import DoesNotApply
from omnisync.torture.stage import SKUS, Stage

A, B, C, D, *_ = SKUS
CENTS = (1999, 2006, 2015, 2031, 2033, 2040)
"""As floating-point numbers each of these, times a hundred, is a cent less; none is so far from the one before that a
person is asked first."""


async def prices(stage: Stage) -> None:
    """Prices change by a cent and by a few, alone and together with the stock, twice before the channel has answered once, and at a
    moment that was said before; answers are lost meanwhile. What we say nothing about keeps the channel's own price."""
    if not stage.adapter.can.prices:
        raise DoesNotApply("it takes no prices")
    stage.counterpart.price(A)  # says why not, where it cannot tell
    for cents in CENTS:
        stage.price({A: cents, B: CENTS[0] + CENTS[-1] - cents})
        await stage.rounds(2)
    stage.count({A: 4, C: 7})
    await stage.rounds(2)
    stage.wire.fate = acts.lost_once()
    stage.price({A: CENTS[-1] + 2})
    stage.count({A: 6})
    await stage.rounds(1)
    stage.price({A: CENTS[-1] - 1, D: CENTS[2]})
    await stage.rounds(2)
    stage.wire.calm()
    await _on_time(stage)
    stage.price({C: CENTS[1]})
    stage.count({A: 3, B: 2, C: 5})
    stage.buy((B, 1))
    await stage.rounds(2)


async def _on_time(stage: Stage) -> None:
    """Not before its moment, and soon after it."""
    before = stage.counterpart.price(B)
    stage.price({B: before.minor + 3}, later=timedelta(minutes=30))
    await stage.rounds(3)
    if (shown := stage.counterpart.price(B)) != before:
        stage.wrong(f"{B} costs {shown.decimal()} half an hour before it shall")
    stage.clock.advance(minutes=30)
    await stage.rounds(4)
    if (shown := stage.counterpart.price(B)) != stage.books.prices[B]:
        stage.wrong(f"{B} costs {shown.decimal()} two minutes after it should cost {stage.books.prices[B].decimal()}")
