"""Showing on a channel what the ledger says, again and again, until the channel shows it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from omnisync.adapters.base import LevelSeen, Outcome, Published, Shown, Write
from omnisync.errors import NeedsAttention, TryLater
from omnisync.sync import behind, claims, health, looks, polling
from omnisync.sync.behind import Seen, Task
from omnisync.sync.claims import Claimed
from omnisync.sync.context import Channel, Context
from omnisync.sync.rows import Key
from omnisync.sync.settle import settle

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
) -> Report:
    """One pass: find what is behind, look where the channel does not compare, write, settle.

    Without a scan only the articles that are hinted at are computed again. `seen` is what the caller keeps between passes.
    """
    report = Report()
    await refresh(context, channel, full=full, hints=hints, scan=scan, seen=seen)
    if channel.can.write is Write.NONE and not channel.can.prices:
        return report
    try:
        for prices in (False, True) if _prices_travel_alone(channel) else (False,):
            await _publish_due(context, channel, report, prices=prices)
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
    now, memory = context.clock.now(), {} if seen is None else seen
    if scan or full:
        task, done = await context.store.read(
            lambda session: (
                behind.task(session, channel, now=now, full=full, hints=hints, seen=memory),
                behind.advanced(session, channel, now=now),
            )
        )
    elif hints:
        task, done = await context.store.read(lambda session: (behind.hinted(session, hints), False))
    else:
        return
    if task.skus or task.full or not done:
        await _compute(context, channel, task, now)
    if task.scanned:
        memory.clear()
    memory.update(task.seen)


async def _compute(context: Context, channel: Channel, task: Task, now: datetime) -> None:
    """Piece by piece; the last one with what has to be done after all."""
    *most, last = task.chunks() or [()]
    for skus in most:
        await context.store.write(lambda session, some=skus: behind.compute(session, context, channel, some, now=now))  # type: ignore[misc]

    def end(session: Session) -> None:
        behind.compute(session, context, channel, last, now=now)
        behind.finish(session, context, channel, task, now=now)

    await context.store.write(end)


def _prices_travel_alone(channel: Channel) -> bool:
    return channel.can.prices and not channel.can.price_with_stock


async def _publish_due(context: Context, channel: Channel, report: Report, *, prices: bool) -> None:
    fresh, keys = False, await _due(context, channel, prices)
    for _ in range(MAX_BATCHES):
        if not keys:
            return
        if not (fresh or channel.compares or prices):
            # What the channel has already sold must be known before its number is replaced.
            await polling.pull(context, channel)
            fresh = True
        await _look(context, channel, keys)
        claimed = await _claim(context, channel, keys)
        if claimed:
            await _publish(context, channel, claimed, report)
        if report.failure is not None:
            return
        before, keys = keys, await _due(context, channel, prices)
        if not claimed and keys == before:
            return


async def _due(context: Context, channel: Channel, prices: bool) -> list[Key]:
    now = context.clock.now()
    size = channel.can.batch_size
    return await context.store.read(lambda session: claims.due(session, channel, now=now, prices=prices, limit=size))


async def _claim(context: Context, channel: Channel, keys: Sequence[Key]) -> list[Claimed]:
    now = context.clock.now()
    return await context.store.write(lambda session: claims.claim(session, context, channel, keys, now=now))


async def _look(context: Context, channel: Channel, keys: Sequence[Key]) -> None:
    def blind(session: Session) -> list[Key]:
        return claims.blind(session, channel, keys)

    await look(context, channel, await context.store.read(blind))


async def look(context: Context, channel: Channel, keys: Sequence[Key]) -> Sequence[LevelSeen]:
    """Read these levels from the channel and book what they say."""
    if not keys:
        return []
    asked_at = context.clock.now()
    targets = await context.store.read(lambda session: claims.targets(session, channel, keys))
    seen = await channel.adapter.look(targets)
    now = context.clock.now()
    await context.store.write(lambda session: looks.note(session, context, channel, seen, asked_at=asked_at, now=now))
    return seen


# ---------------------------------------------------------------- one batch


async def _publish(context: Context, channel: Channel, claimed: Sequence[Claimed], report: Report) -> None:
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
        reason=f"The adapter failed on this line ({type(error).__name__}).",
        action="Replay after an update of omnisync; until then set this number at the channel by hand.",
    )
