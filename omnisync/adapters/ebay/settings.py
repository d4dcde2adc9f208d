"""What an eBay account needs to be told in `[channels.settings]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from omnisync.adapters import keys
from omnisync.adapters.keys import Address, Hidden, Own, Whole


class Account(Own):
    """`[channels.settings]` of a channel with `adapter = "ebay"`: one seller account and the application that may act for it."""

    client_id: str = Field(min_length=1)
    client_secret: Hidden
    refresh_token: Hidden
    verification_token: Hidden | None = None
    """32 to 80 letters, digits, _ or -: proves to eBay that the webhook address is ours. Without it: no notifications."""
    base_url: Address = "https://api.ebay.com"
    marketplace: str = Field(default="EBAY_DE", pattern=r"^[A-Z_]+$")
    first_days: Whole = Field(default=30, ge=1, le=700)
    """How far the very first pull looks back."""
    page_size: Whole = Field(default=200, ge=1, le=200)
    """Orders in one page; eBay allows 200."""
    fulfilled_elsewhere: tuple[str, ...] = ()
    """Merchant location keys whose stock is not ours: their offers are never written."""


def read(name: str, settings: Mapping[str, Any]) -> Account:
    """The account in these settings. NeedsAttention naming every key that is wrong, and no value."""
    return keys.read(Account, name, settings, see="the README of the ebay adapter")
