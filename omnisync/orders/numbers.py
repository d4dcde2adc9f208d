"""Public pickup numbers such as `L-1042`: the location's first letters and a count of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.tables import PickupNumber

FIRST = 1001
_last = db.table(PickupNumber)


def take(session: Session, wanted: Mapping[str, int], locations: Sequence[str]) -> dict[str, list[str]]:
    """The next numbers of each location, as many as wanted; each is given out once, whoever asks at the same time.

    The letters of a location that is closed stay its own: its last bags may still lie there, and its customers still write.
    """
    numbered = session.execute(sa.select(_last.c.location)).scalars()
    known, taken = sorted({*locations, *numbered}), {}
    for location in sorted(wanted):
        letters = prefix(location, known)
        last = _count_on(session, location, wanted[location])
        taken[location] = [f"{letters}-{number}" for number in range(last - wanted[location] + 1, last + 1)]
    return taken


def prefix(location: str, locations: Sequence[str]) -> str:
    """The fewest first letters that no other location begins with, in capitals."""
    others = [other.upper() for other in locations if other != location]
    name = location.upper()
    lengths = range(1, len(name) + 1)
    return next((name[:n] for n in lengths if not any(other.startswith(name[:n]) for other in others)), name)


def _count_on(session: Session, location: str, by: int) -> int:
    row = {"location": location, "last": FIRST - 1}
    db.insert_new(session, _last, [row], key=["location"], returning=["location"])
    return int(
        session.execute(
            sa.update(_last).where(_last.c.location == location).values(last=_last.c.last + by).returning(_last.c.last)
        ).scalar_one()
    )
