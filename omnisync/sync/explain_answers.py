"""What is answered to whoever asks why a number is what it is."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from omnisync import problems
from omnisync.contract import Answer, Empty, Name, Pieces, Place, Says, Sku, Time, says
from omnisync.sync.answers import ExternalId
from omnisync.values import Kind


class Cause(Answer):
    """What a term stands for: a movement, or an open promise with its first one."""

    movement: int = Field(examples=[4711])
    kind: Kind = Field(examples=["hold"])
    pieces: int = Field(description="Its share of the term.", examples=[-2])
    cause: str = Field(examples=["reservation:01KAE1V2ZB7M7Q8C3J5D9F6G4H"])
    reason: Empty[str]
    promise: str | None = Field(examples=["01KAE1V2ZB7M7Q8C3J5D9F6G4H"])
    occurred_at: Time
    recorded_at: Time = Field(examples=["2026-11-21T10:00:02Z"])


class Term(Answer):
    """One part of a sum, with its causes, the newest first."""

    term: Literal["on_hand", "blocked", "reserved", "safety", "off_sale", "never_below_zero"] = Field(
        examples=["reserved"]
    )
    pieces: int = Field(examples=[-2])
    causes: list[Cause]
    reasons: dict[str, int] = Field(
        default_factory=dict, description="Of what is blocked: why.", examples=[{"damaged": 1}]
    )


class PartThen(Answer):
    """One of the articles that a bundle held then."""

    sku: Sku
    each: Pieces = Field(description="So many are in one bundle.", examples=[2])
    pieces: Pieces
    makes: Pieces = Field(description="So many bundles can be made of it.", examples=[1])
    scarcest: bool = Field(description="No other part makes fewer.", examples=[True])
    terms: list[Term]


class PlaceThen(Answer):
    """What one location gave to the number: the sum of its terms, or as many bundles as the scarcest part made."""

    location: Place
    pieces: Pieces
    terms: list[Term]
    parts: list[PartThen]


class ShownTerm(Answer):
    """One step from the locations' pieces to the number that a channel is shown."""

    term: Literal["location", "unseen", "never_below_zero", "buffer", "stop_at", "max_listed"]
    pieces: int = Field(examples=[5])
    location: Place | None = None
    listings: list[dict[str, Any]] = Field(default_factory=list, description="Of what is unseen: whose levels lost it.")


class Written(Answer):
    """A number that was sent to the channel."""

    external_id: str = ExternalId
    quantity: Pieces = Field(examples=[3])
    sent_at: Time
    outcome: str | None = Field(description="As far as it was known then.", examples=["applied"])
    reason: Empty[str]
    applied_at: Time | None


class ShownThen(Answer):
    """What a place of the channel should have shown, why, and what was sent there."""

    place: str | None = Field(description="Null where the channel has no places.", examples=[None])
    pieces: Pieces = Field(examples=[3])
    terms: list[ShownTerm]
    sent: list[Written]
    applied: int | None = Field(description="The last number that it took.", examples=[3])


class PolicyThen(Answer):
    """The settings that held then."""

    version: int = Field(examples=[7])
    since: Time
    shows: Literal["available", "on_hand"]
    buffer: int | str = Field(examples=["10%"])
    stop_at: Pieces = Field(examples=[0])
    max_listed: int | None = Field(examples=[50])
    locations: list[Place]


class ChannelThen(Answer):
    """The number as one channel was shown it."""

    channel: Name
    policy: PolicyThen
    places: list[ShownThen]


class Explanation(Answer):
    """Why it is that number, now or then, by what omnisync knew at that moment."""

    sku: Sku
    at: Time
    available: Pieces = Field(description="Over these locations, before any channel's policy.", examples=[5])
    locations: list[PlaceThen]
    channel: ChannelThen | None


EXPLAIN: dict[str, Says] = {"explainStock": says(Explanation, *problems.ASKED, "not-found", "archived")}
