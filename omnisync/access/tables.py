"""Who may come in: API keys, people, the devices of stores, and the sessions of browsers; and who changed what."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from omnisync.db import Instant, Name, Serial


class AccessKey(SQLModel, table=True):
    """An API key: the prefix names it, only a hash of the secret is kept."""

    __tablename__ = "access_key"

    prefix: str = Field(primary_key=True, sa_type=Name)
    secret_hash: str
    name: str
    role: str
    """shop | staff | ops | admin"""
    location: str | None = Field(default=None, sa_type=Name)
    created_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


class User(SQLModel, table=True):
    """A person: who logs in to the pages with a password, stands at an enrolled device with initials, or both."""

    __tablename__ = "user_account"
    __table_args__ = (
        # Two people of a store never have the same initials; who has left makes room.
        sa.Index(
            "user_initials",
            "location",
            "initials",
            unique=True,
            sqlite_where=sa.text("disabled_at IS NULL"),
            postgresql_where=sa.text("disabled_at IS NULL"),
        ),
    )

    name: str = Field(primary_key=True, sa_type=Name)
    password_hash: str | None = None
    """Null: works at enrolled devices only."""
    role: str
    """staff | viewer | ops | admin"""
    location: str | None = Field(default=None, sa_type=Name)
    initials: str | None = Field(default=None, sa_type=Name)
    """What stands on the button that says who is there."""
    pin_hash: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    disabled_at: datetime | None = Field(default=None, sa_type=Instant)


class Device(SQLModel, table=True):
    """A phone, tablet or till PC of one store: invited by the office, enrolled once, until somebody ends it."""

    __table_args__ = (sa.Index("device_of_store", "location", "ended_at"),)

    id: str = Field(primary_key=True, sa_type=Name)
    name: str
    location: str = Field(sa_type=Name)
    code_hash: str = Field(sa_type=Name, unique=True)
    """Of the code that enrols it; the code itself is made again from the server's key while it is shown."""
    invited_at: datetime = Field(sa_type=Instant)
    invited_by: str
    enrolled_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = None
    wrong_pins: int = 0
    """In a row, the one that is being looked at included."""
    locked_at: datetime | None = Field(default=None, sa_type=Instant)
    """Too many wrong PINs: closed until the office opens it again."""


class BrowserSession(SQLModel, table=True):
    """A browser that came in: as a person with a password, or as an enrolled device at which people take turns."""

    __tablename__ = "browser_session"
    __table_args__ = (sa.Index("browser_session_of_device", "device_id"), sa.Index("browser_session_until", "until"))

    id: str = Field(primary_key=True, sa_type=Name)
    user_name: str | None = Field(default=None, sa_type=Name)
    device_id: str | None = Field(default=None, sa_type=Name)
    person: str | None = Field(default=None, sa_type=Name)
    """At a device: who tapped their initials last."""
    created_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    until: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Act(SQLModel, table=True):
    """Something that somebody changed by hand or by program, and that had its effect: who, when, what, about what."""

    id: int | None = Field(default=None, primary_key=True, sa_type=Serial)
    at: datetime = Field(sa_type=Instant, index=True)
    door: str
    """office | desk | key | terminal"""
    by: str
    thing: str
    step: str
    about: str
    """The id or name of the thing; never a person's data but the name of a user who was changed."""
