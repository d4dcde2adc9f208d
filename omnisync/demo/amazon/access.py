"""Who may call the simulated Amazon, and how often: tokens that last an hour, a bucket for each operation."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from omnisync.clock import Clock
from omnisync.demo.amazon.problems import Problem, refused
from omnisync.demo.amazon.seed import Seed
from omnisync.demo.around import Next, around
from omnisync.demo.faults import DOOR

TOKEN_PATH = "/auth/o2/token"  # noqa: S105  a path
DOCUMENTS = "/_documents/"
TOKEN_SECONDS = 3600
SCOPE = "sellingpartnerapi::notifications"

# Amazon's usage plans: calls a second and at once, by method and path.
PLANS = [
    (method, re.compile(path), rate, burst)
    for method, path, rate, burst in (
        ("GET", r"/listings/[^/]+/items/[^/]+", 5.0, 5),
        ("GET", r"/listings/[^/]+/items/[^/]+/.+", 5.0, 10),
        ("PATCH", r"/listings/[^/]+/items/[^/]+/.+", 5.0, 5),
        ("GET", r"/orders/2026-01-01/orders", 0.0056, 20),
        ("GET", r"/orders/2026-01-01/orders/[^/]+", 0.5, 30),
        ("GET", r"/orders/v0/orders/[^/]+/orderItems", 0.5, 30),
        ("POST", r"/orders/v0/orders/[^/]+/shipment", 5.0, 15),
        ("POST", r"/feeds/[^/]+/documents", 0.5, 15),
        ("POST", r"/feeds/[^/]+/feeds", 0.0083, 15),
        ("GET", r"/feeds/[^/]+/feeds/[^/]+", 2.0, 15),
        ("GET", r"/feeds/[^/]+/documents/[^/]+", 0.0222, 10),
        ("GET", r"/fba/inventory/v1/summaries", 2.0, 2),
        ("GET", r"/notifications/v1/subscriptions/[^/]+", 1.0, 5),
        ("POST", r"/notifications/v1/subscriptions/[^/]+", 1.0, 5),
        ("GET", r"/notifications/v1/destinations", 1.0, 5),
        ("POST", r"/notifications/v1/destinations", 1.0, 5),
    )
]
GRANTLESS = re.compile(r"/notifications/v1/destinations")


class Access:
    """The tokens and buckets of one account."""

    def __init__(self, seed: Seed, clock: Clock, chance: random.Random) -> None:
        self._seed, self._clock, self._chance = seed, clock, chance
        self._tokens: dict[str, tuple[str, float]] = {}
        self._buckets: dict[int, tuple[float, float]] = {}
        self.plans = {number: (rate, burst) for number, (_, _, rate, burst) in enumerate(PLANS)}
        self.issued = 0

    def issue(self, form: Mapping[str, str]) -> dict[str, object] | None:
        """An access token for the seller's refresh token, or for the application itself; None for anybody else."""
        if (form.get("client_id"), form.get("client_secret")) != (self._seed.client_id, self._seed.client_secret):
            return None
        kind = {"refresh_token": "seller", "client_credentials": "notifications"}.get(form.get("grant_type", ""))
        if kind == "seller" and form.get("refresh_token") != self._seed.refresh_token:
            return None
        if kind is None or (kind == "notifications" and form.get("scope") != SCOPE):
            return None
        self.issued += 1
        token = f"Atza|{self._chance.getrandbits(96):024x}"
        self._tokens[token] = kind, self._clock.monotonic() + TOKEN_SECONDS
        more = {"refresh_token": self._seed.refresh_token} if kind == "seller" else {}
        return {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_SECONDS, **more}

    def revoke(self) -> None:
        """No token is good any more."""
        self._tokens.clear()

    def refusal(self, path: str, token: str) -> Problem | None:
        """Amazon answers a token that is over with 403, as it does one without the right."""
        kind, until = self._tokens.get(token, ("", 0.0))
        if not kind:
            return Problem(403, "Unauthorized", "Access to requested resource is denied.")
        if until <= self._clock.monotonic():
            return Problem(403, "Unauthorized", "The access token you provided has expired.")
        wanted = "notifications" if GRANTLESS.match(path) else "seller"
        return None if kind == wanted else Problem(403, "Unauthorized", "Access to requested resource is denied.")

    def plan(self, method: str, path: str) -> int | None:
        """The usage plan of a call."""
        found = (number for number, (m, p, _, _) in enumerate(PLANS) if m == method and p.fullmatch(path))
        return next(found, None)

    def spend(self, plan: int) -> Problem | None:
        """A token of that operation's bucket, if one is left."""
        now, (rate, burst) = self._clock.monotonic(), self.plans[plan]
        tokens, at = self._buckets.get(plan, (float(burst), now))
        tokens = min(float(burst), tokens + (now - at) * rate)
        if self._seed.throttled and tokens < 0.999:
            self._buckets[plan] = tokens, now
            return Problem(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
        self._buckets[plan] = tokens - 1, now
        return None


def add_access(app: FastAPI, access: Access) -> None:
    """Give the app its log-in, and let nobody else in without a token or more often than allowed."""

    @app.post(TOKEN_PATH)
    async def token(request: Request) -> Response:
        issued = access.issue(dict(parse_qsl((await request.body()).decode(errors="replace"))))
        if issued is None:
            said = {"error": "invalid_grant", "error_description": "The request has an invalid grant parameter"}
            return JSONResponse(said, 400)
        return JSONResponse(issued)

    @around(app)
    async def admit(request: Request, call_next: Next) -> Response:
        path = request.url.path
        if path in (TOKEN_PATH, "/") or path.startswith((DOOR, DOCUMENTS)):
            return await call_next(request)
        plan = access.plan(request.method, path)
        problem = access.refusal(path, request.headers.get("x-amz-access-token", ""))
        problem = problem or (access.spend(plan) if plan is not None else None)
        response = refused(problem) if problem else await call_next(request)
        if plan is not None and response.status_code not in (403, 429):
            response.headers["x-amzn-RateLimit-Limit"] = f"{access.plans[plan][0]:g}"
        response.headers["x-amzn-RequestId"] = "00000000-0000-0000-0000-000000000000"
        return response
