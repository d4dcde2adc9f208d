"""Square: tills of several stores in one account, by its REST API and webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters import keys
from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Budget, ChannelClient, Tools
from omnisync.adapters.square.adapter import Square
from omnisync.adapters.square.settings import Account
from omnisync.adapters.square.wire import API_VERSION
from omnisync.errors import NeedsAttention

BURST = 20.0
SETTINGS = Account


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """The adapter of one account. NeedsAttention names the setting that is missing or wrong."""
    account = keys.read(Account, name, settings, see="the README of the square adapter")
    if not places:
        raise NeedsAttention(
            f"{name}: location_map is empty.",
            action="Map each Square location id to one of your locations.",
            code="settings",
        )
    own_url = f"{public_url.rstrip('/')}/v1/hooks/{name}"
    client = ChannelClient(
        name=name,
        base_url=account.base_url,
        tools=tools,
        headers={
            "authorization": f"Bearer {account.access_token}",
            "square-version": API_VERSION,
            "accept": "application/json",
        },
        timeout_seconds=account.timeout_seconds,
        budget=Budget(tools.clock, account.calls_per_second, max(BURST, 2 * account.calls_per_second)),
        auth_action="Renew the access token in Square's Developer Console and check its permissions.",
    )
    return Square(
        name,
        client,
        places,
        webhook_secret=account.webhook_secret or "",
        notification_url=account.notification_url or own_url,
        hook_url=own_url,
        start_at=account.start_at,
        page_size=account.page_size,
    )
