"""Opens the pickup desk of a server, and names what it must do regularly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync import announce
from omnisync.clock import Clock, Ids
from omnisync.orders import accepting, customers, ending, letters, tries
from omnisync.orders.codes import Codes
from omnisync.orders.pickup import Desk
from omnisync.settings import Settings

Chore = Callable[[Session, datetime], object]


def open_desk(settings: Settings, secret: bytes, ids: Ids, clock: Clock) -> Desk:
    """The desk whose pickups everybody who listens hears of; `secret` is the server's key."""

    def tell(session: Session, kind: str, body: Mapping[str, Any]) -> None:
        announce.announce(session, kind, body, now=clock.now())

    return Desk(settings, Codes(secret), ids, tell)


def chores(desk: Desk) -> tuple[Chore, ...]:
    """For the worker: pickups whose time is over, those that nobody accepts, people and tries that are to be forgotten."""

    def look_after_overdue(session: Session, now: datetime) -> object:
        return ending.expire_overdue(session, desk, now=now)

    def remind_customers(session: Session, now: datetime) -> object:
        return letters.remind(session, desk, now=now)

    def forget_people(session: Session, now: datetime) -> object:
        return customers.erase_overdue(session, now=now)

    def forget_tries(session: Session, now: datetime) -> object:
        return tries.forget(session, now=now)

    def alarm(session: Session, now: datetime) -> object:
        return accepting.alarm(session, desk, now=now)

    def warn_customers(session: Session, now: datetime) -> object:
        return accepting.warn_customers(session, desk, now=now)

    return look_after_overdue, alarm, warn_customers, remind_customers, forget_people, forget_tries
