"""What the page of one pickup shows beyond its card: whose age is to be checked, and whether a hand-over can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from omnisync.orders import handing, pickup, undoing
from omnisync.orders.tables import Pickup
from omnisync.orders.undoing import Wrong
from omnisync.pages.staff_view import Eyes
from omnisync.pages.words import later

WRONG = {
    Wrong.MISTAKE: later("Tapped by mistake"),
    Wrong.WRONG_BAG: later("It was the wrong bag"),
    Wrong.LEFT_HERE: later("The customer left it here"),
}


@dataclass(frozen=True, slots=True)
class Back:
    """A hand-over that can be taken back: by one tap for some seconds, then with a reason."""

    id: str
    number: str
    version: int
    seconds_left: int
    """Of the time for one tap; zero: it takes a reason."""
    by: str


@dataclass(frozen=True, slots=True)
class Close:
    """One pickup, looked at closely."""

    ages: Mapping[str, int]
    """SKU -> years, where an article is not for everybody."""
    back: Back | None

    @property
    def age(self) -> int:
        """The age that is to be checked for all of it; zero: none."""
        return max(self.ages.values(), default=0)


def look(session: Session, found: Pickup, eyes: Eyes) -> Close:
    """What is to be known of this pickup alone."""
    skus = pickup.open_lines(session, found.id)
    ages = {sku: handing.min_age(session, [sku]) for sku in skus}
    return Close({sku: years for sku, years in ages.items() if years}, back(session, found, eyes))


def back(session: Session, found: Pickup, eyes: Eyes) -> Back | None:
    """Its last hand-over, as long as it can be taken back."""
    act = undoing.last(session, found)
    if act is None or eyes.now - act.at > undoing.AT_LAST:
        return None
    left = max(timedelta(), act.at + undoing.AT_ONCE - eyes.now)
    return Back(found.id, found.number, found.version, -(-left // timedelta(seconds=1)), act.by)


def just_now(session: Session, pickup_id: str, eyes: Eyes) -> Back | None:
    """The hand-over of that pickup of this store, as long as one tap takes it back."""
    found = session.get(Pickup, pickup_id) if pickup_id else None
    if found is None or found.location != eyes.location.code:
        return None
    offered = back(session, found, eyes)
    return offered if offered and offered.seconds_left else None
