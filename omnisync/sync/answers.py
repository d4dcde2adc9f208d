"""What the endpoints of availability and channels answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from omnisync import problems
from omnisync.contract import Answer, Empty, Id, Minor, Name, Page, Pieces, Place, Says, Sku, Time, says, text
from omnisync.sync import health

Stocked = Literal["in_stock", "limited", "out_of_stock"]
ExternalId = Field(description="The channel's own name for it.", examples=["gid://shopify/ProductVariant/1"])


class _Pickup(Answer):
    location: Place
    pickup: bool = Field(description="Whether it can be collected there.", examples=[True])
    ready_at: Time | None = Field(description="By when, if it were ordered now.", examples=["2026-11-21T12:00:00Z"])


class PlaceAvailability(_Pickup):
    """One location."""

    available: Pieces = Field(examples=[7])


class PublicPlaceAvailability(_Pickup):
    """One location, as the public sees it."""

    state: Stocked


class Backorder(Answer):
    """What can be promised beyond what is there; left out where there is nothing of it."""

    available: Pieces = Field(examples=[5])
    since: Time | None = Field(
        alias="from",
        description="When the first of it is expected; null: nobody said.",
        examples=["2026-12-01T00:00:00Z"],
    )


class PublicBackorder(Answer):
    """That it can be ordered all the same; left out where it cannot."""

    since: Time | None = Field(alias="from", examples=["2026-12-01T00:00:00Z"])


class ArticleAvailability(Answer):
    """One article."""

    sku: Sku
    state: Literal["in_stock", "limited", "out_of_stock", "unknown"]
    available: Pieces = Field(examples=[7])
    backorder: Backorder | None = None
    locations: list[PlaceAvailability]


class PublicArticleAvailability(Answer):
    """One article, as it is told without a key where the settings allow it."""

    sku: Sku
    state: Stocked
    backorder: PublicBackorder | None = None
    locations: list[PublicPlaceAvailability]


class Availability(Answer):
    """What can be promised where."""

    items: list[ArticleAvailability | PublicArticleAvailability]


class Writes(Answer):
    """The last write of each listing and place, by how far it is."""

    submitted: Pieces = Field(description="On its way, or not answered.", examples=[0])
    accepted: Pieces = Field(description="Taken by the channel, which applies it later.", examples=[0])
    applied: Pieces = Field(description="Applied, as the channel says; nobody has read it back yet.", examples=[12])
    confirmed: Pieces = Field(description="Applied, and read back.", examples=[988])
    contradicted: Pieces = Field(
        description="Taken by the channel, which went on showing the old number; it is written again until it is read back.",
        examples=[0],
    )


class Silence(Answer):
    """A store of whose till nothing was heard for longer than `heard_within`."""

    location: Place
    since: Time


class ChannelHealth(Answer):
    """How a channel is doing, and why."""

    channel: Name
    state: health.State
    reason: str = Field(examples=["Shows what it should."])
    action: str | None = Field(description="What a person must do.", examples=[None])
    lag_seconds: float = Field(examples=[0.0])
    last_success_at: Time | None
    queued: Pieces = Field(examples=[0])
    failed: Pieces = Field(description="Open dead letters.", examples=[0])
    drift: Pieces = Field(description="Listings that show something nobody explains.", examples=[0])
    exposed: Pieces = Field(description="Pieces it still offers that we could not lower.", examples=[0])
    breaker: Literal["closed", "open", "half_open"]
    paused: bool
    cases: Pieces = Field(description="Open decisions.", examples=[0])
    failures_in_row: Pieces = Field(examples=[0])
    subscribed_at: Time | None = Field(
        description="Since when its webhooks stand; null: they do not, or it has none, and it is polled."
    )
    gone: Pieces = Field(description="Listings that it does not know any more.", examples=[0])
    writes: Writes
    silent_topics: dict[str, Time] = Field(
        description="Topics whose webhooks have been silent for longer than ever of late, with their last message.",
        examples=[{}],
    )
    silent: list[Silence] = Field(description="Stores whose availability is limited at most.", examples=[[]])


class Channels(Answer):
    """How each channel is doing."""

    items: list[ChannelHealth]


class Mapping(Answer):
    """A listing of the channel and the article it is."""

    external_id: str = ExternalId
    sku: Sku | None
    title: str = Field(examples=["Jacke Nordwind, 42"])
    barcode: str | None = Field(examples=["4006381333931"])
    managed: bool = Field(description="Whether we write its stock.", examples=[True])


class MappingPage(Page):
    """Which listing is which article."""

    items: list[Mapping]


class ShownThere(Answer):
    """What a listing should show at one place of the channel, and what it does."""

    place: str | None = Field(
        description="Null where the channel has no places.", examples=["gid://shopify/Location/1"]
    )
    should_show: Pieces | None = Field(examples=[7])
    shows: int | None = Field(examples=[7])
    provisional: int = Field(description="Sold there by what we know, and not yet seen.", examples=[0])
    price_minor: Minor | None
    should_cost_minor: Minor | None
    behind_since: Empty[Time]
    applied_at: Time | None
    seen_at: Time | None
    write: Literal["submitted", "accepted", "applied", "confirmed", "contradicted"] | None = Field(
        description="How far the last write is; null: nothing was taken yet.", examples=["confirmed"]
    )
    waits: str | None = Field(description="Why nothing is written.", examples=[None])


class Listing(Mapping):
    """A listing with what it should show and what it does."""

    gone_at: Empty[Time] = Field(
        description="Since when the channel does not know it any more: nothing is written until it lists it again."
    )
    shown: list[ShownThere]


class ListingPage(Page):
    """What the channel offers."""

    items: list[Listing]


class Mapped(Answer):
    """How many listings were mapped, and how much that had waited was booked by it."""

    mapped: Pieces = Field(examples=[1])
    released: Pieces = Field(examples=[1])


class Case(Answer):
    """A decision."""

    id: Id
    channel: Name
    kind: str = Field(examples=["blast_zero"])
    title: str = Field(examples=["40 listings would go to zero within 30 minutes"])
    cause: str = Field(examples=["import:7 (40 movements)"])
    proposal: str = Field(
        examples=[
            "Apply if these articles are really sold out; otherwise undo the import or count that emptied them and dismiss."
        ]
    )
    details: dict[str, Any] | None = Field(examples=[{"listings": 40, "examples": []}])
    opened_at: Time
    closed_at: Empty[Time]
    closed_how: Empty[str]


class CasePage(Page):
    """Open decisions, oldest first."""

    items: list[Case]


class DeadLetter(Answer):
    """Something that could not be done, and the action that mends it."""

    id: Id
    channel: Name
    kind: Literal["message", "line", "fact", "write", "news", "money", "webhooks", "pickup"] = Field(examples=["line"])
    title: str = Field(examples=["Geschenkkarte in order #1001"])
    reason: str = Field(examples=["No article is known as GESCHENKKARTE."])
    action: str = Field(examples=["Map this line to a SKU, or import the article."])
    attempts: Pieces = Field(examples=[1])
    opened_at: Time
    last_at: Time
    closed_at: Empty[Time]
    closed_how: Empty[str]


class DeadLetterPage(Page):
    """What waits for a person, oldest first."""

    items: list[DeadLetter]


class Challenged(Answer):
    """The proof that this address is ours, as eBay asks for it. Other channels ask nothing."""

    challengeResponse: str = Field(examples=["52161ff4651cb71888801b47bae62f44d7f6d0aab17e70d00f64fc84368ca38f"])  # noqa: N815


_SHOPS = ("unauthorized", "invalid-request", "try-later")
_UNCHANGED: Says = {304: {"description": "Nothing has changed since the answer of that ETag."}}
AVAILABILITY: dict[str, Says] = {
    "getAvailability": says(Availability, *_SHOPS) | _UNCHANGED,
    "queryAvailability": says(Availability, *_SHOPS, "too-large") | _UNCHANGED,
}
_CLOSED = {"closed_at": "2026-11-21T10:05:00Z"}
_CHANNEL = (*problems.TOLD, "not-found")
_DECIDE = (*_CHANNEL, "already-closed")
_HOOK = problems.responses(("wrong-signature", "not-found", "invalid-request", "too-large", "try-later"))
CHANNELS: dict[str, Says] = {
    "receiveHook": text("text/plain", "The message is stored.", "") | _HOOK,
    "answerChallenge": says(Challenged) | _HOOK,
    "listChannels": says(Channels, *problems.ASKED),
    "listListings": says(ListingPage, *problems.ASKED, "not-found"),
    "syncChannel": says(ChannelHealth, *_CHANNEL, status=202),
    "pauseChannel": says(ChannelHealth, *_CHANNEL, status=202, example={"state": "paused", "paused": True}),
    "resumeChannel": says(ChannelHealth, *_CHANNEL, status=202),
    "listMappings": says(MappingPage, *problems.ASKED, "not-found"),
    "putMappings": says(Mapped, *_CHANNEL),
    "listCases": says(CasePage, *problems.ASKED),
    "applyCase": says(Case, *_DECIDE, example=_CLOSED | {"closed_how": "applied"}),
    "dismissCase": says(Case, *_DECIDE, example=_CLOSED | {"closed_how": "dismissed"}),
    "listDeadLetters": says(DeadLetterPage, *problems.ASKED),
    "replayDeadLetter": says(DeadLetter, *_DECIDE, example=_CLOSED | {"closed_how": "replayed"}),
    "discardDeadLetter": says(DeadLetter, *_DECIDE, example=_CLOSED | {"closed_how": "discarded"}),
}
