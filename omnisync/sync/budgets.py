"""What a channel still allows is handed on with its lease, so that several workers together call it no more often than one may; a
command beside them has a share of it, which they leave to it (docs/decisions/0055).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.adapters.base import Adapter
from omnisync.adapters.besides import Meter
from omnisync.sync import cursors, leases

NAME, GUEST = "budgets", "guest"
QUICK_SECONDS = 60.0
"""A bucket that is full again within this time."""
GUESTS_SHARE = 0.25
"""Of what a channel allows, for a command that asks it while a worker serves it."""


def hand_over(session: Session, name: str, adapter: Adapter, *, now: datetime) -> None:
    """Write down what is left, for whoever has the lease next."""
    meters = _of(adapter)
    if meters:
        left = {key: round(meter.held(), 3) for key, meter in meters.items()}
        cursors.put(session, name, NAME, json.dumps(left), at=now)


def take_over(session: Session, name: str, adapter: Adapter, *, ended: datetime, now: datetime) -> None:
    """Go on from what the one before left, whose lease ended then. One that died told nobody: it may have spent all. So may a command
    that has had the channel for itself since."""
    visited = leases.ends_at(session, leases.of_guest(name))
    ended = ended if visited is None else max(ended, visited)
    kept = cursors.find(session, name, NAME)
    told: Mapping[str, Any] = json.loads(kept.value) if kept and kept.value and kept.at == ended else {}
    since = max(0.0, (now - ended).total_seconds())
    for key, meter in _of(adapter).items():
        meter.resume(float(told.get(key, 0.0)) + since * meter.rate)


def have_room(adapter: Adapter) -> bool:
    """Whether what the channel allows from minute to minute is at least half there. What is counted by the day is not asked."""
    quick = (meter for meter in _of(adapter).values() if meter.burst <= QUICK_SECONDS * meter.rate)
    return all(meter.held() >= meter.burst / 2 for meter in quick)


# ---------------------------------------------------------------- a worker and a command


def guest_since(session: Session, name: str, *, now: datetime) -> datetime:
    """Since when the command that asks this channel does (`Agenda.guest`)."""
    came = cursors.find(session, name, GUEST)
    return now if came is None else came.at


def give_way(adapter: Adapter, *, since: datetime, now: datetime) -> None:
    """A command came then: it has its share from that moment on, though it is seen only now."""
    for meter in _of(adapter).values():
        meter.share(1 - GUESTS_SHARE)
        its_own = GUESTS_SHARE * meter.rate * (now - since).total_seconds()
        meter.resume(max(0.0, meter.held() - its_own))


def begin_beside(adapter: Adapter) -> None:
    """A command begins beside a worker, which may have spent all there was."""
    for meter in _of(adapter).values():
        meter.share(GUESTS_SHARE)
        meter.resume(0.0)


def share(adapter: Adapter, part: float) -> None:
    """Count on this part of what the channel allows."""
    for meter in _of(adapter).values():
        meter.share(part)


def _of(adapter: Adapter) -> Mapping[str, Meter]:
    found: Mapping[str, Meter] = getattr(adapter, "budgets", {})
    return found
