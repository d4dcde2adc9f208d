"""What an installer may say about a Vendure shop, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from omnisync.adapters import keys
from omnisync.adapters.keys import Whole
from omnisync.errors import NeedsAttention


class ShopSettings(BaseModel):
    """`[channels.settings]` of a channel with `adapter = "vendure"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://[^/]+")
    username: str
    password: SecretStr
    admin_path: str = "/admin-api"
    channel_token: str | None = None
    """Of the Vendure channel to sell in; None: the default channel."""
    stock_location: str | None = None
    """One number for all of our locations, kept at this stock location of the shop; None: a number for each in location_map."""
    pickup_methods: Mapping[str, str] = Field(default_factory=dict)
    """Code of a shipping method -> the place in location_map where its orders are fetched."""
    prices: Literal["gross", "net"] = "gross"
    """What our prices for this channel are; a Vendure channel keeps them with tax or without, and is never guessed at."""
    restock_cancelled: bool = True
    """Pieces cancelled after they were sent came back: Vendure counts them as stock again."""
    orders_since: AwareDatetime | None = None
    page_size: Whole = Field(default=25, ge=1, le=100)
    poll_seconds: float = Field(default=15.0, gt=0)
    overlap_seconds: float = Field(default=300.0, ge=1)
    timeout_seconds: float = Field(default=20.0, gt=0)


def parse(channel: str, settings: Mapping[str, Any], places: Mapping[str, str]) -> ShopSettings:
    """The settings of a channel. NeedsAttention naming every key that is wrong, and no value."""
    parsed = keys.read(ShopSettings, channel, settings, see="the README of the vendure adapter")
    unmapped = sorted(set(parsed.pickup_methods.values()) - set(places))
    if unmapped:
        raise NeedsAttention(
            f"The settings of {channel} cannot be used: pickup_methods: {', '.join(unmapped)} stands in no location_map.",
            action="Name places that stand in the location_map of this channel.",
            code="settings",
        )
    return parsed
