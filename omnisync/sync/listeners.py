"""Events pushed to whoever subscribed: each that was asked for, in order, again until it is taken, signed as Standard Webhooks.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Protocol
from urllib.parse import urlsplit

import orjson
import sqlalchemy as sa
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.clock import Clock
from omnisync.errors import Refused, TryLater
from omnisync.sync import events
from omnisync.sync.context import Store
from omnisync.sync.tables import Event, EventSubscription
from omnisync.values import format_time, to_cursor

BATCH = 100
"""Events of one subscription in one go; the rest waits for the next, so that no listener keeps the others waiting."""
PATIENCE = timedelta(seconds=5)
"""After so long with one listener the rest waits as well."""
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""After each failure in a row; the schedule that Standard Webhooks proposes. After the last one it is switched off."""
GONE = 410
RESYNC = "resync"
log = logging.getLogger(__name__)


OWN = "alerts"
"""The subscription that the settings make; its address and secret stand there and nowhere else."""


@dataclass(frozen=True, slots=True)
class Hook:
    """Where the settings' own subscription goes, and what it is signed with; an empty key: not at all."""

    url: str
    key: bytes = b""


class Post(Protocol):
    """Sends a body to an address; the status it was answered with. TryLater when nobody answered."""

    async def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int: ...


def secret_of(server_key: bytes, subscription: str) -> str:
    """What a listener checks our signatures with; made from the server's key, so it is stored nowhere."""
    return "whsec_" + base64.b64encode(_key(server_key, subscription)).decode()


