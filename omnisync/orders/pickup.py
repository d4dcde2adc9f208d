"""Click-and-collect orders as everybody reads them: who works with them, what is open of them, and how they are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync.clock import Ids
from omnisync.errors import Conflict, Forbidden, InvalidRequest, NotFound
from omnisync.orders import acts
from omnisync.orders.codes import Codes
from omnisync.orders.tables import Pickup, PickupLine
from omnisync.settings import LocationSettings, Settings
from omnisync.values import from_cursor, from_micros, to_cursor, to_micros

Announce = Callable[[Session, str, Mapping[str, Any]], None]


def announce_nothing(session: Session, kind: str, body: Mapping[str, Any]) -> None:
    """For callers that have nobody to tell."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pickup desk works with. `announce` writes an event into the same transaction."""

    settings: Settings
    codes: Codes
    ids: Ids
    announce: Announce = announce_nothing

    def location(self, code: str, *, field: str = "location") -> LocationSettings:
        """A location by its code, as a request names it in that field."""
        try:
            return self.settings.location(code)
        except KeyError:
            known = ", ".join(location.code for location in self.settings.locations)
            raise InvalidRequest.of(field, f"There is no location {code!r}; there are {known}.") from None

    def store_of(self, pickup: Pickup) -> LocationSettings:
        """Where it is collected. What began in a store that the settings name no longer ends there all the same."""
        try:
            return self.settings.location(pickup.location)
        except KeyError:
            return LocationSettings(code=pickup.location, name=pickup.location)

    def places(self) -> list[str]:
        """The codes of the locations where something can be collected."""
        return [location.code for location in self.settings.locations if location.pickup != "off"]

    def tell(self, session: Session, what: str, pickup: Pickup, *, by: Actor, now: datetime, **more: Any) -> None:
        """Note what was done with a pickup in its timeline, and announce it: ids and states only, never a person's data."""
        acts.note(session, pickup.id, what, by.name, by.device, now, more)
        body = {name: getattr(pickup, name) for name in ("id", "number", "location", "state", "channel", "reference")}
        self.announce(session, f"pickup.{what}", body | more)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking. With a location they belong to that store and see and change nothing of another one."""

    name: str
    location: str | None = None
    device: str | None = None
    """The enrolled device at which they stand."""

    def where(self, location: str | None) -> str | None:
        """Where they look: staff see their own store, whether they name it or not."""
        if self.location is not None and location not in (None, self.location):
            raise Forbidden("These pickups belong to another store.")
        return self.location or location


OMNISYNC = Actor("omnisync")
"""What nobody does happens by itself."""


def check_open(desk: Desk, location: str, closed: Collection[str]) -> None:
    """Conflict where nothing can be collected, or where nobody can order now (`closed`): everything there is being counted, or the
    store paused it."""
    if desk.location(location).pickup == "off":
        raise Conflict(f"Nothing can be collected at {location}.", code="no-pickup", location=location)
    if location in closed:
        raise Conflict(
            f"{location} takes no pickups just now: it paused them, or everything there is being counted.",
            code="no-pickup",
            location=location,
        )


def load(session: Session, pickup_id: str, actor: Actor, *, lock: bool = False) -> Pickup:
    """The pickup, if it exists and is the actor's business."""
    found = session.get(Pickup, pickup_id, populate_existing=True, with_for_update=True if lock else None)
    if found is None:
        raise NotFound(f"There is no pickup {pickup_id}.")
    if actor.location is not None and actor.location != found.location:
        raise Forbidden("This pickup belongs to another store.")
    return found


def by_code_hash(session: Session, code_hash: str | None, actor: Actor) -> Pickup | None:
    """The pickup behind a code's hash, within the actor's store."""
    if code_hash is None:
        return None
    statement = select(Pickup).where(col(Pickup.code_hash) == code_hash)
    if actor.location is not None:
        statement = statement.where(col(Pickup.location) == actor.location)
    return session.exec(statement).one_or_none()


def lines_of(session: Session, ids: Collection[str]) -> dict[str, list[PickupLine]]:
    """The lines of those pickups, by SKU."""
    found: dict[str, list[PickupLine]] = defaultdict(list)
    statement = select(PickupLine).where(col(PickupLine.pickup_id).in_(ids)).order_by(col(PickupLine.sku))
    for line in session.exec(statement.execution_options(populate_existing=True)):
        found[line.pickup_id].append(line)
    return found


def open_quantity(line: PickupLine) -> int:
    """Pieces of a line that are neither handed over nor rejected."""
    return line.quantity - line.collected - line.rejected


def here_lines(session: Session, pickup_id: str) -> dict[str, int]:
    """The same without what is still on its way from another location."""
    lines = lines_of(session, [pickup_id])[pickup_id]
    return {line.sku: open_quantity(line) - line.coming for line in lines if open_quantity(line) > line.coming}


def open_lines(session: Session, pickup_id: str) -> dict[str, int]:
    """SKU -> open quantity, only where something is open."""
    return {line.sku: open_quantity(line) for line in lines_of(session, [pickup_id])[pickup_id] if open_quantity(line)}


def something_open(session: Session, found: Pickup) -> dict[str, int]:
    """The open lines. Conflict where nothing is left: it is in vain to put nothing aside, or to send somebody for it."""
    still_open = open_lines(session, found.id)
    if not still_open:
        raise Conflict(
            "Nothing is left of this pickup: have it sent from elsewhere, or cancel it.",
            code="wrong-state",
            state=found.state,
        )
    return still_open


def check_part(part: Mapping[str, int], still_open: Mapping[str, int]) -> None:
    """InvalidRequest naming every line that asks for more than is open."""
    errors = [
        {"field": "lines", "message": f"{sku}: {n} asked for, {still_open.get(sku, 0)} still open."}
        for sku, n in part.items()
        if not 0 < n <= still_open.get(sku, 0)
    ]
    if errors:
        raise InvalidRequest(errors)


@dataclass(frozen=True, slots=True)
class Page:
    """Pickups in the order in which they are due, and where the next page begins."""

    pickups: Sequence[Pickup]
    next_cursor: str | None


def page(
    session: Session, *, location: str | None, states: Iterable[str] = (), cursor: str | None = None, limit: int = 100
) -> Page:
    """Pickups by ready_by, then id. Without states all of them. ValueError for a cursor that is not ours."""
    statement = select(Pickup).order_by(col(Pickup.ready_by), col(Pickup.id)).limit(limit + 1)
    if location is not None:
        statement = statement.where(col(Pickup.location) == location)
    if wanted := list(states):
        statement = statement.where(col(Pickup.state).in_(wanted))
    if cursor is not None:
        micros, last = from_cursor(cursor, 2)
        moment = from_micros(int(micros))
        statement = statement.where(
            sa.or_(col(Pickup.ready_by) > moment, sa.and_(col(Pickup.ready_by) == moment, col(Pickup.id) > last))
        )
    rows = session.exec(statement).all()
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(shown, to_cursor(to_micros(shown[-1].ready_by), shown[-1].id) if more else None)
