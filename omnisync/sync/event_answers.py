"""What the endpoints of events and of those who listen to them answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from omnisync import problems
from omnisync.contract import Answer, Empty, Id, Page, Pieces, Says, Time, says, text


class Subscription(Answer):
    """Somebody to whom events are pushed."""

    id: Id
    url: str = Field(examples=["https://shop.example.org/omnisync"])
    events: list[str] = Field(examples=[["pickup.*"]])
    state: Literal["active", "failing", "off"] = Field(
        description="off: switched off after three days of failures, or because it answered 410."
    )
    failures: Pieces = Field(description="In a row.", examples=[0])
    last_error: str | None = Field(description="Why the last delivery was not taken.", examples=[None])
    created_at: Time
    delivered_at: Empty[Time]
    failing_since: Empty[Time]
    next_try_at: Empty[Time]
    disabled_at: Empty[Time]


class NewSubscription(Subscription):
    """It, with the secret that is told only now."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class SubscriptionPage(Page):
    """Who listens."""

    items: list[Subscription]


_EVENT = (
    "id: MTc\n"
    "event: availability.changed\n"
    'data: {"sku":"JACKE-NORDWIND-42","location":"linden","available":6,"at":"2026-11-21T10:00:00Z"}\n\n'
)
_CHANNEL = (*problems.TOLD, "not-found")
EVENTS: dict[str, Says] = {
    "streamEvents": text("text/event-stream", "Events, one after the other.", _EVENT)
    | problems.responses(("unauthorized", "invalid-request", "resync", "try-later")),
}
_GONE: Says = {204: {"description": "Nothing is told there any more."}}
SUBSCRIPTIONS: dict[str, Says] = {
    "createSubscription": says(NewSubscription, *problems.TOLD, status=201),
    "listSubscriptions": says(SubscriptionPage, *problems.ASKED),
    "resumeSubscription": says(Subscription, *_CHANNEL),
    "deleteSubscription": _GONE | problems.responses(_CHANNEL),
}
