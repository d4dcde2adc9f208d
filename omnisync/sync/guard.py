"""The blast guard: a pass that would empty or reprice a large part of a channel waits as one case for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.announce import announce
from omnisync.catalog.tables import Article
from omnisync.stock.tables import Movement
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import price_differs
from omnisync.sync.tables import Case, ChannelListing, ShownState
from omnisync.sync.wanted import BATCH, contents_of
from omnisync.values import Kind

ZERO, PRICE = "blast_zero", "blast_price"
EVERYDAY = frozenset(
    kind.value for kind in (Kind.SOLD, Kind.ORDER, Kind.HOLD, Kind.SHIPPED, Kind.COLLECTED, Kind.COUNTED_ALREADY)
)
"""What buyers do. A shelf that only they emptied is sold out, whatever the share of the assortment."""
_movement, _article = db.table(Movement), db.table(Article)


def hold_back(session: Session, context: Context, channel: Channel, *, now: datetime) -> None:
    """Let suspicious rows of this channel wait; join an open case of their kind instead of opening a second one."""
    if not channel.policy.blast_guard:
        return
    rows = _behind(session, channel)
    for row in rows:
        _forget_old_decision(row)
    _hold(session, context, channel, ZERO, _emptied(session, channel, rows), large_share, now)
    _hold(session, context, channel, PRICE, _repriced(session, channel, rows), _any_price, now)


def decide(session: Session, case: Case, decision: str) -> int:
    """Release (`apply`) or keep (`keep`) exactly the rows of a case; the number of rows."""
    rows = session.exec(select(ShownState).where(ShownState.guard_case == case.id)).all()
    for row in rows:
        row.guard_decision = decision
    return len(rows)


def _behind(session: Session, channel: Channel) -> Sequence[ShownState]:
    """Rows that the guard has to look at: going to zero, changing their price, or decided about before."""
    emptied = sa.and_(col(ShownState.wanted) == 0, col(ShownState.believed) > 0)
    price = sa.func.coalesce(col(ShownState.price_minor), -1)
    repriced = sa.and_(col(ShownState.wanted_price_minor).is_not(None), col(ShownState.wanted_price_minor) != price)
    return session.exec(
        select(ShownState).where(
            ShownState.channel == channel.name,
            col(ShownState.behind_since).is_not(None),
            sa.or_(emptied, repriced, col(ShownState.guard_decision).is_not(None)),
        )
    ).all()


def _forget_old_decision(row: ShownState) -> None:
    """A decision holds for the numbers it was made about and for no others."""
    if (row.guard_quantity, row.guard_price_minor) != (row.wanted, row.wanted_price_minor):
        row.guard_case = row.guard_decision = row.guard_quantity = row.guard_price_minor = None


def _any_price(session: Session, channel: Channel) -> int:
    return 1


def large_share(session: Session, channel: Channel) -> int:
    """From how many listings on it is a large part of the channel that changes."""
    statement = sa.select(sa.func.count()).select_from(ChannelListing)
    listings: int = session.execute(
        statement.where(col(ChannelListing.channel) == channel.name, col(ChannelListing.managed))
    ).scalar_one()
    share = listings * channel.policy.blast_zero_percent // 100 + 1
    return max(channel.policy.blast_zero_least, share)


def _hold(
    session: Session,
    context: Context,
    channel: Channel,
    kind: str,
    rows: Sequence[ShownState],
    limit: Callable[[Session, Channel], int],
    now: datetime,
) -> None:
    fresh = [row for row in rows if row.guard_decision is None]
    waiting = sum(row.guard_decision == "waiting" for row in rows)
    if not fresh or waiting + len({row.external_id for row in fresh}) < limit(session, channel):
        return
    case = _open_case(session, context, channel, kind, now)
    for row in fresh:
        row.guard_case, row.guard_decision = case.id, "waiting"
        row.guard_quantity, row.guard_price_minor = row.wanted, row.wanted_price_minor
    _describe(session, channel, case, [*rows], kind)


def _open_case(session: Session, context: Context, channel: Channel, kind: str, now: datetime) -> Case:
    open_one = select(Case).where(Case.channel == channel.name, Case.kind == kind, col(Case.closed_at).is_(None))
    case = session.exec(open_one).first()
    if case is None:
        case = Case(id=context.ids.new(), channel=channel.name, kind=kind, title="", opened_at=now)
        session.add(case)
        announce(session, "channel.case_opened", {"channel": channel.name, "case": case.id, "kind": kind}, now=now)
    return case


_SAYS: dict[str, tuple[Callable[[int], str], str]] = {
    ZERO: (
        lambda n: f"{n} listings would go to zero at once",
        "Apply if these articles are really sold out; otherwise undo the import or count that emptied them and dismiss.",
    ),
    PRICE: (
        lambda n: f"{n} prices would change by more than this channel allows at once, or below their minimum",
        "Apply if these prices are meant; otherwise correct them and dismiss.",
    ),
}


def _describe(session: Session, channel: Channel, case: Case, rows: Sequence[ShownState], kind: str) -> None:
    title, case.proposal = _SAYS[kind]
    listings = sorted({row.external_id for row in rows})
    case.title = title(len(listings))
    if kind == ZERO:
        case.cause = _causes(session, channel, rows)
    case.details = {"listings": len(listings), "examples": [_example(row) for row in rows[:20]]}


def _example(row: ShownState) -> dict[str, Any]:
    return {
        "sku": row.sku, "external_id": row.external_id, "place": row.place, "shows": row.believed, "would_show": row.wanted,
        "price_minor": row.price_minor, "would_cost_minor": row.wanted_price_minor,
    }  # fmt: skip


# ---------------------------------------------------------------- what is suspicious


def _emptied(session: Session, channel: Channel, rows: Sequence[ShownState]) -> list[ShownState]:
    """Rows that would go to zero for another reason than that buyers bought the pieces."""
    emptied = [row for row in rows if row.wanted == 0 != row.applied and (row.believed or 0) > 0]
    bought = _bought(session, channel, emptied)
    return [row for row in emptied if row.sku not in bought]


def _bought(session: Session, channel: Channel, rows: Sequence[ShownState]) -> set[str]:
    """SKUs that since their last applied number were lowered by buyers and by nobody else."""
    since = {row.sku: row.applied_at for row in rows if row.applied_at is not None}
    lowered = _lowered(session, channel, since)
    return {sku for sku, kinds in lowered.items() if kinds and kinds <= EVERYDAY}


def _lowered(session: Session, channel: Channel, since: dict[str, datetime]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {sku: set() for sku in since}
    contents = contents_of(session, since)
    part_of: dict[str, set[str]] = {}
    for sku in since:
        for part in contents.get(sku, {sku: 1}):
            part_of.setdefault(part, set()).add(sku)
    for part, kind, _cause, at in _lowering(session, channel, sorted(part_of), min(since.values(), default=None)):
        for sku in part_of[part]:
            if at >= since[sku]:
                found[sku].add(kind)
    return found


def _lowering(
    session: Session, channel: Channel, skus: Sequence[str], since: datetime | None
) -> list[tuple[str, str, str, datetime]]:
    """Movements that took pieces off sale: (SKU, kind, cause, recorded at)."""
    free = _movement.c.on_hand - _movement.c.reserved - _movement.c.blocked - _movement.c.safety
    locations = sorted({location for group in channel.groups for location in group.locations})
    found: list[tuple[str, str, str, datetime]] = []
    for start in range(0, len(skus), BATCH):
        statement = sa.select(_movement.c.sku, _movement.c.kind, _movement.c.cause, _movement.c.recorded_at).where(
            _movement.c.location.in_(locations), _movement.c.sku.in_(skus[start : start + BATCH]), free < 0
        )
        if since is not None:
            statement = statement.where(_movement.c.recorded_at >= since)
        found += [(row.sku, row.kind, row.cause, row.recorded_at) for row in session.execute(statement)]
    return found


def _causes(session: Session, channel: Channel, rows: Sequence[ShownState]) -> str:
    since = min((row.applied_at for row in rows if row.applied_at is not None), default=None)
    lowering = _lowering(session, channel, sorted({row.sku for row in rows}), since)
    counted = Counter(cause.split("/")[0] for _, kind, cause, _ in lowering if kind not in EVERYDAY)
    if not counted:
        return "No movement of stock explains it: look at the settings of this channel and its listings."
    return "; ".join(f"{cause} ({n} movements)" for cause, n in counted.most_common(3))


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
