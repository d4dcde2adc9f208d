"""The journal and its sums, reservations, promises to channels' buyers, shortages, policies, idempotency keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from omnisync.db import Instant, Name, Serial, table
from omnisync.journals import protect_journal


class Movement(SQLModel, table=True):
    """One row of the journal: how the quantities of one shelf changed, and what caused it. Append-only; ids only."""

    __table_args__ = (
        sa.Index(
            "movement_key",
            "key",
            unique=True,
            sqlite_where=sa.text("key IS NOT NULL"),
            postgresql_where=sa.text("key IS NOT NULL"),
        ),
        sa.Index("movement_shelf", "location", "sku", "id"),
        sa.Index(
            "movement_promise",
            "promise",
            sqlite_where=sa.text("promise IS NOT NULL"),
            postgresql_where=sa.text("promise IS NOT NULL"),
        ),
        sa.Index(
            "movement_awaited",
            "location",
            "sku",
            "id",
            sqlite_where=sa.text("incoming != 0"),
            postgresql_where=sa.text("incoming != 0"),
        ),
        sa.Index(
            "movement_counted",
            "location",
            "sku",
            "occurred_at",
            sqlite_where=sa.text("kind = 'count'"),
            postgresql_where=sa.text("kind = 'count'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    location: str = Field(sa_type=Name)
    sku: str = Field(sa_type=Name)
    kind: str
    quantity: int
    """As it was said: pieces for most kinds, the counted level for a count."""
    on_hand: int = 0
    """Changes, not levels, from here on."""
    reserved: int = 0
    blocked: int = 0
    incoming: int = 0
    safety: int = 0
    backorder: int = 0
    key: str | None = Field(default=None, sa_type=Name)
    """Names the effect for ever: the same key twice is one movement."""
    cause: str
    """What said so: `pos:4711/1`, `webshop:order/1001/1`, `reservation:01J...`, `import:01J...`."""
    promise: str | None = Field(default=None, sa_type=Name)
    """The reservation or order promise this opens or ends; its open quantity is the sum of `reserved`."""
    reason: str | None = None
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """When what is awaited is expected."""
    occurred_at: datetime = Field(sa_type=Instant)
    recorded_at: datetime = Field(sa_type=Instant)


protect_journal(table(Movement))


class Archive(SQLModel, table=True):
    """A month that has left the journal: the file that holds it, and what was carried forward in its place."""

    __table_args__ = (
        # No archive has this id: a transaction that leaves the door open cannot be committed.
        sa.ForeignKeyConstraint(["door"], ["archive.id"], name="archive_shuts_its_door", deferrable=True, initially="DEFERRED"),
        sa.CheckConstraint("id > 0", name="archive_ids_begin_at_one"),
    )  # fmt: skip

    id: int = Field(primary_key=True, sa_type=Serial)
    """1, 2, 3: each file names the hash of the one before."""
    month: str = Field(sa_type=Name, unique=True)
    file: str
    sha256: str
    """Of the file as it lies there."""
    until: datetime = Field(sa_type=Instant)
    """What had been recorded before this is told by the file only."""
    happened_until: datetime = Field(sa_type=Instant)
    """Nothing of it happened later: from then on counts find what they need in the journal."""
    first_id: int = Field(sa_type=sa.BigInteger)
    last_id: int = Field(sa_type=sa.BigInteger)
    """The journal up to here is what was carried forward, by this archive and those before."""
    movements: int = Field(sa_type=sa.BigInteger)
    keys: int = Field(sa_type=sa.BigInteger)
    carried: int = Field(sa_type=sa.BigInteger)
    sums: Any = Field(sa_type=sa.JSON)
    """Quantity -> its sum over these movements, and just so over what they were carried forward as."""
    standing: int = Field(sa_type=sa.BigInteger)
    """Rows of the journal up to `last_id` afterwards."""
    standing_digest: str
    """The sum of their hashes, which does not depend on their order."""
    archived_at: datetime = Field(sa_type=Instant)
    door: int | None = Field(default=None, sa_type=Serial)
    """0 while movements are being taken out, which only the transaction itself can see."""


class ArchivedKey(SQLModel, table=True):
    """What an archived movement that had a key did: told again, it is known for ever."""

    __tablename__ = "archived_key"
    __table_args__ = ({"sqlite_with_rowid": False},)

    key: str = Field(primary_key=True, sa_type=Name)
    location: str = Field(sa_type=Name)
    sku: str = Field(sa_type=Name)
    kind: str
    quantity: int
    on_hand: int


protect_journal(table(Archive))
protect_journal(table(ArchivedKey))


class Balance(SQLModel, table=True):
    """The sums of a shelf's movements, kept in the same transaction."""

    __table_args__ = (
        # BRIN: PostgreSQL can then change a row in its place, without a new entry in each index.
        sa.Index(
            "balance_changed",
            "changed_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": 16, "autosummarize": "on"},
        ),
        sa.Index("balance_sku", "sku"),
        sa.Index(
            "balance_due",
            "due_at",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    location: str = Field(primary_key=True, sa_type=Name)
    sku: str = Field(primary_key=True, sa_type=Name)
    on_hand: int = 0
    reserved: int = 0
    blocked: int = 0
    incoming: int = 0
    safety: int = 0
    backorder: int = 0
    """What may be promised beyond what is there, as the article says."""
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the next of what is awaited is expected."""
    off_sale: bool = False
    """Not found when picked: nothing of it is promised here until somebody counts it."""
    off_sale_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it last went off sale: a count from before knows nothing of that."""
    counted_at: datetime | None = Field(default=None, sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)
    shelf: str | None = None
    """Where in this location it lies, if not where the article says."""


class Reservation(SQLModel, table=True):
    """A hold on stock. Its lines never change; its state is set once more, guarded so that one end wins."""

    __table_args__ = (
        sa.Index("reservation_due", "state", "expires_at", "owner"),
        sa.Index("reservation_reference", "reference", "channel"),
    )

    id: str = Field(primary_key=True, sa_type=Name)
    state: str
    """held | confirmed | collected | released | expired"""
    channel: str | None = Field(default=None, sa_type=Name)
    reference: str | None = Field(default=None, sa_type=Name)
    owner: str | None = Field(default=None, sa_type=Name)
    """Prefix of the API key that asked for it."""
    lines: Any = Field(sa_type=sa.JSON)
    """[{"sku", "location", "quantity"}] as granted: merged, in lock order."""
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    """Null once confirmed."""
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    pickup: str | None = Field(default=None, sa_type=Name)
    """The pickup that took it over."""


class Promise(SQLModel, table=True):
    """A channel's promise to its buyer: pieces of one order line at one location, reserved until shipped or cancelled."""

    __table_args__ = (
        sa.Index("promise_reference", "channel", "reference"),
        sa.Index("promise_order", "order_id"),
        sa.Index("promise_shelf", "location", "sku"),
    )

    id: str = Field(primary_key=True, sa_type=Name)
    channel: str = Field(sa_type=Name)
    reference: str = Field(sa_type=Name)
    order_id: str = Field(sa_type=Name)
    line_id: str = Field(sa_type=Name)
    location: str = Field(sa_type=Name)
    sku: str = Field(sa_type=Name)
    quantity: int
    ended: int = 0
    """Shipped, cancelled or taken over by a reservation so far; never more than quantity."""
    created_at: datetime = Field(sa_type=Instant)


class Transfer(SQLModel, table=True):
    """Goods that go from one location to another: promised to it there (by the reservation of its id) until they are sent, then
    gone there and awaited here, nobody's until they are received."""

    __table_args__ = (
        sa.Index("transfer_open", "to_location", "received_at"),
        sa.Index("transfer_promise", "promise"),
    )

    id: str = Field(primary_key=True, sa_type=Name)
    from_location: str = Field(sa_type=Name)
    to_location: str = Field(sa_type=Name)
    pickup_id: str | None = Field(default=None, sa_type=Name)
    promise: str | None = Field(default=None, sa_type=Name)
    """The reservation for which the pieces are held as soon as they are here; null: they can be sold here then."""
    asked_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    """Null while all of it still lies where it is to come from."""
    due_at: datetime = Field(sa_type=Instant)
    received_at: datetime | None = Field(default=None, sa_type=Instant)
    """Null while something of it is still to come."""
    received_by: str | None = None


class TransferLine(SQLModel, table=True):
    """One SKU of a transfer, as it was asked for; `each` are the pieces of shelves that one of it is."""

    __tablename__ = "transfer_line"

    transfer_id: str = Field(primary_key=True, sa_type=Name, foreign_key="transfer.id")
    sku: str = Field(primary_key=True, sa_type=Name)
    quantity: int
    sent: int = 0
    called_off: int = 0
    """Given back where it lay, before anybody sent it."""
    received: int = 0
    lost: int = 0

    @property
    def unsent(self) -> int:
        """Pieces that still lie where they are to come from."""
        return self.quantity - self.sent - self.called_off

    @property
    def to_come(self) -> int:
        """Pieces that are asked for or on their way."""
        return self.quantity - self.called_off - self.received - self.lost

    each: Any = Field(sa_type=sa.JSON)


class GoodsReturn(SQLModel, table=True):
    """Pieces of one SKU that came back. While nobody has decided what they are worth, as many are blocked on their shelf."""

    __tablename__ = "goods_return"
    __table_args__ = (
        sa.Index("goods_return_open", "decided_at", "location"),
        sa.Index("goods_return_told", "channel", "recorded_at"),
        sa.Index("goods_return_near", "sku", "came_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    key: str = Field(sa_type=Name, unique=True)
    """Of the movement that brought them."""
    channel: str = Field(sa_type=Name)
    order_id: str | None = Field(default=None, sa_type=Name)
    """Of the order that they were sold with, where it is known."""
    reference: str | None = Field(default=None, sa_type=Name)
    counter: bool
    """Somebody took them back over a counter."""
    location: str = Field(sa_type=Name)
    sku: str = Field(sa_type=Name)
    quantity: int
    came_at: datetime = Field(sa_type=Instant)
    recorded_at: datetime = Field(sa_type=Instant)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    """Null: to be checked."""
    decided_by: str | None = None
    sellable: int = 0
    b_ware: int = 0
    b_ware_sku: str | None = Field(default=None, sa_type=Name)
    scrap: int = 0
    duplicate: int = 0
    """Pieces that were told of twice and taken off again: all or none."""


class Shortage(SQLModel, table=True):
    """Promises of one shelf that facts have made impossible. One open row a shelf; closed when facts mend it."""

    __table_args__ = (
        sa.Index(
            "shortage_open",
            "location",
            "sku",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    location: str = Field(sa_type=Name)
    sku: str = Field(sa_type=Name)
    quantity: int
    worst: int
    """The largest it ever was."""
    cause: str
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    accepted_at: datetime | None = Field(default=None, sa_type=Instant)
    accepted_by: str | None = None


class Stocktake(SQLModel, table=True):
    """Everything at one location is counted: what was expected when it began, and counts that have no effect until all are booked."""

    __table_args__ = (
        sa.Index(
            "stocktake_open",
            "location",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: str = Field(primary_key=True, sa_type=Name)
    location: str = Field(sa_type=Name)
    opened_at: datetime = Field(sa_type=Instant)
    """The cut-off."""
    opened_by: str
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = None
    ended_how: str | None = None
    """booked | abandoned"""


class StocktakeLine(SQLModel, table=True):
    """One SKU of a stocktake: what the ledger expected at the cut-off, and the last count, with its moment."""

    __tablename__ = "stocktake_line"

    stocktake_id: str = Field(primary_key=True, sa_type=Name, foreign_key="stocktake.id")
    sku: str = Field(primary_key=True, sa_type=Name)
    expected: int
    counted: int | None = None
    counted_at: datetime | None = Field(default=None, sa_type=Instant)
    counted_by: str | None = None
    known: int | None = None
    """What should have lain there when it was counted, written down before the movements that tell it were archived."""


class Policy(SQLModel, table=True):
    """A location's or channel's settings as they were from a moment on: explaining the past uses what was true then."""

    __table_args__ = (sa.Index("policy_of", "scope", "name", "valid_from"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    scope: str
    """location | channel"""
    name: str = Field(sa_type=Name)
    body: Any = Field(sa_type=sa.JSON)
    valid_from: datetime = Field(sa_type=Instant)


class Idempotency(SQLModel, table=True):
    """The answer to a request, written in the transaction of its effect and kept 7 days."""

    scope: str = Field(primary_key=True, sa_type=Name)
    """API key prefix, method and path."""
    key: str = Field(primary_key=True, sa_type=Name)
    body_hash: bytes
    status: int
    answer: bytes
    at: datetime = Field(sa_type=Instant, index=True)
