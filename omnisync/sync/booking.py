"""What the booking of a channel's facts shares: whose they are, which articles they mean, and when they happened by our clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from omnisync.adapters.base import Counted, Delivered, LevelSeen, Sale
from omnisync.errors import NeedsAttention
from omnisync.sync import moments
from omnisync.sync.context import Channel, Context
from omnisync.sync.resolve import Resolve


@dataclass(frozen=True)
class Booking:
    """What the booking of every fact of one message shares."""

    session: Session
    context: Context
    channel: Channel
    resolve: Resolve
    now: datetime
    trusted: bool = False
    """A person has looked at it: times are no longer questioned."""
    message_id: int | None = None
    since: datetime | None = None
    """What happened before is history: counted already, and sent already."""

    def is_history(self, at: datetime) -> bool:
        """Whether it happened before the channel was connected. What a person has looked at is booked all the same."""
        return self.since is not None and at < self.since and not self.trusted

    def moment(self, at: datetime) -> datetime:
        """When it happened by our clock."""
        measured = moments.ahead_of(self.channel.adapter)
        return moments.believable(
            self.session, self.channel.name, at, now=self.now, trusted=self.trusted, measured=measured
        )

    def sku(self, fact: Sale | Counted | Delivered | LevelSeen) -> str:
        """Our SKU for it. NeedsAttention when nobody knows the article."""
        sku = self.resolve(fact.article)
        if sku is None:
            name = fact.article.sku or fact.article.barcode or fact.article.external_id or "without a name"
            raise NeedsAttention(
                f"No article is known as {name}.",
                action="Map it to a SKU, or import the article.",
                code="unknown-article",
            )
        return sku
