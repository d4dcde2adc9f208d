"""Messages are stored before anybody says yes, understood later, and never gone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from omnisync.adapters.base import Answer, Can, Fact, Hook, Write
from omnisync.clock import StoppedClock
from omnisync.errors import NeedsAttention, NotYet, TryLater, Unauthorized
from omnisync.sync import inbox, replay
from omnisync.sync.health import of
from omnisync.sync.tables import ChannelHealth, InboxMessage
from tests.sync.conftest import MakeHouse, Play
from tests.sync.fakes import FakeChannel
from tests.sync.house import House, shop

HOOKED = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True, poll_seconds=3600)


def web_shop(make_house: MakeHouse, clock: StoppedClock) -> tuple[House, FakeChannel]:
    """A shop that is polled only once an hour, so that webhooks matter."""
    house = make_house((shop("web"), web := FakeChannel("web", clock, HOOKED)))
    house.article("LAMP")
    house.stock("LAMP", 9)
    web.offer("LAMP")
    return house, web


def receive(house: House, play: Play, hook: Hook) -> Answer:
    answer: Answer = play(inbox.receive(house.context, house.channel("web"), hook))
    return answer


def test_a_message_is_stored_before_the_channel_hears_yes(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    order = web.buy("LAMP", hook=False)

    answer = receive(house, play, web.hook_for(order.id, "event-1"))

    assert answer.status == 200
    [message] = house.rows(InboxMessage)
    assert (message.state, message.event_id) == ("received", "event-1")


def test_a_forged_message_leaves_no_trace(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = web_shop(make_house, clock)
    hook = replace(web.hook_for("1", "event-1"), headers={"x-event": "event-1", "x-signature": "bad"})

    with pytest.raises(Unauthorized) as refused:
        receive(house, play, hook)

    assert refused.value.code == "wrong-signature"
    assert house.rows(InboxMessage) == []


def test_a_challenge_is_answered_and_not_kept(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = web_shop(make_house, clock)
    hook = replace(web.hook_for("1", "event-1"), query={"challenge": "1234"})

    answer = receive(house, play, hook)

    assert answer.body == b"1234"
    assert house.rows(InboxMessage) == []


def test_doubled_and_reordered_messages_have_one_effect(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    first, second = web.buy("LAMP", 2, hook=False), web.buy("LAMP", 3, hook=False)
    deliveries = [(second, "b"), (first, "a"), (second, "b"), (first, "another-delivery-id"), (second, "c")]

    for order, event in deliveries:
        receive(house, play, web.hook_for(order.id, event))
    play(house.settle())

    assert house.level("LAMP") == (9, 5)
    assert {row.state for row in house.rows(InboxMessage)} == {"applied"}


def test_a_message_waits_while_its_channel_does_not_answer(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    order = web.buy("LAMP")
    play(house.deliver("web"))
    web.faults.down = True
    play(house.settle(rounds=3))
    assert [row.state for row in house.rows(InboxMessage)] == ["received"]

    web.faults.down = False
    clock.advance(minutes=10)
    play(house.settle(rounds=2))

    assert [row.state for row in house.rows(InboxMessage)] == ["applied"]
    assert order.id == "1001"
    assert house.level("LAMP") == (9, 1)


def test_three_messages_about_one_order_are_read_once(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    ours, other = web.buy("LAMP", 2, hook=False), web.buy("LAMP", hook=False)
    for order, event in [(ours, "a"), (other, "b"), (ours, "c"), (ours, "d")]:
        receive(house, play, web.hook_for(order.id, event))
    web.calls.clear()

    play(inbox.handle_due(house.context, house.channel("web")))

    assert web.calls == ["follow", "follow"]
    assert {row.state for row in house.rows(InboxMessage)} == {"applied"}
    assert house.level("LAMP") == (9, 3)


def test_hints_at_numbers_are_read_together_when_the_orders_that_explain_them_have_come(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    hints = [replace(web.hook_for("", f"level-{n}"), body=json.dumps({"level": "id-LAMP", "quantity": 8}).encode()) for n in range(2)]  # fmt: skip
    receive(house, play, hints[0])
    clock.advance(milliseconds=300)
    receive(house, play, hints[1])
    clock.advance(milliseconds=900)
    order = web.buy("LAMP", hook=False)
    receive(house, play, web.hook_for(order.id, "order-1"))

    def waiting() -> list[str]:
        return [message.event_id for message in house.rows(InboxMessage, state="received")]

    play(inbox.handle_due(house.context, house.channel("web")))
    assert (house.level("LAMP"), waiting()) == ((9, 1), ["level-0", "level-1"])

    clock.advance(seconds=1)
    play(inbox.handle_due(house.context, house.channel("web")))
    assert waiting() == []


def test_an_order_is_booked_before_a_hint_that_waited_is_read(
    make_house: MakeHouse, clock: StoppedClock, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    hint = replace(web.hook_for("", "level"), body=json.dumps({"level": "id-LAMP", "quantity": 8}).encode())
    receive(house, play, hint)
    clock.advance(seconds=2)
    order = web.buy("LAMP", hook=False)
    receive(house, play, web.hook_for(order.id, "order"))
    follow, read_when = web.follow, list[tuple[str, int]]()

    async def follows(*hooks: Hook) -> Sequence[Fact]:
        read_when.extend((hook.headers["x-event"], house.level("LAMP")[1]) for hook in hooks)
        return await follow(*hooks)

    monkeypatch.setattr(web, "follow", follows)
    assert play(inbox.handle_due(house.context, house.channel("web"))) == 2

    assert read_when == [("order", 0), ("level", 1)]


def test_a_reading_that_fails_leaves_all_waiting_that_hoped_for_it(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    order = web.buy("LAMP", 2, hook=False)
    for event in ("a", "b", "c"):
        receive(house, play, web.hook_for(order.id, event))
    web.faults.down = True

    with pytest.raises(TryLater):
        play(inbox.handle_due(house.context, house.channel("web")))

    assert [(row.state, row.attempts, row.reason is not None) for row in house.rows(InboxMessage)] == [
        ("received", 1, True)
    ] * 3
    web.faults.down = False
    clock.advance(minutes=10)
    play(inbox.handle_due(house.context, house.channel("web")))
    assert {row.state for row in house.rows(InboxMessage)} == {"applied"}
    assert house.level("LAMP") == (9, 2)


class Together(FakeChannel):
    """Answers for all its orders at once, and stumbles over one of them."""

    def subject(self, hook: Hook) -> str | None:
        return "orders"

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        self.calls.append(f"follow {len(hooks)}")
        return [self.orders[json.loads(hook.body)["order"]] for hook in hooks]


def test_a_message_that_spoils_a_reading_for_all_is_left_alone_with_it(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := Together("web", clock, HOOKED)))
    house.article("LAMP")
    house.stock("LAMP", 9)
    web.offer("LAMP")
    play(house.settle(rounds=1))
    orders = [web.buy("LAMP", hook=False).id for _ in range(2)]
    for name in (orders[0], "4711", orders[1]):
        receive(house, play, web.hook_for(name, f"event-{name}"))
    web.calls.clear()

    play(inbox.handle_due(house.context, house.channel("web")))

    assert web.calls == ["follow 3", "follow 1", "follow 1", "follow 1"]
    assert {row.event_id: row.state for row in house.rows(InboxMessage)} == {
        f"event-{orders[0]}": "applied", "event-4711": "received", f"event-{orders[1]}": "applied",
    }  # fmt: skip
    assert house.level("LAMP") == (9, 2)


class Puzzled(FakeChannel):
    """Cannot read its own messages until it is updated."""

    updated = False
    trouble: Exception = KeyError("a field that was renamed")

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        if not self.updated:
            raise self.trouble
        return await super().follow(*hooks)


@pytest.mark.parametrize(
    "trouble", [KeyError("renamed"), NeedsAttention("A new version.", action="Update.")], ids=["bug", "attention"]
)
def test_a_message_that_nobody_can_read_waits_in_plain_sight_and_is_read_after_the_fix(
    make_house: MakeHouse, clock: StoppedClock, play: Play, trouble: Exception
) -> None:
    house = make_house((shop("web"), web := Puzzled("web", clock, HOOKED)))
    house.article("LAMP")
    house.stock("LAMP", 9)
    web.offer("LAMP")
    web.trouble = trouble
    order = web.buy("LAMP", hook=False)
    web.orders.clear()  # polling must not find it, only the message knows
    receive(house, play, web.hook_for(order.id, "event-1"))
    for _ in range(8):
        play(house.settle(rounds=1))
        clock.advance(minutes=6)
    [letter] = house.letters("web")
    assert letter.kind == "message"
    assert letter.action

    web.updated, web.orders[order.id] = True, order
    house.within(lambda session: replay.replay(session, house.context, letter.id, now=clock.now()))
    play(house.settle(rounds=1))

    assert [row.state for row in house.rows(InboxMessage)] == ["applied"]
    assert house.level("LAMP") == (9, 1)
    assert house.letters("web") == []


def test_a_message_waits_while_our_key_is_refused_and_is_read_when_it_is_renewed(
    make_house: MakeHouse, clock: StoppedClock, play: Play
) -> None:
    house = make_house((shop("web"), web := Puzzled("web", clock, HOOKED)))
    web.trouble = NeedsAttention("Our key is refused.", action="Renew the key.", code="credentials")
    house.article("LAMP")
    web.offer("LAMP")
    receive(house, play, web.hook_for(web.buy("LAMP", hook=False).id, "event-1"))
    play(house.settle(rounds=1))
    assert [row.state for row in house.rows(InboxMessage)] == ["received"]
    assert house.rows(ChannelHealth, channel="web")[0].attention == "Our key is refused."

    web.updated = True
    clock.advance(minutes=10)
    play(house.settle(rounds=2))

    assert [row.state for row in house.rows(InboxMessage)] == ["applied"]
    assert house.letters("web") == []


def test_polling_finds_what_webhooks_lost(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    web.faults.lose_hooks = True
    web.buy("LAMP", 4)
    play(house.settle(rounds=2))
    assert house.level("LAMP") == (9, 0)

    clock.advance(hours=1)
    play(house.settle(rounds=2))

    assert house.level("LAMP") == (9, 4)


def test_a_discarded_message_is_not_read_again(make_house: MakeHouse, clock: StoppedClock, play: Play) -> None:
    house = make_house((shop("web"), web := Puzzled("web", clock, HOOKED)))
    web.trouble = NeedsAttention("A new version.", action="Update.")
    receive(house, play, web.hook_for("1", "event-1"))
    play(house.settle(rounds=1))
    [letter] = house.letters("web")

    house.within(lambda session: replay.discard(session, letter.id, now=clock.now()))
    play(house.settle(rounds=1))

    assert [row.state for row in house.rows(InboxMessage)] == ["discarded"]
    assert house.letters("web") == []


def test_an_order_that_the_channel_does_not_show_holds_up_nothing_else(
    make_house: MakeHouse, clock: StoppedClock, play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, web = web_shop(make_house, clock)
    play(house.settle(rounds=1))
    follow = web.follow

    async def unless_a_test(*hooks: Hook) -> Sequence[Fact]:
        if b"820982911946154508" in hooks[0].body:
            raise NotYet("web does not show order 820982911946154508 yet.")
        return await follow(*hooks)

    monkeypatch.setattr(web, "follow", unless_a_test)
    receive(house, play, web.hook_for("820982911946154508", "somebody pressed the button that sends a test"))
    house.stock("LAMP", 4)
    play(house.worker.tick("web"))

    [health] = house.rows(ChannelHealth)
    assert (web.shows("LAMP"), health.failures) == (4, 0)

    for _ in range(15):
        clock.advance(seconds=30)
        play(house.worker.tick("web"))
    [letter] = house.letters("web")
    assert "does not show order" in letter.reason
    assert letter.action == "Discard it if it was a test or was deleted there; replay it if it exists."
    house.within(lambda session: replay.discard(session, letter.id, now=clock.now()))
    found = house.within(lambda session: of(session, house.channel("web"), now=clock.now()))
    assert (found.state, found.lag_seconds) == ("on_time", 0), "an order that was deleted there leaves no channel late"
