"""Chance without preferences, for hypothesis: of 12,000 steps that it chose itself, most were like those before, none saw goods
arrive and seven refunded a line that had been sent. Examples that fail are shrunk by hypothesis as ever."""

from __future__ import annotations

import random
from typing import Any

from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

EVEN = "omnisync-even"
"""The name under which `settings(backend=...)` knows it."""


class Even(HypothesisProvider):
    """Every value of a range is as likely as every other; what is seldom drawn by anybody is left to hypothesis."""

    def draw_boolean(self, p: float = 0.5) -> bool:
        return self._dice.random() < p

    def draw_integer(
        self, min_value: int | None = None, max_value: int | None = None, *,
        weights: dict[int, float] | None = None, shrink_towards: int = 0,
    ) -> int:  # fmt: skip
        if min_value is None or max_value is None or weights:
            return super().draw_integer(min_value, max_value, weights=weights, shrink_towards=shrink_towards)
        return self._dice.randint(min_value, max_value)

    @property
    def _dice(self) -> random.Random:
        assert self._random is not None
        return self._random


def register() -> str:
    """Make it known, and its name."""
    providers: dict[str, Any] = AVAILABLE_PROVIDERS
    providers[EVEN] = Even
    return EVEN
