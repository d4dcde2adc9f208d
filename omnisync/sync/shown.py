"""What a listing should show: pure arithmetic from pieces to the number a buyer sees."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Rule:
    """How carefully a channel shows: a buffer in pieces or per cent, a number at which it stops, a cap."""

    buffer_pieces: int = 0
    buffer_percent: int = 0
    stop_at: int = 0
    max_listed: int | None = None

    @classmethod
    def of(cls, buffer: int | str, *, stop_at: int = 0, max_listed: int | None = None) -> Rule:
        """From the settings, where a buffer is `2` or `"10%"`."""
        text = str(buffer).strip()
        if text.endswith("%"):
            return cls(buffer_percent=int(text[:-1]), stop_at=stop_at, max_listed=max_listed)
        return cls(buffer_pieces=int(text), stop_at=stop_at, max_listed=max_listed)


def quantity(pieces: int, rule: Rule) -> int:
    """Pieces minus the buffer (per cent rounded up); stop_at or less shows nothing; at most max_listed."""
    left = pieces - rule.buffer_pieces - _percent_rounded_up(max(0, pieces), rule.buffer_percent)
    if left <= rule.stop_at:
        return 0
    return left if rule.max_listed is None else min(left, rule.max_listed)


def steps(pieces: int, rule: Rule) -> dict[str, int]:
    """What each part of the rule changes of the pieces, one after the other: together with them they are the quantity."""
    grown = {
        "never_below_zero": Rule(),
        "buffer": replace(rule, stop_at=0, max_listed=None),
        "stop_at": replace(rule, max_listed=None),
        "max_listed": rule,
    }
    changes, before = {}, pieces
    for name, so_far in grown.items():
        after = quantity(pieces, so_far)
        changes[name], before = after - before, after
    return {name: change for name, change in changes.items() if change}


def bundles(contents: Iterable[tuple[int, int]]) -> int:
    """How many bundles can be made: (pieces there, pieces in one bundle) of each component at one location."""
    return min((there // each for there, each in contents), default=0)


def _percent_rounded_up(pieces: int, percent: int) -> int:
    return -(-pieces * percent // 100)
