"""Orders of channels, pickups, the customers behind them, and the tasks they leave in a store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from omnisync.db import Instant, Name, Serial


class ChannelOrder(SQLModel, table=True):
    """An order as its channel last showed it; the newest version wins."""

    __tablename__ = "channel_order"
    __table_args__ = (
        sa.UniqueConstraint("channel", "external_id"),
        sa.Index("channel_order_reference", "channel", "reference"),
        sa.Index("channel_order_unpaid", "channel", "paid", "placed_at"),
    )

    id: str = Field(primary_key=True, sa_type=Name)
    channel: str = Field(sa_type=Name)
    external_id: str = Field(sa_type=Name)
    reference: str = Field(sa_type=Name)
    version: datetime = Field(sa_type=Instant)
    placed_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    counter: bool = False
    pickup: bool = False
    collect_at: str | None = Field(default=None, sa_type=Name)
    """The one location where its buyer collects it, as far as the channel says."""
    paid: bool = True
    lowered: bool = True
    """Its channel has taken its pieces off the numbers it shows."""
    elsewhere: bool = False
    closed: bool = False
    currency: str | None = None
    totals: Any = Field(default=None, sa_type=sa.JSON)
    customer_id: str | None = Field(default=None, sa_type=Name)
    history: bool = False
    """Placed before its channel was connected: what was sent, sold and taken back by the time we first saw it moved no stock."""
    released_at: datetime | None = Field(default=None, sa_type=Instant)
    """Not paid in time: its pieces were given back then, and are promised again only when it is paid."""


class OrderLine(SQLModel, table=True):
    """One line of an order with what was done for it so far (cumulative). A line without SKU waits to be mapped."""

    __tablename__ = "order_line"
    __table_args__ = (sa.Index("order_line_waiting", "waiting"),)

    order_id: str = Field(primary_key=True, sa_type=Name, foreign_key="channel_order.id")
    line_id: str = Field(primary_key=True, sa_type=Name)
    sku: str | None = Field(default=None, sa_type=Name)
    external_article: str | None = Field(default=None, sa_type=Name)
    barcode: str | None = None
    title: str = ""
    quantity: int = 0
    cancelled: int = 0
    shipped: int = 0
    """As far as the channel says."""
    sent: int = 0
    """As far as our stores say, which is often earlier: what they have sent is in the ledger, and moves nothing when the channel says it
    too."""
    restocked: int = 0
    price_minor: int | None = None
    stocked: bool = True
    waiting: str | None = None
    """Why this line waits (unknown article, unmapped place); null: it is in the ledger or needs not be."""
    bound: bool = False
    """Covered by a reservation or pickup of the same reference: moves nothing."""


class Customer(SQLModel, table=True):
    """Personal data, apart from everything else, each with a time after which it is erased."""

    id: str = Field(primary_key=True, sa_type=Name)
    name: str
    email: str | None = Field(default=None, index=True)
    phone: str | None = Field(default=None, index=True)
    language: str = "de"
    created_at: datetime = Field(sa_type=Instant)
    erase_after: datetime | None = Field(default=None, sa_type=Instant, index=True)
    erased_at: datetime | None = Field(default=None, sa_type=Instant)


class Pickup(SQLModel, table=True):
    """A click-and-collect order: placed -> picking -> ready -> collected; expired or cancelled from any open state."""

    __table_args__ = (
        sa.Index("pickup_list", "location", "state", "ready_by"),
        sa.Index("pickup_reference", "channel", "reference"),
        sa.Index("pickup_owner", "owner", "state"),
        sa.Index("pickup_due", "state", "collect_by"),
        sa.Index("pickup_promised", "state", "ready_by"),
        sa.Index("pickup_accept", "state", "accept_by"),
    )

    id: str = Field(primary_key=True, sa_type=Name)
    number: str = Field(sa_type=Name, index=True)
    """Public: on the list, the bag and the slip."""
    code_hash: str = Field(sa_type=Name, unique=True)
    channel: str | None = Field(default=None, sa_type=Name)
    reference: str | None = Field(default=None, sa_type=Name)
    location: str = Field(sa_type=Name)
    state: str
    overdue: bool = False
    """Paid and not collected in time: a case for a person, never released by itself."""
    paid: bool = False
    gift: bool = False
    note: str = ""
    shelf: str | None = None
    reservation_id: str = Field(sa_type=Name)
    customer_id: str = Field(sa_type=Name, foreign_key="customer.id", index=True)
    owner: str | None = Field(default=None, sa_type=Name)
    placed_at: datetime = Field(sa_type=Instant)
    ready_by: datetime = Field(sa_type=Instant)
    collect_by: datetime = Field(sa_type=Instant)
    ready_at: datetime | None = Field(default=None, sa_type=Instant)
    reminded_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the customer was reminded, where omnisync writes to customers."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    collected_how: str | None = None
    """code, or the reason for handing it over without one."""
    handed_over_by: str | None = None
    accept_by: datetime | None = Field(default=None, sa_type=Instant)
    """Half of the lead time: by then somebody should have accepted it. Null: nothing was promised."""
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)
    accepted_by: str | None = None
    """Who picks it."""
    alarmed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was said that nobody accepts it."""
    warned_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was said that its promise will be missed."""
    agreed_how: str | None = None
    """phone | mail | in_store | online: how the customer said yes when the pickup last moved to another store."""
    agreed_at: datetime | None = Field(default=None, sa_type=Instant)
    agreed_by: str | None = None
    """Who was told so."""
    version: int = 0


class PickupLine(SQLModel, table=True):
    """One article of a pickup; what was picked, rejected and handed over so far."""

    __tablename__ = "pickup_line"

    pickup_id: str = Field(primary_key=True, sa_type=Name, foreign_key="pickup.id")
    sku: str = Field(primary_key=True, sa_type=Name)
    quantity: int
    picked: int = 0
    coming: int = 0
    """Still on their way from another location."""
    rejected: int = 0
    collected: int = 0
    price_minor: int | None = None
    currency: str | None = None


class PickupAct(SQLModel, table=True):
    """One thing that was done with a pickup: who, when, at which device. Never a customer's data."""

    __tablename__ = "pickup_act"
    __table_args__ = (sa.Index("pickup_act_of", "pickup_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    pickup_id: str = Field(sa_type=Name)
    what: str
    """placed | picking | ready | rejected | collected | ... as in the event `pickup.*`"""
    by: str
    device: str | None = Field(default=None, sa_type=Name)
    at: datetime = Field(sa_type=Instant)
    details: Any = Field(default=None, sa_type=sa.JSON)


class PickupNumber(SQLModel, table=True):
    """The last public pickup number given out at a location."""

    __tablename__ = "pickup_number"

    location: str = Field(primary_key=True, sa_type=Name)
    last: int


class PickupPause(SQLModel, table=True):
    """A while in which a location takes no new pickups, as somebody there said."""

    __tablename__ = "pickup_pause"
    __table_args__ = (sa.Index("pickup_pause_until", "until"),)

    id: str = Field(primary_key=True, sa_type=Name)
    location: str = Field(sa_type=Name)
    since: datetime = Field(sa_type=Instant)
    until: datetime = Field(sa_type=Instant)
    by: str
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """Earlier than it was to end."""
    ended_by: str | None = None


class Task(SQLModel, table=True):
    """Something for a person in a store: put back an uncollected bag, count a shelf, call a customer."""

    __table_args__ = (sa.Index("task_open", "location", "done_at"),)

    id: str = Field(primary_key=True, sa_type=Name)
    kind: str
    """put_back | count | overdue | send | receive | ask"""
    location: str = Field(sa_type=Name)
    sku: str | None = Field(default=None, sa_type=Name)
    pickup_id: str | None = Field(default=None, sa_type=Name)
    transfer_id: str | None = Field(default=None, sa_type=Name)
    """Of `receive`: done means that all of it has come."""
    shelf: str | None = None
    quantity: int | None = None
    created_at: datetime = Field(sa_type=Instant)
    done_at: datetime | None = Field(default=None, sa_type=Instant)
    done_by: str | None = None


class HandOver(SQLModel, table=True):
    """One piece that both the pickup desk and the till book: each side appears once, and the second moves no stock."""

    __tablename__ = "hand_over"
    __table_args__ = (sa.Index("hand_over_open", "location", "sku", "at"),)

    id: str = Field(primary_key=True, sa_type=Name)
    location: str = Field(sa_type=Name)
    sku: str = Field(sa_type=Name)
    pickup_id: str | None = Field(default=None, sa_type=Name)
    """Null: the till rang it up, and no pickup was handed over for it (yet)."""
    sale_key: str | None = Field(default=None, sa_type=Name)
    """Null: handed over, not rung up (yet)."""
    at: datetime = Field(sa_type=Instant)
    matched_at: datetime | None = Field(default=None, sa_type=Instant)


class CodeTries(SQLModel, table=True):
    """How often a device or a store has tried pickup codes since its window began; right ones are taken off again."""

    __tablename__ = "code_tries"

    scope: str = Field(primary_key=True, sa_type=Name)
    """`device:...` or `store:...`"""
    tries: int
    since: datetime = Field(sa_type=Instant)


class Mail(SQLModel, table=True):
    """A mail that waits to be sent: written with its cause, sent after the commit, tried again until it is out."""

    __table_args__ = (sa.Index("mail_due", "sent_at", "next_try_at"),)

    id: str = Field(primary_key=True, sa_type=Name)
    customer_id: str | None = Field(default=None, sa_type=Name, index=True)
    """The person it goes to: recipient, body and code are emptied when it is out, or when the person is forgotten."""
    recipient: str
    subject: str
    body: str
    code: str | None = None
    """The pickup's code, where it stands in the mail as a picture too; it goes with the body."""
    created_at: datetime = Field(sa_type=Instant)
    attempts: int = 0
    next_try_at: datetime | None = Field(default=None, sa_type=Instant)
    """Null: sent, or given up after the last attempt."""
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    last_error: str | None = None
