"""The number that a channel is shown of an article, for whoever asks for it: the one formula that its listings are written by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import Session

from omnisync.sync import shown, wanted
from omnisync.sync.context import Channel, Context, Group
from omnisync.sync.wanted import Stock


@dataclass(frozen=True, slots=True)
class Showing:
    """What one channel's numbers are made of now."""

    channel: Channel
    stock: Stock

    def number(self, sku: str, locations: Collection[str]) -> int:
        """What it is shown of the pieces at these locations, whether it lists the article or not: over all places, where it has several."""
        groups = self._within(frozenset(locations))
        pieces = [wanted.shown_of(self.channel, group, sku, self.stock)[0] for group in groups]
        return sum(shown.quantity(number, self.channel.rule) for number in pieces)

    def _within(self, locations: frozenset[str]) -> list[Group]:
        # A channel that is written nothing, as one that counts the stock itself, is thought of as one place.
        groups = self.channel.groups or (Group("", tuple(self.channel.settings.locations)),)
        parts = {tuple(code for code in group.locations if code in locations): group.place for group in groups}
        return [Group(place, codes) for codes, place in parts.items() if codes]


def look(session: Session, context: Context, channel: Channel, skus: Collection[str]) -> Showing:
    """All that is needed to say it of these."""
    return Showing(channel, wanted.stock_of(session, context, channel, skus))
