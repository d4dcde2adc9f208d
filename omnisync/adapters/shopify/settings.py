"""What an installer may say about a Shopify shop, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from omnisync.adapters import keys
from omnisync.adapters.keys import Address, Hidden, Moment, Own, Whole


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class ShopSettings(Own):
    """`[channels.settings]` of a channel with `adapter = "shopify"`."""

    shop: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", description="a host such as example.myshopify.com")
    access_token: Hidden
    webhook_secret: Annotated[
        tuple[Hidden, ...],
        BeforeValidator(_as_list, json_schema_input_type=Hidden | tuple[Hidden, ...]),
        Field(min_length=1),
    ]
    """The app's client secret; while it is being changed, the old one and the new one."""
    base_url: Address | None = None
    """By default https and `shop`."""
    page_size: Whole = Field(default=25, ge=1, le=250)
    """Orders in one page of a poll."""
    orders_since: Moment | None = None
    """What happened from then on moves stock; by default from the first time the shop is read."""

    @property
    def url(self) -> str:
        return self.base_url or f"https://{self.shop}"


def parse(channel: str, settings: Mapping[str, Any]) -> ShopSettings:
    """The settings of a channel. NeedsAttention naming every key that is wrong, and no value."""
    return keys.read(ShopSettings, channel, settings, see="the README of the shopify adapter")
