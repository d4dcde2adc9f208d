"""Calling eBay: access tokens that renew themselves, a budget for each API, its errors in words."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal
from urllib.parse import urlencode

from omnisync.adapters.client import AccessToken, Budget, ChannelClient, Reply, Tools
from omnisync.adapters.ebay.settings import Account
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import parse_time

Grant = Literal["user", "application"]
"""The seller's own data need a user token; public keys, topics and call limits an application token."""

INVENTORY = "/sell/inventory/v1"
FULFILLMENT = "/sell/fulfillment/v1"
NOTIFICATION = "/commerce/notification/v1"
ANALYTICS = "/developer/analytics/v1_beta"

TOKEN_PATH = "/identity/v1/oauth2/token"  # noqa: S105  a path
API_SCOPE = "https://api.ebay.com/oauth/api_scope"
RENEW_SECONDS = 300
"""A token is renewed so long before it ends."""
LIMITS_SECONDS = 3600
"""The daily limits are asked for once in so many seconds."""
DAY_SECONDS = 86_400

AUTH_ACTION = (
    "Check client_id and client_secret, let the seller grant access again (scopes sell.inventory and "
    "sell.fulfillment), put the new refresh_token into the settings, then sync again."
)

# Calls a day of an application that eBay has not raised; `learn_limits` replaces them by what eBay says.
DAILY_CALLS = {INVENTORY: 2_000_000, FULFILLMENT: 100_000}
_API_NAMES = {"inventory": INVENTORY, "fulfillment": FULFILLMENT}


def tokens(client: ChannelClient, account: Account, tools: Tools) -> dict[Grant, AccessToken]:
    """One of each kind."""

    async def fetch(form: Mapping[str, str]) -> tuple[str, float]:
        basic = base64.b64encode(f"{account.client_id}:{account.client_secret}".encode()).decode()
        reply = await client.call(
            "POST",
            TOKEN_PATH,
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded", "authorization": f"Basic {basic}"},
        )
        if reply.status != 200:
            raise NeedsAttention(
                f"{client.name} gives us no access token ({reply.status}).", action=AUTH_ACTION, code="credentials"
            )
        answer = reply.json()
        return str(answer["access_token"]), float(answer["expires_in"])

    forms: Mapping[Grant, Mapping[str, str]] = {
        "user": {"grant_type": "refresh_token", "refresh_token": account.refresh_token},
        "application": {"grant_type": "client_credentials", "scope": API_SCOPE},
    }
    return {
        grant: AccessToken(tools.clock, partial(fetch, form), early_seconds=RENEW_SECONDS)
        for grant, form in forms.items()
    }


class Calls:
    """One account's line to eBay."""

    def __init__(self, name: str, account: Account, tools: Tools) -> None:
        self._clock = tools.clock
        self.client = ChannelClient(name, account.base_url.rstrip("/"), tools, auth_action=AUTH_ACTION)
        self._tokens = tokens(self.client, account, tools)
        self._budgets = {api: Budget(tools.clock, calls / DAY_SECONDS, calls) for api, calls in DAILY_CALLS.items()}
        self._limits_due = 0.0

    async def call(
        self,
        method: str,
        api: str,
        path: str,
        *,
        grant: Grant = "user",
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        repeatable: bool = True,
    ) -> Reply:
        """One call with a good token; a token that eBay refuses is renewed once."""

        async def once(token: str) -> Reply:
            if api in self._budgets:
                await self._budgets[api].take()
            return await self.client.call(
                method,
                api + path,
                params=params,
                body=body,
                headers={"authorization": f"Bearer {token}", "accept": "application/json"},
                repeatable=repeatable,
            )

        return await self._tokens[grant].use(once)

    async def get(self, api: str, path: str, *, grant: Grant = "user", **params: str) -> Any:
        """What a resource holds; NeedsAttention when eBay answers anything but 200."""
        return (await self.call("GET", api, path, grant=grant, params=params or None)).expect().json()

    async def learn_limits(self) -> dict[str, tuple[int, int]]:
        """Ask how many calls are left today, believe it, and return (left, limit) by API."""
        answer = await self.call("GET", ANALYTICS, "/rate_limit/", grant="application", params={"api_context": "sell"})
        found: dict[str, tuple[int, int]] = {}
        for one in () if answer.status == 204 else answer.expect().json().get("rateLimits", ()):
            api = _API_NAMES.get(str(one.get("apiName", "")).lower())
            rates = [rate for resource in one.get("resources", ()) for rate in resource.get("rates", ())]
            if api and rates:
                found[api] = self._believe(api, min(rates, key=lambda rate: int(rate["remaining"])))
        self._limits_due = self._clock.monotonic() + LIMITS_SECONDS
        return found

    async def refresh_limits(self) -> None:
        """`learn_limits` when it is due. That eBay's statistics do not answer is no reason to stop selling."""
        if self._clock.monotonic() < self._limits_due:
            return
        self._limits_due = self._clock.monotonic() + LIMITS_SECONDS
        try:
            await self.learn_limits()
        except (TryLater, NeedsAttention):
            return

    def _believe(self, api: str, rate: Mapping[str, Any]) -> tuple[int, int]:
        left, limit = int(rate["remaining"]), int(rate["limit"])
        seconds = max(1.0, (parse_time(rate["reset"]) - self._clock.now()).total_seconds())
        # Nothing left: the first token comes back when eBay's window resets, not drop by drop.
        per_second = limit / max(1, int(rate.get("timeWindow") or DAY_SECONDS)) if left else 1 / seconds
        self._budgets[api].feed(left, rate=per_second, burst=limit)
        return left, limit


def complaints(answer: Any) -> list[dict[str, Any]]:
    """The errors in one of eBay's answers or parts of answers."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return [error for error in errors or () if isinstance(error, dict)]


def in_words(errors: list[dict[str, Any]]) -> str:
    """eBay's errors as one text: `25709 Invalid value for sku`."""
    return "; ".join(
        f"{error.get('errorId', '?')} {error.get('longMessage') or error.get('message') or ''}".strip()
        for error in errors
    )
