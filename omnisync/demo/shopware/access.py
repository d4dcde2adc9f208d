"""Who may call: an integration's key and secret bring a token that lives ten minutes."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import Request

from omnisync.clock import Clock
from omnisync.demo.shopware.problems import Problem, problem

SECONDS = 600


class Door:
    """The tokens of one shop."""

    def __init__(self, client_id: str, client_secret: str, clock: Clock) -> None:
        self._id, self._secret, self._clock = client_id, client_secret, clock
        self._tokens: dict[str, float] = {}
        self.issued = 0

    async def issue(self, request: Request) -> dict[str, object]:
        """A new token; the credentials stand in the body or, as a Basic header, beside it."""
        asked = {**_form(await request.body()), **_basic(request.headers.get("authorization", ""))}
        if asked.get("grant_type") != "client_credentials":
            raise problem(400, "2", "The authorization grant type is not supported.", "Check the grant_type.")
        right = asked.get("client_id") == self._id
        if not hmac.compare_digest(asked.get("client_secret", "").encode(), self._secret.encode()) or not right:
            raise problem(401, "4", "Client authentication failed", "Client authentication failed")
        self.issued += 1
        token = f"token-{self.issued}-of-{self._id}"
        self._tokens[token] = self._clock.monotonic() + SECONDS
        return {"token_type": "Bearer", "expires_in": SECONDS, "access_token": token}

    def check(self, request: Request) -> None:
        """Problem when the token is none of ours, or over."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self._clock.monotonic() >= self._tokens.get(token, float("-inf")):
            raise _denied()

    def revoke(self) -> None:
        """As when the shop's keys are renewed: no token is good any more."""
        self._tokens.clear()


def _denied() -> Problem:
    title = "The resource owner or authorization server denied the request."
    return problem(401, "9", title, "Access token could not be verified")


def _form(raw: bytes) -> Mapping[str, str]:
    try:
        return dict(json.loads(raw))
    except ValueError:
        return dict(parse_qsl(raw.decode()))


def _basic(header: str) -> Mapping[str, str]:
    if not header.startswith("Basic "):
        return {}
    id, _, secret = base64.b64decode(header[6:]).decode().partition(":")
    return {"client_id": id, "client_secret": secret}
