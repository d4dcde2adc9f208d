"""Who took the pieces: buyers, or somebody in the office. From the journal, for the blast guard."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, select

from omnisync import db
from omnisync.stock import archives
from omnisync.stock.tables import Movement
from omnisync.sync.context import Channel
from omnisync.sync.tables import IS_PROVISIONAL, ShownState
from omnisync.sync.wanted import BATCH, contents_of
from omnisync.values import Kind, Shelf

EVERYDAY = frozenset(
    kind.value
    for kind in (
        Kind.SOLD,
        Kind.ORDER,
        Kind.HOLD,
        Kind.SHIPPED,
        Kind.COLLECTED,
        Kind.HANDED_BACK,
        Kind.RELEASED,
        Kind.RETURNED,
    )
)
"""What buyers do. A shelf that only they emptied is sold out, whatever the share of the assortment."""
_movement = db.table(Movement)


def bought(session: Session, channel: Channel, since: Mapping[str, datetime]) -> set[str]:
    """SKUs of which buyers took pieces since these moments, and of which nobody else took any."""
    contents = contents_of(session, since)
    parts = {sku: contents.get(sku, {sku: 1}) for sku in since}
    changes = _changes(
        session, channel, {part for one in parts.values() for part in one}, min(since.values(), default=None)
    )
    found = set()
    for sku, moment in since.items():
        late = [change for part in parts[sku] for change in changes[part] if change.at >= moment]
        others: Counter[Shelf] = Counter()
        for change in late:
            if change.kind not in EVERYDAY:
                others[change.shelf] += change.free
        if min(others.values(), default=0) >= 0 and any(one.free < 0 and one.kind in EVERYDAY for one in late):
            found.add(sku)
    return found


@dataclass(frozen=True, slots=True)
class _Change:
    """A movement that put pieces on sale or took them off."""

    shelf: Shelf
    kind: str
    cause: str
    at: datetime
    free: int


def _changes(
    session: Session, channel: Channel, skus: Collection[str], since: datetime | None
) -> dict[str, list[_Change]]:
    """By SKU, as they were recorded from then on."""
    free = _movement.c.on_hand - _movement.c.reserved - _movement.c.blocked - _movement.c.safety
    columns = (_movement.c.location, _movement.c.sku, _movement.c.kind, _movement.c.cause, _movement.c.recorded_at)
    locations = sorted({location for group in channel.groups for location in group.locations})
    found: dict[str, list[_Change]] = defaultdict(list)
    ordered, before = sorted(skus), archives.newest(session)
    for start in range(0, len(ordered), BATCH):
        statement = sa.select(*columns, free).where(
            _movement.c.location.in_(locations), _movement.c.sku.in_(ordered[start : start + BATCH]), free != 0
        )
        if since is not None:
            statement = statement.where(_movement.c.recorded_at >= since)
        if before is not None:  # what was carried forward does not say who took what
            statement = statement.where(_movement.c.id > before.last_id)
        for location, sku, kind, cause, at, change in session.execute(statement):
            found[sku].append(_Change(Shelf(location, sku), kind, cause, at, change))
    return found


def causes(session: Session, channel: Channel, rows: Sequence[ShownState]) -> str:
    since = min((moment for row in rows if (moment := row.emptied_since or row.applied_at) is not None), default=None)
    changes = _changes(session, channel, {row.sku for row in rows}, since).values()
    lowered = (one for of_sku in changes for one in of_sku if one.free < 0 and one.kind not in EVERYDAY)
    counted = Counter(one.cause.split("/")[0] for one in lowered)
    if not counted:
        return "No movement of stock explains it: look at the settings of this channel and its listings."
    return "; ".join(f"{cause} ({n} movements)" for cause, n in counted.most_common(3))


def seem_sold(session: Session, skus: Collection[str]) -> set[str]:
    """Those of which some channel shows less, for which it has told no order yet."""
    provisional = set(session.exec(select(ShownState.sku).where(IS_PROVISIONAL)))
    contents = contents_of(session, provisional | set(skus)) if provisional else {}
    gone = {part for sku in provisional for part in contents.get(sku, {sku: 1})}
    return {sku for sku in skus if not gone.isdisjoint(contents.get(sku, {sku: 1}))}
