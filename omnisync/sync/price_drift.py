"""Prices that somebody set at the channel: seen when a listing is read back, then written again or shown, as the policy says."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from omnisync.announce import announce
from omnisync.sync import truth
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import mark, wanted_price
from omnisync.sync.tables import PRICE_PLACE, Case, ShownState
from omnisync.values import Money

CASE = "price_drift"


def read(session: Session, context: Context, channel: Channel, row: ShownState, seen: Money, *, now: datetime) -> None:
    """A price was read back, after everything that the row says was written."""
    believed, before = (row.price_minor, row.price_currency), row.price_before_minor
    row.price_minor, row.price_currency, row.price_before_minor = seen.minor, seen.currency, None
    if row.place == PRICE_PLACE:
        row.seen_at = now
    wants = wanted_price(row)
    if seen == wants:
        _is_right(session, row, now)
    elif (seen.minor, seen.currency) != believed:
        if seen.minor == before and (tag := truth.taken_price(session, row)) is not None:
            truth.contradicted(session, context, channel, row, tag, now=now)
        if wants is not None and believed == (wants.minor, wants.currency):
            _drifted(session, context, channel, row, wants, now)
    mark(row, now=now)


def release(session: Session, case: Case, *, now: datetime) -> None:
    """Our price is written again."""
    row = session.get(ShownState, (case.channel, case.details["external_id"], case.details["row"]))
    if row is not None:
        row.price_left_minor = None
        mark(row, now=now)


def _drifted(
    session: Session, context: Context, channel: Channel, row: ShownState, wants: Money, now: datetime
) -> None:
    row.price_drift_since = row.price_drift_since or now
    if channel.policy.drift == "repair":
        return
    row.price_left_minor = wants.minor
    shows = Money(row.price_minor or 0, row.price_currency or wants.currency)
    case = Case(
        id=context.ids.new(), channel=channel.name, kind=CASE, opened_at=now,
        title=f"{row.sku} costs {shows.decimal()} {shows.currency}, it should cost {wants.decimal()}",
        cause="The price was changed at the channel, not by us.",
        proposal="Apply writes our price again; dismiss leaves theirs until ours changes.",
        details={
            "sku": row.sku, "external_id": row.external_id, "row": row.place,
            "shows_minor": shows.minor, "should_minor": wants.minor, "currency": wants.currency,
        },
    )  # fmt: skip
    session.add(case)
    announce(session, "channel.case_opened", {"channel": channel.name, "case": case.id, "kind": CASE}, now=now)


def _is_right(session: Session, row: ShownState, now: datetime) -> None:
    if row.place == PRICE_PLACE:
        truth.proven(session, row, now=now)
    if row.price_left_minor is not None:
        _close(session, row, now)
    row.price_drift_since = row.price_left_minor = None


def _close(session: Session, row: ShownState, now: datetime) -> None:
    """The channel shows our price again: nobody need decide."""
    here = {"external_id": row.external_id, "row": row.place}
    open_ones = select(Case).where(Case.channel == row.channel, Case.kind == CASE, col(Case.closed_at).is_(None))
    for case in session.exec(open_ones):
        if here.items() <= case.details.items():
            case.closed_at, case.closed_how = now, "mended"
            announce(
                session, "channel.case_closed", {"channel": row.channel, "case": case.id, "how": "mended"}, now=now
            )
