"""What a channel offers, as the beginning of a catalogue: for the day on which nobody has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from omnisync.adapters.base import Listing, Target
from omnisync.sync import polling
from omnisync.sync.context import Channel
from omnisync.values import Money

Row = dict[str, str]


async def catalogue(channel: Channel) -> list[Row]:
    """A row of `omnisync import catalog` for every offer that has a SKU, one for each SKU, with the price that it shows.

    A page is forgotten as soon as its rows are made, so that of a large channel nothing is kept but these.
    """
    made: dict[str, Row] = {}
    async for listings in polling.offers(channel):
        first = {one.sku: one for one in reversed(listings) if one.sku}
        fresh = [one for sku, one in reversed(first.items()) if sku not in made]
        made |= {row["sku"]: row for row in _rows(fresh, await _prices(channel, fresh))}
    return list(made.values())


async def _prices(channel: Channel, offers: Sequence[Listing]) -> dict[str, Money]:
    if not channel.can.looks:
        return {}
    place = next((group.place for group in channel.groups), "") or None
    targets = [Target(one.external_id, one.sku or "", place, one.extra) for one in offers]
    found: dict[str, Money] = {}
    for start in range(0, len(targets), channel.can.batch_size):
        for level in await channel.adapter.look(targets[start : start + channel.can.batch_size]):
            if level.price is not None and level.article.external_id:
                found[level.article.external_id] = level.price
    return found


def _rows(offers: Iterable[Listing], prices: Mapping[str, Money]) -> Iterator[Row]:
    for one in offers:
        price = prices.get(one.external_id)
        yield {
            "sku": one.sku or "", "title": one.title or one.sku or "", "barcode": one.barcode or "",
            "price": price.decimal() if price else "", "currency": price.currency if price else "",
        }  # fmt: skip
