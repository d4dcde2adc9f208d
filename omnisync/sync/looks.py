"""Booking levels that were read back: sales not yet seen, writes that arrived, drift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.adapters.base import LevelSeen
from omnisync.announce import announce
from omnisync.sync import deadletters, levels, price_drift, settle, truth, wanted
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import LOCKED, OF_LISTINGS, Key, key_of, mark, write_key
from omnisync.sync.tables import IS_PROVISIONAL, PRICE_PLACE, Case, Sent, ShownState
from omnisync.sync.wanted import Listed

_shown = db.table(ShownState)
PROVISIONAL_PATIENCE = timedelta(minutes=15)
"""A sale that no order explains by then was none: a person changed the number, or a write of ours came late."""
CLOCKS_APART = timedelta(minutes=2)


def note(
    session: Session,
    context: Context,
    channel: Channel,
    seen: Sequence[LevelSeen],
    *,
    asked_at: datetime,
    now: datetime,
) -> None:
    """Book levels that the channel showed after `asked_at`. What we wrote meanwhile is looked at again later."""
    rows = _rows(session, channel, seen)
    for level in seen:
        row = rows.get(_place_of(level))
        if row is not None and _written_since(row, asked_at):
            row.look_at = now
        elif row is not None:
            _book(session, context, channel, row, level, now)
        of_price = rows.get(Key(level.article.external_id or "", PRICE_PLACE), row)
        if of_price is not None and level.price is not None and not _priced_since(of_price, asked_at):
            price_drift.read(session, context, channel, of_price, level.price, now=now)
    deadletters.shown_after_all(session, channel.name, rows.values(), now=now)


def not_there(session: Session, channel: Channel, keys: Sequence[Key], *, now: datetime) -> set[str]:
    """The channel showed nothing there: they are not asked for again at once. Of these, the listings that it has shown before."""
    before = set()
    for key in keys:
        row = session.get(ShownState, (channel.name, *key))
        if row is not None:
            row.seen_at, row.look_at = now, None
            if row.believed is not None:
                before.add(row.external_id)
    return before


def contradicts(session: Session, channel: Channel, seen: Sequence[LevelSeen], *, now: datetime) -> bool:
    """Whether any of these levels is the one from before a write that the channel says it took."""
    names = sorted({level.article.external_id for level in seen if level.article.external_id is not None})
    found = session.execute(OF_LISTINGS, {"channel": channel.name, "external_ids": names}).scalars()
    rows = {key_of(row): row for row in found}
    pairs = ((rows.get(_place_of(level)), level.quantity) for level in seen)
    return any(
        row is not None and levels.contradicts(levels.view_of(row), shown) and not _is_early(row, now)
        for row, shown in pairs
    )


def _is_early(row: ShownState, now: datetime) -> bool:
    """Whether what was accepted may still be on its way."""
    return row.unsettled == "accepted" and now < (row.next_try_at or now)


def taken_back(session: Session, channel: Channel, sku: str, *, now: datetime) -> None:
    """Pieces of this channel came back, which it may offer again by itself: a number like the one before our last write says
    nothing any more, and what it shows is looked at, for our own number may stay as it is (goods "to be checked")."""
    for row in session.execute(_OF_SKU, {"channel": channel.name, "sku": sku}).scalars():
        row.before = row.doubted = None
        if channel.can.looks:
            row.look_at = now


def hint(session: Session, channel: Channel, levels: Sequence[LevelSeen], *, now: datetime) -> None:
    """Levels that came by message: our own echo (by tag, version or value) says nothing new, all else is looked at."""
    if channel.in_shadow:
        return  # what it shows is somebody else's work: neither drift nor a sale
    names = sorted({level.article.external_id for level in levels if level.article.external_id is not None})
    given = {"channel": channel.name, "external_ids": names}
    known = {Key(*key): (believed, version) for *key, believed, version in session.execute(_BELIEVED, given)}
    news = [level for level in levels if _is_news(known, level) and not _ours(session, channel, level.tag)]
    rows = _rows(session, channel, news) if news else {}
    for level in news:
        rows[_place_of(level)].look_at = now


_BELIEVED = sa.select(_shown.c.external_id, _shown.c.place, _shown.c.believed, _shown.c.seen_version).where(
    _shown.c.channel == sa.bindparam("channel"),
    db.among(_shown.c.external_id, db.many("external_ids")),
    _shown.c.place != PRICE_PLACE,
)


def _place_of(level: LevelSeen) -> Key:
    return Key(level.article.external_id or "", level.place or "")


def _is_news(known: Mapping[Key, tuple[int | None, str | None]], level: LevelSeen) -> bool:
    if _place_of(level) not in known:
        return False
    believed, version = known[_place_of(level)]
    return level.quantity != believed and (level.version is None or level.version != version)


def ordered(
    session: Session,
    channel: Channel,
    sku: str,
    quantity: int,
    placed_at: datetime,
    place: str | None,
    *,
    cancelled: int = 0,
    now: datetime,
) -> None:
    """A sale of this channel became known, so its own number is lower by that or will be.

    `cancelled` pieces of it were taken back before we heard of them: they explain a lower level all the same.
    """
    row = _where_sold(session, channel, sku, place)
    if row is None or quantity + cancelled <= 0:
        return
    settled = min(row.provisional, quantity)
    if not channel.can.looks:
        # Nobody can see what it shows now; it is simply written again, which never does harm.
        row.believed = None
    view = levels.order(levels.view_of(row), quantity, cancelled, relists=channel.can.relists)
    levels.put(session, row, view, now=now)
    # Where the channel compares, only a level that was read meanwhile can have hidden this sale behind somebody's edit.
    last = row.seen_at if channel.compares else row.applied_at
    hidden = last is not None and placed_at <= last + CLOCKS_APART
    if channel.can.looks and (row.perhaps or (hidden and quantity > settled)):
        row.look_at = now
    mark(row, now=now)


def undo_unexplained(
    session: Session, context: Context, channel: Channel, pulled_at: datetime | None, *, now: datetime
) -> int:
    """Offer provisional pieces again when their order would have been seen by now; the number of listings."""
    overdue = select(ShownState).where(
        ShownState.channel == channel.name,
        IS_PROVISIONAL,
        col(ShownState.provisional_at) <= now - PROVISIONAL_PATIENCE,
    )
    rows = [
        row
        for row in session.exec(overdue)
        if row.provisional_at and pulled_at and pulled_at >= row.provisional_at + PROVISIONAL_PATIENCE / 2
    ]
    for row in rows:
        levels.set_provisional(session, row, 0, now=now)
        truth.unexplained(session, context, channel, row, now=now)
        if row.wanted is None and row.wanted_price_minor is None:
            continue  # gone meanwhile: nothing will ever be written there that could mend it
        row.drift_since = row.drift_since or now
        row.behind_since = row.behind_since or now
    return len(rows)


# ---------------------------------------------------------------- one level


def _book(
    session: Session, context: Context, channel: Channel, row: ShownState, level: LevelSeen, now: datetime
) -> None:
    view = levels.view_of(row)
    verdict = levels.see(view, level.quantity)
    row.seen, row.seen_at, row.seen_version, row.allocated = level.quantity, now, level.version, level.allocated
    arrived = verdict.arrived or _price_arrived(row, level)
    if not arrived and _is_early(row, now):
        row.look_at = now + settle.VERIFY_AFTER
        return
    row.look_at = None
    levels.put(session, row, verdict.view, now=now)
    if arrived:
        _arrived(session, row, level.quantity if verdict.arrived else None, now)
    elif row.unsettled or row.in_flight_until is not None:
        _dropped(row, now)
    row.in_flight_until = None
    truth.read(session, context, channel, row, view, level.quantity, now=now)
    if verdict.drift and view.believed is not None and not _is_right(session, context, channel, row, now):
        _drifted(session, context, channel, row, level.quantity, now)
    elif row.believed == row.wanted:
        row.drift_since = None
    mark(row, now=now)


def _is_right(session: Session, context: Context, channel: Channel, row: ShownState, now: datetime) -> bool:
    """Whether it shows by itself what it should by now: pieces of a cancelled order, say, that it offers again as we would."""
    wishes = wanted.of_listings(session, context, channel, [Listed(row.external_id, row.sku)], now=now)
    return any((wish.place, wish.quantity) == (row.place, row.believed) for wish in wishes)


def _price_arrived(row: ShownState, level: LevelSeen) -> bool:
    """Whether what was written was a price alone, and is what the channel asks now."""
    asked = level.price if row.submitted is None and row.submitted_price_minor is not None else None
    return asked is not None and (asked.minor, asked.currency) == (row.submitted_price_minor, row.wanted_price_currency)


def _arrived(session: Session, row: ShownState, quantity: int | None, now: datetime) -> None:
    session.execute(sa.update(Sent).where(col(Sent.tag) == row.tag).values(outcome="applied", applied_at=now))
    settle.applied(row, quantity=quantity, price_minor=row.submitted_price_minor, now=now)
    deadletters.mended(session, row.channel, write_key(key_of(row)), now=now)


def _dropped(row: ShownState, now: datetime) -> None:
    """What we wrote is not there: accepted and dropped by the channel (drift), or lost on its way (written again)."""
    if row.unsettled == "accepted":
        row.drift_since = row.drift_since or now
    row.submitted = row.submitted_price_minor = row.unsettled = row.next_try_at = None


def _drifted(session: Session, context: Context, channel: Channel, row: ShownState, shown: int, now: datetime) -> None:
    row.drift_since = row.drift_since or now
    if channel.policy.drift == "repair":
        return
    case = Case(
        id=context.ids.new(), channel=channel.name, kind="drift", opened_at=now,
        title=f"{row.sku} shows {shown}, it should show {row.wanted}",
        cause="The number was changed at the channel, not by us.",
        proposal="Apply writes our number again; dismiss leaves theirs until ours changes.",
        details={"sku": row.sku, "external_id": row.external_id, "place": row.place, "shows": shown, "should": row.wanted},
    )  # fmt: skip
    session.add(case)
    row.guard_case, row.guard_decision = case.id, "waiting"
    row.guard_quantity, row.guard_price_minor = row.wanted, row.wanted_price_minor
    announce(session, "channel.case_opened", {"channel": channel.name, "case": case.id, "kind": "drift"}, now=now)


def _priced_since(row: ShownState, asked_at: datetime) -> bool:
    in_flight = row.in_flight_until is not None and row.in_flight_until > asked_at
    return in_flight or (row.price_at is not None and row.price_at > asked_at)


def _written_since(row: ShownState, asked_at: datetime) -> bool:
    in_flight = row.in_flight_until is not None and row.in_flight_until > asked_at
    return in_flight or (row.applied_at is not None and row.applied_at > asked_at)


def _ours(session: Session, channel: Channel, tag: str | None) -> bool:
    if tag is None:
        return False
    row = session.get(Sent, tag)
    return row is not None and row.channel == channel.name


def _rows(session: Session, channel: Channel, seen: Iterable[LevelSeen]) -> dict[Key, ShownState]:
    names = sorted({level.article.external_id for level in seen if level.article.external_id is not None})
    found = session.execute(LOCKED, {"channel": channel.name, "external_ids": names}).scalars()
    return {key_of(row): row for row in found}


def _where_sold(session: Session, channel: Channel, sku: str, place: str | None) -> ShownState | None:
    """The row that the channel lowered: at the place it told; else where pieces are missing; else where most were shown."""
    found = session.execute(_OF_SKU, {"channel": channel.name, "sku": sku}).scalars()
    shown = [row for row in found if row.believed is not None]
    named = [row for row in shown if place is not None and row.place == place] or shown
    return max(named, key=lambda row: (row.provisional, row.believed or 0, row.external_id), default=None)


_OF_SKU = (
    select(ShownState)
    .where(ShownState.channel == sa.bindparam("channel"), ShownState.sku == sa.bindparam("sku"))
    .where(col(ShownState.place) != PRICE_PLACE)
    .with_for_update()
)
