"""What a channel still allows is handed on with its lease, so that several workers together call it no more often than one may."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.adapters.base import Adapter, Meter
from omnisync.sync import cursors

NAME = "budgets"
QUICK_SECONDS = 60.0
"""A bucket that is full again within this time."""


def hand_over(session: Session, name: str, adapter: Adapter, *, now: datetime) -> None:
    """Write down what is left, for whoever has the lease next."""
    meters = _of(adapter)
    if meters:
        left = {key: round(meter.held(), 3) for key, meter in meters.items()}
        cursors.put(session, name, NAME, json.dumps(left), at=now)


def take_over(session: Session, name: str, adapter: Adapter, *, ended: datetime, now: datetime) -> None:
    """Go on from what the one before left, whose lease ended then. One that died told nobody: it may have spent all."""
    kept = cursors.find(session, name, NAME)
    told: Mapping[str, Any] = json.loads(kept.value) if kept and kept.value and kept.at == ended else {}
    since = max(0.0, (now - ended).total_seconds())
    for key, meter in _of(adapter).items():
        meter.resume(float(told.get(key, 0.0)) + since * meter.rate)


def have_room(adapter: Adapter) -> bool:
    """Whether what the channel allows from minute to minute is at least half there. What is counted by the day is not asked."""
    quick = (meter for meter in _of(adapter).values() if meter.burst <= QUICK_SECONDS * meter.rate)
    return all(meter.held() >= meter.burst / 2 for meter in quick)


def _of(adapter: Adapter) -> Mapping[str, Meter]:
    found: Mapping[str, Meter] = getattr(adapter, "budgets", {})
    return found
