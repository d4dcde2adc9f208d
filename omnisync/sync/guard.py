"""The blast guard: what would empty a large part of a channel within half an hour, or reprice it, waits as one case; so does
what would go to zero only because nobody has counted it.

How large a pass is plays no part: what was let through of late counts as well (docs/decisions/0013). While a catalogue is read
for the first time nobody knows how large a part of it is: what would be too many of the listings read so far is put off (0054).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from omnisync import db
from omnisync.announce import announce
from omnisync.catalog.tables import Article
from omnisync.sync import counted, cursors, taken
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import key_of, price_differs
from omnisync.sync.tables import Case, ChannelListing, ShownState
from omnisync.sync.wanted import BATCH

ZERO, PRICE, UNCOUNTED = "blast_zero", "blast_price", "uncounted"
WINDOW = timedelta(minutes=30)
"""What went to zero without a buyer counts for so long, however small the passes were that let it through."""
NO_PAGE_FOR = timedelta(minutes=10)
"""A first reading of which no page came for so long is not waited for."""
MOST_NAMED, MOST_IN_A_SENTENCE = 200, 8
_article, _case = db.table(Article), db.table(Case)


def hold_back(session: Session, context: Context, channel: Channel, *, now: datetime) -> None:
    """Let suspicious rows of this channel wait; join an open case of their kind instead of opening a second one."""
    if not channel.policy.blast_guard:
        return
    rows = _behind(session, channel)
    uncounted = {key_of(row): row for row in _uncounted(session, channel, rows)}
    of_uncounted = _cases_of(session, rows, UNCOUNTED)
    for row in rows:
        _forget_old_decision(row, counted=row.guard_case in of_uncounted and key_of(row) not in uncounted)
    _hold(session, context, channel, UNCOUNTED, list(uncounted.values()), now)
    emptied = [row for row in _emptied(session, channel, rows) if key_of(row) not in uncounted]
    if not _too_many(session, channel, emptied, now):
        _let_through(session, emptied, now)
    elif _reads_on(session, channel, now):
        _put_off(emptied)
    else:
        _hold(session, context, channel, ZERO, emptied, now)
    _hold(session, context, channel, PRICE, _repriced(session, channel, rows), now)
    _close_counted(session, channel, now)


def decide(session: Session, case: Case, decision: str) -> int:
    """Release (`apply`) or keep (`keep`) exactly the rows of a case; the number of rows."""
    rows = session.exec(select(ShownState).where(ShownState.guard_case == case.id)).all()
    for row in rows:
        row.guard_decision = decision
    return len(rows)


def _behind(session: Session, channel: Channel) -> Sequence[ShownState]:
    """Rows that the guard has to look at: going to zero, changing their price, or decided about before."""
    given = {"channel": channel.name, "unread": not channel.can.looks}
    return session.execute(_SUSPICIOUS, given).scalars().all()


_SUSPICIOUS = select(ShownState).where(
    ShownState.channel == sa.bindparam("channel"),
    col(ShownState.behind_since).is_not(None),
    sa.or_(
        sa.and_(col(ShownState.wanted) == 0, col(ShownState.believed) > 0),
        sa.and_(
            col(ShownState.wanted) == 0, col(ShownState.believed).is_(None), sa.bindparam("unread", type_=sa.Boolean)
        ),
        sa.and_(
            col(ShownState.wanted_price_minor).is_not(None),
            col(ShownState.wanted_price_minor) != sa.func.coalesce(col(ShownState.price_minor), -1),
        ),
        col(ShownState.guard_decision).is_not(None),
    ),
)


def _forget_old_decision(row: ShownState, *, counted: bool) -> None:
    """A decision holds for the numbers it was made about and for no others, and that nobody knows a number until it is known."""
    if (
        _is_put_off(row)
        or counted
        or (row.guard_quantity, row.guard_price_minor) != (row.wanted, row.wanted_price_minor)
    ):
        row.guard_case = row.guard_decision = row.guard_quantity = row.guard_price_minor = None


def _reads_on(session: Session, channel: Channel, now: datetime) -> bool:
    """Whether the channel's listings are being read for the first time, so that more of them are to come."""
    if cursors.find(session, channel.name, cursors.LISTINGS) is not None:
        return False
    read = cursors.find(session, channel.name, cursors.FIRST_READING)
    return read is not None and now - read.at <= NO_PAGE_FOR


