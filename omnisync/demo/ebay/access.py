"""Who may call the simulated eBay, and how often: access tokens that end, and a number of calls a day."""

from __future__ import annotations

import base64
import binascii
import random
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from omnisync.clock import Clock
from omnisync.demo.around import Next, around
from omnisync.demo.ebay import words
from omnisync.demo.ebay.shop import EBAY_DAY, Refusal
from omnisync.demo.faults import DOOR

TOKEN_PATH = "/identity/v1/oauth2/token"  # noqa: S105  a path
TOKEN_SECONDS = 7200
DAILY_CALLS = {"inventory": 2_000_000, "fulfillment": 100_000}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the application and its seller identify themselves with."""

    client_id: str = "demo-client"
    client_secret: str = field(default="demo-client-secret", repr=False)
    refresh_token: str = field(default="demo-refresh-token", repr=False)


class Door:
    """Lets callers in."""

    def __init__(
        self, credentials: Credentials, clock: Clock, chance: random.Random, daily_calls: dict[str, int] | None = None
    ) -> None:
        self._credentials, self._clock, self._chance = credentials, clock, chance
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._day: date | None = None
        self.daily_calls = dict(DAILY_CALLS if daily_calls is None else daily_calls)
        self.used: dict[str, int] = {}
        self.issued = 0

    def issue(self, authorization: str, form: dict[str, list[str]]) -> dict[str, object] | None:
        """An access token for a seller's refresh token or for the application itself; None for anybody else."""
        if not self._is_us(authorization):
            return None
        asked = form.get("grant_type", [""])[0]
        if asked == "refresh_token" and form.get("refresh_token") == [self._credentials.refresh_token]:
            kind = "User Access Token"
        elif asked == "client_credentials" and form.get("scope"):
            kind = "Application Access Token"
        else:
            return None
        token = f"v^1.1#{self._chance.getrandbits(96):024x}"
        self._tokens[token] = kind, self._clock.now() + timedelta(seconds=TOKEN_SECONDS)
        self.issued += 1
        return {"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": kind}

    def revoke_all(self) -> None:
        """Every token ends now, as when the seller changes the password."""
        self._tokens.clear()

    def _is_us(self, authorization: str) -> bool:
        try:
            given = base64.b64decode(authorization.removeprefix("Basic "), validate=True).decode()
        except (binascii.Error, ValueError):
            return False
        return given == f"{self._credentials.client_id}:{self._credentials.client_secret}"

    def refusal(self, path: str, authorization: str) -> Refusal | None:
        """Why this call is not let in, if it is not."""
        kind, until = self._tokens.get(authorization.removeprefix("Bearer "), ("", self._clock.now()))
        if not kind or until <= self._clock.now():
            return Refusal(1001, "Invalid access token", status=401, domain="OAuth")
        if path.startswith("/sell/") and kind != "User Access Token":
            return Refusal(1100, "Insufficient permissions to fulfill the request.", status=403, domain="ACCESS")
        api = path.split("/")[2] if path.startswith("/sell/") else ""
        return self._spend(api) if api in self.daily_calls else None

    def _spend(self, api: str) -> Refusal | None:
        today = self._clock.now().astimezone(EBAY_DAY).date()
        if today != self._day:
            self._day, self.used = today, {}
        if self.used.get(api, 0) >= self.daily_calls[api]:
            return Refusal(2001, "Too many requests. The request limit has been reached.", status=429, domain="ACCESS")
        self.used[api] = self.used.get(api, 0) + 1
        return None

    def reset(self) -> datetime:
        """When eBay's day ends."""
        today = self._clock.now().astimezone(EBAY_DAY).date()
        return datetime.combine(today + timedelta(days=1), time(), EBAY_DAY)


def add_access(app: FastAPI, door: Door) -> None:
    """Give the app its token endpoint, and let nobody else in without a token."""

    @app.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        form = parse_qs((await request.body()).decode(errors="replace"))
        issued = door.issue(request.headers.get("authorization", ""), form)
        if issued is None:
            said = {"error": "invalid_grant", "error_description": "the provided authorization grant is invalid"}
            return JSONResponse(said, 400)
        return JSONResponse(issued)

    @around(app)
    async def admit(request: Request, call_next: Next) -> Response:
        path = request.url.path
        if path == TOKEN_PATH or path.startswith(DOOR):
            return await call_next(request)
        refusal = door.refusal(path, request.headers.get("authorization", ""))
        return refused(refusal) if refusal else await call_next(request)


def refused(refusal: Refusal) -> Response:
    """A refusal on the wire."""
    return JSONResponse(words.errors(refusal), refusal.status)
