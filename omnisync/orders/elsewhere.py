"""What a refused customer hears: what is lacking where, and where else it can be collected, by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.errors import Lack
from omnisync.orders import hours
from omnisync.settings import Settings
from omnisync.stock import availability
from omnisync.values import Shelf, format_time


def shortages(session: Session, settings: Settings, lacks: Sequence[Lack], *, now: datetime) -> list[dict[str, Any]]:
    """Each lacking line with the locations that could keep at least one piece of it, in the order of the settings."""
    levels = availability.levels_of(session, sorted({lack.sku for lack in lacks}))
    return [
        {
            "sku": lack.sku, "location": lack.location, "requested": lack.requested, "available": lack.available,
            "elsewhere": [
                {"location": place.code, "available": free, "ready_at": format_time(hours.ready_by(now, place))}
                for place in settings.locations
                if place.code != lack.location and place.pickup != "off"
                and (free := _free(levels, place.code, lack.sku)) > 0
            ],
        }
        for lack in lacks
    ]  # fmt: skip


def _free(levels: dict[Shelf, Any], location: str, sku: str) -> int:
    found = levels.get(Shelf(location, sku))
    return availability.available(found) if found is not None else 0
