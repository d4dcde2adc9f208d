"""Showing quantities and prices: what is urgent one listing at a time, the rest of a large batch as a feed.

The engine gives the most urgent lines first (what must show 0). Amazon applies each of these ways later, so that all that can be
said here is *accepted*; the level that is read back says *applied*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnisync.adapters.amazon import entries, listings
from omnisync.adapters.amazon.calls import Calls, in_words
from omnisync.adapters.amazon.feeds import Feeds, Line
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.base import Outcome, Published, Shown
from omnisync.adapters.client import Reply
from omnisync.errors import TryLater

BATCH = 1000
"""Lines that are taken at once; each costs a twentieth of a search to read before it is written."""
AT_ONCE = 25
"""Lines that are patched one after the other before the rest goes into a feed: five seconds of the usage plan."""

MOST_ALONE = 150
"""More than so many are not patched in one batch: that takes half a minute, and what is urgent by then waits behind it."""

_ACCEPTED = Published(Outcome.ACCEPTED)
_NOT_THERE = Published(
    Outcome.ATTENTION,
    reason="Amazon knows no such listing in this marketplace.",
    action="Read the channel's listings again; if it has ended, list it again in Seller Central.",
    unknown=True,
)
_BY_AMAZON = Published(
    Outcome.ATTENTION,
    reason="Amazon sends this listing from its own warehouse by now; a number of ours would take it away from there.",
    action="Read the channel's listings again: it is left alone from then on.",
)


@dataclass
class _Batch:
    """What is to be written, and what became of each."""

    shown: Sequence[Shown]
    fates: dict[int, Published] = field(default_factory=dict)
    lines: dict[int, Line] = field(default_factory=dict)

    def judged(self) -> list[Published]:
        return [self.fates[number] for number in range(len(self.shown))]

    def put_off(self, numbers: Sequence[int], why: TryLater) -> None:
        """These were not written."""
        later = Published(Outcome.TRY_LATER, reason=why.message, retry_after_seconds=why.retry_after_seconds)
        self.fates |= dict.fromkeys(numbers, later)


async def publish(calls: Calls, account: Account, feeds: Feeds, shown: Sequence[Shown]) -> list[Published]:
    """Write these."""
    if not shown:
        return []
    await feeds.learn()
    found = await listings.items(calls, account, [one.target.external_id for one in shown])
    batch = _Batch(shown)
    for number, one in enumerate(shown):
        item = found.get(one.target.external_id)
        if (refusal := _refusal(item, one, account)) is not None:
            batch.fates[number] = refusal
        elif item is not None:
            patches = entries.patches(item, one, account.store)
            batch.lines[number] = Line(one.target.external_id, entries.product_type(item, account.store), patches)
    alone, together = _split(batch, account, feeds)
    await _one_by_one(calls, account, feeds, batch, alone)
    if together:
        await _in_a_feed(feeds, batch, together)
    return batch.judged()


def _refusal(item: Mapping[str, Any] | None, one: Shown, account: Account) -> Published | None:
    """Why this is not sent at all."""
    if item is None:
        return _NOT_THERE
    if entries.by_amazon(item):
        return _BY_AMAZON
    if one.price is not None and one.price.currency != account.store.currency:
        return Published(
            Outcome.ATTENTION,
            reason=f"The price is in {one.price.currency}; this marketplace sells in {account.store.currency}.",
            action=f"Set a price in {account.store.currency} for this channel.",
        )
    return None


def _split(batch: _Batch, account: Account, feeds: Feeds) -> tuple[list[int], list[int]]:
    """Which lines are patched, and which wait for a feed: never what a feed could not do before."""
    marked = [number for number, line in batch.lines.items() if line.sku in feeds.refused]
    others = [number for number, line in batch.lines.items() if line.sku not in feeds.refused]
    if len(others) < AT_ONCE + account.bulk_from or not feeds.possible():
        return [*others[:AT_ONCE], *marked, *others[AT_ONCE:]], []
    return [*others[:AT_ONCE], *marked], others[AT_ONCE:]


async def _one_by_one(calls: Calls, account: Account, feeds: Feeds, batch: _Batch, numbers: Sequence[int]) -> None:
    """Until the usage plan is used up; the channel as a whole is in trouble where not even the first gets through."""
    batch.put_off(numbers[MOST_ALONE:], TryLater("Amazon takes numbers one by one at the moment; this one is next."))
    for position, number in enumerate(numbers[:MOST_ALONE]):
        try:
            batch.fates[number] = await _patch(calls, account, batch.lines[number])
            feeds.patched(batch.lines[number].sku)
        except TryLater as limit:
            if position == 0:
                raise
            batch.put_off(numbers[position:], limit)
            return


async def _patch(calls: Calls, account: Account, line: Line) -> Published:
    reply = await calls.call(
        "patchListingsItem",
        account.seller_id,
        line.sku,
        params={"marketplaceIds": account.store.id},
        body={"productType": line.product_type, "patches": line.patches},
    )
    return _fate(reply)


def _fate(reply: Reply) -> Published:
    answer: Mapping[str, Any] = reply.json() if reply.body else {}
    if reply.status == 200 and answer.get("status") in ("ACCEPTED", "VALID"):
        return _ACCEPTED
    return Published(
        Outcome.ATTENTION,
        reason=in_words(answer) or f"Amazon answered {reply.status}.",
        action="Correct this listing in Seller Central, then replay.",
        unknown=reply.status == 404,
    )


async def _in_a_feed(feeds: Feeds, batch: _Batch, numbers: Sequence[int]) -> None:
    try:
        await feeds.send([batch.lines[number] for number in numbers])
    except TryLater as limit:
        batch.put_off(numbers, limit)
        return
    batch.fates |= dict.fromkeys(numbers, _ACCEPTED)
