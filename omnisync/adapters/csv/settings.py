"""What an installer may say about a CSV till, checked as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, field_validator, model_validator

from omnisync.adapters import keys
from omnisync.adapters.csv import address
from omnisync.adapters.csv.address import Address, Login
from omnisync.adapters.keys import Hidden, Own


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _as_folder(value: Any) -> Any:
    return address.parse(value) if isinstance(value, str) and value.startswith(address.SCHEME) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_tuple, json_schema_input_type=str | tuple[str, ...])]
"""One glob or several; upper and lower case are alike."""


NEAR_SECONDS, FAR_SECONDS = 2.0, 10.0
_CONNECTION = {
    "folder",
    "password",
    "private_key",
    "passphrase",
    "host_key",
    "settle_seconds",
    "poll_seconds",
    "out",
    "out_columns",
}


class TillSettings(Own):
    """`[channels.settings]` of a channel with `adapter = "csv"`."""

    folder: Annotated[Path | Address, BeforeValidator(_as_folder, json_schema_input_type=str)]
    """Here, or `sftp://user@host/folder`."""
    password: Hidden | None = None
    private_key: Hidden | None = None
    """The text of a key in OpenSSH format, as `file:` reads it."""
    passphrase: Hidden | None = None
    host_key: Patterns = ()
    """The server's own key, such as `ssh-ed25519 AAAA...`; several while it is changing."""
    sales: Patterns = ("verkauf*.csv", "verkäufe*.csv", "umsatz*.csv", "bon*.csv", "sales*.csv", "receipts*.csv")
    totals: Patterns = ()
    """Z-reports with the pieces of each article: of a till that exports no receipts."""
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
    poll_seconds: float | None = Field(default=None, gt=0)
    out: str | None = None
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

    @model_validator(mode="after")
    def _has_a_login_where_it_needs_one(self) -> Self:
        if isinstance(self.folder, Address):
            if self.password is None and self.private_key is None:
                raise ValueError("an SFTP folder needs `password` or `private_key`")
        elif stray := [key for key in ("password", "private_key", "passphrase", "host_key") if getattr(self, key)]:
            raise ValueError(f"a local folder needs no {' and no '.join(stray)}")
        return self

    @model_validator(mode="after")
    def _hears_of_each_sale_once(self) -> Self:
        if self.totals and "sales" in self.model_fields_set and self.sales:
            raise ValueError("`totals` tell the same pieces as `sales` once more: name the one that your till exports")
        return self

    @property
    def patterns(self) -> Mapping[str, Patterns]:
        """Kind of file -> the names that it has."""
        receipts = () if self.totals else self.sales
        return {"sales": receipts, "totals": self.totals, "counts": self.counts, "deliveries": self.deliveries}

    @property
    def login(self) -> Login:
        return Login(self.password, self.private_key, self.passphrase, self.host_key)

    @property
    def polled_every_seconds(self) -> float:
        """A folder here costs nothing to look into; a server is somebody else's."""
        return self.poll_seconds or (FAR_SECONDS if isinstance(self.folder, Address) else NEAR_SECONDS)

    @property
    def understanding(self) -> str:
        """What decides how a file is read: nothing of where it lay, and no secret."""
        return self.model_dump_json(exclude=_CONNECTION)


def parse(channel: str, settings: Mapping[str, Any]) -> TillSettings:
    """The settings of a channel. NeedsAttention naming every key that is wrong."""
    return keys.read(TillSettings, channel, settings, see="the README of the csv adapter")
