"""What an installer may say about a Square account, checked as a whole."""

from __future__ import annotations

from pydantic import Field

from omnisync.adapters.keys import Address, Hidden, Moment, Own, Whole
from omnisync.adapters.square.wire import PAGE


class Account(Own):
    """`[channels.settings]` of a channel with `adapter = "square"`."""

    access_token: Hidden
    webhook_secret: Hidden | None = None
    """The subscription's signature key. Without it no webhook is believed, and the account is polled."""
    notification_url: Address | None = None
    """As it stands in Square's console, where that is not our public address."""
    base_url: Address = "https://connect.squareup.com"
    start_at: Moment | None = None
    """What happened from then on moves stock; by default from the first time the account is read."""
    calls_per_second: float = Field(default=10.0, gt=0)
    """Square publishes no number: gentle enough to be left alone, and a setting for those who know better."""
    page_size: Whole = Field(default=PAGE, ge=1, le=1000)
    timeout_seconds: float = Field(default=10.0, gt=0)
