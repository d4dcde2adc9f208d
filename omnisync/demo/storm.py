"""A storm: every switch of every channel on for a while, in an order that hurts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnisync.clock import Clock
from omnisync.demo.plan import EBAY, SQUARE, TILL, WEBSHOP
from omnisync.demo.switches import ALL, Switches


@dataclass(frozen=True, slots=True)
class Gust:
    """A switch that is turned when so much (per cent) of the time is over."""

    at: int
    channel: str
    fault: str
    on: bool = True


GUSTS: Sequence[Gust] = (
    Gust(5, ALL, "double"),
    Gust(10, ALL, "reorder"),
    Gust(15, EBAY, "down"),
    Gust(25, WEBSHOP, "rate_limited"),
    Gust(30, SQUARE, "rate_limited"),
    Gust(35, TILL, "rate_limited"),
    Gust(40, WEBSHOP, "rate_limited", on=False),
    Gust(40, SQUARE, "rate_limited", on=False),
    Gust(45, WEBSHOP, "lose"),
    Gust(45, SQUARE, "lose"),
    Gust(50, TILL, "lose"),
    Gust(50, EBAY, "lose"),
    Gust(55, EBAY, "down", on=False),
    Gust(60, EBAY, "rate_limited"),
    Gust(60, ALL, "lose", on=False),
    Gust(65, WEBSHOP, "down"),
    Gust(75, WEBSHOP, "down", on=False),
    Gust(75, SQUARE, "down"),
    Gust(75, TILL, "down"),
    Gust(80, ALL, ALL),
    Gust(85, ALL, ALL, on=False),
)
ENDLESS_SECONDS = 120.0
"""How long one storm takes in a demo that does not end by itself."""


async def blow(switches: Switches, clock: Clock, seconds: float | None) -> None:
    """Turn the switches at their times; in an endless demo again and again."""
    span = seconds or ENDLESS_SECONDS
    while True:
        over = 0.0
        for gust in GUSTS:
            await clock.sleep(gust.at / 100 * span - over)
            over = gust.at / 100 * span
            await switches.turn(gust.channel, gust.fault, gust.on)
        if seconds is not None:
            return
        await clock.sleep(span - over)