def signature(key: bytes, message: str, at: datetime, body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 over id, seconds and body, with dots between."""
    signed = b".".join((message.encode(), str(int(at.timestamp())).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _key(server_key: bytes, subscription: str) -> bytes:
    return hmac.digest(server_key, f"omnisync subscription\0{subscription}".encode(), "sha256")


@dataclass(frozen=True)
class Courier:
    """Brings events to their listeners; run by whoever has the lease of the house, so that there is one."""

    store: Store
    clock: Clock
    server_key: bytes
    post: Post
    own: Hook | None = None

    async def deliver_due(self) -> None:
        """All subscriptions for which something waits, side by side."""
        await self._deliver_all(await self._due())

    async def deliver_own(self) -> None:
        """Only the settings' own: for who speaks while nobody has that lease."""
        await self._deliver_all([waits for waits in await self._due() if waits[0].id == OWN])

    async def _due(self) -> list[tuple[EventSubscription, Sequence[Event]]]:
        now = self.clock.now()
        return await self.store.read(lambda session: due(session, now=now))

    async def _deliver_all(self, found: Sequence[tuple[EventSubscription, Sequence[Event]]]) -> None:
        await asyncio.gather(*(self._deliver(*waits) for waits in found if waits[0].id != OWN or self.own))

    async def _deliver(self, one: EventSubscription, waiting: Sequence[Event]) -> None:
        position, trouble, gone, began, taken = one.position, None, False, self.clock.now(), False
        for event in waiting:
            if self.clock.now() - began >= PATIENCE:
                break
            if event.kind == RESYNC or any(fnmatchcase(event.kind, pattern) for pattern in one.events):
                status, trouble = await self._send(one, event)
                if trouble is not None:
                    gone = status == GONE
                    break
                taken = True
            position = event.position
        now = self.clock.now()
        await self.store.write(
            lambda session: _note(session, one.id, position, trouble, taken=taken, gone=gone, now=now)
        )

    async def _send(self, one: EventSubscription, event: Event) -> tuple[int, str | None]:
        """(status, why it was not taken)"""
        now, message = self.clock.now(), f"evt_{to_cursor(event.position)}"
        body = orjson.dumps({"type": event.kind, "timestamp": format_time(event.at), "data": event.body})
        hook = self._hook(one)
        headers = {
            "content-type": "application/json", "webhook-id": message, "webhook-timestamp": str(int(now.timestamp())),
        }  # fmt: skip
        if hook.key:
            headers["webhook-signature"] = signature(hook.key, message, now, body)
        try:
            status = await self.post(hook.url, headers, body)
        except TryLater as trouble:
            return 0, trouble.message
        except Exception as bug:
            # An address that nobody can be called at spoils its own subscription, not those of everybody.
            log.warning("Subscription %s cannot be sent to: %s", one.id, type(bug).__name__)
            return 0, f"It could not be sent ({type(bug).__name__})."
        return status, None if 200 <= status < 300 else f"It answered {status}."

    def _hook(self, one: EventSubscription) -> Hook:
        if one.id == OWN and self.own is not None:
            return self.own
        return Hook(one.url, _key(self.server_key, one.id))


def due(session: Session, *, now: datetime) -> list[tuple[EventSubscription, Sequence[Event]]]:
    """The subscriptions whose turn it is, each with the next events, whether it asked for them or not."""
    last = events.latest(session)
    statement = (
        select(EventSubscription)
        .where(col(EventSubscription.disabled_at).is_(None), EventSubscription.position < last)
        .where(sa.or_(col(EventSubscription.next_try_at).is_(None), col(EventSubscription.next_try_at) <= now))
        .order_by(col(EventSubscription.id))
    )
    found = [(one, _after(session, one.position, now)) for one in session.exec(statement)]
    session.expunge_all()
    return found


def _after(session: Session, position: int, now: datetime) -> Sequence[Event]:
    """What comes next. What is not kept any more is told as one event that says so: `resync`."""
    try:
        return events.since(session, position, limit=BATCH)
    except Refused:
        first = session.execute(sa.select(sa.func.min(col(Event.position)))).scalar_one()
        missed = (first or events.latest(session) + 1) - 1
        return [Event(position=missed, kind=RESYNC, body={"from": to_cursor(missed)}, at=now)]


def _note(
    session: Session, name: str, position: int, trouble: str | None, *, taken: bool, gone: bool, now: datetime
) -> None:
    one = session.get(EventSubscription, name, populate_existing=True)
    if one is None:
        return
    one.position = max(position, one.position)
    if taken:
        one.delivered_at, one.failures, one.failing_since = now, 0, None
    one.last_error, one.next_try_at = trouble, None
    if trouble is None:
        return
    one.failing_since = one.failing_since or now
    one.failures += 1
    if gone or one.failures > len(WAITS):
        one.disabled_at = now
        log.warning("Subscription %s is switched off: %s", one.id, trouble)
    else:
        one.next_try_at = now + WAITS[one.failures - 1]


# ---------------------------------------------------------------- who listens


def subscribe(session: Session, name: str, url: str, wanted: Sequence[str], *, now: datetime) -> EventSubscription:
    """From the next event on."""
    one = EventSubscription(id=name, url=url, events=list(wanted), created_at=now, position=events.latest(session))
    session.add(one)
    session.flush()
    return one


def resume(session: Session, name: str) -> EventSubscription | None:
    """Try again at once, from where it stands; None when there is no such subscription."""
    one = session.get(EventSubscription, name, populate_existing=True)
    if one is not None:
        one.disabled_at = one.next_try_at = one.failing_since = None
        one.failures = 0
        session.flush()
    return one


def keep_own(session: Session, url: str, wanted: Sequence[str], *, now: datetime, again: bool = False) -> None:
    """The settings' own subscription, from now on; none without an address. `again`: as after `resume`.

    Of its address only the host is kept: the rest may be a secret.
    """
    address = urlsplit(url)
    if not address.hostname:
        session.execute(sa.delete(EventSubscription).where(col(EventSubscription.id) == OWN))
        return
    row = {
        "id": OWN, "url": f"{address.scheme}://{address.hostname}/", "events": list(wanted), "created_at": now,
        "position": events.latest(session), "failures": 0,
    }  # fmt: skip
    db.insert_new(session, db.table(EventSubscription), [row], key=("id",), returning=("id",))
    if again:
        resume(session, OWN)
