"""What every adapter keeps, whatever its channel is like. Each runs for each rig found."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from omnisync.adapters import registry
from omnisync.adapters.base import Forged, LevelSeen, Message, OrderSeen, Outcome, Published, Sale, Shown, Target, Write
from omnisync.adapters.base import Subscription as Wanted
from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money
from tests.adapters.contract import (
    PASSING_FAULTS,
    STANDING_FAULTS,
    Feature,
    Opened,
    Rig,
    open_world,
    pull_all,
    rigs,
    told,
)

pytestmark = pytest.mark.anyio
RIGS = rigs()
TAKEN = (Outcome.APPLIED, Outcome.ACCEPTED)


def having(*features: Feature) -> Any:
    """Run for each rig whose channel has all of these."""
    fitting = [rig for rig in RIGS.values() if not set(features) & set(rig.does_not_apply)]
    return pytest.mark.parametrize("rig", fitting, ids=[rig.adapter for rig in fitting])


@pytest.fixture
def opened(rig: Rig, tools: Tools, clock: StoppedClock) -> Opened:
    """A fresh world of the rig at hand."""
    return open_world(rig, tools, clock)


# ---------------------------------------------------------------- the rigs themselves


def test_every_adapter_is_held_to_the_contract_and_so_is_the_example_of_the_documentation():
    assert RIGS.keys() == {*registry.MODULES, "corner"}


@having()
def test_a_rig_declares_away_only_what_its_adapter_cannot_do(rig: Rig, opened: Opened):
    can = opened.adapter.can
    claims = {
        Feature.HOOKS: can.webhooks,
        Feature.STOCK_OUT: can.write is not Write.NONE,
        Feature.PRICES: can.prices,
        Feature.LOOK: can.looks,
        Feature.ORDERS: can.polls,
        Feature.NETWORK: opened.world.channel is not None,
    }

    for feature, claimed in claims.items():
        assert claimed == (feature not in rig.does_not_apply), feature
    assert all(len(reason) > 10 for reason in rig.does_not_apply.values())


@having()
def test_the_registry_makes_this_adapter(rig: Rig, opened: Opened):
    make = registry.factory(rig.adapter)

    assert list(inspect.signature(make).parameters) == ["name", "settings", "places", "public_url", "tools"]
    assert opened.adapter.name == "contract"


# ---------------------------------------------------------------- numbers out


def shown(opened: Opened, target: Target, quantity: int, *, tag: str) -> Shown:
    """A wish, with what the channel shows at this moment as its comparison."""
    now = opened.world.level(target) if target in opened.world.targets else None
    return Shown(target=target, tag=tag, at=opened.clock.now(), quantity=quantity, compare=now)


def outcomes(published: Sequence[Published]) -> list[Outcome]:
    return [one.outcome for one in published]


@having(Feature.STOCK_OUT)
async def test_publishing_twice_equals_once(rig: Rig, opened: Opened):
    wish = [shown(opened, target, 4 + n, tag=f"tag-{n}") for n, target in enumerate(opened.world.targets)]

    first = await opened.adapter.publish(wish)
    again = await opened.adapter.publish(wish)

    assert set(outcomes(first)) <= set(TAKEN)
    assert all(one.outcome in TAKEN or (one.outcome is Outcome.CHANGED and one.actual) for one in again)
    assert [opened.world.level(target) for target in opened.world.targets] == [4, 5, 6]


@having(Feature.STOCK_OUT)
async def test_a_number_already_shown_can_be_shown_again_under_a_new_tag(rig: Rig, opened: Opened):
    target = opened.world.targets[0]
    await opened.adapter.publish([shown(opened, target, 5, tag="first")])

    [second] = await opened.adapter.publish([shown(opened, target, 5, tag="second")])
    [third] = await opened.adapter.publish([shown(opened, target, 0, tag="third")])

    assert {second.outcome, third.outcome} <= set(TAKEN)
    assert opened.world.level(target) == 0


@having(Feature.STOCK_OUT)
async def test_one_unknown_article_does_not_spoil_the_batch(rig: Rig, opened: Opened):
    first, second, _ = opened.world.targets
    wish = [
        shown(opened, first, 3, tag="a"),
        shown(opened, opened.world.unknown, 9, tag="b"),
        shown(opened, second, 6, tag="c"),
    ]

    published = await opened.adapter.publish(wish)

    assert [outcome in TAKEN for outcome in outcomes(published)] == [True, False, True]
    assert published[1].outcome is Outcome.ATTENTION
    assert published[1].unknown
    assert published[1].reason
    assert published[1].action
    assert [opened.world.level(first), opened.world.level(second)] == [3, 6]


@having(Feature.STOCK_OUT)
async def test_nothing_to_publish_is_nothing_to_do(rig: Rig, opened: Opened):
    assert list(await opened.adapter.publish([])) == []
    assert opened.wire.calls == 0


@having(Feature.STOCK_OUT)
async def test_a_lost_compare_and_set_changes_nothing_and_tells_the_true_number(rig: Rig, opened: Opened):
    target = opened.world.targets[0]
    stale = shown(opened, target, 8, tag="stale")
    opened.world.sell(target, 2)
    left = opened.world.level(target)

    [published] = await opened.adapter.publish([stale])

    if opened.adapter.can.write is not Write.COMPARE_AND_SET:
        assert published.outcome in (*TAKEN, Outcome.CHANGED)
        return
    assert (published.outcome, published.actual) == (Outcome.CHANGED, left)
    assert opened.world.level(target) == left


@having(Feature.STOCK_OUT, Feature.NETWORK)
async def test_a_write_whose_answer_was_lost_is_safe_to_repeat(rig: Rig, opened: Opened):
    target = opened.world.targets[0]
    wish = [shown(opened, target, 7, tag="lost")]
    opened.wire.fault = "answer lost"
    assert isinstance(await complaint(lambda: opened.adapter.publish(wish)), TryLater)
    opened.wire.fault = None
    opened.clock.advance(minutes=2)

    [published] = await opened.adapter.publish(wish)

    assert published.outcome in TAKEN or published.actual == 7
    assert opened.world.level(target) == 7


@having(Feature.PRICES, Feature.STOCK_OUT)
async def test_a_price_is_shown_exactly(rig: Rig, opened: Opened):
    target = opened.world.targets[0]
    asked = Money(opened.world.price(target).minor + 1005, opened.world.price(target).currency)
    level = opened.world.level(target)
    wish = replace(shown(opened, target, level, tag="price"), price=asked)

    [published] = await opened.adapter.publish(
        [wish if opened.adapter.can.price_with_stock else replace(wish, quantity=None)]
    )

    assert published.outcome in TAKEN
    assert opened.world.price(target) == asked
    assert opened.world.level(target) == level


# ---------------------------------------------------------------- reading back


@having(Feature.LOOK)
async def test_looking_tells_what_is_known_and_leaves_out_what_is_not(rig: Rig, opened: Opened):
    wanted = [*opened.world.targets, opened.world.unknown]

    seen = await opened.adapter.look(wanted)

    levels = {(level.article.external_id, level.place): level.quantity for level in seen}
    assert all(isinstance(level, LevelSeen) for level in seen)
    assert levels == {(target.external_id, target.place): opened.world.level(target) for target in opened.world.targets}


@having(Feature.LISTINGS)
async def test_listings_are_all_found_each_once(rig: Rig, opened: Opened):
    cursor, more, found = None, True, []
    while more:
        page = await opened.adapter.listings(cursor)
        found += page.listings
        cursor, more = page.cursor, page.more

    ids = [listing.external_id for listing in found]
    assert len(ids) == len(set(ids))
    assert {target.external_id: target.sku for target in opened.world.targets}.items() <= {
        listing.external_id: listing.sku for listing in found
    }.items()


# ---------------------------------------------------------------- facts in


def sell_some(opened: Opened, count: int, *, minutes: float) -> list[str]:
    """So many sales, that far apart."""
    sold = []
    for n in range(count):
        sold.append(opened.world.sell(opened.world.targets[n % 3], 1))
        opened.clock.advance(minutes=minutes)
    return sold


@having(Feature.ORDERS, Feature.REREADS)
async def test_pulling_resumes_from_any_cursor_and_finds_everything(rig: Rig, opened: Opened):
    sold = sell_some(opened, 5, minutes=7)
    pages = await pull_all(opened, None)
    sold += sell_some(opened, 2, minutes=7)

    assert told(fact for page in pages for fact in page.facts) == set(sold[:5])
    for n, page in enumerate(pages):
        before = told(fact for earlier in pages[: n + 1] for fact in earlier.facts)
        after = told(fact for later in await pull_all(opened, page.cursor) for fact in later.facts)
        assert before | after >= set(sold), f"resuming after page {n + 1} lost sales"


@having(Feature.ORDERS)
async def test_orders_of_one_moment_across_a_page_boundary_are_all_found(rig: Rig, opened: Opened):
    sold = sell_some(opened, 5, minutes=0)

    pages = await pull_all(opened, None)

    assert told(fact for page in pages for fact in page.facts) == set(sold)


@having(Feature.ORDERS)
async def test_an_order_placed_between_two_pages_is_found(rig: Rig, opened: Opened):
    sold = sell_some(opened, 3, minutes=3)
    first = await opened.adapter.pull(None, now=opened.clock.now())
    await opened.adapter.done(sorted(told(first.facts)))

    sold += sell_some(opened, 1, minutes=0)
    rest = await pull_all(opened, first.cursor)

    assert told(first.facts) | told(fact for page in rest for fact in page.facts) == set(sold)


@having(Feature.ORDERS)
async def test_a_sale_in_the_very_moment_of_the_last_one_read_is_found(rig: Rig, opened: Opened):
    before = sell_some(opened, 1, minutes=0)
    pages = await pull_all(opened, None)

    after = sell_some(opened, 1, minutes=0)
    later = await pull_all(opened, pages[-1].cursor)

    assert told(fact for page in pages for fact in page.facts) == set(before)
    assert told(fact for page in later for fact in page.facts) >= set(after)


@having(Feature.ORDERS)
async def test_facts_are_the_same_when_told_twice(rig: Rig, opened: Opened):
    sell_some(opened, 2, minutes=0)

    first = await opened.adapter.pull(None, now=opened.clock.now())
    again = await opened.adapter.pull(None, now=opened.clock.now())

    assert first.facts
    assert list(first.facts) == list(again.facts)


@having(Feature.ORDERS)
async def test_a_sale_is_told_with_its_article_quantity_and_moment(rig: Rig, opened: Opened):
    target = opened.world.targets[0]
    name = opened.world.sell(target, 2)

    pages = await pull_all(opened, None)

    [fact] = [fact for page in pages for fact in page.facts if told([fact]) == {name}]
    line = fact.lines[0] if isinstance(fact, OrderSeen) else fact
    assert isinstance(fact, OrderSeen | Sale)
    assert line.quantity == 2
    assert target.external_id == line.article.external_id or target.sku == line.article.sku
    moment = fact.placed_at if isinstance(fact, OrderSeen) else fact.at
    assert abs((moment - opened.clock.now()).total_seconds()) < 60


# ---------------------------------------------------------------- hooks


@having(Feature.HOOKS)
async def test_a_true_hook_is_named_the_same_each_time_it_comes(rig: Rig, opened: Opened):
    hook = opened.world.hook()

    named = opened.adapter.identify(hook)

    assert isinstance(named, Message)
    assert named.event_id
    assert named.topic
    assert opened.adapter.identify(hook) == named
    assert list(opened.adapter.read(hook)) == list(opened.adapter.read(hook))


@having(Feature.HOOKS, Feature.SIGNATURES)
@pytest.mark.parametrize(
    "forge",
    [
        lambda hook, header: replace(hook, body=bytes([hook.body[0] ^ 1]) + hook.body[1:]),
        lambda hook, header: replace(hook, body=hook.body + b" "),
        lambda hook, header: replace(hook, headers={k: v for k, v in hook.headers.items() if k != header}),
        lambda hook, header: replace(hook, headers={**hook.headers, header: ""}),
        lambda hook, header: replace(hook, headers={**hook.headers, header: "nönsense\x00"}),
        lambda hook, header: replace(hook, headers={**hook.headers, header: hook.headers[header].swapcase()}),
    ],
    ids=["flipped bit", "body and a space", "no signature", "empty signature", "nonsense", "other case"],
)
async def test_a_forged_signature_is_refused(rig: Rig, opened: Opened, forge: Any):
    assert isinstance(opened.adapter.identify(forge(opened.world.hook(), rig.signature_header)), Forged)


@having(Feature.HOOKS, Feature.SIGNATURES)
async def test_a_hook_signed_with_another_secret_is_refused(rig: Rig, opened: Opened):
    assert isinstance(opened.adapter.identify(opened.world.hook(secret="not-the-secret")), Forged)


@having(Feature.HOOKS)
async def test_following_a_hook_tells_what_the_channel_says_now(rig: Rig, opened: Opened):
    hook = opened.world.hook()

    assert list(await opened.adapter.follow(hook)) == list(await opened.adapter.follow(hook))


@having(Feature.HOOKS)
async def test_hooks_of_one_subject_that_are_followed_together_tell_what_each_tells_alone(rig: Rig, opened: Opened):
    first, second = opened.world.hook(), opened.world.hook()
    subject = opened.adapter.subject(first)
    assert subject is not None
    hooks = [first, *([second] if opened.adapter.subject(second) == subject else [first])]

    alone = [fact for hook in hooks for fact in await opened.adapter.follow(hook)]
    told = await opened.adapter.follow(*hooks)

    assert [fact for fact in alone if fact not in told] == [fact for fact in told if fact not in alone] == []


@having(Feature.HOOKS, Feature.SUBSCRIPTIONS)
async def test_wanting_the_same_subscriptions_again_changes_nothing(rig: Rig, opened: Opened):
    topic = opened.adapter.identify(opened.world.hook())
    assert isinstance(topic, Message)
    wanted = [Wanted(topic=topic.topic, url="https://sync.example.org/v1/hooks/contract")]

    first = await opened.adapter.subscriptions(wanted)
    again = await opened.adapter.subscriptions(wanted)

    assert [(one.topic, one.url, one.active) for one in first] == [(wanted[0].topic, wanted[0].url, True)]
    assert list(again) == list(first)


# ---------------------------------------------------------------- when it goes wrong


async def complaint(call: Callable[[], Awaitable[object]]) -> BaseException | None:
    """What a verb raised; a batch whose lines were all put off counts as TryLater."""
    try:
        answer = await call()
    except (TryLater, NeedsAttention) as error:
        return error
    if isinstance(answer, list | tuple) and answer and isinstance(answer[0], Published):
        put_off = [one for one in answer if one.outcome is Outcome.TRY_LATER]
        if len(put_off) == len(answer):
            return TryLater(put_off[0].reason, retry_after_seconds=put_off[0].retry_after_seconds)
    return None


def verbs(rig: Rig, opened: Opened) -> dict[str, Callable[[], Awaitable[object]]]:
    """The calls that this channel has."""
    adapter, targets = opened.adapter, opened.world.targets
    wish = [shown(opened, target, 5, tag=f"v{n}") for n, target in enumerate(targets)]
    calls: dict[Feature, tuple[str, Callable[[], Awaitable[object]]]] = {
        Feature.ORDERS: ("pull", lambda: adapter.pull(None, now=opened.clock.now())),
        Feature.LOOK: ("look", lambda: adapter.look(targets)),
        Feature.STOCK_OUT: ("publish", lambda: adapter.publish(wish)),
        Feature.LISTINGS: ("listings", lambda: adapter.listings(None)),
    }
    return dict(call for feature, call in calls.items() if feature not in rig.does_not_apply)


@having(Feature.NETWORK)
@pytest.mark.parametrize("fault", PASSING_FAULTS)
async def test_faults_that_pass_become_try_later_and_pass(rig: Rig, opened: Opened, fault: str):
    for name, call in verbs(rig, opened).items():
        opened.wire.fault = fault
        error = await complaint(call)

        assert isinstance(error, TryLater), f"{name} met {fault} and said {error!r}"
        assert fault != "429" or error.retry_after_seconds == 7, name

        opened.wire.fault = None
        opened.clock.advance(minutes=2)
        assert await complaint(call) is None, name


@having(Feature.NETWORK)
@pytest.mark.parametrize("fault", STANDING_FAULTS)
async def test_rejected_credentials_need_a_person(rig: Rig, opened: Opened, fault: str):
    opened.wire.fault = fault

    for name, call in verbs(rig, opened).items():
        error = await complaint(call)

        assert isinstance(error, NeedsAttention), f"{name} met {fault} and said {error!r}"
        assert error.action


@having(Feature.NETWORK)
async def test_a_limited_call_is_not_repeated_at_once(rig: Rig, opened: Opened):
    for name, call in verbs(rig, opened).items():
        before, opened.wire.fault = opened.wire.calls, "429"
        await complaint(call)

        assert opened.wire.calls - before <= 3, f"{name} hammers a channel that asks for quiet"


@having(Feature.NETWORK)
async def test_no_secret_reaches_a_log_repr_or_error(rig: Rig, opened: Opened, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    said = [repr(opened.adapter)]
    for fault in (None, *PASSING_FAULTS, *STANDING_FAULTS):
        opened.wire.fault = fault
        opened.clock.advance(minutes=2)
        for call in verbs(rig, opened).values():
            error: BaseException | None = await complaint(call)
            while error is not None:
                said.append(f"{error!r} {error} {getattr(error, 'action', '')}")
                error = error.__cause__ or error.__context__

    text = "\n".join([*said, caplog.text])
    assert rig.secrets
    assert [secret for secret in rig.secrets if secret in text] == []


@having(Feature.NETWORK)
async def test_checking_an_account_that_works_finds_nothing_wrong(rig: Rig, opened: Opened):
    checks = await opened.adapter.check()

    assert checks
    assert [check for check in checks if not check.ok] == []
