"""What an installer may say about a django-oscar shop, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from omnisync.adapters import keys
from omnisync.adapters.keys import Whole


class ShopSettings(BaseModel):
    """`[channels.settings]` of a channel with `adapter = "oscar"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://[^/]+")
    username: str
    password: SecretStr
    api_path: str = "/api"
    """Where the shop's urls.py includes oscarapi.urls."""
    partner: int | None = None
    """Only stock records of this partner are ours; None: of all."""
    cancelled_statuses: tuple[str, ...] = ("Cancelled", "Canceled", "Storniert")
    shipped_statuses: tuple[str, ...] = ("Complete", "Completed", "Shipped", "Dispatched", "Versandt", "Abgeschlossen")
    """Everything else counts as open: to be sent, and read again each time."""
    unpaid_statuses: tuple[str, ...] = ()
    timezone: str = "UTC"
    """Of the shop's times where it tells them without a zone (USE_TZ = False)."""
    page_size: Whole = Field(default=50, ge=1, le=500)
    poll_seconds: float = Field(default=10.0, gt=0)
    overlap_seconds: float = Field(default=3600.0, ge=0)
    """Orders placed so long before the newest one known are read again: clocks differ, transactions commit late."""
    timeout_seconds: float = Field(default=20.0, gt=0)

    @field_validator("timezone")
    @classmethod
    def _is_known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone such as Europe/Berlin") from None
        return name

    def state(self, status: str) -> str:
        """cancelled | shipped | open, whatever the shop calls it."""
        plain = status.casefold()
        if plain in map(str.casefold, self.cancelled_statuses):
            return "cancelled"
        return "shipped" if plain in map(str.casefold, self.shipped_statuses) else "open"


def parse(channel: str, settings: Mapping[str, Any]) -> ShopSettings:
    """The settings of a channel. NeedsAttention naming every key that is wrong, and no value."""
    return keys.read(ShopSettings, channel, settings, see="the README of the oscar adapter")
