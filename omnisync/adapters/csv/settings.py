"""What an installer may say about a CSV till, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from omnisync.adapters import keys


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
"""One glob or several; upper and lower case are alike."""


class TillSettings(BaseModel):
    """`[channels.settings]` of a channel with `adapter = "csv"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    sales: Patterns = ("verkauf*.csv", "verkäufe*.csv", "umsatz*.csv", "bon*.csv", "sales*.csv", "receipts*.csv")
    counts: Patterns = ("inventur*.csv", "zählung*.csv", "zaehlung*.csv", "bestand*.csv", "count*.csv", "stock*.csv")
    deliveries: Patterns = ("lieferung*.csv", "wareneingang*.csv", "deliver*.csv", "received*.csv")
    articles: Patterns = ("artikel*.csv", "articles*.csv")
    """The till's own list of articles: read for matching, never moved."""
    columns: Mapping[str, Patterns] = Field(default_factory=dict)
    """Our field -> the till's column titles, asked before the usual ones."""
    ignore: Mapping[str, Patterns] = Field(default_factory=dict)
    """Column title -> values: lines that are no article (payment lines, sums)."""
    timezone: str = "Europe/Berlin"
    encoding: str = "auto"
    separator: str = "auto"
    decimal: Literal["auto", ",", "."] = "auto"
    """The decimal mark; auto: a comma, except in files whose columns are separated by commas."""
    date_order: Literal["dmy", "mdy"] = "dmy"
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    place: str | None = None
    """The one place of this till, where its files name none."""
    settle_seconds: float = Field(default=2.0, ge=0)
    """A file is complete when its size and time did not change for so long."""
    poll_seconds: float = Field(default=2.0, gt=0)
    out: Path | None = None
    """The file that the till imports stock and prices from, relative to the folder; None: it imports nothing."""
    out_columns: tuple[str, str, str, str, str] = ("Artikel", "Bestand", "Preis", "Waehrung", "Filiale")

    @field_validator("timezone")
    @classmethod
    def _is_known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{name!r} is no time zone such as Europe/Berlin") from None
        return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def out_path(self) -> Path | None:
        return None if self.out is None else self.folder / self.out


def parse(channel: str, settings: Mapping[str, Any]) -> TillSettings:
    """The settings of a channel. NeedsAttention naming every key that is wrong."""
    return keys.read(TillSettings, channel, settings, see="the README of the csv adapter")
