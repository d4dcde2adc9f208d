"""May a channel go live? What is asked before the first number is written there, and what it was last shown when it is handed back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.sync import questions as unclear_things
from omnisync.sync import telling
from omnisync.sync.context import Channel
from omnisync.sync.plan import Kind, Plan
from omnisync.sync.rows import wanted_price
from omnisync.sync.tables import PRICE_PLACE, ChannelHealth, ChannelListing, DeadLetter, ShownState

READ_WITHIN = timedelta(hours=1)
MOST_EMPTIED_PERCENT = 20
"""More of its offers than this going to zero at once is no cleaning up, it is a store that was not counted."""
_listing = db.table(ChannelListing)


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that must be so before numbers are written."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


def questions(session: Session, channel: Channel, plan: Plan, *, now: datetime) -> list[Question]:
    """All of them, in the order in which they are mended."""
    return [
        _read(session, channel, now),
        _letters(session, channel),
        _mapped(channel, plan),
        _clear(session, channel),
        _counted(plan),
        _emptied(plan),
        _repriced(channel, plan),
        *_cancelled(session, channel, now),
    ]


def _read(session: Session, channel: Channel, now: datetime) -> Question:
    row = session.get(ChannelHealth, channel.name)
    pulled_at = None if row is None else row.pulled_at
    ok = not channel.can.polls or (pulled_at is not None and now - pulled_at <= READ_WITHIN)
    told = "its orders were read to the end" if ok else "its orders were not read within the last hour"
    return Question("orders", ok, told, f"Let the worker run, or: omnisync sync {channel.name}")


def _letters(session: Session, channel: Channel) -> Question:
    statement = select(sa.func.count()).where(DeadLetter.channel == channel.name, col(DeadLetter.closed_at).is_(None))
    waiting = int(session.exec(statement).one() or 0)
    return Question("messages", not waiting, f"{waiting} wait for a person", "Decide about each on /ops.")


def _mapped(channel: Channel, plan: Plan) -> Question:
    """A till that is only read need not list anything."""
    unknown = len(plan.of(Kind.UNMAPPED))
    something = plan.mapped > 0 or not (channel.writes or plan.listings)
    return Question(
        "mapping", unknown == 0 and something, f"{plan.mapped} of {plan.listings} listings are articles of ours",
        f"omnisync import catalog, or omnisync import listings {plan.channel} FILE.csv",
    )  # fmt: skip


def _clear(session: Session, channel: Channel) -> Question:
    """Listings of nobody's article are asked for above, and what waits for one by its messages."""
    _, counts = unclear_things.page(session, [channel], kind=None, after=None, limit=1)
    unclear = sum(counts[kind.value] for kind in unclear_things.Kind if kind is not unclear_things.Kind.UNKNOWN_ARTICLE)
    return Question(
        "questions", not unclear, f"{unclear} open: several listings of one article, changed barcodes, unknown places",
        "One answer each: on /ops/mappings, or GET /v1/mappings.",
    )  # fmt: skip


def _counted(plan: Plan) -> Question:
    uncounted = {one.sku for one in plan.of(Kind.UNCOUNTED)}
    return Question(
        "stock", not uncounted, f"of {len(uncounted)} articles nobody has said how many there are",
        "Count after closing: omnisync import stock FILE.csv, or a stocktake.",
    )  # fmt: skip


def _emptied(plan: Plan) -> Question:
    empty = (one for one in plan.differences if one.should == 0 and one.kind is not Kind.UNCOUNTED)
    emptied = len([one for one in empty if (one.shows or 0) > 0])
    ok = emptied * 100 <= MOST_EMPTIED_PERCENT * max(plan.compared, 1)
    return Question(
        "zeros", ok, f"{emptied} of {plan.compared} numbers would go to 0",
        "Look at `omnisync plan`: is the stock counted at every location that it sells from?",
    )  # fmt: skip


def _repriced(channel: Channel, plan: Plan) -> Question:
    """The blast guard compares with what was written before: of the first prices nothing was."""
    allowed = channel.policy.blast_price_percent
    jumps = [one for one in plan.of(Kind.PRICE) if one.price_jump_percent > allowed]
    return Question(
        "prices", not jumps, f"{len(jumps)} prices would change by more than {allowed} percent",
        "Look at `omnisync plan`: with tax or without, and which price list? Correct them here or at the channel.",
    )  # fmt: skip


def _cancelled(session: Session, channel: Channel, now: datetime) -> Iterator[Question]:
    """While it was in shadow their pieces were given back and nobody was told."""
    orders = telling.to_cancel(session, channel, now=now)
    yield Question(
        "unpaid", not orders.unpaid, f"{orders.unpaid} orders that nobody paid would be cancelled there",
        "Cancel them there yourself, or mark as paid what is paid; --anyway has omnisync cancel them.",
    )  # fmt: skip
    yield Question(
        "pickups", not orders.pickups, f"{orders.pickups} orders whose pickup is over would be cancelled there",
        "Cancel there what was called off or not collected; --anyway has omnisync cancel them.",
    )  # fmt: skip


LAST_VALUES = ("sku", "external_id", "place", "quantity", "price", "currency")


def last_values(session: Session, channel: str) -> Iterator[dict[str, Any]]:
    """What each listing should show now, for whoever writes there next; a price that travels alone is a row of its own."""
    gone = sa.select(_listing.c.external_id).where(_listing.c.channel == channel, _listing.c.gone_at.is_not(None))
    statement = (
        select(ShownState)
        .where(ShownState.channel == channel, col(ShownState.external_id).not_in(gone))
        .order_by(col(ShownState.external_id), col(ShownState.place))
    )
    for row in session.exec(statement):
        price = wanted_price(row)
        yield {
            "sku": row.sku, "external_id": row.external_id, "place": "" if row.place == PRICE_PLACE else row.place,
            "quantity": "" if row.wanted is None else row.wanted,
            "price": "" if price is None else price.decimal(), "currency": "" if price is None else price.currency,
        }  # fmt: skip
