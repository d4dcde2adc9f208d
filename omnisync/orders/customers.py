"""The people behind pickups: kept apart from everything else, for a limited time, and erased on request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.orders.tables import Customer, Mail

RETENTION = timedelta(days=90)
"""After the last day on which the pickup could be collected; what tax law wants is kept by the till and the shop."""

_customer, _mail = db.table(Customer), db.table(Mail)
_ERASED = {"name": "", "email": None, "phone": None}


@dataclass(frozen=True, slots=True)
class Person:
    """What a shop tells us of who will come."""

    name: str
    email: str | None = None
    phone: str | None = None
    language: str = "de"


def by_id(session: Session, ids: Collection[str]) -> dict[str, Customer]:
    """Those customers."""
    return {found.id: found for found in session.exec(select(Customer).where(col(Customer.id).in_(ids)))}


def keep(session: Session, customer_id: str, until: datetime) -> None:
    """Keep a person's data at least that long plus the retention time."""
    session.execute(sa.update(_customer).where(_customer.c.id == customer_id).values(erase_after=until + RETENTION))


def erase(session: Session, ids: Collection[str], *, now: datetime) -> int:
    """Forget these people; their pickups keep their numbers and pieces."""
    return _erase(session, _customer.c.id.in_(ids), now)


def erase_overdue(session: Session, *, now: datetime) -> int:
    """Forget everybody whose time is over; returns how many."""
    return _erase(session, _customer.c.erase_after <= now, now)


def _erase(session: Session, whom: sa.ColumnElement[bool], now: datetime) -> int:
    people = sa.select(_customer.c.id).where(whom)
    session.execute(
        sa.update(_mail)
        .where(_mail.c.customer_id.in_(people))
        .values(recipient="", body="", code=None, next_try_at=None)
    )
    statement = (
        sa.update(_customer)
        .where(whom, _customer.c.erased_at.is_(None))
        .values(erased_at=now, erase_after=None, **_ERASED)
    )
    return cast("sa.CursorResult[Any]", session.execute(statement)).rowcount
