"""Listings that a channel no longer knows: asked for once more, then gone and named in one case, until it lists them again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.announce import announce
from omnisync.sync import claims, deadletters, guard
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import Key, write_key
from omnisync.sync.tables import Case, ChannelListing, Cursor, ShownState

CASE = "listings_gone"
ASK_AGAIN_AFTER = timedelta(minutes=5)
"""The listings are read again for one that was missed, but not more often than that."""
NAMED_AT_MOST, NAMED_IN_TITLE = 100, 5
BATCH = 500
_listing, _shown, _cursor = db.table(ChannelListing), db.table(ShownState), db.table(Cursor)


def missed(session: Session, channel: Channel, external_ids: Collection[str], *, now: datetime) -> None:
    """The channel did not know these when it was asked for one thing: its listings are read before anything follows from it."""
    for chunk in _chunks(sorted(external_ids)):
        session.execute(
            sa.update(_listing)
            .where(_listing.c.channel == channel.name, _listing.c.external_id.in_(chunk))
            .where(_listing.c.missed_at.is_(None), _listing.c.gone_at.is_(None))
            .values(missed_at=now)
        )


def waiting(channel: db.Bound[str], read_as: str, since: db.Bound[datetime]) -> sa.Select[Any]:
    """Finds something where listings were missed and all of them (`read_as` names that cursor) were not read since then."""
    read = sa.exists().where(_cursor.c.channel == channel, _cursor.c.name == read_as, _cursor.c.at > since)
    return sa.select(sa.literal(1)).where(
        _listing.c.channel == channel, _listing.c.missed_at.is_not(None), ~read
    )  # fmt: skip


def listed(session: Session, channel: Channel, rows: Sequence[ChannelListing], *, now: datetime) -> None:
    """The channel names these among its listings: none of them is missed, and those that were gone are back."""
    returned = [row for row in rows if row.gone_at is not None]
    doubted = [row.external_id for row in rows if row.missed_at is not None]
    for row in rows:
        row.missed_at = row.gone_at = row.gone_case = None
    session.flush()
    _try_once_more(session, channel, doubted)
    if returned:
        _close_mended(session, channel, now)


async def settle(context: Context, channel: Channel, named: Collection[str], *, began: datetime) -> int:
    """After all listings were read: what is not among them and is not shown when looked at is gone; how many.

    Where nothing can be looked at, a listing must be missing from two readings, and one that names nothing proves nothing.
    """
    absent = await context.store.read(lambda session: _absent(session, channel, named, began))
    if not absent:
        return 0
    asked, there = await _look(context, channel, [one.external_id for one in absent])
    now = context.clock.now()
    left_out = [one for one in absent if one.external_id not in asked and named]
    verdict = _Verdict(
        gone=[*asked - there, *(one.external_id for one in left_out if one.missed_at)],
        unsure=[one.external_id for one in left_out if not one.missed_at],
        there=there,
    )
    return await context.store.write(lambda session: _book(session, context, channel, verdict, now))


@dataclass(frozen=True, slots=True)
class _Absent:
    """A listing that the channel did not name, and since when it is missed."""

    external_id: str
    missed_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of those that were not named."""

    gone: Sequence[str]
    unsure: Sequence[str]
    there: Collection[str]


def _absent(session: Session, channel: Channel, named: Collection[str], began: datetime) -> list[_Absent]:
    statement = sa.select(_listing.c.external_id, _listing.c.missed_at).where(
        _listing.c.channel == channel.name, _listing.c.gone_at.is_(None), _listing.c.added_at <= began
    )
    return [_Absent(*row) for row in session.execute(statement) if row.external_id not in named]


async def _look(context: Context, channel: Channel, external_ids: Sequence[str]) -> tuple[set[str], set[str]]:
    """(those that could be looked at, those that the channel shows at any of its places)"""
    asked: set[str] = set()
    there: set[str] = set()
    if not channel.can.looks:
        return asked, there
    keys = [Key(name, group.place) for name in external_ids for group in channel.groups]
    for start in range(0, len(keys), channel.can.batch_size):
        batch = keys[start : start + channel.can.batch_size]
        targets = await context.store.read(lambda session, some=batch: claims.targets(session, channel, some))  # type: ignore[misc]
        if targets:
            asked |= {target.external_id for target in targets}
            there |= {level.article.external_id or "" for level in await channel.adapter.look(targets)}
    return asked, there & asked


def _book(session: Session, context: Context, channel: Channel, verdict: _Verdict, now: datetime) -> int:
    missed(session, channel, verdict.unsure, now=now)
    listed(session, channel, list(_rows(session, channel, verdict.there)), now=now)
    rows = [row for row in _rows(session, channel, verdict.gone) if row.gone_at is None]
    ours = [row for row in rows if row.managed and row.sku is not None]
    case = _case(session, context, channel, ours, now) if ours else None
    for row in rows:
        row.missed_at, row.gone_at, row.gone_case = None, now, case.id if case and row in ours else None
    session.flush()
    _forget(session, channel, [row.external_id for row in rows], now)
    return len(rows)