def _put_off(emptied: Sequence[ShownState]) -> None:
    """They wait, and in no case of a person's: with more listings known they may be few."""
    for row in _undecided(emptied):
        row.guard_decision = "waiting"
        row.guard_quantity, row.guard_price_minor = row.wanted, row.wanted_price_minor


def _is_put_off(row: ShownState) -> bool:
    return row.guard_decision == "waiting" and row.guard_case is None


def _undecided(rows: Sequence[ShownState]) -> list[ShownState]:
    return [row for row in rows if row.guard_decision is None]


def _listings(rows: Sequence[ShownState]) -> set[str]:
    return {row.external_id for row in rows}


def _too_many(session: Session, channel: Channel, emptied: Sequence[ShownState], now: datetime) -> bool:
    """Whether these, with what waits and what was let through within the window, are more than may go to zero unasked."""
    fresh = _listings(_undecided(emptied))
    if not fresh:
        return False
    waiting = sum(row.guard_decision == "waiting" for row in emptied)
    free = large_share(session, channel) - waiting - len(fresh)
    return free <= 0 or len(_listings(_passed(session, channel, now)) - fresh) >= free


def _let_through(session: Session, emptied: Sequence[ShownState], now: datetime) -> None:
    """Remember since when somebody other than a buyer emptied them. What seems to be sold is told or undone soon."""
    fresh = _undecided(emptied)
    sold = taken.seem_sold(session, {row.sku for row in fresh}) if fresh else set()
    for row in fresh:
        if row.sku not in sold:
            row.emptied_since = row.applied_at or now


def _passed(session: Session, channel: Channel, now: datetime) -> list[ShownState]:
    """Rows that were let through to zero within the window, and that no sale told since explains."""
    late = sa.or_(col(ShownState.behind_since).is_not(None), col(ShownState.applied_at) >= now - WINDOW)
    rows = session.exec(
        select(ShownState).where(
            ShownState.channel == channel.name, ShownState.wanted == 0, col(ShownState.emptied_since).is_not(None), late
        )
    ).all()
    bought = taken.bought(
        session, channel, {row.sku: row.emptied_since for row in rows if row.emptied_since is not None}
    )
    return [row for row in rows if row.sku not in bought]


def large_share(session: Session, channel: Channel) -> int:
    """From how many listings on it is a large part of the channel that changes."""
    statement = sa.select(sa.func.count()).select_from(ChannelListing)
    listings: int = session.execute(
        statement.where(col(ChannelListing.channel) == channel.name, col(ChannelListing.managed))
    ).scalar_one()
    share = listings * channel.policy.blast_zero_percent // 100 + 1
    return max(channel.policy.blast_zero_least, share)


def _hold(
    session: Session, context: Context, channel: Channel, kind: str, rows: Sequence[ShownState], now: datetime
) -> None:
    fresh = _undecided(rows)
    if not fresh:
        return
    case = _open_case(session, context, channel, kind, now)
    for row in fresh:
        row.guard_case, row.guard_decision, row.emptied_since = case.id, "waiting", None
        row.guard_quantity, row.guard_price_minor = row.wanted, row.wanted_price_minor
    _describe(session, channel, case, [*rows], kind, now)


def _open_case(session: Session, context: Context, channel: Channel, kind: str, now: datetime) -> Case:
    case = session.exec(_open_one(channel, kind)).first()
    if case is None:
        case = Case(id=context.ids.new(), channel=channel.name, kind=kind, title="", opened_at=now)
        session.add(case)
        announce(session, "channel.case_opened", {"channel": channel.name, "case": case.id, "kind": kind}, now=now)
    return case


def _open_one(channel: Channel, kind: str) -> SelectOfScalar[Case]:
    return select(Case).where(Case.channel == channel.name, Case.kind == kind, col(Case.closed_at).is_(None))


def _cases_of(session: Session, rows: Sequence[ShownState], kind: str) -> set[str]:
    """Those of this kind, closed or not, that any of these rows was decided in."""
    named = {row.guard_case for row in rows if row.guard_case is not None}
    statement = select(Case.id).where(db.among(_case.c.id, sorted(named)), Case.kind == kind)
    return set(session.exec(statement)) if named else set()


def _close_counted(session: Session, channel: Channel, now: datetime) -> None:
    """Once somebody has said of each how many there are, nothing is left to decide."""
    case = session.exec(_open_one(channel, UNCOUNTED)).first()
    if case is None:
        return
    session.flush()
    waiting = select(ShownState.sku).where(ShownState.guard_case == case.id, ShownState.guard_decision == "waiting")
    if session.exec(waiting.limit(1)).first() is None:
        case.closed_at, case.closed_how = now, "mended"
        announce(session, "channel.case_closed", {"channel": channel.name, "case": case.id, "how": "mended"}, now=now)


