"""Calls Vendure's admin API: a session that is opened anew when it ran out, and what its errors ask of whom."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.client import ChannelClient, Tools
from omnisync.adapters.vendure import documents
from omnisync.adapters.vendure.settings import ShopSettings
from omnisync.errors import NeedsAttention, TryLater

TOKEN = "vendure-auth-token"  # noqa: S105  the name of a header
MEND_ACCOUNT = (
    "Check username, password and channel_token, and that the role of this administrator may read and update the catalogue "
    "and orders and read settings and stock locations."
)
REFUSALS = ("ENTITY_NOT_FOUND", "USER_INPUT_ERROR", "ILLEGAL_OPERATION", "CHANNEL_NOT_FOUND")


class Declined(NeedsAttention):
    """The shop understood the operation and will not do it; `code` is its own."""


class Failed(TryLater):
    """The shop stumbled over the operation; nothing of it was kept, for each is one transaction."""


class Admin:
    """One shop's admin API."""

    def __init__(self, name: str, settings: ShopSettings, tools: Tools) -> None:
        self.name, self._settings = name, settings
        self._session: Mapping[str, str] | None = None
        self._log_in_once = asyncio.Lock()
        channel = {"vendure-token": settings.channel_token} if settings.channel_token else {}
        self._client = ChannelClient(
            name,
            settings.base_url.rstrip("/"),
            tools,
            headers={"accept": "application/json", **channel},
            timeout_seconds=settings.timeout_seconds,
            auth_action=MEND_ACCOUNT,
        )
        self.their_clock = self._client.their_clock

    async def run(
        self, document: str, variables: Mapping[str, Any] | None = None, *, repeatable: bool = True
    ) -> dict[str, Any]:
        """The data of one operation. Where the session ran out, a new one is opened, once."""
        session = self._session or await self._log_in(None)
        answer = await self._post(document, variables or {}, session, repeatable)
        if "FORBIDDEN" in _codes(answer):
            session = await self._log_in(session)
            answer = await self._post(document, variables or {}, session, repeatable)
        return self._data(answer)

    async def close(self) -> None:
        await self._client.close()

    async def _log_in(self, spent: Mapping[str, str] | None) -> Mapping[str, str]:
        """The session that comes after `spent`: of many callers who lost it only one logs in."""
        async with self._log_in_once:
            if self._session is None or self._session is spent:
                self._session = await self._new_session()
            return self._session

    async def _new_session(self) -> Mapping[str, str]:
        secret = {"username": self._settings.username, "password": self._settings.password.get_secret_value()}
        reply = await self._client.call("POST", self._settings.admin_path, body=_body(documents.LOGIN, secret))
        answer = self._data(reply.expect(200).json())["login"]
        if answer["__typename"] != "CurrentUser":
            raise NeedsAttention(f"{self.name} refuses our credentials.", action=MEND_ACCOUNT, code="credentials")
        if token := reply.headers.get(TOKEN):
            return {"authorization": f"Bearer {token}"}
        if "set-cookie" in reply.headers:  # the client brings it along
            return {"accept": "application/json"}
        raise NeedsAttention(
            f"{self.name} opens no session that lasts.",
            action="Add 'bearer' to authOptions.tokenMethod in the shop's vendure-config.",
            code="credentials",
        )

    async def _post(
        self, document: str, variables: Mapping[str, Any], session: Mapping[str, str], repeatable: bool
    ) -> dict[str, Any]:
        reply = await self._client.call(
            "POST", self._settings.admin_path, body=_body(document, variables), headers=session, repeatable=repeatable
        )
        answer = reply.expect(200).json()
        if not isinstance(answer, dict) or not answer.keys() & {"data", "errors"}:
            raise NeedsAttention(
                f"{self.name} answered with something that is no GraphQL.",
                action="Check base_url and admin_path: they name the shop's admin API, not its dashboard.",
            )
        return answer

    def _data(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        errors = answer.get("errors")
        if not errors:
            return dict(answer["data"])
        codes, said = _codes(answer), "; ".join(str(error.get("message", ""))[:300] for error in errors)
        if "FORBIDDEN" in codes:
            raise NeedsAttention(f"{self.name} does not allow this: {said}", action=MEND_ACCOUNT, code="credentials")
        refused = [code for code in codes if code in REFUSALS]
        if refused:
            raise Declined(
                f"{self.name} refused an operation: {said}", action="Look at the shop's message.", code=refused[0]
            )
        raise Failed(f"{self.name} failed on its side: {said}")


def _body(document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {"query": document, "variables": dict(variables)}


def _codes(answer: Mapping[str, Any]) -> Sequence[str]:
    return [str((error.get("extensions") or {}).get("code", "")) for error in answer.get("errors") or ()]
