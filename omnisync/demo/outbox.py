"""Where simulated channels put their webhooks: sent again until answered, and doubled, reordered or lost on demand."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from omnisync.adapters.base import Hook
from omnisync.adapters.client import ChannelClient, Tools
from omnisync.clock import Clock
from omnisync.demo.faults import Faults
from omnisync.errors import NeedsAttention, TryLater

REORDER_SECONDS = 2.0
TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Webhook:
    """A signed request, ready to go."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Send(Protocol):
    """Brings a webhook to its receiver: true when that answered 2xx."""

    def __call__(self, webhook: Webhook) -> Awaitable[bool]: ...


@dataclass(slots=True)
class _Parcel:
    webhook: Webhook
    due: float
    tries: int = 0


class Outbox:
    """Webhooks under way. `delays` are the pauses before each repetition; after the last one it is given up."""

    def __init__(
        self,
        send: Send,
        faults: Faults,
        clock: Clock,
        chance: random.Random,
        *,
        delays: Sequence[float] = (1, 2, 4, 8, 15, 30, 60),
    ) -> None:
        self._send, self._faults, self._clock, self._chance, self._delays = send, faults, clock, chance, delays
        self._parcels: list[_Parcel] = []
        self.delivered = 0
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._parcels)

    def put(self, webhook: Webhook) -> None:
        """Hand one in; whether it arrives once, twice, late or never is up to the faults."""
        if self._faults.lose:
            return
        for _ in range(2 if self._faults.double else 1):
            late = self._chance.uniform(0, REORDER_SECONDS) if self._faults.reorder else 0.0
            self._parcels.append(_Parcel(webhook, self._clock.monotonic() + late))

    async def flush(self) -> None:
        """Send what is due now, in order of its time."""
        now = self._clock.monotonic()
        due = sorted((parcel for parcel in self._parcels if parcel.due <= now), key=lambda parcel: parcel.due)
        self._parcels = [parcel for parcel in self._parcels if parcel.due > now]
        await asyncio.gather(*(self._deliver(parcel) for parcel in due))

    async def run(self) -> None:
        """Send for ever, as a running channel does."""
        while True:
            await self.flush()
            await self._clock.sleep(TICK_SECONDS)

    async def _deliver(self, parcel: _Parcel) -> None:
        if await self._send(parcel.webhook):
            self.delivered += 1
            return
        if parcel.tries >= len(self._delays):
            self.given_up += 1
            return
        parcel.due = self._clock.monotonic() + self._delays[parcel.tries]
        parcel.tries += 1
        self._parcels.append(parcel)


class Kept(Outbox):
    """Webhooks that nobody sends: whoever plays the network fetches them."""

    def __init__(self) -> None:
        self._kept: list[Hook] = []

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, webhook: Webhook, *, method: str = "POST") -> None:
        """Keep it as our server would be handed it."""
        query = dict(parse_qsl(urlsplit(webhook.url).query, keep_blank_values=True))
        self._kept.append(Hook(method, webhook.url, dict(webhook.headers), query, webhook.body))

    def take(self) -> list[Hook]:
        """Those since the last time."""
        taken, self._kept = self._kept, []
        return taken


def http_sender(tools: Tools, name: str = "webhook receiver") -> tuple[Send, Callable[[], Awaitable[None]]]:
    """A sender over HTTP, and how to close it."""
    client = ChannelClient(name, "", tools, timeout_seconds=5.0)

    async def send(webhook: Webhook) -> bool:
        try:
            reply = await client.call(
                "POST", webhook.url, content=webhook.body, headers=webhook.headers, repeatable=False
            )
        except (TryLater, NeedsAttention):
            return False
        return 200 <= reply.status < 300

    return send, client.close
