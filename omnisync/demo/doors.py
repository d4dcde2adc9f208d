"""How the demo's people reach the server and the simulated channels: over HTTP, like everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.client import ChannelClient, Reply, Tools
from omnisync.demo.books import Books
from omnisync.demo.plan import CHANNELS, Plan
from omnisync.demo.setup import Keys
from omnisync.errors import NeedsAttention, TryLater

PATIENCE_SECONDS = 15.0


class Unreached(Exception):
    """Nobody answered; what was asked for may have happened all the same."""


class Doors:
    """One client for the server's shop side, one for its ops side, one for each simulated channel."""

    def __init__(self, plan: Plan, keys: Keys, tools: Tools, books: Books) -> None:
        server = plan.url("server")
        self._books, self._ids = books, tools.ids
        self._clients = {
            "shop": ChannelClient("omnisync", server, tools, _bearer(keys.shop), PATIENCE_SECONDS),
            "ops": ChannelClient("omnisync", server, tools, _bearer(keys.ops), PATIENCE_SECONDS),
        } | {name: ChannelClient(name, plan.url(name), tools, timeout_seconds=PATIENCE_SECONDS) for name in CHANNELS}

    async def ask(self, who: str, path: str, **params: Any) -> Any:
        """What a GET answers. Unreached when it does not answer 200."""
        reply = await self._call(who, "GET", path, params=params or None)
        if reply.status != 200:
            raise Unreached(f"{who}{path}: {reply.status}")
        return reply.json()

    async def tell(self, who: str, path: str, body: Any, *, method: str = "POST", fine: tuple[int, ...] = ()) -> Reply:
        """A POST to the server under a key of its own. Whatever is neither 2xx nor `fine` goes into the books."""
        headers = {"idempotency-key": self._ids.new()}
        reply = await self._call(who, method, path, body=body, headers=headers)
        if reply.status >= 300 and reply.status not in fine:
            self._books.surprises[f"{method} {_shape(path)} answered {reply.status}: {_detail(reply)}"] += 1
        return reply

    async def visit(self, channel: str, path: str, body: Any) -> Reply:
        """Somebody acts at a channel, once: nobody buys twice because an answer was slow."""
        return await self._call(channel, "POST", path, body=body, repeatable=False)

    async def state(self, channel: str) -> Mapping[str, Any]:
        """A look inside a simulated channel."""
        found: Mapping[str, Any] = await self.ask(channel, "/_sim/state")
        return found

    async def answers(self, who: str, path: str) -> bool:
        """Whether somebody is there already."""
        try:
            # A client of its own would not remember failures; these are expected, so the breaker must not.
            self._clients[who].breaker.succeeded()
            return (await self._clients[who].call("GET", path, repeatable=False)).status == 200
        except (TryLater, NeedsAttention):
            return False

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def _call(self, who: str, method: str, path: str, **rest: Any) -> Reply:
        try:
            return await self._clients[who].call(method, path, **rest)
        except TryLater as error:
            if " answered 500" in error.message:
                self._books.surprises[f"{method} {_shape(path)} answered 500"] += 1
            raise Unreached(error.message) from error
        except NeedsAttention as error:
            self._books.surprises[f"{method} {_shape(path)}: {error.message}"] += 1
            raise Unreached(error.message) from error


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _shape(path: str) -> str:
    """The path with its identifiers left out, so that alike things are counted together."""
    return "/".join("{id}" if len(part) == 26 else part for part in path.split("/"))


def _detail(reply: Reply) -> str:
    try:
        return str(reply.json().get("detail", ""))[:160]
    except (NeedsAttention, AttributeError):
        return ""
