"""Looking after the app's webhooks: the shop switches one off after ten failures, and tells nobody."""

from __future__ import annotations

from collections.abc import Sequence

from omnisync.adapters.base import Subscription
from omnisync.adapters.client import NotAdmitted
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.adapters.shopware.wire import Json, Wire
from omnisync.errors import NeedsAttention

INSTALL = (
    "Install or update the app as the README of the shopware adapter says; the address in its manifest is server.public_url of "
    "the settings."
)
SWITCH = "Switch the app off and on again in Extensions > My extensions."


class Subscriptions:
    """The webhooks of one shop that call us."""

    def __init__(self, wire: Wire, settings: ShopSettings) -> None:
        self._wire, self._settings = wire, settings

    async def make(self, wanted: Sequence[Subscription]) -> list[Subscription]:
        """Switch on what the shop switched off. NeedsAttention for what only a person can do: the manifest makes them."""
        if self._settings.app_secret is None:
            raise NeedsAttention(
                "Without app_secret nobody can tell who sent a webhook, so none is believed; the shop is polled.",
                action=f"Choose a long random app_secret and set it below [channels.settings]. {INSTALL}",
                code="settings",
            )
        found = await self._standing(sorted({one.url for one in wanted}))
        standing = [await self._put_right(one, found.get((one.topic, one.url))) for one in wanted]
        if missing := [one.topic for one in standing if one.id is None]:
            raise _problem(f"The shop has no webhook of the app for {', '.join(missing)}.", INSTALL)
        if off := [one.topic for one in standing if not one.active]:
            raise _problem(f"The shop has switched off the app's webhook for {', '.join(off)}.", SWITCH)
        return standing

    async def _standing(self, urls: Sequence[str]) -> dict[tuple[str, str], Json]:
        """Those of an app, which are signed, by topic and address."""
        criteria = {
            "filter": [{"type": "equalsAny", "field": "url", "value": list(urls)}],
            "sort": [{"field": "id", "order": "ASC"}],
            "associations": {"app": {}},
            "limit": 100,
        }
        try:
            rows = (await self._wire.search("webhook", criteria)).rows
        except NotAdmitted:
            raise
        except NeedsAttention as error:
            told = "The integration may not read webhooks, so nobody looks after them."
            raise _problem(told, "Make the integration an administrator.") from error
        if any(row.get("app") and not row["app"].get("active", True) for row in rows):
            raise _problem(f"The app {self._settings.app_name} is switched off in the shop.", SWITCH)
        return {(str(row["eventName"]), str(row["url"])): row for row in rows if row.get("appId")}

    async def _put_right(self, wish: Subscription, found: Json | None) -> Subscription:
        if found is None:
            return Subscription(wish.topic, wish.url, None, active=False)
        id = str(found["id"])
        if found.get("active", True):
            return Subscription(wish.topic, wish.url, id)
        on = await self._switch_on(id)
        return Subscription(wish.topic, wish.url, id, active=on, renewed=on)

    async def _switch_on(self, id: str) -> bool:
        """Newer shops let nobody but themselves change a webhook of an app."""
        try:
            reply = await self._wire.call("PATCH", f"webhook/{id}", body={"active": True})
        except NotAdmitted:
            raise
        except NeedsAttention:
            return False
        return reply.status in (200, 204)


def _problem(reason: str, action: str) -> NeedsAttention:
    return NeedsAttention(reason, action=action, code="webhooks")
