"""Settings from TOML and the environment, checked as a whole; errors name file, line, key and the nearest right name."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(_Section):
    """Where the ledger lives."""

    url: str = "sqlite:///omnisync.db"


class ServerSettings(_Section):
    """The HTTP side."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = ""
    public_availability: bool = False
    limited_below: int = Field(default=3, ge=1)


class LocationSettings(_Section):
    """A store or warehouse."""

    code: str
    name: str
    kind: Literal["store", "warehouse"] = "store"
    timezone: str = "Europe/Berlin"
    stock_owner: str = "ledger"
    pickup: Literal["off", "local", "network"] = "local"
    transfer_days: int = Field(default=2, ge=0)
    hours: dict[str, str] = Field(default_factory=dict)
    holidays: str | None = None
    special: dict[str, str] = Field(default_factory=dict)
    lead_minutes: int = Field(default=120, ge=0)
    collect_days: int = Field(default=3, ge=1)
    pickup_at_till: Literal["never", "unpaid", "all"] = "unpaid"
    email: str | None = None
    """Gets a mail for each new pickup."""


class ChannelPolicy(_Section):
    """What a channel shows, and how carefully."""

    shows: Literal["available", "on_hand"] | None = None
    """Default by adapter."""
    buffer: int | str = 0
    """Pieces, or "10%"."""
    max_listed: int | None = Field(default=None, ge=0)
    stop_at: int = Field(default=0, ge=0)
    prices: Literal["off", "now", "at_opening"] = "now"
    notify: Literal["channel", "omnisync", "none"] = "channel"
    unpaid_days: int = Field(default=7, ge=1)
    drift: Literal["repair", "show"] = "repair"
    blast_guard: bool = True
    blast_zero_percent: int = Field(default=10, ge=0, le=100)
    blast_zero_least: int = Field(default=20, ge=0)
    blast_price_percent: int = Field(default=30, ge=0)


class ChannelSettings(_Section):
    """One connected account."""

    name: str
    adapter: str
    title: str = ""
    locations: list[str]
    """Whose stock it sells, in order of preference."""
    location_map: dict[str, str] = Field(default_factory=dict)
    """The channel's place -> our location."""
    policy: ChannelPolicy = ChannelPolicy()
    settings: dict[str, Any] = Field(default_factory=dict)
    """The adapter's own, with secrets already read from env: or file:."""


class Settings(_Section):
    """Everything in `omnisync.toml`."""

    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    locations: list[LocationSettings] = Field(default_factory=list)
    channels: list[ChannelSettings] = Field(default_factory=list)

    def location(self, code: str) -> LocationSettings:
        """The location of that code. KeyError when there is none."""
        return {location.code: location for location in self.locations}[code]

    def channel(self, name: str) -> ChannelSettings:
        """The channel of that name. KeyError when there is none."""
        return {channel.name: channel for channel in self.channels}[name]
