"""What omnisync asks of a channel, answered by Corner's API."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from omnisync.adapters.base import (
    Can,
    Check,
    Fact,
    Forged,
    Hook,
    Identified,
    LevelSeen,
    ListingPage,
    Message,
    News,
    Outcome,
    Page,
    Published,
    Shown,
    Subscription,
    Target,
    Unreadable,
    Write,
)
from omnisync.adapters.client import ChannelClient, Tools
from omnisync.errors import NeedsAttention
from omnisync.values import format_time, parse_time
from omnisync_corner import mapping

SIGNATURE = "x-corner-signature"
OVERLAP = timedelta(minutes=2)
Value = TypeVar("Value")


class CornerShop:
    """Speaks for one shop."""

    can = Can(write=Write.ABSOLUTE, batch_size=100, webhooks=True)

    def __init__(self, name: str, base_url: str, api_key: str, secret: str, page_size: int, tools: Tools) -> None:
        self.name, self._secret, self._page_size = name, secret.encode(), page_size
        self._client = ChannelClient(name, base_url, tools, headers={"x-api-key": api_key})

    def __repr__(self) -> str:
        return f"CornerShop({self.name!r})"

    # ------------------------------------------------------------ what Corner sends

    def identify(self, hook: Hook) -> Identified:
        """The HMAC of the raw body; the event's own id, so that the same event is one message however often it comes."""
        wanted = hmac.new(self._secret, hook.body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(hook.headers.get(SIGNATURE, "").encode(), wanted.encode()):
            return Forged("The signature of Corner is missing or wrong.")
        try:
            told = json.loads(hook.body)
            return Message(str(told["event"]), "order", str(told["order"]))
        except (ValueError, KeyError, TypeError):
            return Message(hashlib.sha256(hook.body).hexdigest(), "unknown")

    def read(self, hook: Hook) -> Sequence[Fact]:
        """Nothing: a webhook only says which order changed."""
        return ()

    def subject(self, hook: Hook) -> str | None:
        """The order that is read again for it."""
        found = self.identify(hook)
        return found.resource if isinstance(found, Message) else None

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        """The order as it is now, not as it was when the webhook left."""
        order = self.subject(hooks[0])
        if order is None:
            return [Unreadable("hook", "This webhook names no order.", "Discard it; polling finds the order.")]
        reply = await self._client.call("GET", f"/orders/{order}")
        return [] if reply.status == 404 else [mapping.order(reply.expect(200).json())]

    # ------------------------------------------------------------ what we read

    async def check(self) -> Sequence[Check]:
        await self._ask("/articles", limit=1)
        return [Check("credentials", True, "Corner lets us in")]

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """Orders by the moment of their last change and their id, so that what changes meanwhile comes on a later page. Each pass
        begins a little before the end of the last one: what changed in the very moment that was read is not lost."""
        since, _, after = (cursor or "").partition("/")
        page = await self._ask("/orders", since=since, after=after, limit=self._page_size)
        orders = _read(page, lambda: list(page["orders"]))
        more = _read(page, lambda: bool(page["more"]))
        if orders:
            cursor = _read(page, lambda: _position(orders[-1], OVERLAP * (not more)))
        return Page([mapping.order(one) for one in orders], cursor, more)

    async def listings(self, cursor: str | None) -> ListingPage:
        page = await self._ask("/articles", after=cursor or "", limit=self._page_size)
        found = _read(page, lambda: [mapping.listing(one) for one in page["articles"]])
        last = found[-1].external_id if found else cursor
        return ListingPage(found, last, more=_read(page, lambda: bool(page["more"])))

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        page = await self._ask("/stock", ids=",".join(target.external_id for target in targets))
        return _read(page, lambda: [mapping.level(one) for one in page["articles"]])

    # ------------------------------------------------------------ what we write

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        """Absolute numbers: safe to repeat. Corner answers line by line, so that one refusal spoils no other."""
        lines = [{"id": one.target.external_id, "stock": one.quantity} for one in shown if one.quantity is not None]
        if not lines:
            return [Published(Outcome.APPLIED) for _ in shown]
        reply = (await self._client.call("POST", "/stock", body={"lines": lines})).expect(200).json()
        faults = _read(reply, lambda: {str(one["id"]): one.get("error") for one in reply["lines"]})
        return [_fate(faults, one) for one in shown]

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        return [Published(Outcome.APPLIED) for _ in news]

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        """They are made by hand in Corner's settings."""
        return wanted

    async def fetch_key(self, kid: str) -> bytes:
        raise NeedsAttention("Corner signs with a secret, not with keys.", action="None is needed.")

    async def done(self, receipts: Sequence[str]) -> None:
        """Nothing is put away."""

    async def close(self) -> None:
        await self._client.close()

    async def _ask(self, path: str, **params: Any) -> Any:
        return (await self._client.call("GET", path, params=params)).expect(200).json()


def _fate(faults: dict[str, Any], one: Shown) -> Published:
    id = one.target.external_id
    if id not in faults:
        return Published(Outcome.TRY_LATER, reason="Corner did not say what became of it.")
    if faults[id] is None:
        return Published(Outcome.APPLIED)
    gone = faults[id] == "unknown"
    return Published(
        Outcome.ATTENTION, reason=f"Corner says {faults[id]!r}.", action="Look at it in Corner.", unknown=gone
    )


def _position(order: Any, overlap: timedelta) -> str:
    moment = parse_time(order["changed_at"]) - overlap
    return f"{format_time(moment)}/" + ("" if overlap else str(order["id"]))


def _read(answer: Any, how: Callable[[], Value]) -> Value:
    """What stands in an answer as a whole; one of another form is a matter for a person, and never an empty list."""
    try:
        return how()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise NeedsAttention(
            f"Corner answered in a form that this version does not know ({error!r}).", action="Update omnisync-corner."
        ) from error
