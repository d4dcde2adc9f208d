"""The small words in which pickup tests speak."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.clock import Ids, StoppedClock
from omnisync.orders import handing, picking, placing, sending
from omnisync.orders import tasks as jobs
from omnisync.orders.codes import Codes
from omnisync.orders.customers import Person
from omnisync.orders.invariants import PICKUP_INVARIANTS
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.tables import Pickup, Task
from omnisync.settings import ChannelSettings, LocationSettings, MailSettings, Settings
from omnisync.values import Money
from tests.conftest import START
from tests.stock import shop

LINDEN, MARKT, LAGER = "linden", "markt", "lager"
HOURS = {"mon-fri": "09:30-19:00", "sat": "10:00-16:00"}
STAFF = Actor("Kim", LINDEN)
OFFICE = Actor("ops")
READY_BY = datetime.fromisoformat("2026-11-21T12:00:00Z")
COLLECT_BY = datetime.fromisoformat("2026-11-25T18:00:00Z")


class Heard(list[tuple[str, Mapping[str, Any]]]):
    """Remembers what was announced."""

    def __call__(self, session: Session, kind: str, body: Mapping[str, Any]) -> None:
        self.append((kind, body))

    @property
    def kinds(self) -> list[str]:
        return [kind.removeprefix("pickup.") for kind, _ in self]


def a_location(code: str, **changes: Any) -> LocationSettings:
    told = {"code": code, "name": f"Filiale {code.title()}", "hours": HOURS, "holidays": "DE-BE"}
    return LocationSettings.model_validate(told | changes)


def a_desk(at_till: str = "never", announce: Heard | None = None, **linden: Any) -> Desk:
    """The desk of two stores and a warehouse nobody collects from."""
    locations = [
        a_location(LINDEN, pickup_at_till=at_till, **linden),
        a_location(MARKT),
        a_location(LAGER, kind="warehouse", pickup="off", hours={}, holidays=None),
    ]
    webshop = ChannelSettings(name="webshop", adapter="shopify", locations=[LINDEN])
    ids = Ids(StoppedClock(START), random.Random(7))
    return Desk(
        Settings(locations=locations, channels=[webshop], mail=MailSettings(host="mail.example.org")),
        Codes(bytes(range(32))),
        ids,
        Heard() if announce is None else announce,
    )


def wanted(*lines: tuple[str, int], **details: Any) -> placing.Wanted:
    """An order for Lindenstraße; every piece costs 42,45 EUR."""
    priced = tuple(placing.Line(sku, quantity, Money(4245, "EUR")) for sku, quantity in lines)
    return placing.Wanted(**{"location": LINDEN, "customer": Person("Anna Schubert"), "lines": priced} | details)


def place(
    session: Session, desk: Desk, *lines: tuple[str, int], now: datetime = START, **details: Any
) -> placing.Placed:
    return placing.place(session, desk, wanted(*lines, **details), now=now)


def a_ready_one(
    session: Session, desk: Desk, *lines: tuple[str, int], now: datetime = START, **details: Any
) -> placing.Placed:
    """A pickup that lies on shelf 12."""
    placed = place(session, desk, *lines, now=now, **details)
    picking.pick(session, desk, placed.pickup.id, actor=OFFICE, now=now)
    picking.ready(session, desk, placed.pickup.id, "12", actor=OFFICE, now=now)
    return placed


def hand_over(
    session: Session,
    desk: Desk,
    placed: placing.Placed,
    part: Mapping[str, int] | None = None,
    *,
    now: datetime = START,
    **more: Any,
) -> Pickup:
    """The customer shows the code."""
    proof = handing.ByCode(placed.code)
    return handing.collect(session, desk, placed.pickup.id, proof, actor=STAFF, now=now, part=part, **more)


def tasks(session: Session) -> list[tuple[str, str | None, str | None]]:
    """Kind, shelf and SKU of what is to do."""
    rows = sa.select(Task).where(db.table(Task).c.done_at.is_(None)).order_by(db.table(Task).c.id)
    return [(task.kind, task.shelf, task.sku) for task in session.execute(rows).scalars()]


def violations(session: Session) -> list[str]:
    """Everything that should hold of stock and pickups and does not."""
    return [*shop.violations(session), *(found for invariant in PICKUP_INVARIANTS for found in invariant(session))]


def send(session: Session, desk: Desk) -> None:
    """Everything that is to be sent goes off."""
    for task in jobs.list_open(session, None):
        if task.kind == "send":
            sending.finish(session, desk, task.id, actor=OFFICE, now=START)
