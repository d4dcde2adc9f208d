"""Whether a channel shows what it says it took: *submitted*, *accepted*, *applied*, and *contradicted* by what is read back.

A channel that answered yes and shows the number from before has dropped the write, however friendly the answer was. Where it
shows more than it should, nothing but the dropped write explains that, for its orders were read first; where it shows fewer, an
order that we have yet to hear of may, and the write is only doubted until such an order would have come.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from omnisync import db
from omnisync.sync import deadletters, levels
from omnisync.sync.context import Channel, Context
from omnisync.sync.deadletters import Letter
from omnisync.sync.levels import View
from omnisync.sync.rows import backoff, key_of, write_key
from omnisync.sync.tables import Sent, ShownState

ASK_AFTER = 3
"""So many contradicted writes in a row: repeating them is not enough."""
_sent = db.table(Sent)


def read(
    session: Session, context: Context, channel: Channel, row: ShownState, view: View, shown: int, *, now: datetime
) -> None:
    """A level was read back; `view` is what was believed until then."""
    if levels.contradicts(view, shown):
        tag = _taken(session, row)
        if tag is not None and (view.submitted is not None or shown > (view.believed or 0)):
            contradicted(session, context, channel, row, tag, now=now)
        else:
            row.doubted = tag
    elif shown in view.arriving or (shown == view.believed and (view.before is not None or shown == row.wanted)):
        proven(session, row, now=now)


def unexplained(session: Session, context: Context, channel: Channel, row: ShownState, *, now: datetime) -> None:
    """Fewer were shown, and by now an order that explains it would have come: the write that was doubted was dropped."""
    if row.doubted is not None:
        contradicted(session, context, channel, row, row.doubted, now=now)
        row.doubted = None


def contradicted(
    session: Session, context: Context, channel: Channel, row: ShownState, tag: str, *, now: datetime
) -> None:
    """This write is not what is shown. It is made again, with growing pauses; a person is asked when that does not help."""
    row.contradicted, row.contradicted_at = row.contradicted + 1, now
    session.execute(sa.update(_sent).where(_sent.c.tag == tag).values(outcome="contradicted"))
    if row.contradicted > 1:
        row.next_try_at = now + backoff(row.contradicted - 1)
    if row.contradicted >= ASK_AFTER:
        deadletters.keep(session, context, channel.name, _letter(channel, row), now=now)


def proven(session: Session, row: ShownState, *, now: datetime) -> None:
    """It shows what it said it would."""
    if row.contradicted:
        row.contradicted, row.doubted = 0, None
        deadletters.mended(session, row.channel, write_key(key_of(row)), now=now)


def _taken(session: Session, row: ShownState) -> str | None:
    """The last number of this row that the channel says it took."""
    tag: str | None = session.execute(_LAST_TAKEN, _named(row)).scalar()
    return tag


def taken_price(session: Session, row: ShownState) -> str | None:
    """The last price of this row that the channel says it took."""
    tag: str | None = session.execute(_LAST_PRICE_TAKEN, _named(row)).scalar()
    return tag


def _named(row: ShownState) -> dict[str, str]:
    return {"channel": row.channel, "sku": row.sku, "external_id": row.external_id, "place": row.place}


def _last_taken(of: sa.Column[int | None]) -> sa.Select[str]:
    return (
        sa.select(_sent.c.tag)
        .where(*(_sent.c[name] == sa.bindparam(name) for name in ("channel", "sku", "external_id", "place")))
        .where(_sent.c.outcome.in_(("applied", "accepted")), of.is_not(None))
        .order_by(_sent.c.sent_at.desc(), _sent.c.tag.desc())
        .limit(1)
    )


_LAST_TAKEN, _LAST_PRICE_TAKEN = _last_taken(_sent.c.quantity), _last_taken(_sent.c.price_minor)


def _letter(channel: Channel, row: ShownState) -> Letter:
    if row.wanted is None:
        wants, shows = f"at {row.wanted_price_minor}", f"costs {row.price_minor} minor units"
    else:
        wants, shows = f"as {row.wanted}", f"shows {row.believed}"
    return Letter(
        "write", write_key(key_of(row)), f"{row.sku} is not shown {wants}, though {channel.name} says so",
        f"It took the number {row.contradicted} times in a row and still {shows}.",
        "Look at this listing at the channel: is it locked, a bundle, or written by another program? It is tried again by itself.",
        {"external_id": row.external_id, "place": row.place, "sku": row.sku},
    )  # fmt: skip


# ---------------------------------------------------------------- how many writes are how far


def states() -> sa.Case[str]:
    """How far the last write of a row has come; null where nothing was ever taken."""
    shown = db.table(ShownState).c
    return sa.case(
        (shown.contradicted > 0, "contradicted"),
        (sa.or_(shown.in_flight_until.is_not(None), shown.unsettled == "unknown"), "submitted"),
        (shown.unsettled == "accepted", "accepted"),
        (sa.and_(shown.before.is_(None), shown.seen_at >= shown.applied_at), "confirmed"),
        (
            sa.and_(shown.price_before_minor.is_(None), shown.applied_at.is_(None), shown.seen_at >= shown.price_at),
            "confirmed",
        ),
        (sa.or_(shown.applied_at.is_not(None), shown.applied_price_minor.is_not(None)), "applied"),
    )


NAMES = ("submitted", "accepted", "applied", "confirmed", "contradicted")


def count(session: Session, channel: str) -> dict[str, int]:
    """Of the last write of each listing and place: how many are how far."""
    state = states().label("state")
    statement = sa.select(state, sa.func.count()).where(col(ShownState.channel) == channel).group_by(state)
    found = {name: int(number) for name, number in session.execute(statement)}
    return {name: found.get(name, 0) for name in NAMES}
