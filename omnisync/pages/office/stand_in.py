"""Telling the office that the worker stands still, by a server that still lives.

It is the worker that writes the alerts and sends them. While none works, any server speaks for it, of that alone: all else is a
consequence of it, or waits for it. That it is over is told by the worker, which finds nothing standing any more.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.clock import Clock
from omnisync.pages.office import alerting
from omnisync.sync import alerts, events, leases
from omnisync.sync.context import Context, Store

log = logging.getLogger(__name__)
EVERY_SECONDS = 30.0
LEASE = "stand-in"
LASTS = timedelta(minutes=2)
"""Of several servers one speaks; another one, when that is gone as well."""
Errand = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class StandIn:
    """Looks now and then whether a worker works; `errands` bring what was written to whom it is for."""

    store: Store
    context: Context
    owner: str
    errands: Sequence[Errand] = ()

    async def run(self, clock: Clock) -> None:
        """For ever."""
        while True:
            await clock.sleep(EVERY_SECONDS)
            try:
                await self.look()
            except Exception:
                # A database that is away for a moment must not end the watch.
                log.exception("Nobody could look whether a worker works")

    async def look(self) -> None:
        """Once. Nothing is written while a worker works, or stands still for moments only."""
        now = self.context.clock.now()
        if await self.store.read(lambda session: alerts.worker(session, now=now)) is None:
            return
        if await self.store.write(lambda session: self._speak(session, now)):
            for errand in self.errands:
                await errand()

    def _speak(self, session: Session, now: datetime) -> bool:
        """Write down what is to be told; whether something was, now or before, that may still be on its way."""
        standing = (
            alerts.worker(session, now=now) if leases.is_free(session, leases.HOUSE, now=now, lock=True) else None
        )
        if standing is None or leases.take(session, LEASE, self.owner, now=now, lasting=LASTS) is None:
            return False
        told = [row for row in alerts.told(session) if row.key == standing.key]
        decision = alerts.decide([standing], told, quiet=alerting.is_quiet(self.context, now), now=now)
        if decision:
            alerting.tell(session, self.context, decision, now=now)
            # The worker's work, too. None begins in between: this transaction holds the lease of the house where it is.
            while events.number(session, now=now) == events.BATCH:
                pass
        return bool(told or decision.news)
