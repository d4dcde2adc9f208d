"""Messages, cursors, listings and what was shown there, health, cases and events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from omnisync.announce import (
    EventPending as EventPending,
)  # its table stands below us, so that stock and orders can announce
from omnisync.db import Instant, Name, Serial, table

PRICE_PLACE = "#price"
"""The place of a row that holds a listing's price where prices are written by calls of their own."""


class InboxMessage(SQLModel, table=True):
    """What a channel sent, as it came: stored before the 2xx, understood later, never gone."""

    __tablename__ = "inbox_message"
    __table_args__ = (
        sa.UniqueConstraint("channel", "event_id", "body_hash"),
        sa.Index("inbox_due", "state", "next_try_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    channel: str = Field(sa_type=Name)
    event_id: str = Field(sa_type=Name)
    body_hash: str = Field(sa_type=Name)
    topic: str
    resource: str | None = None
    method: str = "POST"
    url: str = ""
    headers: Any = Field(default=None, sa_type=sa.JSON)
    body: bytes
    state: str
    """received | applied | failed (a dead letter) | refused | discarded"""
    attempts: int = 0
    reason: str | None = None
    action: str | None = None
    received_at: datetime = Field(sa_type=Instant)
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    handled_at: datetime | None = Field(default=None, sa_type=Instant)


class DeadLetter(SQLModel, table=True):
    """A fact, line or write that waits for a person, with the action that mends it."""

    __tablename__ = "dead_letter"
    __table_args__ = (sa.UniqueConstraint("channel", "key"), sa.Index("dead_letter_open", "channel", "closed_at"))

    id: str = Field(primary_key=True, sa_type=Name)
    channel: str = Field(sa_type=Name)
    kind: str
    """message | line | fact | write | news | webhooks"""
    key: str = Field(sa_type=Name)
    """What waits: one open letter each."""
    title: str
    reason: str
    action: str
    message_id: int | None = None
    payload: Any = Field(default=None, sa_type=sa.JSON)
    attempts: int = 1
    opened_at: datetime = Field(sa_type=Instant)
    last_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_how: str | None = None
    """replayed | mended | discarded"""


class Cursor(SQLModel, table=True):
    """How far a channel was read; moved in the transaction of the facts it brought."""

    channel: str = Field(primary_key=True, sa_type=Name)
    name: str = Field(primary_key=True, sa_type=Name)
    value: str | None = None
    at: datetime = Field(sa_type=Instant)


class ChannelListing(SQLModel, table=True):
    """An article as one channel knows it."""

    __tablename__ = "channel_listing"
    __table_args__ = (
        sa.Index("channel_listing_sku", "channel", "sku"),
        sa.Index(
            "channel_listing_missed",
            "channel",
            sqlite_where=sa.text("missed_at IS NOT NULL"),
            postgresql_where=sa.text("missed_at IS NOT NULL"),
        ),
    )

    channel: str = Field(primary_key=True, sa_type=Name)
    external_id: str = Field(primary_key=True, sa_type=Name)
    sku: str | None = Field(default=None, sa_type=Name)
    barcode: str | None = None
    title: str = ""
    extra: Any = Field(default=None, sa_type=sa.JSON)
    managed: bool = True
    added_at: datetime = Field(sa_type=Instant)
    missed_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when the channel does not find it, and all its listings have not been read to be sure."""
    gone_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when the channel is known not to have it any more: nothing is written until it lists it again."""
    gone_case: str | None = Field(default=None, sa_type=Name)
    named: str | None = None
    """The SKU that the channel gives it, whatever article it is here."""
    was_barcode: str | None = None
    """Its barcode before the channel changed it."""
    kept_sku: str | None = Field(default=None, sa_type=Name)
    kept_barcode: str | None = None
    """A person said: it is this article, although it has this barcode and perhaps is not the only listing of it. Where it is none
    (`sku` is null): it is not this one, whatever SKU or barcode the channel gives it."""
    ignored_at: datetime | None = Field(default=None, sa_type=Instant)
    """A person said: it is none of our articles. What is sold of it moves nothing and waits for nobody."""


class ChannelPlace(SQLModel, table=True):
    """A place of a channel that a person has said the location of; `location_map` in the settings goes first."""

    __tablename__ = "channel_place"

    channel: str = Field(primary_key=True, sa_type=Name)
    place: str = Field(primary_key=True, sa_type=Name)
    location: str = Field(sa_type=Name)
    at: datetime = Field(sa_type=Instant)
    by: str


class HeardAt(SQLModel, table=True):
    """The moment of the last that we know of a channel at a location: what happened there since, nobody has told."""

    __tablename__ = "heard_at"

    channel: str = Field(primary_key=True, sa_type=Name)
    location: str = Field(primary_key=True, sa_type=Name)
    at: datetime = Field(sa_type=Instant)


class ShownState(SQLModel, table=True):
    """What one listing shows at one place of its channel, as far as we know, and what it should show.

    A write is *submitted* (`tag` names it), perhaps only *accepted*, then *applied*. While `in_flight_until` lies ahead nobody
    else writes this row. `believed` is what we think the channel shows now: the last applied or seen number, less the
    channel's own orders since. Where prices travel alone, they have a row of their own (place `PRICE_PLACE`).
    """

    __tablename__ = "shown_state"
    __table_args__ = (
        sa.Index("shown_state_behind", "channel", "behind_since"),
        sa.Index("shown_state_look", "channel", "look_at"),
        sa.Index("shown_state_sku", "sku"),
        sa.Index(
            "shown_state_provisional",
            "sku",
            sqlite_where=sa.text("provisional > 0"),
            postgresql_where=sa.text("provisional > 0"),
        ),
        sa.Index(
            "shown_state_provisional_at",
            "provisional_at",
            sqlite_where=sa.text("provisional_at IS NOT NULL"),
            postgresql_where=sa.text("provisional_at IS NOT NULL"),
        ),
    )

    channel: str = Field(primary_key=True, sa_type=Name)
    external_id: str = Field(primary_key=True, sa_type=Name)
    place: str = Field(primary_key=True, sa_type=Name)
    """Empty where the channel has no locations."""
    sku: str = Field(sa_type=Name)

    wanted: int | None = None
    """What it should show, as last computed; null: not ours to write."""
    wanted_price_minor: int | None = None
    wanted_price_currency: str | None = None
    behind_since: datetime | None = Field(default=None, sa_type=Instant)
    """The change of stock or price that made it differ; null: it shows what it should."""

    believed: int | None = None
    applied: int | None = None
    applied_at: datetime | None = Field(default=None, sa_type=Instant)
    price_minor: int | None = None
    """The price we believe is shown there."""
    price_currency: str | None = None
    price_at: datetime | None = Field(default=None, sa_type=Instant)
    applied_price_minor: int | None = None
    """The price we last wrote."""
    price_before_minor: int | None = None
    """The price from before that; null: what became of it has been read since."""
    price_drift_since: datetime | None = Field(default=None, sa_type=Instant)
    """Since when it shows a price that we did not write."""
    price_left_minor: int | None = None
    """The price it should show and is not to be written: another was set at the channel, and a person decides."""

    tag: str | None = None
    submitted: int | None = None
    submitted_price_minor: int | None = None
    submitted_at: datetime | None = Field(default=None, sa_type=Instant)
    compare: int | None = None
    """What the submitted write said was shown before."""
    in_flight_until: datetime | None = Field(default=None, sa_type=Instant)
    unsettled: str | None = None
    """accepted: to be applied later; unknown: nobody answered, it may have had its effect."""

    before: int | None = None
    """What it showed before the last number that it says it applied, less its orders since: a channel that dropped that number
    shows this. Null: what became of it has been read since."""
    doubted: str | None = Field(default=None, sa_type=Name)
    """The write that seems to have been dropped, unless an order explains why fewer are shown."""
    contradicted: int = 0
    """How many numbers in a row it took and did not show."""
    contradicted_at: datetime | None = Field(default=None, sa_type=Instant)
    """When that was last found, also when it was mended since."""

    seen: int | None = None
    """The last level read back."""
    seen_at: datetime | None = Field(default=None, sa_type=Instant)
    seen_version: str | None = None
    allocated: int = 0
    look_at: datetime | None = Field(default=None, sa_type=Instant)
    """From then on it waits to be read back."""
    drift_since: datetime | None = Field(default=None, sa_type=Instant)
    """Since when it shows something that neither we nor its known orders explain."""
    provisional: int = 0
    """Pieces gone from the channel's level for which no order was seen yet."""
    provisional_at: datetime | None = Field(default=None, sa_type=Instant)
    """When that last changed."""
    perhaps: int = 0
    """Pieces of orders that were cancelled before we heard of them: so many fewer may be shown, until it is looked at."""

    failures: int = 0
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    blocked_reason: str | None = None
    """Why this line alone waits for a person."""
    guard_case: str | None = Field(default=None, sa_type=Name)
    guard_decision: str | None = None
    """waiting | apply | keep: what was decided for exactly these numbers."""
    guard_quantity: int | None = None
    guard_price_minor: int | None = None
    emptied_since: datetime | None = Field(default=None, sa_type=Instant)
    """It went to zero without a buyer and without being asked about: since when its last pieces were shown."""


IS_PROVISIONAL = table(ShownState).c.provisional > sa.literal_column("0")
"""As its index says it: with a parameter for the zero SQLite would look at every row."""


class UnseenThen(SQLModel, table=True):
    """What was provisional at a listing from a moment on: explaining the past uses what was thought then."""

    __tablename__ = "unseen_then"
    __table_args__ = (sa.Index("unseen_then_of", "channel", "external_id", "place", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    channel: str = Field(sa_type=Name)
    external_id: str = Field(sa_type=Name)
    place: str = Field(default="", sa_type=Name)
    sku: str = Field(sa_type=Name, index=True)
    pieces: int
    at: datetime = Field(sa_type=Instant)


class Sent(SQLModel, table=True):
    """Every number we sent to a channel, why, and when it was applied."""

    __table_args__ = (sa.Index("sent_listing", "channel", "sku", "sent_at"),)

    tag: str = Field(primary_key=True, sa_type=Name)
    channel: str = Field(sa_type=Name)
    external_id: str = Field(sa_type=Name)
    place: str = Field(default="", sa_type=Name)
    sku: str = Field(sa_type=Name)
    quantity: int | None = None
    price_minor: int | None = None
    outcome: str | None = None
    """null: submitted; applied | accepted | contradicted (it was taken, and what was read back is still the old number) | changed |
    unknown | attention | superseded"""
    reason: str | None = None
    changed_at: datetime | None = Field(default=None, sa_type=Instant)
    """The oldest change of stock this write answers: propagation is applied_at - changed_at."""
    sent_at: datetime = Field(sa_type=Instant)
    applied_at: datetime | None = Field(default=None, sa_type=Instant)


class ChannelHealth(SQLModel, table=True):
    """How a channel is doing; one row each."""

    __tablename__ = "channel_health"

    channel: str = Field(primary_key=True, sa_type=Name)
    paused: bool = False
    paused_at: datetime | None = Field(default=None, sa_type=Instant)
    writes: str | None = Field(default=None, sa_type=Name)
    """on: it went live; off: it was handed back; null: as the settings say (`shadow`)."""
    attention: str | None = None
    action: str | None = None
    last_error: str | None = None
    last_error_at: datetime | None = Field(default=None, sa_type=Instant)
    last_success_at: datetime | None = Field(default=None, sa_type=Instant)
    last_heard_at: datetime | None = Field(default=None, sa_type=Instant)
    """The last message or page that came from it."""
    pulled_at: datetime | None = Field(default=None, sa_type=Instant)
    """The last time its orders were read to the end."""
    subscribed_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when its webhooks stand without having been missing; null: they do not, or it has none."""
    silent_topics: Any = Field(default=None, sa_type=sa.JSON, nullable=True)
    """Topics whose webhooks have fallen silent -> since when."""
    retry_at: datetime | None = Field(default=None, sa_type=Instant)
    told_until: datetime | None = Field(default=None, sa_type=Instant)
    """Until then the channel itself asked to be left alone; what goes beyond is our own caution."""
    calls: int = 0
    failures: int = 0
    failures_in_row: int = 0
    breaker: str = "closed"
    """closed | open | half_open"""


class Case(SQLModel, table=True):
    """Something a person decides: the blast guard, drift, a conflict."""

    __tablename__ = "sync_case"
    __table_args__ = (sa.Index("sync_case_open", "channel", "closed_at"),)

    id: str = Field(primary_key=True, sa_type=Name)
    channel: str = Field(sa_type=Name)
    kind: str
    """blast_zero | blast_price | uncounted | drift | price_drift | conflict | listings_gone | double_return | unpaid | stock_error | overdue | late_handover"""
    title: str
    cause: str = ""
    proposal: str = ""
    details: Any = Field(default=None, sa_type=sa.JSON)
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_how: str | None = None
    closed_by: str | None = None


class Conflict(SQLModel, table=True):
    """Pieces that channels sold from one another inside the propagation window: counted, with the shortage they made."""

    __tablename__ = "channel_conflict"

    id: str = Field(primary_key=True, sa_type=Name)
    channel: str = Field(sa_type=Name)
    order_id: str = Field(sa_type=Name)
    location: str = Field(sa_type=Name)
    sku: str = Field(sa_type=Name)
    quantity: int
    shortage_id: int | None = None
    at: datetime = Field(sa_type=Instant)


class Event(SQLModel, table=True):
    """An event numbered after its commit by the one leased publisher, so that `position > last` misses nothing."""

    position: int = Field(primary_key=True, sa_type=Serial)
    kind: str
    body: Any = Field(sa_type=sa.JSON)
    at: datetime = Field(sa_type=Instant, index=True)


class EventSubscription(SQLModel, table=True):
    """Somebody to whom events are pushed, and how far they have come."""

    __tablename__ = "event_subscription"

    id: str = Field(primary_key=True, sa_type=Name)
    url: str
    events: Any = Field(sa_type=sa.JSON)
    """Kinds, or the beginning of some with a `*`."""
    created_at: datetime = Field(sa_type=Instant)
    position: int = Field(sa_type=Serial)
    """The last event that was taken, or not asked for."""
    delivered_at: datetime | None = Field(default=None, sa_type=Instant)
    failures: int = 0
    """In a row."""
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    last_error: str | None = None
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)
    """Switched off after days of failures, or because it said that it is gone."""


class AlertTold(SQLModel, table=True):
    """Something that stands and that somebody was told of; gone when they were told that it is over."""

    __tablename__ = "alert_told"

    key: str = Field(primary_key=True, sa_type=Name)
    kind: str = Field(sa_type=Name)
    about: str = Field(sa_type=Name)
    """The channel or location; empty: the whole house."""
    number: int
    """How many of it there were when it was last told."""
    title: str
    """As it was told."""
    since: datetime = Field(sa_type=Instant)
    told_at: datetime = Field(sa_type=Instant)
    clear_since: datetime | None = Field(default=None, sa_type=Instant)
    """Since when it does not stand any more; what comes back soon was never over."""


class Lease(SQLModel, table=True):
    """Who does a job that only one may do; a new owner has a higher fence."""

    name: str = Field(primary_key=True, sa_type=Name)
    owner: str
    fence: int
    until: datetime = Field(sa_type=Instant)


class Told(SQLModel, table=True):
    """The last state of a pickup, or of an order that was given back unpaid, that its channel heard from us."""

    pickup_id: str = Field(primary_key=True, sa_type=Name)
    """Of an order: `order/` and its id."""
    channel: str = Field(sa_type=Name, index=True)
    state: str
    at: datetime = Field(sa_type=Instant)
    failures: int = 0
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)


class EventShelf(SQLModel, table=True):
    """What was last announced as available of a SKU at a location."""

    __tablename__ = "event_shelf"

    location: str = Field(primary_key=True, sa_type=Name)
    sku: str = Field(primary_key=True, sa_type=Name)
    available: int
