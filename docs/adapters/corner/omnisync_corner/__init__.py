"""Corner, a small shop system, as a channel of omnisync."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from omnisync.adapters import keys
from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync_corner.adapter import CornerShop


class CornerSettings(BaseModel):
    """`[channels.settings]` of a channel with `adapter = "corner"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(pattern=r"^https?://")
    api_key: SecretStr = Field(min_length=1)
    webhook_secret: SecretStr = Field(min_length=1)
    page_size: int = Field(default=50, ge=1, le=200)


SETTINGS = CornerSettings


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """One shop. NeedsAttention when the settings cannot be used."""
    found = keys.read(CornerSettings, name, settings, see="the README of omnisync-corner")
    return CornerShop(
        name,
        found.base_url,
        found.api_key.get_secret_value(),
        found.webhook_secret.get_secret_value(),
        found.page_size,
        tools,
    )
