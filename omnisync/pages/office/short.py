"""Promises that cannot be kept: whose they are, and what is proposed, carried out by one press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync.orders import shortages
from omnisync.orders.breaking import Who
from omnisync.orders.pickup import Desk
from omnisync.orders.shortages import Action, Proposal
from omnisync.pages.office import stock, ways
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.sheet import Act, Column, Mark, Sheet
from omnisync.pages.office.steps import row_number
from omnisync.pages.words import later
from omnisync.stock import shortages as cases
from omnisync.sync.context import Context
from omnisync.values import to_cursor

AT_ONCE = 20
"""Proposals are made anew for each row: a page of few rows stays quick."""


@dataclass(frozen=True, slots=True)
class Short:
    """The whole page."""

    sheets: tuple[Sheet, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One shortage with what can be done."""

    id: int
    sku: str
    location: str
    quantity: int
    cause: str
    opened_at: Any
    accepted_by: str
    proposals: Sequence[Proposal]
    seen: str


def short(session: Session, context: Context, visit: Visit) -> Short:
    """Open shortages with their proposals, pickups that lack pieces, shelves below zero."""
    desk, names = context.desk, stock.places_of(context)
    after = row_number(stock.cursor(visit.get("after"), 1)[0]) if visit.get("after") else 0
    found = cases.list_open(session, after=after, limit=AT_ONCE + 1)
    rows = [_row(session, desk, one, visit) for one in found[:AT_ONCE]]
    more = visit.url(after=to_cursor(rows[-1].id)) if len(found) > AT_ONCE else ""
    return Short(
        (_sheet(rows, names, visit, more), *_lacking(session, desk, names, visit), _below(session, names, visit))
    )


def _row(session: Session, desk: Desk | None, one: Any, visit: Visit) -> Row:
    proposals = shortages.propose(session, desk, one, now=visit.now) if desk is not None else []
    return Row(
        one.id or 0, one.sku, one.location, one.quantity, one.cause, one.opened_at, one.accepted_by or "", proposals,
        shortages.fingerprint(proposals),
    )  # fmt: skip


def _sheet(rows: Sequence[Row], names: Mapping[str, str], visit: Visit, more: str) -> Sheet:
    say = visit.say
    columns = (
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku)),
        Column(later("Location"), lambda row: names.get(row.location, row.location)),
        Column(
            later("Lacking"),
            lambda row: row.quantity,
            lambda row: ways.article(row.sku, "holds", location=row.location),
            look="num",
        ),
        Column(later("Proposed"), lambda row: _proposed(row.proposals, names, visit), note=lambda row: row.cause),
        Column(later("Since"), lambda row: row.opened_at),
        Column(
            later("Who"),
            lambda row: (
                Mark(say("%(name)s takes care", name=row.accepted_by), "ok", "check") if row.accepted_by else None
            ),
        ),
    )

    def acts(row: Row) -> Sequence[Act]:
        what = f"{row.quantity} × {row.sku}"
        found = []
        if row.proposals:
            said = say("Carry out the proposal: %(what)s", what=what)
            found.append(Act(f"shortages/{row.id}/carry_out", say("Carry out"), said, "sm pri", {"proposal": row.seen}))
        if not row.accepted_by:
            found.append(Act(f"shortages/{row.id}/accept", say("I take care"), say("I take care: %(what)s", what=what)))
        return found

    return Sheet("shortages", say("Shortages"), columns, rows, say("Every promise can be kept."), more, acts=acts)


def _proposed(proposals: Sequence[Proposal], names: Mapping[str, str], visit: Visit) -> str:
    say = visit.say
    told = [
        say(
            ACTIONS[one.action],
            pieces=one.pieces, whom=say(WHOM[one.promised.who], reference=one.promised.reference or one.promised.of),
            location=names.get(one.source or "", one.source or ""),
        )
        for one in proposals
    ]  # fmt: skip
    return "; ".join(told) or say("Nothing can be proposed: count the shelf.")


WHOM = {
    Who.PICKUP: later("pickup %(reference)s"),
    Who.ORDER: later("order %(reference)s"),
    Who.HOLD: later("reservation %(reference)s"),
    Who.TRANSFER: later("transfer %(reference)s"),
}
ACTIONS = {
    Action.TRANSFER: later("%(pieces)s for %(whom)s: goods come from %(location)s"),
    Action.OTHER_STORE: later("%(pieces)s for %(whom)s: %(location)s sends it"),
    Action.PART: later("%(pieces)s for %(whom)s: leave out, the rest stays"),
    Action.CANCEL: later("%(pieces)s for %(whom)s: cancel"),
    Action.AT_CHANNEL: later("%(pieces)s for %(whom)s: tell the buyer and cancel at the channel"),
}


def _lacking(session: Session, desk: Desk | None, names: Mapping[str, str], visit: Visit) -> tuple[Sheet, ...]:
    if desk is None:
        return ()
    found, _ = shortages.lacking(session, desk, limit=visit.rows)
    rows = [
        {
            "id": one.pickup.id, "number": one.pickup.number, "location": one.pickup.location, "source": one.source,
            "what": ", ".join(f"{n} × {sku}" for sku, n in sorted(one.lines.items())),
        }
        for one in found
    ]  # fmt: skip
    columns = (
        Column(later("Pickup"), lambda row: row["number"], lambda row: ways.pickup(row["id"])),
        Column(later("Location"), lambda row: names.get(row["location"], row["location"])),
        Column(later("Lacks"), lambda row: row["what"]),
        Column(later("Asked for from"), lambda row: names.get(row["source"], row["source"] or "")),
    )
    return (
        Sheet("lacking", visit.say("Pickups that lack pieces"), columns, rows, visit.say("No pickup lacks anything.")),
    )


def _below(session: Session, names: Mapping[str, str], visit: Visit) -> Sheet:
    balance = stock.balance
    statement = sa.select(balance).where(balance.c.on_hand < 0, balance.c.reserved == 0)
    rows = session.execute(statement.order_by(balance.c.on_hand, balance.c.sku).limit(visit.rows)).all()
    columns = (
        Column(later("Article"), lambda row: row.sku, lambda row: ways.article(row.sku)),
        Column(later("Location"), lambda row: names.get(row.location, row.location)),
        Column(
            later("On hand"),
            lambda row: row.on_hand,
            lambda row: ways.article(row.sku, "journal", location=row.location),
            look="num",
        ),
    )
    return Sheet("below", visit.say("Below zero: count these"), columns, rows, visit.say("No shelf is below zero."))
