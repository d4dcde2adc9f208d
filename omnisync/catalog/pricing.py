"""The arithmetic of prices, in whole minor units and without a database: rules, endings, net, the lowest of 30 days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from omnisync.values import Money, minor_digits

WHOLE = 10_000
"""100 per cent, in hundredths of a per cent."""
LOOK_BACK = timedelta(days=30)
"""Art. 6a of Directive 98/6/EC, in Germany section 11 of the Preisangabenverordnung."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a price is made from the base price: first the per cent, then the amount, then the ending."""

    percent_hundredths: int = 0
    add_minor: int = 0
    ending_minor: int | None = None


def apply_rule(base: Money, rule: Rule) -> Money:
    """The price a rule makes; rounded once, at its end, and never below nothing."""
    numerator = base.minor * (WHOLE + rule.percent_hundredths) + rule.add_minor * WHOLE
    if rule.ending_minor is None:
        return Money(max(0, _half_up(numerator, WHOLE)), base.currency)
    return Money(_with_ending(numerator, rule.ending_minor, base.currency), base.currency)


def _with_ending(numerator: int, ending: int, currency: str) -> int:
    step = ending_step(ending, currency)
    steps = _half_up(numerator - ending * WHOLE, step * WHOLE)
    return max(0, steps) * step + ending


def ending_step(ending: int, currency: str) -> int:
    """How far apart prices of one ending are: 1 euro for ,99 and for ,00; 10 euros for 9,90."""
    digits = max(minor_digits(currency), len(str(ending)))
    return int("1" + "0" * digits)


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def net_minor(gross_minor: int, vat_rate: int) -> int:
    """The net of a gross amount, half up (ties away from zero, so that a refund mirrors its sale)."""
    net = _half_up(abs(gross_minor) * WHOLE, WHOLE + vat_rate)
    return net if gross_minor >= 0 else -net


@dataclass(frozen=True, slots=True)
class Applied:
    """From that moment on a channel showed this price."""

    at: datetime
    price: Money


def lowest(history: Sequence[Applied], before: datetime) -> Money | None:
    """The lowest price that stood at any moment of the 30 days before (that moment itself not included).

    History is in order of time. Prices in another currency than the last one are not compared.
    """
    past = [applied for applied in history if applied.at < before]
    start = before - LOOK_BACK
    standing = [one for one, after in zip_longest(past, past[1:]) if after is None or after.at > start]
    return min((one.price for one in standing if one.price.currency == past[-1].price.currency), default=None)


def reference(history: Sequence[Applied], at: datetime) -> Money | None:
    """What a reduction shown at that moment must name: the lowest of the 30 days before the present price was applied."""
    past = [applied for applied in history if applied.at <= at]
    return lowest(past, past[-1].at) if past else None