def _case(session: Session, context: Context, channel: Channel, rows: Sequence[ChannelListing], now: datetime) -> Case:
    """One for all that vanished together; where that is a large part, it is not the articles that are wrong."""
    wholesale = len(rows) >= guard.large_share(session, channel)
    title, cause, proposal = _words(channel, rows, wholesale)
    examples = [{"sku": row.sku, "external_id": row.external_id, "title": row.title} for row in rows[:NAMED_AT_MOST]]
    case = Case(
        id=context.ids.new(), channel=channel.name, kind=CASE, opened_at=now, title=title, cause=cause,
        proposal=proposal, details={"listings": len(rows), "wholesale": wholesale, "examples": examples},
    )  # fmt: skip
    session.add(case)
    announce(session, "channel.case_opened", {"channel": channel.name, "case": case.id, "kind": CASE}, now=now)
    return case


def _words(channel: Channel, rows: Sequence[ChannelListing], wholesale: bool) -> tuple[str, str, str]:
    how_many = "1 listing is" if len(rows) == 1 else f"{len(rows)} listings are"
    back = "What it lists again comes back by itself."
    if wholesale:
        return (
            f"{how_many} no longer known to {channel.name}: look at the channel's catalogue",
            "So many do not vanish one by one: the catalogue, the account or what our key may read has changed.",
            f"Look at the catalogue and the account at the channel. {back}",
        )
    named = ", ".join(str(row.sku) for row in rows[:NAMED_IN_TITLE])
    more = ", …" if len(rows) > NAMED_IN_TITLE else ""
    return (
        f"{how_many} no longer known to {channel.name}: {named}{more}",
        "The channel neither lists nor shows them. Nothing is written there any more.",
        f"Dismiss if they were ended on purpose; otherwise put them up again there. {back}",
    )


def _forget(session: Session, channel: Channel, external_ids: Sequence[str], now: datetime) -> None:
    """Nothing is wanted of them, nothing is believed to be offered, and nothing about them waits for anybody."""
    for chunk in _chunks(external_ids):
        here = (_shown.c.channel == channel.name, _shown.c.external_id.in_(chunk))
        keys = [Key(*row) for row in session.execute(sa.select(_shown.c.external_id, _shown.c.place).where(*here))]
        session.execute(
            sa.update(ShownState).where(*here).values(_NOTHING).execution_options(synchronize_session=False)
        )
        deadletters.mended_all(session, channel.name, [write_key(key) for key in keys], now=now)


_NOTHING: dict[str, Any] = {
    **dict.fromkeys(
        (
            "wanted", "wanted_price_minor", "wanted_price_currency", "behind_since", "believed", "price_minor",
            "price_currency", "submitted", "submitted_price_minor", "in_flight_until", "unsettled", "look_at",
            "drift_since", "next_try_at", "blocked_reason", "guard_case", "guard_decision", "guard_quantity",
            "guard_price_minor", "emptied_since", "before", "doubted",
            "price_before_minor", "price_drift_since", "price_left_minor",
        )
    ),
    "failures": 0,
    "contradicted": 0,
}  # fmt: skip


def _try_once_more(session: Session, channel: Channel, external_ids: Sequence[str]) -> None:
    """A write that found nothing, of a listing that is there all the same: a second refusal is for a person."""
    for chunk in _chunks(external_ids):
        session.execute(
            sa.update(ShownState)
            .where(_shown.c.channel == channel.name, _shown.c.external_id.in_(chunk))
            .where(_shown.c.failures == 1, _shown.c.blocked_reason.is_not(None))
            .values(next_try_at=None)
        )


def _close_mended(session: Session, channel: Channel, now: datetime) -> None:
    """A case of which everything is back has mended itself."""
    still = sa.select(_listing.c.gone_case).where(
        _listing.c.channel == channel.name, _listing.c.gone_case.is_not(None), _listing.c.gone_at.is_not(None)
    )
    mended = select(Case).where(
        Case.channel == channel.name, Case.kind == CASE, col(Case.closed_at).is_(None), col(Case.id).not_in(still)
    )
    for case in session.exec(mended):
        case.closed_at, case.closed_how = now, "mended"
        announce(session, "channel.case_closed", {"channel": channel.name, "case": case.id, "how": "mended"}, now=now)


def _rows(session: Session, channel: Channel, external_ids: Collection[str]) -> Iterator[ChannelListing]:
    for chunk in _chunks(sorted(external_ids)):
        statement = select(ChannelListing).where(
            ChannelListing.channel == channel.name, col(ChannelListing.external_id).in_(chunk)
        )
        yield from session.exec(statement.order_by(col(ChannelListing.external_id)))


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))
