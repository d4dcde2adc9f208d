"""How many pickups one key and one customer may have open: each keeps its pieces for days, and needs no hold before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.orders.states import OPEN
from omnisync.orders.tables import Customer, Pickup
from omnisync.settings import LimitSettings
from omnisync.stock.limits import TooManyHolds, too_large

if TYPE_CHECKING:
    from omnisync.orders.placing import Wanted

WAIT_SECONDS = 3600
"""Pickups end by the hour: somebody fetches them, or their time is over."""
_pickup, _customer = db.table(Pickup), db.table(Customer)
_OPEN = _pickup.c.state.in_(OPEN)
_OF_KEYS = (
    sa.select(_pickup.c.owner, sa.func.count().label("pickups"))
    .where(_OPEN, db.among(_pickup.c.owner, db.many("owners")))
    .group_by(_pickup.c.owner)
)
_OF_CUSTOMERS = [
    sa.select(_pickup.c.owner, contact, sa.func.count())
    .join(_customer, _customer.c.id == _pickup.c.customer_id)
    .where(_OPEN, ~_pickup.c.paid, db.among(contact, db.many("contacts")))
    .group_by(_pickup.c.owner, contact)
    for contact in (_customer.c.email, _customer.c.phone)
]


@dataclass
class Limits:
    """What the keys that ask have open, and their customers by e-mail address and by telephone: read once for a batch. What a store
    puts aside, and what comes by itself with a channel's order, has no key and no limit."""

    settings: LimitSettings
    of_key: Counter[str] = field(default_factory=Counter)
    of_customer: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of pickups that nobody has paid yet."""

    @classmethod
    def of(cls, session: Session, settings: LimitSettings, orders: Sequence[Wanted]) -> Limits:
        """As they stand, before any of these orders."""
        found = cls(settings)
        if owners := sorted({one.owner for one in orders if one.owner}):
            found.of_key.update({row.owner: row.pickups for row in session.execute(_OF_KEYS, {"owners": owners})})
        if contacts := sorted({contact for one in orders for _, contact in _names_of(one)}):
            for statement in _OF_CUSTOMERS:
                rows = session.execute(statement, {"contacts": contacts})
                found.of_customer.update({(owner, contact): n for owner, contact, n in rows})
        return found

    def admit(self, wanted: Wanted) -> None:
        """Let this one in, after all that were let in before it; HoldTooLarge or TooManyHolds where it goes beyond a limit."""
        if wanted.owner is None:
            return
        if refused := too_large(self.settings, wanted.lines, "pickup"):
            raise refused
        if self.of_key[wanted.owner] >= (allowed := self.settings.open_pickups_per_key):
            raise _too_many("open_pickups_per_key", allowed, "this key")
        names, allowed = _names_of(wanted), self.settings.open_pickups_per_customer
        if any(self.of_customer[name] >= allowed for name in names):
            raise _too_many("open_pickups_per_customer", allowed, "this customer")
        self.of_key[wanted.owner] += 1
        self.of_customer.update(names)


def _names_of(wanted: Wanted) -> list[tuple[str, str]]:
    """The key, with each contact by which somebody who has not paid is known again; who has paid hoards nothing. A pickup's
    `reference` names an order, not a customer."""
    person = wanted.customer
    contacts = (person.email, person.phone) if wanted.owner and not wanted.paid else ()
    return [(wanted.owner or "", contact) for contact in contacts if contact]


def _too_many(limit: str, allowed: int, whose: str) -> TooManyHolds:
    return TooManyHolds(
        f"{allowed} pickups of {whose} are open, and limits.{limit} allows no more.",
        limit=limit, allowed=allowed, retry_after_seconds=WAIT_SECONDS,
        action="Have some of them fetched or cancelled. Whoever runs omnisync can raise the limit.",
    )  # fmt: skip