_SAYS: dict[str, tuple[Callable[[int], str], str]] = {
    ZERO: (
        lambda n: f"{n} listings would go to zero within {WINDOW // timedelta(minutes=1)} minutes",
        "Apply if these articles are really sold out; otherwise undo the import or count that emptied them and dismiss.",
    ),
    UNCOUNTED: (
        lambda n: f"{n} listings would go to zero though nobody has counted their articles",
        "Count them: what is counted is shown at once, and this closes by itself. Apply if there really are none.",
    ),
    PRICE: (
        lambda n: f"{n} prices would change by more than this channel allows at once, or below their minimum",
        "Apply if these prices are meant; otherwise correct them and dismiss.",
    ),
}


def _describe(
    session: Session, channel: Channel, case: Case, rows: Sequence[ShownState], kind: str, now: datetime
) -> None:
    title, case.proposal = _SAYS[kind]
    waiting, passed = _listings(rows), _passed(session, channel, now) if kind == ZERO else []
    case.title = title(len(waiting | _listings(passed)))
    if kind == ZERO:
        case.cause = taken.causes(session, channel, [*rows, *passed])
    if kind == UNCOUNTED:
        skus = sorted({row.sku for row in rows})
        case.cause = ", ".join([*skus[:MOST_IN_A_SENTENCE], *(["…"] if len(skus) > MOST_IN_A_SENTENCE else [])])
    case.details = {"listings": len(waiting), "examples": [_example(row) for row in rows[:20]]}
    if passed:
        case.title += f": {len(waiting)} wait, {len(_listings(passed) - waiting)} show zero already"
        case.details["zero_already"] = sorted(row.sku for row in passed)[:MOST_NAMED]


def _example(row: ShownState) -> dict[str, Any]:
    return {
        "sku": row.sku, "external_id": row.external_id, "place": row.place, "shows": row.believed, "would_show": row.wanted,
        "price_minor": row.price_minor, "would_cost_minor": row.wanted_price_minor,
    }  # fmt: skip


# ---------------------------------------------------------------- what is suspicious


def _emptied(session: Session, channel: Channel, rows: Sequence[ShownState]) -> list[ShownState]:
    """Rows that would go to zero for another reason than that buyers bought the pieces."""
    emptied = [row for row in rows if row.wanted == 0 != row.applied and (row.believed or 0) > 0]
    bought = taken.bought(session, channel, {row.sku: row.applied_at for row in emptied if row.applied_at is not None})
    return [row for row in emptied if row.sku not in bought]


def _uncounted(session: Session, channel: Channel, rows: Sequence[ShownState]) -> list[ShownState]:
    """Rows that nobody ever gave a number, here or there: zero would only say that the ledger is new."""
    unread = not channel.can.looks
    first = [row for row in rows if row.wanted == 0 and row.applied is None and (row.believed or unread)]
    known = counted.places(session, channel, {row.sku for row in first}) if first else {}
    return [row for row in first if row.place not in known[row.sku]]


def _repriced(session: Session, channel: Channel, rows: Sequence[ShownState]) -> list[ShownState]:
    # A price that we wrote before and somebody changed at the channel is set right without asking.
    priced = [row for row in rows if price_differs(row) and row.price_minor and _is_new(row)]
    least = _min_prices(session, sorted({row.sku for row in rows if price_differs(row)}))
    allowed = channel.policy.blast_price_percent
    jumps = [
        row for row in priced
        if abs((row.wanted_price_minor or 0) - (row.price_minor or 0)) * 100 > (row.price_minor or 0) * allowed
    ]  # fmt: skip
    too_low = [
        row
        for row in rows
        if price_differs(row) and _is_new(row) and (row.wanted_price_minor or 0) < least.get(row.sku, 0)
    ]
    return list({(row.external_id, row.place): row for row in [*jumps, *too_low]}.values())


def _is_new(row: ShownState) -> bool:
    return row.wanted_price_minor != row.applied_price_minor


def _min_prices(session: Session, skus: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(skus), BATCH):
        statement = sa.select(_article.c.sku, _article.c.min_price_minor).where(
            _article.c.sku.in_(skus[start : start + BATCH]), _article.c.min_price_minor.is_not(None)
        )
        found |= {row.sku: row.min_price_minor for row in session.execute(statement)}
    return found
