"""What a person decides: listed, applied or dismissed, each once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync.announce import announce
from omnisync.errors import Conflict, NotFound
from omnisync.sync import guard, late, price_drift, returns
from omnisync.sync.context import Context
from omnisync.sync.tables import Case
from omnisync.values import Shelf


def list_open(session: Session, *, channel: str | None = None, after: str = "", limit: int = 100) -> Sequence[Case]:
    """Open cases by id (which is by age), a page at a time."""
    statement = select(Case).where(col(Case.closed_at).is_(None), col(Case.id) > after)
    if channel is not None:
        statement = statement.where(Case.channel == channel)
    return session.exec(statement.order_by(col(Case.id)).limit(limit)).all()


def count_open(session: Session) -> int:
    """How many cases are open, of all channels."""
    return session.exec(select(sa.func.count()).select_from(Case).where(col(Case.closed_at).is_(None))).one()


def apply(session: Session, case_id: str, *, by: str, now: datetime) -> Case:
    """Do what the case proposes: release exactly the numbers it waited with, take off again what came back once."""
    return _decide(session, case_id, "apply", "applied", by, now)


def dismiss(session: Session, case_id: str, *, by: str, now: datetime) -> Case:
    """Leave things as they are; the held numbers stay unwritten until the ledger wants others."""
    return _decide(session, case_id, "keep", "dismissed", by, now)


def count_differs(
    session: Session, context: Context, channel: str, shelf: Shelf, counted: int, *, now: datetime
) -> None:
    """A channel counted stock that it does not own, and found something else than the ledger."""
    here = {"location": shelf.location, "sku": shelf.sku}
    open_ones = select(Case).where(Case.channel == channel, Case.kind == "drift", col(Case.closed_at).is_(None))
    case = next((one for one in session.exec(open_ones) if here.items() <= (one.details or {}).items()), None)
    if case is None:
        case = Case(id=context.ids.new(), channel=channel, kind="drift", title="", opened_at=now)
        session.add(case)
    case.title = f"{channel} counted {counted} of {shelf.sku} at {shelf.location}"
    case.cause = f"The stock of {shelf.location} belongs to the ledger, so this count was not booked."
    case.proposal = "Count the shelf in omnisync if it is right, or make this channel the stock_owner."
    case.details = {**here, "counted": counted}
    session.flush()


def _decide(session: Session, case_id: str, decision: str, how: str, by: str, now: datetime) -> Case:
    case = session.get(Case, case_id, with_for_update=True)
    if case is None:
        raise NotFound(f"There is no case {case_id!r}.")
    if case.closed_at is not None:
        raise Conflict(f"This case was {case.closed_how} already.", code="already-closed", how=case.closed_how)
    guard.decide(session, case, decision)
    if case.kind == returns.CASE and decision == "apply":
        returns.take_off(session, case, now=now)
    if case.kind == price_drift.CASE and decision == "apply":
        price_drift.release(session, case, now=now)
    if case.kind == late.CASE and decision == "apply":
        late.book(session, case, now=now)
    case.closed_at, case.closed_how, case.closed_by = now, how, by
    announce(session, "channel.case_closed", {"channel": case.channel, "case": case.id, "how": how}, now=now)
    session.flush()
    return case
