"""Webhooks of simulated channels: repeated until answered, and what the faults do to them."""

from __future__ import annotations

import asyncio
import random

from omnisync.clock import StoppedClock
from omnisync.demo.faults import Faults
from omnisync.demo.outbox import Outbox, Webhook


class Receiver:
    """Answers as told and remembers what came."""

    def __init__(self) -> None:
        self.up = True
        self.bodies: list[bytes] = []

    async def __call__(self, webhook: Webhook) -> bool:
        if self.up:
            self.bodies.append(webhook.body)
        return self.up


def an_outbox(clock: StoppedClock, faults: Faults | None = None) -> tuple[Outbox, Receiver]:
    receiver = Receiver()
    return Outbox(receiver, faults or Faults(), clock, random.Random(3), delays=(1, 2)), receiver


def letters(count: int) -> list[Webhook]:
    return [Webhook("http://receiver/hook", {}, bytes([65 + n])) for n in range(count)]


def deliver(outbox: Outbox, clock: StoppedClock, *, seconds: int = 10) -> None:
    for _ in range(seconds * 2):
        asyncio.run(outbox.flush())
        clock.advance(seconds=0.5)


def test_an_unanswered_webhook_is_sent_again_and_given_up_after_the_last_try(clock: StoppedClock):
    outbox, receiver = an_outbox(clock)
    receiver.up = False
    for letter in letters(1):
        outbox.put(letter)

    asyncio.run(outbox.flush())
    receiver.up = True
    asyncio.run(outbox.flush())
    assert receiver.bodies == []

    clock.advance(seconds=1)
    asyncio.run(outbox.flush())
    assert (receiver.bodies, len(outbox), outbox.delivered) == ([b"A"], 0, 1)

    receiver.up = False
    outbox.put(letters(1)[0])
    deliver(outbox, clock)
    assert (len(outbox), outbox.given_up) == (0, 1)


def test_doubled_webhooks_come_twice_and_lost_ones_never(clock: StoppedClock):
    faults = Faults(double=True)
    outbox, receiver = an_outbox(clock, faults)

    outbox.put(letters(1)[0])
    faults.lose = True
    outbox.put(letters(2)[1])
    deliver(outbox, clock)

    assert receiver.bodies == [b"A", b"A"]


def test_reordered_webhooks_all_come_in_another_order(clock: StoppedClock):
    outbox, receiver = an_outbox(clock, Faults(reorder=True))
    sent = letters(8)

    for letter in sent:
        outbox.put(letter)
    deliver(outbox, clock)

    assert sorted(receiver.bodies) == [letter.body for letter in sent]
    assert receiver.bodies != [letter.body for letter in sent]
