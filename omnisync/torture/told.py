"""Torments of what a channel tells: twice, late, in another order, strangely, forged; and of what is in an order. Nobody who buys knows of
it, and what must be true afterwards the verdict asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from omnisync import db
from omnisync.adapters.base import Hook, Message
from omnisync.sync import polling
from omnisync.torture import acts, mangle, verdict
from omnisync.torture.counterpart import Bought, DoesNotApply, Trouble
from omnisync.torture.stage import DEPOSIT, NAME, SKUS, STRANGER, Stage
from omnisync.torture.wire import Call

A, B, C, D, *_, LAST = SKUS
BEYOND_FLOATS = 2**53


async def duplicates(stage: Stage) -> None:
    """Every webhook comes three times, also after a restart, and everything that was read is read again from the beginning."""
    with acts.Troubled(stage, Trouble.AGAIN):
        await acts.some_trade(stage)
        stage.held = []
        bought = stage.buy((A, 2), (B, 1))
        await stage.rounds(1)
        kept, stage.held = stage.held, None
        await stage.deliver(kept)
        once = stage.kept_messages()
        await stage.deliver([hook for hook in kept for _ in range(3)])
        await stage.rounds(2)
        stage.restart()
        await stage.deliver(kept)
        if (more := stage.kept_messages() - once) > 0:
            stage.wrong(f"the same webhooks were taken for {more} new ones")
        acts.read_from_the_beginning(stage)
        await stage.rounds(2)
    acts.expect_told(stage, bought)


async def reordering(stage: Stage) -> None:
    """What happened last is heard of first: a cancellation before its order, numbers of an hour ago after those of now."""
    with acts.Troubled(stage, Trouble.REORDERED):
        stage.held = []
        bought = [stage.buy((sku, 2)) for sku in (A, B, C)]
        await stage.rounds(1)
        acts.if_any(lambda: stage.cancel(bought[0]), lambda: stage.take_back(bought[0]))
        stage.clock.advance(seconds=5)
        acts.if_any(lambda: stage.ship(bought[1]))
        await stage.rounds(1)
        kept, stage.held = stage.held, None
        for hook in reversed(kept):
            await stage.deliver([hook])
            await stage.tick()
            stage.clock.advance(seconds=2)
        stage.chance.shuffle(kept)
        await stage.deliver(kept)
        await stage.rounds(3)


async def a_days_delay(stage: Stage) -> None:
    """We are away for a day and no webhook arrives; then all of yesterday's come, long after everything was read."""
    stage.held = []
    first = [stage.buy((sku, 1)) for sku in (A, B, C, D)]
    with acts.Troubled(stage, Trouble.SILENT):
        stage.counterpart.work()
        stage.held += stage.counterpart.hooks()
        stage.clock.advance(hours=12)
        acts.if_any(lambda: stage.cancel(first[0]), lambda: stage.take_back(first[0]))
        second = stage.buy((A, 3))
        stage.counterpart.work()
        stage.clock.advance(hours=12)
    await stage.rounds(3)
    acts.expect_told(stage, *first, second)
    acts.if_any(lambda: stage.cancel(first[1]), lambda: stage.take_back(first[1]))
    await stage.rounds(2)
    kept, stage.held = stage.held or [], None
    await stage.deliver(kept)
    await stage.rounds(2)


async def forged(stage: Stage) -> None:
    """True webhooks that somebody has touched: another byte, a byte more, the signature of another one, no signature at all."""
    stage.held = []
    stage.buy((A, 1))
    stage.buy((B, 1))
    await stage.rounds(1)
    kept = stage.held
    await stage.deliver(kept)  # whose signature needs a key has it now
    kept = [hook for hook in kept if isinstance(stage.adapter.identify(hook), Message)]
    if not kept:
        raise DoesNotApply("it sends no webhooks")
    before = stage.kept_messages()
    for hook, other in zip(kept, [*kept[1:], kept[0]], strict=True):
        for touched in _touched(hook, other):
            await stage.deliver_forged(touched)
    if (more := stage.kept_messages() - before) > 0:
        stage.wrong(f"{more} webhooks of which not every byte was signed were believed")


