"""The running line: what has happened so far, in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.demo.books import Books
from omnisync.demo.journal import percentile
from omnisync.demo.plan import CHANNELS


def running(
    seconds: float, books: Books, channels: Sequence[Mapping[str, Any]], times: Sequence[float], broken: str
) -> str:
    """Orders of each channel, holds, propagation, the largest lag, pieces still offered that could not be lowered."""
    orders = " ".join(f"{channel} {books.orders[channel]}" for channel in CHANNELS)
    lag = max((float(one["lag_seconds"]) for one in channels), default=0.0)
    exposed = sum(int(one["exposed"]) for one in channels)
    parts = [
        f"{seconds:4.0f} s",
        orders,
        f"holds {books.granted}+{books.refused}✗",
        f"pickups {books.pickups['collected']}",
        f"p50 {percentile(times, 50) / 1000:.1f} s p95 {percentile(times, 95) / 1000:.1f} s",
        f"lag {lag:.0f} s",
        f"exposed {exposed}",
        *([f"[{broken}]"] if broken else []),
    ]
    return " · ".join(parts)
