"""Torments of the wire: refused, lost, late and changed calls."""

from __future__ import annotations

from collections.abc import Mapping

from omnisync.torture import acts, mangle
from omnisync.torture.counterpart import Trouble
from omnisync.torture.stage import SKUS, Stage
from omnisync.torture.wire import ANSWER_LOST, UNANSWERED, Fate

A, B, C, D, *_, LAST = SKUS


async def too_many_calls(stage: Stage) -> None:
    """Calls are refused with 429 and Retry-After, later as the channel itself says it; nobody calls before the time is over."""
    acts.over_http(stage)
    wait = 120
    stage.wire.fate = lambda call: Fate(429, {"retry-after": str(wait)}, b"{}")
    stage.buy((A, 1))
    stage.count({B: 9, C: 8})
    began, before = stage.clock.monotonic(), len(stage.wire.calls)
    await stage.rounds(3)
    calls = [at - began for at, _ in stage.wire.calls[before:]]
    early = [at for at in calls if at - calls[0] > 5] if calls else []
    if not calls or early:
        said = (
            f"and was called {len(early)} times within {early[-1]:.0f} s" if early else "and nothing was tried at all"
        )
        stage.wrong(f"the channel asked for {wait} s of quiet {said}")
    stage.wire.calm()
    stage.clock.advance(minutes=3)
    await stage.rounds(3)
    acts.if_any(lambda: stage.counterpart.limit(True))
    stage.buy((D, 1))
    stage.count({B: 5})
    await stage.rounds(4)
    acts.if_any(lambda: stage.counterpart.limit(False))


async def server_errors(stage: Stage) -> None:
    """For an hour a third of all calls ends in 500, 502, 503 or no answer, then for ten minutes all of them; no webhook arrives."""
    acts.over_http(stage)
    stage.held = []
    kinds = (
        Fate(500, {}, b"oops"),
        Fate(502, {}, b"<html>Bad Gateway</html>"),
        Fate(503, {"retry-after": "5"}),
        UNANSWERED,
    )
    stage.wire.fate = lambda call: stage.chance.choice(kinds) if stage.chance.random() < 0.35 else None
    for n in range(12):
        stage.buy((SKUS[n % 4], 1))
        if n % 4 == 3:
            stage.count({SKUS[n % 4]: stage.books.left(SKUS[n % 4]) + 2})
        await stage.rounds(2, seconds=150)
    stage.wire.fate = lambda call: kinds[call.number % 3]
    stage.buy((A, 1))
    await stage.rounds(5, seconds=120)
    stage.held = []  # and what the channel sent meanwhile is lost for good


async def timeout_after_effect(stage: Stage) -> None:
    """Each call does what it asks for and its answer is lost, until it is repeated; then none is answered at all for a while."""
    acts.over_http(stage)
    stage.wire.fate = acts.lost_once()
    for n in range(6):
        await _write(stage, {SKUS[n % 4]: 15 - n, SKUS[4 + n % 3]: 3 + n})
        stage.buy((SKUS[n % 4], 1))
        await stage.rounds(1, seconds=45)
    stage.wire.fate = lambda call: ANSWER_LOST
    await _write(stage, {A: 4, B: 0})
    await stage.rounds(2, seconds=60)


async def _write(stage: Stage, pieces: Mapping[str, int]) -> None:
    """Of each number the channel shows the old one or the new one, and no third."""
    before = {sku: stage.counterpart.shown(sku) for sku in pieces}
    stage.count(pieces)
    await stage.rounds(1, seconds=45)
    for sku, old in before.items():
        if (shown := stage.counterpart.shown(sku)) not in (old, stage.books.left(sku)):
            stage.wrong(f"{sku} was to show {stage.books.left(sku)} instead of {old}, and shows {shown}")


async def part_of_a_batch(stage: Stage) -> None:
    """One of eight listings was taken off the channel when all eight are written: the other seven show their number at once."""
    stage.delist(D)
    stage.count({sku: 3 + n for n, sku in enumerate(SKUS)})
    await stage.rounds(2)
    for sku in SKUS:
        if sku != D and stage.counterpart.shown(sku) != stage.books.left(sku):
            stage.wrong(
                f"{sku} shows {stage.counterpart.shown(sku)} and not {stage.books.left(sku)}: another one was refused"
            )


async def credentials(stage: Stage) -> None:
    """Tokens that end are renewed by nobody's hand. A key that is revoked is a matter for a person, who is asked within a minute,
    the channel is not called all the time meanwhile, and with a new key everything goes on."""
    acts.over_http(stage)
    stage.buy((A, 1))
    if acts.if_any(stage.counterpart.expire):
        await stage.rounds(2)
        acts.expect_well(stage, "after its token had ended")
    stage.wire.fate = lambda call: Fate(401, {}, b'{"errors": "Unauthorized"}')
    stage.buy((B, 1))
    stage.count({C: 5})
    await stage.rounds(2)
    now = acts.health_of(stage)
    if now.state != "action_required" or not now.action:
        stage.wrong(f"its key is revoked, and people are told {now.state}: {now.reason or 'nothing'}")
    before = len(stage.wire.calls)
    await stage.rounds(60, seconds=60)
    if (calls := len(stage.wire.calls) - before) > 120:
        stage.wrong(f"its key is revoked, and it was called {calls} times within an hour")
    stage.wire.calm()
    stage.clock.advance(minutes=6)
    await stage.rounds(2)
    acts.expect_well(stage, "with a new key")


async def drift(stage: Stage) -> None:
    """For a quarter of an hour each the channel answers in another format, empty, or with a web page, always with 200."""
    with acts.Troubled(stage, Trouble.DRIFTED):
        for how, change in mangle.DRIFTS.items():
            stage.wire.change = change
            stage.buy((A, 1))
            stage.count({B: stage.books.left(B) - 1})
            before = len(stage.faults)
            await stage.tick(full=True)
            await stage.rounds(4, seconds=225)
            if gone := acts.health_of(stage).gone:
                stage.wrong(f"{gone} listings are taken for gone")
            stage.faults[before:] = [f"{how}: {fault}" for fault in stage.faults[before:]]
            stage.wire.calm()
            stage.clock.advance(minutes=6)
            await stage.tick(full=True)
            await stage.rounds(1)
