"""Articles, their barcodes and components, prices, and what each import changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from omnisync.db import Instant, Name, Serial


class Article(SQLModel, table=True):
    """What is sold, known by its SKU. `stocked` is false for deposit, shipping, gift wrap, vouchers, services."""

    sku: str = Field(primary_key=True, sa_type=Name)
    title: str
    size: str | None = None
    colour: str | None = None
    group: str | None = Field(default=None, sa_column=sa.Column("group_name", sa.String, nullable=True))
    image: str | None = None
    shelf: str | None = None
    unit: str = "piece"
    stocked: bool = True
    vat_rate: int | None = None
    """Hundredths of a per cent: 1900 is 19 %."""
    cost_minor: int | None = None
    min_price_minor: int | None = None
    currency: str | None = None
    min_age: int | None = None
    backorder: str | None = None
    """How far it may be promised beyond what is there: pieces, or the day from which what is awaited can be had; null: not."""
    b_ware: str | None = Field(default=None, sa_type=Name)
    """The SKU under which pieces are sold that came back not quite new."""
    changed_at: datetime = Field(sa_type=Instant)


class Barcode(SQLModel, table=True):
    """One of an article's barcodes (GTIN, in-house); belongs to one SKU."""

    code: str = Field(primary_key=True, sa_type=Name)
    sku: str = Field(sa_type=Name, foreign_key="article.sku", index=True)


class Component(SQLModel, table=True):
    """A bundle holds `quantity` of `sku`; exploded before anything reaches the ledger."""

    bundle: str = Field(primary_key=True, sa_type=Name, foreign_key="article.sku")
    sku: str = Field(primary_key=True, sa_type=Name, foreign_key="article.sku")
    quantity: int


class ComponentThen(SQLModel, table=True):
    """What a bundle held from a moment on, and until when: explaining the past uses what was true then."""

    __tablename__ = "component_then"

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    bundle: str = Field(sa_type=Name, index=True)
    sku: str = Field(sa_type=Name, index=True)
    quantity: int
    valid_from: datetime = Field(sa_type=Instant)
    valid_to: datetime | None = Field(default=None, sa_type=Instant)


class Price(SQLModel, table=True):
    """A base price (channel null), a channel's own price, or a rule that makes a channel's price from the base price.

    Valid for valid_from <= t < valid_to. A price or rule is never edited: a newer row replaces it.
    """

    __table_args__ = (sa.Index("price_by_sku", "sku", "channel", "valid_from"),)

    id: str = Field(primary_key=True)
    kind: str
    """base | channel | rule"""
    sku: str | None = Field(default=None, sa_type=Name)
    """Null in a rule for a whole channel."""
    channel: str | None = Field(default=None, sa_type=Name)
    amount_minor: int | None = None
    currency: str | None = None
    percent_hundredths: int | None = None
    """A rule's change in hundredths of a per cent: -1000 is 10 % off."""
    add_minor: int | None = None
    ending_minor: int | None = None
    """99: prices of this rule end in ,99."""
    valid_from: datetime = Field(sa_type=Instant)
    valid_to: datetime | None = Field(default=None, sa_type=Instant)
    created_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """Withdrawn (an import was undone): as if it had never been from then on."""


class PriceApplied(SQLModel, table=True):
    """What a channel was seen to have applied, and when: the history behind the lowest price of 30 days."""

    __tablename__ = "price_applied"
    __table_args__ = (sa.Index("price_applied_by_sku", "sku", "channel", "applied_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    sku: str = Field(sa_type=Name)
    channel: str = Field(sa_type=Name)
    amount_minor: int
    currency: str
    applied_at: datetime = Field(sa_type=Instant)


class ImportRun(SQLModel, table=True):
    """One import: what file, what it changed, and whether it was undone."""

    __tablename__ = "import_run"

    id: str = Field(primary_key=True, sa_type=Name)
    kind: str
    """catalog | stock | listings"""
    channel: str | None = Field(default=None, sa_type=Name)
    """Whose listings these are."""
    counted_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the stock of a count was counted."""
    file_name: str
    file_hash: str = Field(index=True)
    at: datetime = Field(sa_type=Instant)
    rows: int = 0
    changed: int = 0
    booked_line: int | None = None
    """Of an import that is being booked, or was cut off: the last line that is in. Null: all are."""
    undone_at: datetime | None = Field(default=None, sa_type=Instant)


class ImportChange(SQLModel, table=True):
    """One thing an import changed, with what stood there before and after, as its undo needs them.

    Counts are not kept here a second time: their movements are in the journal.
    """

    __tablename__ = "import_change"

    run_id: str = Field(primary_key=True, sa_type=Name, foreign_key="import_run.id")
    subject: str = Field(primary_key=True)
    """article | price | shelf | listing"""
    key: str = Field(primary_key=True, sa_type=Name)
    before: Any = Field(default=None, sa_type=sa.JSON)
    """Null: it was not there."""
    after: Any = Field(default=None, sa_type=sa.JSON)