def _touched(hook: Hook, other: Hook) -> list[Hook]:
    middle = len(hook.body) // 2
    bodies = [hook.body[:middle] + bytes([hook.body[middle] ^ 1]) + hook.body[middle + 1 :], hook.body + b" "]
    if other.body != hook.body:
        bodies.append(other.body)
    bare = {name: value for name, value in hook.headers.items() if name in ("content-type", "user-agent")}
    return [*(replace(hook, body=body) for body in bodies), replace(hook, headers=bare)]


async def two_in_one_second(stage: Stage) -> None:
    """Orders of one and the same moment, some before and some after that moment was read, and not one webhook."""
    stage.held = []
    bought = [stage.buy((sku, 1)) for sku in (A, B, C, A, B)]
    stage.counterpart.work()
    await stage.tick()
    bought += [stage.buy((sku, 1)) for sku in (C, A)]
    await stage.rounds(2)
    bought += [stage.buy((A, 1)) for _ in range(2)]
    stage.counterpart.hooks()
    stage.held = []
    await stage.rounds(3)
    acts.expect_told(stage, *bought)


async def large_ids(stage: Stage) -> None:
    """Orders whose ids differ only beyond what a floating-point number can hold."""
    stage.counterpart.number_from(BEYOND_FLOATS)
    bought = [stage.buy((sku, 1)) for sku in (A, B, A, C)]
    await stage.rounds(3)
    acts.expect_told(stage, *bought)
    acts.if_any(lambda: stage.cancel(bought[2]), lambda: stage.take_back(bought[2]))
    await stage.rounds(2)


SEASONS = (
    (datetime(2027, 3, 28, 0, 30, tzinfo=UTC), 3),
    (datetime(2027, 7, 1, 14, 0, tzinfo=UTC), 1),
    (datetime(2027, 10, 30, 23, 30, tzinfo=UTC), 6),
)
"""Before the hour that Berlin leaves out, in summer, and before the hour that it has twice; how many half hours from there on."""


async def time_zones(stage: Stage) -> None:
    """Sales on a summer's afternoon, and every half an hour through the two nights in which the clocks change: each is told with its
    own moment, and a count in between takes what came before it and not what came after."""
    for begin, times in SEASONS:
        stage.clock.set(begin)
        await stage.rounds(1)
        for half in range(times):
            bought = stage.buy((SKUS[half % 4], 1))
            if half % 3 == 1:
                stage.count({SKUS[half % 4]: stage.books.left(SKUS[half % 4])})
            await stage.rounds(1)
            acts.expect_moment(stage, bought)
            stage.clock.advance(minutes=29)


async def strange(stage: Stage) -> None:
    """Every answer has fields that nobody knows, and one order after the other has a word that nobody knows; all others go on."""
    with acts.Troubled(stage, Trouble.STRANGE):
        stage.wire.change = mangle.with_more
        bought = stage.buy((A, 1), (B, 1))
        await stage.rounds(3)
        acts.expect_told(stage, bought)
        acts.expect_well(stage, "with fields that nobody knows")
    if stage.speaks_http:
        for word in await _words_of_an_order(stage):
            odd, even = stage.buy((C, 1)), stage.buy((D, 1))
            stage.wire.change = mangle.with_word(odd.id, word)
            await stage.rounds(2)
            acts.expect_told(stage, even, when=f"while {word} of another order has a word that nobody knows")
            stage.wire.calm()
            acts.if_any(lambda order=odd: stage.ship(order))  # type: ignore[misc]
            await stage.rounds(1)


async def _words_of_an_order(stage: Stage) -> list[str]:
    words: dict[str, None] = {}
    bought = stage.buy((A, 1))

    def look(value: mangle.Json) -> mangle.Json:
        words.update(dict.fromkeys(mangle.words_of(value, bought.id)))
        return value

    stage.wire.change = look
    await stage.rounds(2)
    stage.wire.calm()
    return list(words)


