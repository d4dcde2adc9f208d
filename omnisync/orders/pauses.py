"""A store that takes no new pickups for a while: somebody there said so, until a moment, and anybody there ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Forbidden, InvalidRequest
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.tables import PickupPause
from omnisync.stock import stocktakes
from omnisync.values import format_time

LONGEST = timedelta(days=14)
"""Whoever needs longer sets `pickup = "off"`."""
_pause = db.table(PickupPause)


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause as it stands."""

    location: str
    since: datetime
    until: datetime
    by: str


def begin(session: Session, desk: Desk, location: str, until: datetime, *, actor: Actor, now: datetime) -> Pause:
    """From now on web shops are refused pickups here; what was placed before stays as it is, and orders that a shop takes by itself
    come all the same. A second pause takes the place of the first."""
    _check(desk, location, actor)
    if not now < until <= now + LONGEST:
        raise InvalidRequest.of("until", f"A pause ends later than now, and within {LONGEST.days} days.")
    db.lock_names(session, [f"pause:{location}"])
    _end(session, location, actor, now)
    row = {"id": desk.ids.new(), "location": location, "since": now, "until": until, "by": actor.name}
    session.execute(sa.insert(_pause), [row])
    desk.announce(session, "pickup.paused", {"location": location, "until": format_time(until)})
    return Pause(location, now, until, actor.name)


def end(session: Session, desk: Desk, location: str, *, actor: Actor, now: datetime) -> bool:
    """Pickups are taken again; whether there was a pause to end."""
    _check(desk, location, actor)
    db.lock_names(session, [f"pause:{location}"])
    stood = of(session, location, now=now) is not None
    _end(session, location, actor, now)
    if stood:
        desk.announce(session, "pickup.resumed", {"location": location})
    return stood


def of(session: Session, location: str, *, now: datetime) -> Pause | None:
    """The pause of this location, if there is one now."""
    return standing(session, now=now).get(location)


def standing(session: Session, *, now: datetime) -> Mapping[str, Pause]:
    """Location -> its pause."""
    columns = (_pause.c.location, _pause.c.since, _pause.c.until, _pause.c.by)
    rows = session.execute(sa.select(*columns).where(_pause.c.until > now, _pause.c.ended_at.is_(None)))
    return {row.location: Pause(*row) for row in rows}


def closed(session: Session, *, now: datetime) -> frozenset[str]:
    """Locations where nothing can be ordered for pickup now: everything there is being counted, or somebody paused it."""
    return stocktakes.closed(session).union(standing(session, now=now))


def _check(desk: Desk, location: str, actor: Actor) -> None:
    desk.location(location)
    if actor.location not in (None, location):
        raise Forbidden("This is another store.")


def _end(session: Session, location: str, actor: Actor, now: datetime) -> None:
    stands = (_pause.c.location == location, _pause.c.ended_at.is_(None))
    session.execute(sa.update(_pause).where(*stands).values(ended_at=now, ended_by=actor.name))
