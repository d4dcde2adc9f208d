"""Calling the Selling Partner API: access tokens, a budget for each operation as its usage plan says, errors in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import quote, urlencode

import omnisync
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.client import AccessToken, Budget, ChannelClient, NotAdmitted, RateLimited, Reply, Tools
from omnisync.errors import NeedsAttention

Json = Mapping[str, Any]
Grant = Literal["seller", "notifications"]
"""Whose token it takes: the seller's, or the application's own (Amazon calls those operations grantless)."""

RENEW_SECONDS = 120
"""Tokens live an hour; one is renewed so long before it ends."""
SCARCE = 0.1
"""Operations with fewer calls a second are not tried again inside one call: each try is worth minutes."""
LIMIT = "x-amzn-ratelimit-limit"
AUTH_ACTION = (
    "Check client_id, client_secret and refresh_token, and that the application has the roles that the README of the amazon adapter "
    "lists; let the seller authorize it again and put the new refresh_token into the settings, then sync again."
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API and its default usage plan: calls a second, and how many at once."""

    method: str
    path: str
    rate: float
    burst: int
    grant: Grant = "seller"


LISTINGS, ORDERS, FEEDS = "/listings/2021-08-01/items", "/orders/2026-01-01/orders", "/feeds/2021-06-30"
ORDERS_V0, NOTICES = "/orders/v0/orders", "/notifications/v1"

OPERATIONS = {
    "searchListingsItems": Operation("GET", f"{LISTINGS}/{{}}", 5, 5),
    "getListingsItem": Operation("GET", f"{LISTINGS}/{{}}/{{}}", 5, 10),
    "patchListingsItem": Operation("PATCH", f"{LISTINGS}/{{}}/{{}}", 5, 5),
    "searchOrders": Operation("GET", ORDERS, 0.0056, 20),
    "getOrder": Operation("GET", f"{ORDERS}/{{}}", 0.5, 30),
    "getOrderItems": Operation("GET", f"{ORDERS_V0}/{{}}/orderItems", 0.5, 30),
    "updateShipmentStatus": Operation("POST", f"{ORDERS_V0}/{{}}/shipment", 5, 15),
    "createFeedDocument": Operation("POST", f"{FEEDS}/documents", 0.5, 15),
    "createFeed": Operation("POST", f"{FEEDS}/feeds", 0.0083, 15),
    "getFeed": Operation("GET", f"{FEEDS}/feeds/{{}}", 2, 15),
    "getFeedDocument": Operation("GET", f"{FEEDS}/documents/{{}}", 0.0222, 10),
    "getInventorySummaries": Operation("GET", "/fba/inventory/v1/summaries", 2, 2),
    "getSubscription": Operation("GET", f"{NOTICES}/subscriptions/{{}}", 1, 5),
    "createSubscription": Operation("POST", f"{NOTICES}/subscriptions/{{}}", 1, 5),
    "getDestinations": Operation("GET", f"{NOTICES}/destinations", 1, 5, "notifications"),
    "createDestination": Operation("POST", f"{NOTICES}/destinations", 1, 5, "notifications"),
}