async def poisoned(stage: Stage) -> None:
    """One order cannot be read and one has a line that nobody knows; both wait for a person, and all others are booked."""
    unknown = stage.buy((A, 1), (STRANGER, 1))
    good = stage.buy((B, 1))
    await stage.rounds(2)
    acts.expect_told(stage, good, unknown)
    acts.expect_another_letter(stage, 0, "a line of an article that nobody knows")
    letters = acts.health_of(stage).failed
    stage.held = []
    with acts.Troubled(stage, Trouble.POISONED):
        bad, others = stage.buy((C, 1)), [stage.buy((sku, 1)) for sku in (D, A)]
        stage.wire.change = mangle.poisoned(bad.id)
        await stage.rounds(3)
    acts.expect_told(stage, *others, when="while another order cannot be read")
    for fault in verdict.shelves_of(stage, A, B, D):
        stage.wrong(f"while another order cannot be read: {fault}")
    acts.expect_another_letter(stage, letters, "an order that cannot be read")
    stage.wire.calm()
    stage.held = None
    acts.if_any(lambda: stage.ship(bad))
    stage.learn(STRANGER)


async def shifting_pages(stage: Stage) -> None:
    """While the pages of orders are read others are bought, changed and cancelled; while listings are read one is taken off."""
    stage.held = []
    bought = [stage.buy((SKUS[n % 7], 1)) for n in range(7)]
    stage.clock.advance(seconds=1)
    left = iter([partial(_shift, stage, bought, n) for n in range(6)])

    async def meanwhile(call: Call) -> None:
        stage.clock.advance(seconds=1)
        next(left, lambda: None)()

    stage.counterpart.work()
    stage.wire.before = meanwhile
    await stage.tick()
    stage.wire.calm()
    for act in left:
        act()
    stage.counterpart.hooks()
    stage.held = []
    await stage.rounds(3)
    acts.expect_told(stage, *bought)
    await _shift_listings(stage)


def _shift(stage: Stage, bought: list[Bought], number: int) -> None:
    bought.append(stage.buy((SKUS[number % 7], 1)))
    acts.if_any(lambda: stage.cancel(bought[number]), lambda: stage.take_back(bought[number]))


async def _shift_listings(stage: Stage) -> None:
    """What moves up while pages are read is missed once, and must not count as gone."""
    taken = False

    async def meanwhile(call: Call) -> None:
        nonlocal taken
        if not taken and len(stage.wire.calls) > before:
            taken = True
            acts.if_any(lambda: stage.delist(LAST))

    stage.wire.before, before = meanwhile, len(stage.wire.calls) + 1
    try:
        await polling.pull_listings(stage.context, stage.context.channel(NAME))
    except Exception as bug:
        stage.wrong(f"the listings could not be read while they change: {bug}")
    stage.wire.calm()
    await stage.rounds(2)


# ---------------------------------------------------------------- what is in an order


async def deposit_and_gift_wrap(stage: Stage) -> None:
    """An order of an article with its deposit and a gift wrap moves the article, and nobody is asked about the rest."""
    try:
        bought = stage.buy((A, 2), (DEPOSIT, 2), wrapped=True)
    except DoesNotApply:
        bought = stage.buy((A, 2), (DEPOSIT, 2))
    await stage.rounds(3)
    acts.expect_told(stage, bought)
    with db.reading(stage.engine) as session:
        pieces = verdict.on_hand(session, DEPOSIT)
    if pieces:
        stage.wrong(f"the deposit was booked as if it were stock ({pieces} pieces)")


async def elsewhere(stage: Stage) -> None:
    """An order that others fulfil from stock that is not ours moves nothing of ours."""
    bought = stage.buy((A, 2), elsewhere=True)
    stage.buy((A, 1))
    await stage.rounds(3)
    acts.expect_told(stage, bought)
    acts.if_any(lambda: stage.ship(bought))
    await stage.rounds(2)
