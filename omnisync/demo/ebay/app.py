"""The simulated eBay put together: one account, its door, its notifications, its faults."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from omnisync.clock import Clock
from omnisync.demo.ebay import words
from omnisync.demo.ebay.access import DAILY_CALLS, Credentials, Door, add_access, refused
from omnisync.demo.ebay.notifying import Ask, Notifications, add_notifications
from omnisync.demo.ebay.seed import Seed
from omnisync.demo.ebay.selling import add_selling
from omnisync.demo.ebay.shop import Refusal, Shop
from omnisync.demo.faults import add_door, add_faults
from omnisync.demo.kept import Books, add_books
from omnisync.demo.outbox import Outbox, Send
from omnisync.routes import LateApp
from omnisync.values import Money

ANALYTICS = "/developer/analytics/v1_beta"


class Act(BaseModel):
    """Body of `POST /_sim/orders/{id}`: what the seller or eBay does with an order outside of omnisync."""

    model_config = ConfigDict(extra="forbid", strict=True)

    action: Literal["ship", "cancel", "refund", "pay"]
    lines: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated account and all that tests and processes need of it."""

    app: FastAPI
    shop: Shop
    door: Door
    notifications: Notifications
    outbox: Outbox
    credentials: Credentials = field(repr=False)

    def settings(self, base_url: str, **more: Any) -> Mapping[str, Any]:
        """The adapter's settings that connect to this account."""
        return {
            "client_id": self.credentials.client_id,
            "client_secret": self.credentials.client_secret,
            "refresh_token": self.credentials.refresh_token,
            "base_url": base_url,
            **more,
        }


def open_account(
    seed: Seed, clock: Clock, chance: random.Random, send: Send, *, ask: Ask | None = None, books: Path | None = None
) -> Simulation:
    """An account ready to be called. Webhooks leave by `send`; challenges are asked by `ask`, none are when it is absent. With `books`
    it goes on from what that file holds."""
    shop = Shop(seed.offers(), clock, chance)
    outbox = Outbox(send, shop.faults, clock, chance)
    told = Notifications(clock, chance, outbox.put, ask)
    shop.listeners.append(told.tell)
    if seed.webhook:
        told.connect(seed.webhook.url, seed.webhook.verification_token, *seed.webhook.topics)
    credentials = Credentials(seed.client_id, seed.client_secret, seed.refresh_token)
    door = Door(credentials, clock, chance, {**DAILY_CALLS, **seed.daily_calls})
    app = LateApp(openapi_url=None)
    add_selling(app, shop)
    add_notifications(app, told)
    _add_analytics(app, door)
    _add_orders_door(app, shop)
    _add_refusals(app)
    add_door(app, shop)
    add_access(app, door)
    add_faults(app, shop.faults, limited=_limited(shop))
    if books is not None:
        tools = {"clock": clock, "chance": chance, "outbox": outbox, "faults": shop.faults, "ask": ask}
        kept = Books(books, {"shop": shop, "notifications": told, "door": door}, tools)
        kept.reopen()
        add_books(app, kept)
    return Simulation(app, shop, door, told, outbox, credentials)


def _add_analytics(app: FastAPI, door: Door) -> None:
    @app.get(f"{ANALYTICS}/rate_limit/")
    async def rate_limit(api_context: str = "", api_name: str = "") -> dict[str, Any]:
        limits = {name: limit for name, limit in door.daily_calls.items() if api_name in ("", name)}
        return words.rate_limits(door.used, limits if api_context in ("", "sell") else {}, door.reset())


def _add_orders_door(app: FastAPI, shop: Shop) -> None:
    @app.post("/_sim/orders/{order_id}")
    async def act(order_id: str, wish: Act) -> dict[str, Any]:
        if order_id not in shop.orders:
            raise HTTPException(404, f"there is no order {order_id}")
        match wish.action:
            case "ship":
                shop.ship(order_id, wish.lines)
            case "cancel":
                shop.cancel(order_id)
            case "refund":
                lines = shop.orders[order_id].lines
                shop.refund(order_id, Money(sum(line.cost.minor for line in lines), lines[0].cost.currency))
            case "pay":
                shop.pay(order_id)
        return {"order": order_id}


def _add_refusals(app: FastAPI) -> None:
    @app.exception_handler(Refusal)
    async def say(request: Request, refusal: Refusal) -> Response:
        return refused(refusal)


def _limited(shop: Shop) -> Any:
    async def limited(request: Request) -> Response:
        refusal = Refusal(2001, "Too many requests. The request limit has been reached.", status=429, domain="ACCESS")
        wait = f"{shop.faults.retry_after_seconds:g}"
        return JSONResponse(words.errors(refusal), 429, {"Retry-After": wait})

    return limited
