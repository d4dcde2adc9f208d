"""Calls to Shopware's Admin API and what they answer, as plain JSON."""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from omnisync.adapters.client import AccessToken, Budget, ChannelClient, Reply, Tools
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.errors import NeedsAttention
from omnisync.values import as_utc, parse_time

Json = Mapping[str, Any]
PAGE = 100
"""The most that is asked for or written at once."""
BURST = 20.0
TOKEN_PATH = "/api/oauth/token"  # noqa: S105  a path
RENEW_SECONDS = 60.0
"""Tokens live ten minutes; one is renewed so long before it ends."""
ID = re.compile(r"[0-9a-f]{32}")
AUTH_ACTION = (
    "Check client_id and client_secret, and that the integration (Settings > System > Integrations) is an administrator or has a "
    "role with the rights that the README of the shopware adapter lists."
)


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a search, and the shop's own clock when it answered (None: it does not say)."""

    rows: Sequence[Json]
    at: datetime | None


class Wire:
    """One shop's API."""

    def __init__(self, name: str, settings: ShopSettings, tools: Tools) -> None:
        self.name, self._settings = name, settings
        self.budget = Budget(tools.clock, settings.calls_per_second, max(BURST, 2 * settings.calls_per_second))
        self._client = ChannelClient(
            name,
            settings.base_url.rstrip("/"),
            tools,
            headers={"accept": "application/json"},
            timeout_seconds=settings.timeout_seconds,
            budget=self.budget,
            auth_action=AUTH_ACTION,
        )
        self.their_clock = self._client.their_clock
        self._token = AccessToken(tools.clock, self._log_in, early_seconds=RENEW_SECONDS)

    async def search(self, entity: str, criteria: Json, *, inherit: bool = False) -> Found:
        """A page of things. `inherit`: where a variant has no value of its own, its product's."""
        headers = {"sw-inheritance": "1"} if inherit else {}
        reply = (await self.call("POST", f"search/{entity}", body=criteria, headers=headers)).expect(200)
        return Found(list(reply.json()["data"]), _moment(reply))

    async def by_ids(self, entity: str, ids: Sequence[str], criteria: Json, *, inherit: bool = False) -> list[Json]:
        """These things; what the shop does not have, or cannot have, is left out."""
        known = [id for id in dict.fromkeys(ids) if ID.fullmatch(id)]
        rows: list[Json] = []
        for at in range(0, len(known), PAGE):
            rows += (await self.search(entity, {**criteria, "ids": known[at : at + PAGE]}, inherit=inherit)).rows
        return rows

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Json | Sequence[Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Any status below 500 but those that the client translates, and an address that is not the API's.

        Whatever is sent says what shall be, so that each call may be repeated.
        """

        async def once(token: str) -> Reply:
            told = {**(headers or {}), "authorization": f"Bearer {token}"}
            return await self._client.call(method, f"/api/{path}", body=body, headers=told)

        return self._is_the_api(await self._token.use(once))

    async def close(self) -> None:
        await self._client.close()

    async def _log_in(self) -> tuple[str, float]:
        asked = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        reply = self._is_the_api(await self._client.call("POST", TOKEN_PATH, body=asked))
        if reply.status != 200:
            raise NeedsAttention(
                f"{self.name} gives us no token ({reply.status}).", action=AUTH_ACTION, code="credentials"
            )
        answer = reply.json()
        return str(answer["access_token"]), float(answer["expires_in"])

    def _is_the_api(self, reply: Reply) -> Reply:
        if 300 <= reply.status < 400 or (reply.status == 404 and not errors_of(reply)):
            raise NeedsAttention(
                f"{self.name} has no Shopware API at this address (it answered {reply.status}).",
                action="Set base_url to the shop's own address, with https, without /api and without a redirect.",
                code="address",
            )
        return reply


def errors_of(reply: Reply) -> list[Json]:
    """What a refusal names, one by one; empty when somebody else answered."""
    try:
        body = reply.json()
    except NeedsAttention:
        return []
    errors = body.get("errors") if isinstance(body, Mapping) else None
    return [one for one in errors or () if isinstance(one, Mapping)]


def in_words(errors: Sequence[Json], status: int) -> str:
    """What a refusal says."""
    said = [str(one.get("detail") or one.get("title") or one.get("code")) for one in errors]
    return "; ".join(dict.fromkeys(said))[:500] or f"it answered {status}"


def moment_of(text: Any) -> datetime:
    """A time as the API writes it: with its zone and milliseconds."""
    return parse_time(str(text))


def to_filter(moment: datetime) -> str:
    """A time as the database keeps it: filters compare the text that they are given with that, in UTC."""
    return as_utc(moment).strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _moment(reply: Reply) -> datetime | None:
    try:
        return as_utc(email.utils.parsedate_to_datetime(reply.headers["date"]))
    except (KeyError, ValueError):
        return None
