"""What must be true when the faults are over: of the ledger, of every message we said yes to, and of every listing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.commands import verify
from omnisync.stock import availability
from omnisync.sync import health
from omnisync.sync.inbox import storable
from omnisync.sync.tables import Case, DeadLetter, InboxMessage, ShownState
from omnisync.sync.wanted import wanted
from omnisync.torture.counterpart import LOCATION
from omnisync.torture.stage import GOODS, NAME, SKUS, Stage
from omnisync.values import Shelf

MOST_NAMED = 3


def of(stage: Stage, *, waiting: bool = False) -> list[str]:
    """All that is wrong. `waiting`: something was told that only a person can answer, so that letters and cases may be open."""
    questions = (_ledger, _shelves, _messages, _listings, _prices, _secrets) + (() if waiting else (_health, _letters))
    with db.reading(stage.engine) as session:
        return [violation for question in questions for violation in question(session, stage)]


def _ledger(session: Session, stage: Stage) -> Iterator[str]:
    """The invariants of `omnisync verify`."""
    for name, texts in verify.violations(session).items():
        yield f"{name}: {'; '.join(texts[:MOST_NAMED])}"


def shelves_of(stage: Stage, *skus: str) -> list[str]:
    """What is wrong with these shelves at this moment."""
    with db.reading(stage.engine) as session:
        return list(_shelves(session, stage, skus))


def on_hand(session: Session, sku: str) -> int:
    """What the ledger says lies there."""
    shelf = Shelf(LOCATION, sku)
    level = availability.levels(session, [shelf]).get(shelf)
    return level.on_hand if level else 0


def _shelves(session: Session, stage: Stage, skus: Sequence[str] = SKUS) -> Iterator[str]:
    """What can still be sold is what was counted less what buyers took."""
    levels = availability.levels(session, [Shelf(LOCATION, sku) for sku in skus])
    for sku in skus:
        level = levels.get(Shelf(LOCATION, sku))
        ours = level.on_hand - level.reserved if level else 0
        if ours != stage.books.left(sku):
            yield f"{sku}: {stage.books.left(sku)} pieces are left, the ledger says {ours}"


def _messages(session: Session, stage: Stage) -> Iterator[str]:
    """Every message that we said yes to is kept, and applied, or waits where a person sees it."""
    rows = {
        (row.event_id, row.body_hash): (row.id, row.state)
        for row in session.exec(select(InboxMessage).where(InboxMessage.channel == NAME))
    }
    letters = {letter.message_id for letter in session.exec(select(DeadLetter))}
    for event, digest in dict.fromkeys(stage.books.acknowledged):
        id, state = rows.get((storable(event), digest), (None, "nowhere"))
        if state not in ("applied", "discarded") and not (state == "failed" and id in letters):
            yield f"we said yes to message {event}, and it is {state}"


def _listings(session: Session, stage: Stage) -> Iterator[str]:
    """Every listing shows its buyers what it should."""
    skus = [sku for sku in SKUS if sku not in stage.books.delisted]
    seen = set()
    for wish in wanted(session, stage.context, stage.context.channel(NAME), skus, now=stage.clock.now()):
        seen.add(wish.sku)
        shown = stage.counterpart.shown(wish.sku)
        if wish.quantity is not None and shown != wish.quantity:
            yield f"{wish.sku}: the channel shows {shown}, it should show {wish.quantity}"
    if stage.context.channel(NAME).groups:
        yield from (f"{sku}: its listing is not known any more" for sku in skus if sku not in seen)


def _prices(session: Session, stage: Stage) -> Iterator[str]:
    """Every article costs what we say, to the cent; of what we say nothing about, the channel's own price stands."""
    if not stage.books.prices:
        return
    own = {one.sku: one.price for one in GOODS if one.sku in SKUS and one.sku not in stage.books.delisted}
    for sku, price in (own | stage.books.prices).items():
        if (shown := stage.counterpart.price(sku)) != price:
            yield f"{sku}: it costs {shown.decimal()} {shown.currency} there, it should cost {price.decimal()} {price.currency}"


def _health(session: Session, stage: Stage) -> Iterator[str]:
    """The channel is well, and nothing is behind."""
    now = health.of(session, stage.context.channel(NAME), now=stage.clock.now())
    if now.state != "on_time":
        yield f"the channel is {now.state}: {now.reason}"
    behind = sa.or_(
        col(ShownState.behind_since).is_not(None),
        col(ShownState.provisional) != 0,
        col(ShownState.unsettled).is_not(None),
    )
    for row in session.exec(select(ShownState).where(behind, col(ShownState.sku).not_in(stage.books.delisted or [""]))):
        yield f"{row.sku}: wants {row.wanted}, believed {row.believed}, {row.provisional} provisional, {row.unsettled}"


def _letters(session: Session, stage: Stage) -> Iterator[str]:
    """Nothing waits for a person."""
    for letter in session.exec(select(DeadLetter).where(col(DeadLetter.closed_at).is_(None))):
        yield f"a letter is open: {letter.title}: {letter.reason}"
    for case in session.exec(select(Case).where(col(Case.closed_at).is_(None))):
        yield f"a case is open: {case.kind}: {case.title}"


def _secrets(session: Session, stage: Stage) -> Iterator[str]:
    """No credential stands in what people read."""
    row = health.row_of(session, NAME) if stage.counterpart.secrets else None
    said = [repr(stage.adapter._adapter), str(row and (row.last_error, row.attention, row.action))]
    said += [f"{one.title} {one.reason} {one.action} {one.payload}" for one in session.exec(select(DeadLetter))]
    for number, secret in enumerate(stage.counterpart.secrets, 1):
        if any(secret in text for text in said):
            yield f"secret {number} of the settings stands where people read it"
