"""Goods that came back: on hand at once, for sale when somebody has looked at them, and decided about once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.catalog import articles
from omnisync.errors import Conflict, Forbidden, InvalidRequest, NotFound
from omnisync.stock import ledger
from omnisync.stock.blocked import RETURN, Why
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import GoodsReturn
from omnisync.values import Kind

_return = db.table(GoodsReturn)


@dataclass(frozen=True, slots=True)
class Source:
    """Who told that goods came back, what they were sold with, and whether they are to be checked."""

    channel: str
    check: bool
    counter: bool
    order_id: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the pieces of a return are worth."""

    sellable: int = 0
    b_ware: int = 0
    scrap: int = 0


def book(session: Session, entry: Entry, source: Source, *, now: datetime) -> None:
    """Take in these pieces, which a key names; to be checked they are blocked. Told again they change nothing."""
    if entry.key is None or not entry.physical or ledger.is_known(session, entry.key):
        ledger.record(session, [entry], now=now)
        return
    row = {
        "key": entry.key, "channel": source.channel, "order_id": source.order_id, "reference": source.reference,
        "counter": source.counter, "location": entry.location, "sku": entry.sku, "quantity": entry.quantity,
        "came_at": entry.occurred_at, "recorded_at": now, "decided_at": None if source.check else now,
        "decided_by": None if source.check else source.channel, "sellable": 0 if source.check else entry.quantity,
        "b_ware": 0, "scrap": 0, "duplicate": 0,
    }  # fmt: skip
    for made in db.insert_new(session, _return, [row], key=("key",), returning=("id",)):
        blocked = Entry(
            Kind.BLOCKED, entry.sku, entry.location, entry.quantity, f"{RETURN}{made.id}", entry.occurred_at,
            reason=Why.TO_BE_CHECKED,
        )  # fmt: skip
        ledger.record(session, [entry, blocked] if source.check else [entry], now=now)


def decide(
    session: Session, number: int, verdict: Verdict, *, by: str, at: str | None = None, now: datetime
) -> GoodsReturn:
    """Somebody has looked at all pieces of a return; once. `at`: the store whose returns are theirs to decide.

    B-ware leaves its SKU as damaged and is found under the SKU that the catalogue links to it.
    """
    found = _open(session, number, at)
    if verdict.sellable + verdict.b_ware + verdict.scrap != found.quantity:
        raise InvalidRequest.of("sellable", f"{found.quantity} came back: sellable, b_ware and scrap add up to that.")
    other = articles.b_ware_of(session, found.sku) if verdict.b_ware else None
    if verdict.b_ware and other is None:
        raise InvalidRequest.of(
            "b_ware", f"{found.sku} has no SKU for B-ware: name one in the column b_ware of the catalogue."
        )
    found.decided_at, found.decided_by, found.b_ware_sku = now, by, other
    found.sellable, found.b_ware, found.scrap = verdict.sellable, verdict.b_ware, verdict.scrap
    moves = [
        (Kind.UNBLOCKED, found.sku, found.quantity, Why.TO_BE_CHECKED.value),
        (Kind.DAMAGED, found.sku, verdict.scrap, "came back: scrap"),
        (Kind.DAMAGED, found.sku, verdict.b_ware, f"came back: is {other} now"),
        (Kind.FOUND, other or "", verdict.b_ware, f"came back: B-ware of {found.sku}"),
    ]
    entries = [
        Entry(kind, sku, found.location, n, f"{RETURN}{number}", now, reason=reason)
        for kind, sku, n, reason in moves
        if n
    ]
    ledger.record(session, entries, now=now)
    return found


def take_off_again(session: Session, number: int, *, now: datetime) -> GoodsReturn:
    """It was the same piece as another return tells of: what it added anywhere is taken off, as of the moment it was added, so that
    a count made since then stays right."""
    found = _load(session, number)
    if found.duplicate:
        raise _decided(found)
    waiting = found.decided_at is None
    takes = [
        (Kind.MISSING, found.sku, found.quantity if waiting else found.sellable, found.came_at),
        (Kind.MISSING, found.b_ware_sku or "", found.b_ware, found.decided_at or now),
        (Kind.UNBLOCKED, found.sku, found.quantity if waiting else 0, now),
    ]
    entries = [
        Entry(
            kind, sku, found.location, n, f"{RETURN}{number}", at,
            reason=Why.TO_BE_CHECKED if kind is Kind.UNBLOCKED else "came back once, was told twice",
        )
        for kind, sku, n, at in takes
        if n
    ]  # fmt: skip
    found.duplicate, found.decided_at = found.quantity, found.decided_at or now
    session.flush()
    ledger.record(session, entries, now=now)
    return found


def page(
    session: Session, location: str | None, *, to_check: bool, after: int = 0, limit: int = 100
) -> Sequence[GoodsReturn]:
    """Returns by id (which is by age), those that wait to be checked or all."""
    statement = select(GoodsReturn).where(col(GoodsReturn.id) > after).order_by(col(GoodsReturn.id)).limit(limit)
    if location is not None:
        statement = statement.where(col(GoodsReturn.location) == location)
    if to_check:
        statement = statement.where(col(GoodsReturn.decided_at).is_(None))
    return session.exec(statement).all()


def count_to_check(session: Session, location: str) -> int:
    """How many returns at this location nobody has looked at yet."""
    waiting = sa.select(sa.func.count()).where(_return.c.location == location, _return.c.decided_at.is_(None))
    return int(session.execute(waiting).scalar_one())


def told(session: Session, channel: str, *, now: datetime) -> Sequence[GoodsReturn]:
    """What this channel has told of in this very step."""
    return session.execute(_TOLD, {"channel": channel, "now": now}).scalars().all()


_TOLD = (
    select(GoodsReturn)
    .where(GoodsReturn.channel == sa.bindparam("channel"), col(GoodsReturn.recorded_at) == sa.bindparam("now"))
    .order_by(col(GoodsReturn.id))
)


def near(session: Session, found: GoodsReturn, first: datetime, last: datetime) -> Sequence[GoodsReturn]:
    """As many pieces of the same SKU that another channel told of, came back in that time and still count."""
    return session.exec(
        select(GoodsReturn)
        .where(
            GoodsReturn.sku == found.sku, GoodsReturn.quantity == found.quantity, GoodsReturn.channel != found.channel
        )
        .where(GoodsReturn.duplicate == 0, sa.between(col(GoodsReturn.came_at), first, last))
        .order_by(col(GoodsReturn.id))
    ).all()


def by_key(session: Session, key: str) -> GoodsReturn | None:
    """The return that this movement brought."""
    return session.exec(select(GoodsReturn).where(GoodsReturn.key == key)).one_or_none()


def _open(session: Session, number: int, at: str | None) -> GoodsReturn:
    found = _load(session, number)
    if at is not None and at != found.location:
        raise Forbidden("This return lies in another store.")
    if found.decided_at is not None:
        raise _decided(found)
    return found


def _load(session: Session, number: int) -> GoodsReturn:
    found = session.get(GoodsReturn, number, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no return {number}.")
    return found


def _decided(found: GoodsReturn) -> Conflict:
    return Conflict("Somebody has decided about this return already.", code="already-decided", by=found.decided_by)
