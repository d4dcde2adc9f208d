"""Showing on a channel what the ledger says, again and again, until the channel shows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from omnisync.adapters.base import LevelSeen, Outcome, Published, Shown, Target
from omnisync.errors import NeedsAttention, TryLater
from omnisync.sync import behind, claims, deadletters, gone, health, looks, polling, sweep
from omnisync.sync.behind import Seen, Task
from omnisync.sync.claims import Claimed
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import Key
from omnisync.sync.settle import settle
from omnisync.sync.tables import PRICE_PLACE
from omnisync.sync.why import Overtaken, nothing_urgent

MAX_BATCHES = 400
"""In one pass; the rest waits for the next, so that orders are read in between."""


@dataclass
class Report:
    """What one pass did."""

    sent: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=dict)
    failure: TryLater | NeedsAttention | None = None
    """Why the pass stopped early; the channel as a whole is to be left alone for a while."""


async def reconcile(
    context: Context,
    channel: Channel,
    *,
    full: bool = False,
    hints: Collection[str] = (),
    scan: bool = True,
    seen: Seen | None = None,
    overtaken: Overtaken = nothing_urgent,
) -> Report:
    """One pass: find what is behind, look where the channel does not compare, write, settle.

    Without a scan only the articles that are hinted at are computed again. `seen` is what the caller keeps between passes. It ends
    after the batch during which it is `overtaken`: what has just been sold out must not wait for all that was behind before.
    """
    report, memory = Report(), {} if seen is None else seen
    begun = await _compute(context, channel, full=full, hints=hints, scan=scan, seen=memory, claiming=channel.writes)
    if not channel.writes:
        return report
    try:
        await _publish_due(context, channel, report, begun, overtaken, prices=False)
        if _prices_travel_alone(channel) and report.failure is None:
            await _publish_due(context, channel, report, None, overtaken, prices=True)
    except (TryLater, NeedsAttention) as failure:
        report.failure = failure
    return report


async def refresh(
    context: Context,
    channel: Channel,
    *,
    full: bool = False,
    hints: Collection[str] = (),
    scan: bool = True,
    seen: Seen | None = None,
) -> None:
    """Compute what the channel should show, in short transactions."""
    memory: Seen = {} if seen is None else seen
    await _compute(context, channel, full=full, hints=hints, scan=scan, seen=memory, claiming=False)


@dataclass(frozen=True, slots=True)
class _Begun:
    """The first batch of a pass: what is due, and what of it could be claimed in the transaction that computed it."""

    keys: Sequence[Key]
    claimed: Sequence[Claimed] | None = None


async def _compute(
    context: Context, channel: Channel, *, full: bool, hints: Collection[str], scan: bool, seen: Seen, claiming: bool
) -> _Begun | None:
    now = context.clock.now()

    def plan(session: Session) -> tuple[Task, bool]:
        task = behind.task(session, channel, now=now, full=full, hints=hints, seen=seen)
        return task, not (task.skus or task.full) and behind.advanced(session, channel, now=now)

    if not (scan or full):
        return await _hinted(context, channel, hints, now, seen, claiming) if hints else None
    task, nothing_new = await context.store.read(plan)
    begun = None if nothing_new else await _in_pieces(context, channel, task, now, claiming)
    if task.scanned:
        seen.clear()
    seen.update(task.seen)
    return begun


async def _hinted(
    context: Context, channel: Channel, hints: Collection[str], now: datetime, seen: Seen, claiming: bool
) -> _Begun | None:
    """What is hinted at is found and computed in one transaction, unless it is more than fits into one."""

    def work(session: Session) -> tuple[Task, _Begun | None]:
        task = behind.hinted(session, hints)
        alone = len(task.chunks()) <= 1
        return task, _end(session, context, channel, task, task.skus, now, claiming) if alone else None

    task, begun = await context.store.write(work)
    if len(task.chunks()) > 1:
        begun = await _in_pieces(context, channel, task, now, claiming)
    seen.update(task.seen)
    return begun


async def _in_pieces(context: Context, channel: Channel, task: Task, now: datetime, claiming: bool) -> _Begun | None:
    if task.full:
        await _sweep(context, channel, now)
    *most, last = task.chunks() or [()]
    for skus in most:
        await context.store.write(lambda session, some=skus: behind.compute(session, context, channel, some, now=now))  # type: ignore[misc]
    return await context.store.write(lambda session: _end(session, context, channel, task, last, now, claiming))


def _end(
    session: Session, context: Context, channel: Channel, task: Task, last: Sequence[str], now: datetime, claiming: bool
) -> _Begun | None:
    """The last piece of a task, and with it what can be claimed at once."""
    behind.compute(session, context, channel, last, now=now)
    behind.finish(session, context, channel, task, now=now)
    return _begin(session, context, channel, last, now) if claiming else None


async def _sweep(context: Context, channel: Channel, now: datetime) -> None:
    """Compare everything it lists, and write where there is a difference."""
    await context.store.write(lambda session: behind.begin_full(session, channel, now=now))
    page = await _page(context, channel, None, now)
    while page.last is not None:
        page = await _page(context, channel, page.last, now)


async def _page(context: Context, channel: Channel, after: str | None, now: datetime) -> sweep.Page:
    page = await context.store.read(lambda session: sweep.page(session, context, channel, after, now=now))
    if page.skus or page.forgotten:
        await context.store.write(lambda session: _mend(session, context, channel, page, now))
    return page


def _mend(session: Session, context: Context, channel: Channel, page: sweep.Page, now: datetime) -> None:
    behind.compute(session, context, channel, page.skus, now=now)
    sweep.forget(session, channel, page.forgotten)


def _begin(session: Session, context: Context, channel: Channel, fresh: Collection[str], now: datetime) -> _Begun:
    """Claim at once what need not be looked at first."""
    keys = claims.due(session, channel, now=now, prices=False, limit=channel.can.batch_size)
    if not keys or not channel.compares or claims.blind(session, channel, keys):
        return _Begun(keys)
    return _Begun(keys, claims.claim(session, context, channel, keys, now=now, fresh=fresh))


def _prices_travel_alone(channel: Channel) -> bool:
    return channel.can.prices and not channel.can.price_with_stock


async def _publish_due(
    context: Context,
    channel: Channel,
    report: Report,
    begun: _Begun | None,
    overtaken: Overtaken,
    *,
    prices: bool,
) -> None:
    fresh = False
    begun = begun or _Begun(await _due(context, channel, prices))
    for _ in range(MAX_BATCHES):
        if not begun.keys:
            return
        if not (fresh or channel.compares or prices):
            # What the channel has already sold must be known before its number is replaced.
            await polling.pull(context, channel)
            fresh = True
        claimed = begun.claimed
        if claimed is None:
            claimed = await _look_and_claim(context, channel, begun.keys)
        settled = await _publish(context, channel, claimed, report) if claimed else False
        if report.failure is not None or (settled and len(begun.keys) < channel.can.batch_size) or await overtaken():
            return
        before, begun = begun, _Begun(await _due(context, channel, prices))
        if not claimed and begun.keys == before.keys:
            return


async def _due(context: Context, channel: Channel, prices: bool) -> list[Key]:
    now = context.clock.now()
    size = channel.can.batch_size
    return await context.store.read(lambda session: claims.due(session, channel, now=now, prices=prices, limit=size))


async def _look_and_claim(context: Context, channel: Channel, keys: Sequence[Key]) -> list[Claimed]:
    """Read the levels that have to be known before they are written, and take what is to be written in the same transaction
    that books them."""
    asked_at = context.clock.now()

    def unknown(session: Session) -> tuple[list[Key], list[Target]]:
        blind = claims.blind(session, channel, keys)
        return blind, claims.targets(session, channel, blind) if blind else []

    blind, targets = await context.store.read(unknown)
    seen = await channel.adapter.look(targets) if blind else []
    now = context.clock.now()

    def work(session: Session) -> list[Claimed]:
        if blind:
            _note(session, context, channel, blind, seen, asked_at, now)
        return claims.claim(session, context, channel, keys, now=now)

    return await context.store.write(work)


async def look(context: Context, channel: Channel, keys: Sequence[Key]) -> Sequence[LevelSeen]:
    """Read these levels from the channel and book what they say."""
    if not keys:
        return []
    asked_at = context.clock.now()
    targets = await context.store.read(lambda session: claims.targets(session, channel, keys))
    seen = await channel.adapter.look(targets)
    now = context.clock.now()
    if await context.store.read(lambda session: looks.contradicts(session, channel, seen, now=now)):
        # Nothing is said of a channel that a sale or a cancellation may explain: its orders are read, and it is looked at again.
        await polling.pull(context, channel)
        asked_at = context.clock.now()
        seen = await channel.adapter.look(targets)
        now = context.clock.now()
    await context.store.write(lambda session: _note(session, context, channel, keys, seen, asked_at, now))
    return seen


def _note(
    session: Session,
    context: Context,
    channel: Channel,
    keys: Sequence[Key],
    seen: Sequence[LevelSeen],
    asked_at: datetime,
    now: datetime,
) -> None:
    shown = {Key(level.article.external_id or "", level.place or "") for level in seen}
    priced = {key.external_id for key in shown}
    absent = [key for key in keys if key not in shown and not (key.place == PRICE_PLACE and key.external_id in priced)]
    looks.note(session, context, channel, seen, asked_at=asked_at, now=now)
    gone.missed(session, channel, looks.not_there(session, channel, absent, now=now), now=now)
    session.flush()  # what seems sold there is read again by whoever computes a number in this transaction


# ---------------------------------------------------------------- one batch


async def _publish(context: Context, channel: Channel, claimed: Sequence[Claimed], report: Report) -> bool:
    """Write and book; whether nothing of it has to be decided again at once."""
    published = await _send(channel, [one.shown for one in claimed], report)
    now: datetime = context.clock.now()

    def book(session: Session) -> None:
        settle(session, context, channel, claimed, published, now=now)
        if report.failure is None:
            health.succeeded(session, channel.name, now=now)

    await context.store.write(book)
    report.sent += len(claimed)
    for one in published:
        report.outcomes[one.outcome] = report.outcomes.get(one.outcome, 0) + 1
    return all(one.outcome is not Outcome.CHANGED for one in published)


async def _send(channel: Channel, shown: Sequence[Shown], report: Report) -> list[Published]:
    """Publish; a batch that fails as a whole is halved until the line that spoils it stands alone."""
    if report.failure is not None:
        return [Published(Outcome.TRY_LATER)] * len(shown)
    try:
        published = list(await channel.adapter.publish(shown))
    except TryLater as failure:
        report.failure = failure
        wait = failure.retry_after_seconds
        return [Published(Outcome.TRY_LATER, reason=failure.message, retry_after_seconds=wait)] * len(shown)
    except NeedsAttention as failure:
        if failure.code == "credentials":
            report.failure = failure
            return [Published(Outcome.TRY_LATER, reason=failure.message)] * len(shown)
        alone = Published(Outcome.ATTENTION, reason=failure.message, action=failure.action)
        return await _halve(channel, shown, report, alone)
    except Exception as bug:  # an adapter's bug spoils its own line, not the channel
        return await _halve(channel, shown, report, _bug(bug))
    if len(published) != len(shown):
        return await _halve(
            channel, shown, report, _bug(ValueError(f"{len(published)} answers to {len(shown)} writes"))
        )
    return published


async def _halve(channel: Channel, shown: Sequence[Shown], report: Report, alone: Published) -> list[Published]:
    if len(shown) == 1:
        return [alone]
    middle = len(shown) // 2
    first = await _send(channel, shown[:middle], report)
    return first + await _send(channel, shown[middle:], report)


def _bug(error: Exception) -> Published:
    return Published(
        Outcome.ATTENTION,
        reason=f"{deadletters.NOT_WRITTEN} ({type(error).__name__}).",
        action="Replay after an update of omnisync; until then set this number at the channel by hand.",
    )
