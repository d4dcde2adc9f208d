"""What an installer may say about a Shopware shop, checked as a whole."""

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
    """`[channels.settings]` of a channel with `adapter = "shopware"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://[^/]+")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr = Field(min_length=1)
    app_secret: SecretStr | None = None
    """The secret in the app's manifest. Without it no webhook is believed, and the shop is polled."""
    app_name: str = Field(default="Omnisync", pattern=r"^[A-Za-z][A-Za-z0-9]*$")
    """As the manifest names the app."""
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    """Of the prices that are written and read."""
    pickup_methods: tuple[str, ...] = ()
    """Shipping methods (technical name, or name) that mean: the buyer comes and fetches it."""
    ready_transition: str | None = Field(default=None, pattern=r"^[a-z_]+$")
    """The transition of a delivery that says that it lies ready, where a plugin adds one; else the order is processed."""
    paid_later_methods: tuple[str, ...] = ("payment_invoicepayment", "payment_cashpayment")
    """Payment methods (technical name) whose orders are to be sent before they are paid."""
    oversell: Literal["keep", "no"] = "keep"
    """`no` makes each product a closeout with every number written, so that nobody buys below zero."""
    start_at: Annotated[str, AfterValidator(_is_a_moment)] | None = None
    """What happened from then on moves stock; by default from the first time the shop is read."""
    page_size: Whole = Field(default=50, ge=1, le=100)
    calls_per_second: float = Field(default=5.0, gt=0)
    """Shopware knows no limit of its own; hosts do (its cloud: 300 a minute)."""
    poll_seconds: float = Field(default=30.0, gt=0)
    overlap_seconds: float = Field(default=120.0, ge=1)
    timeout_seconds: float = Field(default=20.0, gt=0)

    @property
    def since(self) -> datetime | None:
        return None if self.start_at is None else parse_time(self.start_at)


def parse(channel: str, settings: Mapping[str, Any]) -> ShopSettings:
    """The settings of a channel. NeedsAttention naming every key that is wrong, and no value."""
    return keys.read(ShopSettings, channel, settings, see="the README of the shopware adapter")
