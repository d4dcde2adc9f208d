"""What an installer may say about a WooCommerce shop, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from omnisync.adapters import keys
from omnisync.adapters.keys import Whole
from omnisync.values import parse_time


def _is_a_moment(text: str) -> str:
    parse_time(text)
    return text


class ShopSettings(BaseModel):
    """`[channels.settings]` of a channel with `adapter = "woocommerce"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://[^/]+")
    consumer_key: str = Field(min_length=1)
    consumer_secret: SecretStr = Field(min_length=1)
    webhook_secret: SecretStr | None = None
    """Without it no webhook is made or believed, and the shop is polled."""
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    """A product says no currency; `omnisync doctor` compares this one with the shop's."""
    auth: Literal["basic", "oauth"] | None = None
    """By default Basic over https and one-legged OAuth 1.0a over plain http, as WooCommerce demands."""
    api_path: str = "/wp-json/wc/v3"
    pickup_methods: tuple[str, ...] = ("local_pickup", "pickup_location")
    """Shipping methods that mean: the buyer comes and fetches it."""
    shipped_statuses: tuple[str, ...] = ()
    """Order statuses of plugins that mean: sent. Each without `wc-`."""
    cancelled_statuses: tuple[str, ...] = ()
    unpaid_statuses: tuple[str, ...] = ()
    ready_status: str | None = None
    """What an order becomes when it lies ready at the pickup desk, where a plugin adds such a status."""
    ready_note: str = "Your order is ready for pickup."
    """Else WooCommerce mails this note to the buyer; empty: nothing."""
    backorders: Literal["keep", "no"] = "keep"
    """`no` takes away the shop's permission to sell below zero with every write."""
    start_at: Annotated[str, AfterValidator(_is_a_moment)] | None = None
    """What happened from then on moves stock; by default from the first time the shop is read."""
    page_size: Whole = Field(default=50, ge=1, le=100)
    calls_per_second: float = Field(default=10.0, gt=0)
    """WooCommerce knows no limit; its host does."""
    poll_seconds: float = Field(default=30.0, gt=0)
    overlap_seconds: float = Field(default=120.0, ge=1)
    timeout_seconds: float = Field(default=20.0, gt=0)

    @property
    def since(self) -> datetime | None:
        return None if self.start_at is None else parse_time(self.start_at)

    @property
    def signs(self) -> bool:
        """Whether each request is signed; else the keys travel with it, which only https may carry."""
        return (self.auth or ("basic" if self.base_url.startswith("https:") else "oauth")) == "oauth"


def parse(channel: str, settings: Mapping[str, Any]) -> ShopSettings:
    """The settings of a channel. NeedsAttention naming every key that is wrong, and no value."""
    return keys.read(ShopSettings, channel, settings, see="the README of the woocommerce adapter")
