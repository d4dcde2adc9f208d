"""The torments, one function each: what goes wrong, with buyers who know nothing of it. What must be true afterwards, the verdict asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from omnisync import db
from omnisync.adapters.base import Hook, Message, OrderSeen, Sale
from omnisync.sync import cursors, health, polling
from omnisync.torture import mangle, verdict
from omnisync.torture.counterpart import Bought, DoesNotApply, Trouble
from omnisync.torture.stage import DEPOSIT, NAME, SKUS, STRANGER, Stage
from omnisync.torture.wire import ANSWER_LOST, UNANSWERED, Call, Fate

A, B, C, D, *_, LAST = SKUS
BEYOND_FLOATS = 2**53
TOLD_SECONDS = 300
FILES = "it speaks by files, there is no HTTP"
Torment = Callable[[Stage], Awaitable[None]]


# ---------------------------------------------------------------- what is told


async def duplicates(stage: Stage) -> None:
    """Every webhook comes three times, also after a restart, and everything that was read is read again from the beginning."""
    with _trouble(stage, Trouble.AGAIN):
        await _some_trade(stage)
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
        _read_from_the_beginning(stage)
        await stage.rounds(2)
    _expect_told(stage, bought)


async def reordering(stage: Stage) -> None:
    """What happened last is heard of first: a cancellation before its order, numbers of an hour ago after those of now."""
    with _trouble(stage, Trouble.REORDERED):
        stage.held = []
        bought = [stage.buy((sku, 2)) for sku in (A, B, C)]
        await stage.rounds(1)
        _if_any(lambda: stage.cancel(bought[0]), lambda: stage.take_back(bought[0]))
        stage.clock.advance(seconds=5)
        _if_any(lambda: stage.ship(bought[1]))
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
    with _trouble(stage, Trouble.SILENT):
        stage.counterpart.work()
        stage.held += stage.counterpart.hooks()
        stage.clock.advance(hours=12)
        _if_any(lambda: stage.cancel(first[0]), lambda: stage.take_back(first[0]))
        second = stage.buy((A, 3))
        stage.counterpart.work()
        stage.clock.advance(hours=12)
    await stage.rounds(3)
    _expect_told(stage, *first, second)
    _if_any(lambda: stage.take_back(first[1]) if not _can_cancel(stage) else stage.cancel(first[1]))
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
    _expect_told(stage, *bought)


async def large_ids(stage: Stage) -> None:
    """Orders whose ids differ only beyond what a floating-point number can hold."""
    stage.counterpart.number_from(BEYOND_FLOATS)
    bought = [stage.buy((sku, 1)) for sku in (A, B, A, C)]
    await stage.rounds(3)
    _expect_told(stage, *bought)
    _if_any(lambda: stage.cancel(bought[2]), lambda: stage.take_back(bought[2]))
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
            _expect_moment(stage, bought)
            stage.clock.advance(minutes=29)


async def strange(stage: Stage) -> None:
    """Every answer has fields that nobody knows, and one order after the other has a word that nobody knows; all others go on."""
    with _trouble(stage, Trouble.STRANGE):
        stage.wire.change = mangle.with_more
        bought = stage.buy((A, 1), (B, 1))
        await stage.rounds(3)
        _expect_told(stage, bought)
        _expect_well(stage, "with fields that nobody knows")
    if stage.speaks_http:
        for word in await _words_of_an_order(stage):
            odd, even = stage.buy((C, 1)), stage.buy((D, 1))
            stage.wire.change = mangle.with_word(odd.id, word)
            await stage.rounds(2)
            _expect_told(stage, even, when=f"while {word} of another order has a word that nobody knows")
            stage.wire.calm()
            _if_any(lambda order=odd: stage.ship(order))  # type: ignore[misc]
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
    _expect_told(stage, good, unknown)
    _expect_another_letter(stage, 0, "a line of an article that nobody knows")
    letters = _health(stage).failed
    stage.held = []
    with _trouble(stage, Trouble.POISONED):
        bad, others = stage.buy((C, 1)), [stage.buy((sku, 1)) for sku in (D, A)]
        stage.wire.change = mangle.poisoned(bad.id)
        await stage.rounds(3)
    _expect_told(stage, *others, when="while another order cannot be read")
    for fault in verdict.shelves_of(stage, A, B, D):
        stage.wrong(f"while another order cannot be read: {fault}")
    _expect_another_letter(stage, letters, "an order that cannot be read")
    stage.wire.calm()
    stage.held = None
    _if_any(lambda: stage.ship(bad))
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
    _expect_told(stage, *bought)
    await _shift_listings(stage)


def _shift(stage: Stage, bought: list[Bought], number: int) -> None:
    bought.append(stage.buy((SKUS[number % 7], 1)))
    _if_any(lambda: stage.cancel(bought[number]), lambda: stage.take_back(bought[number]))


async def _shift_listings(stage: Stage) -> None:
    """What moves up while pages are read is missed once, and must not count as gone."""
    taken = False

    async def meanwhile(call: Call) -> None:
        nonlocal taken
        if not taken and len(stage.wire.calls) > before:
            taken = True
            _if_any(lambda: stage.delist(LAST))

    stage.wire.before, before = meanwhile, len(stage.wire.calls) + 1
    try:
        await polling.pull_listings(stage.context, stage.context.channel(NAME))
    except Exception as bug:
        stage.wrong(f"the listings could not be read while they change: {bug}")
    stage.wire.calm()
    await stage.rounds(2)


# ---------------------------------------------------------------- the wire


async def too_many_calls(stage: Stage) -> None:
    """Calls are refused with 429 and Retry-After, later as the channel itself says it; nobody calls before the time is over."""
    _over_http(stage)
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
    _if_any(lambda: stage.counterpart.limit(True))
    stage.buy((D, 1))
    stage.count({B: 5})
    await stage.rounds(4)
    _if_any(lambda: stage.counterpart.limit(False))


async def server_errors(stage: Stage) -> None:
    """For an hour a third of all calls ends in 500, 502, 503 or no answer, then for ten minutes all of them; no webhook arrives."""
    _over_http(stage)
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
    _over_http(stage)
    asked: set[tuple[str, str, bytes]] = set()

    def lost_once(call: Call) -> Fate | None:
        known = (call.method, call.url, call.body) in asked
        asked.add((call.method, call.url, call.body))
        return None if known else ANSWER_LOST

    stage.wire.fate = lost_once
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
    _over_http(stage)
    stage.buy((A, 1))
    if _if_any(stage.counterpart.expire):
        await stage.rounds(2)
        _expect_well(stage, "after its token had ended")
    stage.wire.fate = lambda call: Fate(401, {}, b'{"errors": "Unauthorized"}')
    stage.buy((B, 1))
    stage.count({C: 5})
    await stage.rounds(2)
    now = _health(stage)
    if now.state != "action_required" or not now.action:
        stage.wrong(f"its key is revoked, and people are told {now.state}: {now.reason or 'nothing'}")
    before = len(stage.wire.calls)
    await stage.rounds(60, seconds=60)
    if (calls := len(stage.wire.calls) - before) > 120:
        stage.wrong(f"its key is revoked, and it was called {calls} times within an hour")
    stage.wire.calm()
    stage.clock.advance(minutes=6)
    await stage.rounds(2)
    _expect_well(stage, "with a new key")


async def drift(stage: Stage) -> None:
    """For a quarter of an hour each the channel answers in another format, empty, or with a web page, always with 200."""
    with _trouble(stage, Trouble.DRIFTED):
        for how, change in mangle.DRIFTS.items():
            stage.wire.change = change
            stage.buy((A, 1))
            stage.count({B: stage.books.left(B) - 1})
            before = len(stage.faults)
            await stage.tick(full=True)
            await stage.rounds(4, seconds=225)
            if gone := _health(stage).gone:
                stage.wrong(f"{gone} listings are taken for gone")
            stage.faults[before:] = [f"{how}: {fault}" for fault in stage.faults[before:]]
            stage.wire.calm()
            stage.clock.advance(minutes=6)
            await stage.tick(full=True)
            await stage.rounds(1)


# ---------------------------------------------------------------- what is in an order


async def deposit_and_gift_wrap(stage: Stage) -> None:
    """An order of an article with its deposit and a gift wrap moves the article, and nobody is asked about the rest."""
    try:
        bought = stage.buy((A, 2), (DEPOSIT, 2), wrapped=True)
    except DoesNotApply:
        bought = stage.buy((A, 2), (DEPOSIT, 2))
    await stage.rounds(3)
    _expect_told(stage, bought)
    with db.reading(stage.engine) as session:
        pieces = verdict.on_hand(session, DEPOSIT)
    if pieces:
        stage.wrong(f"the deposit was booked as if it were stock ({pieces} pieces)")


async def elsewhere(stage: Stage) -> None:
    """An order that others fulfil from stock that is not ours moves nothing of ours."""
    bought = stage.buy((A, 2), elsewhere=True)
    stage.buy((A, 1))
    await stage.rounds(3)
    _expect_told(stage, bought)
    _if_any(lambda: stage.ship(bought))
    await stage.rounds(2)


TORMENTS: Mapping[str, Torment] = {
    "duplicates": duplicates,
    "reordering": reordering,
    "a day's delay": a_days_delay,
    "forged webhooks": forged,
    "429": too_many_calls,
    "5xx": server_errors,
    "timeout after effect": timeout_after_effect,
    "part of a batch refused": part_of_a_batch,
    "one poisoned line": poisoned,
    "unknown fields and enum values": strange,
    "pages that shift while being read": shifting_pages,
    "two orders in one second": two_in_one_second,
    "time zones and DST": time_zones,
    "ids above 2^53": large_ids,
    "expired and revoked credentials": credentials,
    "schema drift": drift,
    "an order with deposit and gift wrap": deposit_and_gift_wrap,
    "an order fulfilled elsewhere": elsewhere,
}
WAITING = frozenset({"part of a batch refused", "pages that shift while being read"})
"""What ends with something that a person has to know of: a listing that is gone."""
WAITING_FOR_FILES = frozenset({"one poisoned line", "schema drift"})
"""Of a file that could not be read a letter stays until a person puts it away, also after it was dropped again."""


# ---------------------------------------------------------------- what they share


class _trouble:  # noqa: N801  it is used like a function
    """What the wire does where there is HTTP, the counterpart does by itself where there is none."""

    def __init__(self, stage: Stage, kind: Trouble) -> None:
        self._stage, self._kind = stage, kind

    def __enter__(self) -> None:
        if not self._stage.speaks_http:
            self._stage.counterpart.trouble(self._kind, True)

    def __exit__(self, *error: object) -> None:
        if not self._stage.speaks_http:
            self._stage.counterpart.trouble(self._kind, False)
        self._stage.wire.calm()


async def _some_trade(stage: Stage) -> None:
    bought = [stage.buy((A, 1)), stage.buy((B, 2)), stage.buy((C, 1))]
    await stage.rounds(2)
    _if_any(lambda: stage.ship(bought[0]))
    _if_any(lambda: stage.cancel(bought[1]), lambda: stage.take_back(bought[1]))
    await stage.rounds(2)
    _if_any(lambda: stage.take_back(bought[0]))
    await stage.rounds(1)


def _if_any(*acts: Callable[[], None]) -> bool:
    """The first of these acts that this channel has."""
    for act in acts:
        try:
            act()
        except DoesNotApply:
            continue
        return True
    return False


def _can_cancel(stage: Stage) -> bool:
    return type(stage.counterpart).cancel.__qualname__.partition(".")[0] != "Simulated"


def _over_http(stage: Stage) -> None:
    if not stage.speaks_http:
        raise DoesNotApply(FILES)


def _read_from_the_beginning(stage: Stage) -> None:
    with db.transaction(stage.engine) as session:
        cursors.put(session, NAME, polling.FACTS, None, at=stage.clock.now())


def _expect_told(stage: Stage, *bought: Bought, when: str = "") -> None:
    missing = [one.id for one in bought if not stage.is_told(one)]
    if missing:
        stage.wrong(f"{len(missing)} of {len(bought)} orders were never told {when}".rstrip() + f": {missing[0]}")


def _expect_moment(stage: Stage, bought: Bought) -> None:
    _expect_told(stage, bought)
    for id in bought.told_as & stage.told.keys():
        fact, at = stage.told[id], stage.books.at[id]
        assert isinstance(fact, OrderSeen | Sale)
        told = fact.placed_at if isinstance(fact, OrderSeen) else fact.at
        if abs(told - at) > timedelta(seconds=TOLD_SECONDS):
            stage.wrong(f"what was sold at {at:%Y-%m-%d %H:%M} UTC was told as of {told.astimezone(UTC):%H:%M}")


def _health(stage: Stage) -> health.Health:
    with db.reading(stage.engine) as session:
        return health.of(session, stage.context.channel(NAME), now=stage.clock.now())


def _expect_well(stage: Stage, when: str) -> None:
    now = _health(stage)
    if now.state != "on_time":
        stage.wrong(f"{when} it is {now.state}: {now.reason}")


def _expect_another_letter(stage: Stage, before: int, what: str) -> None:
    if _health(stage).failed <= before:
        stage.wrong(f"{what}, and no letter says so")
