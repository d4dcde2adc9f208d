"""The adapter: a connected Square account, tills of several stores."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from omnisync.adapters.base import (
    Can,
    Check,
    Fact,
    Hook,
    Identified,
    LevelSeen,
    ListingPage,
    News,
    Page,
    Published,
    Shown,
    Subscription,
    Target,
    Write,
)
from omnisync.adapters.client import ChannelClient
from omnisync.adapters.square import catalog, hooks, pickups
from omnisync.adapters.square.publishing import Publishing
from omnisync.adapters.square.pulling import Pulling
from omnisync.adapters.square.wire import Json, Wire, rows
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import parse_time

TOPICS = (
    "order.created",
    "order.updated",
    "order.fulfillment.updated",
    "refund.created",
    "refund.updated",
    "inventory.count.updated",
    "catalog.version.updated",
)

CAN = Can(
    write=Write.ABSOLUTE,
    batch_size=100,
    many_locations=True,
    shows="on_hand",
    webhooks=True,
    topics=hooks.TOPICS,
    prices=True,
    echo_tags=False,  # an inventory change carries our reference, a count does not
    tells_pickups=True,
)


class Square:
    """Speaks for one Square account. `places` maps Square's location ids to ours."""

    def __init__(
        self,
        name: str,
        client: ChannelClient,
        places: Mapping[str, str],
        *,
        webhook_secret: str,
        notification_url: str,
        hook_url: str,
        start_at: str | None,
        page_size: int,
    ) -> None:
        self.name = name
        self._client, self._places = client, tuple(sorted(places))
        self.budgets = {} if client.budget is None else {"calls": client.budget}
        self._secret, self._url, self._hook_url = webhook_secret, notification_url, hook_url
        self._learned: list[str] = []
        self.can = replace(CAN, since=parse_time(start_at) if start_at else None)
        self._wire = Wire(client, page_size)
        self._pulling = Pulling(self._wire, self._places, start_at)
        self._publishing = Publishing(self._wire, self._places, client.tools.clock)
        self._following = hooks.Following(self._wire, self._pulling, self._places)

    def identify(self, hook: Hook) -> Identified:
        """Check the signature over our notification URL and the raw body."""
        return hooks.identify(hook, [self._secret, *self._learned], self._url)

    def read(self, hook: Hook) -> Sequence[Fact]:
        """Payloads of Square are hints: nothing but what cannot be read at all."""
        return hooks.unreadable(hook)

    def subject(self, hook: Hook) -> str | None:
        """All events that can be read: Square answers for many orders and counts at once."""
        return hooks.EVENTS if hooks.parse(hook.body) is not None else None

    async def follow(self, *told: Hook) -> Sequence[Fact]:
        """The orders, refunds and counts as Square shows them now."""
        return await self._following.follow(told)

    async def check(self) -> Sequence[Check]:
        """The token, the locations of the map, and each permission by a call that changes nothing."""
        try:
            locations = {str(one["id"]): one for one in await self._wire.locations()}
        except (NeedsAttention, TryLater) as error:
            return [_failed("access token", error)]
        checks = [Check("access token", True, f"Square shows {len(locations)} locations.")]
        checks += [_location(place, locations.get(place)) for place in self._places]
        for name, call in (
            ("orders", lambda: self._wire.orders(["none"])),
            ("inventory", lambda: self._wire.counts(["none"], self._places)),
            ("items", self._wire.catalog_info),
        ):
            try:
                await call()
            except (NeedsAttention, TryLater) as error:
                checks.append(_failed(name, error))
            else:
                checks.append(Check(name, True, "may be read"))
        return [*checks, await self._check_webhook()]

    async def _check_webhook(self) -> Check:
        """Square makes the signature key: ours must be the one of the subscription to our URL."""
        try:
            standing = [one for one in await self._wire.webhooks() if one.get("notification_url") == self._url]
        except (NeedsAttention, TryLater) as error:
            return _failed("webhooks", error)
        if not standing:
            return Check("webhooks", False, "No subscription names our URL.", "Sync this channel: it subscribes.")
        keys = [str(one.get("signature_key") or "") for one in standing]
        if any(hmac.compare_digest(key.encode(), self._secret.encode()) for key in keys):
            return Check("webhooks", True, "subscribed, and the signature key is ours")
        return Check(
            "webhooks",
            False,
            "webhook_secret is not the signature key of the subscription.",
            hooks.MEND,
        )

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """One page of orders, then of inventory changes, then of counts."""
        return await self._pulling.pull(cursor, now)

    async def listings(self, cursor: str | None) -> ListingPage:
        """Item variations with SKU and barcode."""
        answer = await self._wire.items_page(cursor)
        found = [listing for item in rows(answer, "objects") for listing in catalog.listings(item, self._places)]
        page = answer.get("cursor") or None
        return ListingPage(found, page, more=page is not None)

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        """Levels and prices as Square shows them now."""
        return await self._publishing.look(targets)

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        """Counts with their moment, and prices for the version they were read with."""
        return await self._publishing.publish(shown)

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        """Pickups of Square's orders; Square itself writes to the customer where its seller wants that."""
        return [await pickups.tell(self._wire, one) for one in news]

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        """Our URL's subscription, with these topics and switched on. A new one signs with a new key, which is learned here."""
        # The address that Square shall sign is the one that its settings name.
        ours = [replace(one, url=self._url) if one.url == self._hook_url else one for one in wanted]
        key = self._client.tools.ids.new()  # a key of before would bring back the answer of before, long deleted
        found = await hooks.subscribe(self._wire, ours, self.name, key, self._secret)
        self._learned = found.keys
        return found.standing

    async def fetch_key(self, kid: str) -> bytes:
        """Square signs with a shared secret: there is no key to fetch."""
        raise NeedsAttention("Square has no public keys.", action="Set webhook_secret in this channel's settings.")

    async def done(self, receipts: Sequence[str]) -> None:
        """Nothing to put away."""

    async def close(self) -> None:
        await self._client.close()


def _location(place: str, found: Json | None) -> Check:
    name = f"location {place}"
    if found is None:
        return Check(name, False, "The account has no such location.", "Correct location_map in the settings.")
    active = found.get("status", "ACTIVE") == "ACTIVE"
    mend = "" if active else "Activate the location in Square's Dashboard, or take it out of location_map."
    return Check(name, active, str(found.get("name") or place), mend)


def _failed(name: str, error: NeedsAttention | TryLater) -> Check:
    return Check(name, False, error.message, error.action if isinstance(error, NeedsAttention) else "Try again later.")
