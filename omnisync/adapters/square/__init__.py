"""Square: tills of several stores in one account, by its REST API and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Budget, ChannelClient, Tools
from omnisync.adapters.square.adapter import Square
from omnisync.adapters.square.wire import API_VERSION, PAGE
from omnisync.errors import NeedsAttention
from omnisync.values import format_time, parse_time

PRODUCTION = "https://connect.squareup.com"
CALLS_PER_SECOND, BURST = 10.0, 20.0
"""Square publishes no number: gentle enough to be left alone, and a setting for those who know better."""
SETTINGS = frozenset(
    {
        "access_token",
        "webhook_secret",
        "notification_url",
        "base_url",
        "start_at",
        "calls_per_second",
        "page_size",
        "timeout_seconds",
    }
)


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """The adapter of one account. NeedsAttention names the setting that is missing or wrong."""
    unknown = sorted(set(settings) - SETTINGS)
    if unknown:
        raise _wrong(f"{name}: Square has no setting {unknown[0]!r}.", f"Use one of {', '.join(sorted(SETTINGS))}.")
    token = str(settings.get("access_token") or "")
    if not token:
        raise _wrong(f"{name}: access_token is missing.", 'Set access_token = "env:SQUARE_TOKEN" in its settings.')
    if not places:
        raise _wrong(f"{name}: location_map is empty.", "Map each Square location id to one of your locations.")
    rate = float(settings.get("calls_per_second", CALLS_PER_SECOND))
    client = ChannelClient(
        name=name,
        base_url=str(settings.get("base_url") or PRODUCTION),
        tools=tools,
        headers={"authorization": f"Bearer {token}", "square-version": API_VERSION, "accept": "application/json"},
        timeout_seconds=float(settings.get("timeout_seconds", 10.0)),
        budget=Budget(tools.clock, rate, max(BURST, 2 * rate)),
        auth_action="Renew the access token in Square's Developer Console and check its permissions.",
    )
    return Square(
        name,
        client,
        places,
        webhook_secret=str(settings.get("webhook_secret") or ""),
        notification_url=str(settings.get("notification_url") or f"{public_url.rstrip('/')}/v1/hooks/{name}"),
        hook_url=f"{public_url.rstrip('/')}/v1/hooks/{name}",
        start_at=_start(name, settings.get("start_at")),
        page_size=int(settings.get("page_size", PAGE)),
    )


def _start(name: str, text: Any) -> str | None:
    if text is None:
        return None
    try:
        return format_time(parse_time(str(text)))
    except ValueError:
        raise _wrong(f"{name}: start_at is no time.", "Write it as 2026-11-01T00:00:00Z.") from None


def _wrong(message: str, action: str) -> NeedsAttention:
    return NeedsAttention(message, action=action, code="settings")
