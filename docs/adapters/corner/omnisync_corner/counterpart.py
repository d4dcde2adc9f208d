"""A Corner shop in memory, for tests and for `omnisync torture corner`."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI, HTTPException, Request

from omnisync.adapters.base import Hook
from omnisync.torture.counterpart import Bought, Ground, Simulated
from omnisync.torture.wire import asgi
from omnisync.values import format_time, parse_time

KEY, SECRET = "corner-key-4711", "corner-secret-0815"


@dataclass
class Article:
    id: int
    sku: str
    title: str
    ean: str
    stock: int

    def row(self) -> dict[str, Any]:
        return {"id": self.id, "sku": self.sku, "title": self.title, "ean": self.ean, "stock": self.stock}


@dataclass
class Order:
    id: int
    lines: list[tuple[int, Article | None, int]]
    placed: datetime
    changed: datetime
    state: str = "open"

    def row(self) -> dict[str, Any]:
        lines = [
            {"id": id, "article_id": one and one.id, "sku": one and one.sku, "title": one.title if one else "Gift wrap", "count": n}
            for id, one, n in self.lines
        ]  # fmt: skip
        told = {"id": self.id, "number": f"C-{self.id}", "state": self.state, "lines": lines}
        return told | {"placed_at": format_time(self.placed), "changed_at": format_time(self.changed)}


class Corner(Simulated):
    """The shop with its buyers and its keeper."""

    secrets: Sequence[str] = (KEY, SECRET)
    reasons: Mapping[str, str] = {
        "elsewhere": "the keeper of a Corner shop sends everything himself",
        "expire": "its API key does not end",
        "price": "prices are set in the shop itself",
        "pick_up": "a Corner shop sends everything",
    }

    def __init__(self, ground: Ground) -> None:
        self.clock, self._hook_url, self._last = ground.tools.clock, ground.hook_url, 100
        self.articles = {
            id: Article(id, one.sku, one.title, one.barcode, one.pieces) for id, one in enumerate(ground.goods, 1)
        }
        self.orders: dict[int, Order] = {}
        self._sent: list[Hook] = []
        self.busy = False
        self.transport = asgi(_app(self))
        self.settings: Mapping[str, Any] = {
            "base_url": "http://corner.test", "api_key": KEY, "webhook_secret": SECRET, "page_size": 2
        }  # fmt: skip

    def hooks(self) -> list[Hook]:
        sent, self._sent = self._sent, []
        return sent

    def shown(self, sku: str) -> int:
        return self._article(sku).stock

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if elsewhere:
            raise self.no("elsewhere")
        made = [(self._next(), self._article(sku), n) for sku, n in lines] + (
            [(self._next(), None, 1)] if wrapped else []
        )
        order = Order(self._next(), made, self.clock.now(), self.clock.now())
        self.orders[order.id] = order
        self._move(order, -1)
        self._announce(order)
        return Bought(str(order.id), frozenset({str(order.id)}))

    def ship(self, bought: Bought) -> None:
        self._enter(bought, "sent")

    def cancel(self, bought: Bought) -> None:
        self._move(self._enter(bought, "cancelled"), 1)

    def take_back(self, bought: Bought) -> None:
        self._move(self._enter(bought, "returned"), 1)

    def delist(self, sku: str) -> None:
        del self.articles[self._article(sku).id]

    def number_from(self, id: int) -> None:
        self._last = id

    def limit(self, on: bool) -> None:
        self.busy = on

    # ------------------------------------------------------------ inside

    def _article(self, sku: str) -> Article:
        return next(one for one in self.articles.values() if one.sku == sku)

    def _next(self) -> int:
        self._last += 1
        return self._last

    def _enter(self, bought: Bought, state: str) -> Order:
        order = self.orders[int(bought.id)]
        order.state, order.changed = state, self.clock.now()
        self._announce(order)
        return order

    def _move(self, order: Order, sign: int) -> None:
        for _, article, pieces in order.lines:
            if article is not None:
                article.stock += sign * pieces

    def _announce(self, order: Order) -> None:
        body = json.dumps({"event": f"evt_{self._next()}", "order": order.id}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        self._sent.append(Hook("POST", self._hook_url, {"x-corner-signature": signature}, {}, body))


def _app(shop: Corner) -> FastAPI:
    app = FastAPI(openapi_url=None)

    def admit(request: Request) -> None:
        if request.headers.get("x-api-key") != KEY:
            raise HTTPException(401, "who are you?")
        if shop.busy:
            raise HTTPException(429, "slowly, please", {"retry-after": "60"})

    @app.get("/articles")
    async def articles(request: Request, limit: int, after: str = "") -> dict[str, Any]:
        admit(request)
        found = [one.row() for one in shop.articles.values() if one.id > int(after or 0)]
        return {"articles": found[:limit], "more": len(found) > limit}

    @app.get("/stock")
    async def look(request: Request, ids: str) -> dict[str, Any]:
        admit(request)
        return {"articles": [shop.articles[int(id)].row() for id in ids.split(",") if int(id) in shop.articles]}

    @app.post("/stock")
    async def write(request: Request) -> dict[str, Any]:
        admit(request)
        said = []
        for line in (await request.json())["lines"]:
            article = shop.articles.get(int(line["id"]))
            if article is not None:
                article.stock = line["stock"] if "stock" in line else article.stock + line["by"]
            said.append({"id": line["id"]} | ({} if article else {"error": "unknown"}))
        return {"lines": said}

    @app.get("/orders")
    async def orders(request: Request, limit: int, since: str = "", after: str = "") -> dict[str, Any]:
        admit(request)
        last = (parse_time(since), int(after or 0)) if since else None
        found = sorted(
            (one.changed, one.id) for one in shop.orders.values() if last is None or (one.changed, one.id) > last
        )
        return {"orders": [shop.orders[id].row() for _, id in found[:limit]], "more": len(found) > limit}

    @app.get("/orders/{id}")
    async def order(request: Request, id: int) -> dict[str, Any]:
        admit(request)
        if id not in shop.orders:
            raise HTTPException(404, "no such order")
        return shop.orders[id].row()

    return app