class Calls:
    """One account's line to Amazon."""

    def __init__(self, name: str, account: Account, tools: Tools) -> None:
        agent = {"user-agent": f"omnisync/{omnisync.__version__} (Language=Python)", "accept": "application/json"}
        self.client = ChannelClient(
            name, account.endpoint, tools, headers=agent, timeout_seconds=account.timeout_seconds, auth_action=AUTH_ACTION
        )  # fmt: skip
        self.budgets = {name: Budget(tools.clock, one.rate, one.burst) for name, one in OPERATIONS.items()}
        self._account = account
        secret = {"client_id": account.client_id, "client_secret": account.client_secret.get_secret_value()}
        forms: Mapping[Grant, Mapping[str, str]] = {
            "seller": {
                "grant_type": "refresh_token",
                "refresh_token": account.refresh_token.get_secret_value(),
                **secret,
            },
            "notifications": {
                "grant_type": "client_credentials",
                "scope": "sellingpartnerapi::notifications",
                **secret,
            },
        }
        self._tokens = {
            grant: AccessToken(tools.clock, partial(self._log_in, form), early_seconds=RENEW_SECONDS)
            for grant, form in forms.items()
        }

    async def call(self, name: str, *names: str, params: Json | None = None, body: Any = None) -> Reply:
        """One call of an operation; `names` stand in its address. Lists among `params` are joined by commas."""
        one, budget = OPERATIONS[name], self.budgets[name]
        path = one.path.format(*(quote(part, safe="") for part in names))
        query = {key: ",".join(value) if isinstance(value, tuple) else value for key, value in (params or {}).items()}

        async def once(token: str) -> Reply:
            await budget.take()
            try:
                return await self.client.call(
                    one.method, path, params=query or None, body=body,
                    headers={"x-amz-access-token": token}, repeatable=one.rate >= SCARCE,
                )  # fmt: skip
            except RateLimited as limited:
                raise _slower(budget, limited) from limited
            except NeedsAttention as refused:
                # Amazon answers a token that is over with 403 as well as one without the right.
                raise NotAdmitted(refused.message, action=refused.action, code=refused.code) from refused

        reply = await self._tokens[one.grant].use(once)
        _learn(budget, reply)
        return reply

    async def get(self, name: str, *names: str, **params: Any) -> Any:
        """What a reading operation answers; NeedsAttention when it is anything but 200."""
        return (await self.call(name, *names, params=params)).expect(200).json()

    async def _log_in(self, form: Mapping[str, str]) -> tuple[str, float]:
        reply = await self.client.call(
            "POST",
            self._account.token_url,
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded;charset=UTF-8"},
        )
        if reply.status != 200:
            raise NeedsAttention(
                f"{self.client.name} gives us no access token ({reply.status}).", action=AUTH_ACTION, code="credentials"
            )
        answer = reply.json()
        return str(answer["access_token"]), float(answer["expires_in"])


def _slower(budget: Budget, limited: RateLimited) -> RateLimited:
    """Amazon seldom says how long to wait: until the operation's next token."""
    wait = limited.retry_after_seconds or 1 / budget.rate
    budget.feed(1 - wait * budget.rate)
    return RateLimited(limited.message, retry_after_seconds=wait)


def _learn(budget: Budget, reply: Reply) -> None:
    """Sellers with much business are allowed more than the default, and hear of it with each answer."""
    try:
        rate = float(reply.headers.get(LIMIT, ""))
    except ValueError:
        return
    if 0 < rate < 10_000:
        budget.rate = rate


def rows(answer: Any, where: str, *names: str) -> list[Json]:
    """The things in an answer, each with what it is known by. NeedsAttention for anything else: a list that is not there is no empty
    list, or all listings would be taken for gone."""
    found = answer.get(where) if isinstance(answer, Mapping) else None
    if not isinstance(found, list):
        raise unknown_form(f"no {where}")
    for one in found:
        if not isinstance(one, Mapping) or not all(isinstance(one.get(name), str) and one[name] for name in names):
            raise unknown_form(f"{where} without {' or '.join(names)}")
    return found


def unknown_form(what: str) -> NeedsAttention:
    """An answer that has not even what everything in it is known by."""
    return NeedsAttention(
        f"Amazon answered in a form that this version does not know: {what}.",
        action="If it stays so, Amazon has changed its API, or something answers in its place: look at base_url, and update omnisync.",
        code="unknown-form",
    )


def in_words(answer: Any) -> str:
    """Errors or issues of one of Amazon's answers as one text: `90220 'size' is required`."""
    found: Sequence[Json] = (answer.get("errors") or answer.get("issues") or ()) if isinstance(answer, Mapping) else ()
    return "; ".join(f"{one.get('code', '')} {one.get('message', '')}".strip() for one in found)
