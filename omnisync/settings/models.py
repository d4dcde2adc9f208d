"""What can stand in `omnisync.toml`: one class a section, and the words each setting accepts."""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator

from omnisync.settings.hours import check_hours, check_nightly, check_special

ADAPTERS = ("amazon", "csv", "ebay", "oscar", "shopify", "shopware", "square", "vendure", "woocommerce")
"""The names that `adapter` may have: what `adapters.registry` can make."""
LEDGER = "ledger"
"""The stock owner that is no channel."""
_PERCENT = re.compile(r"(\d{1,2}|100)%")


class Secret(str):
    """A text that was read from `env:` or `file:`; it does not show when it is printed inside something else."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def _whole_number(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError("a whole number is wanted here")
    return value


def _one_owner(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError('one location has one owner: "ledger" or the name of one channel')
    return value


def _buffer(value: Any) -> int | str:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return value
    raise ValueError('pieces such as 2, or per cent such as "10%"')


Whole = Annotated[int, BeforeValidator(_whole_number)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Buffer = Annotated[int | str, PlainValidator(_buffer, json_schema_input_type=int | str)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DatabaseSettings(_Section):
    """Where the ledger lives."""

    url: str = Field(default="sqlite:///omnisync.db", pattern=r"^(sqlite:///|postgresql\+psycopg://).+")
    """`sqlite:///file.db`, or `postgresql+psycopg://user@host/database`."""


class ServerSettings(_Section):
    """The HTTP side."""

    host: str = "127.0.0.1"
    """Where to listen. Keep it on this machine and let a proxy bring TLS; with `serve --tls` a shop's network is `0.0.0.0`."""
    port: Whole = Field(default=8000, ge=0, le=65535)
    """0 takes any free one."""
    public_url: str = Field(default="", pattern=r"^(https?://[^\s/]+\S*)?$")
    """What channels call, such as `https://sync.example.org`."""
    public_availability: bool = False
    """True: availability needs no key, and quantities become states."""
    limited_below: Whole = Field(default=3, ge=1)
    """Up to so many pieces are "limited"."""
    key_file: str = "omnisync.key"
    """Holds the server's key, from which pickup codes and logins are made; written at the first start. Several nodes
    share one."""
    tls_names: list[Annotated[str, Field(pattern=r"^[0-9A-Za-z.:_-]{1,253}$")]] = Field(default_factory=list)
    """With `serve --tls`: names and addresses under which devices reach this server, such as "kasse.local" or "192.168.1.20",
    besides those it finds itself and that of `public_url`."""
    tls_folder: str = ""
    """With `serve --tls`: where its certificates are kept. Empty: `tls` beside the database, else beside `key_file`."""
    plain_port: Whole = Field(default=8080, ge=0, le=65535)
    """With `serve --tls`: answers http, with the authority's certificate and the way to https and nothing else. 0 takes any free one."""
    pictures: str = ""
    """A folder with pictures of articles for the pickup desk: an article's `image` names a file below it, such as
    `coats/elbe.jpg`. Addresses of other hosts are not shown."""


class LimitSettings(_Section):
    """How much may be held at once, as a hold or as a pickup, against hoarding. What goes beyond is refused with the limit's name."""

    open_holds_per_key: Whole = Field(default=100_000, ge=1)
    """Holds of one API key that are neither confirmed nor ended. A shop of 100,000 takes 110 a second for a quarter of an hour. Who
    confirms has bought: the best customers are never taken for hoarders, and when to confirm is your shop's own word."""
    open_holds_per_reference: Whole = Field(default=50, ge=1)
    """The same of one `reference` of a key: a customer or his basket."""
    open_pickups_per_key: Whole = Field(default=100_000, ge=1)
    """Pickups of one API key that are neither collected nor ended, paid or not. What a store puts aside itself does not count."""
    open_pickups_per_customer: Whole = Field(default=50, ge=1)
    """The same of one customer of a key, by e-mail address and by telephone number, as long as they are not paid."""
    lines: Whole = Field(default=100, ge=1, le=100)
    """Of one hold or pickup."""
    quantity: Whole = Field(default=1_000_000, ge=1, le=1_000_000)
    """Pieces of one line."""


class MailSettings(_Section):
    """The server that takes our mails; without a host none are sent."""

    host: str = ""
    """Empty: no mails."""
    port: Whole = Field(default=25, ge=1, le=65535)
    """Of that server; it is spoken to without login, so it should stand in your own network."""
    sender: str = Field(default="omnisync@localhost", pattern=r"^\S+@\S+$")
    """The address our mails come from."""
    office: str = Field(default="", pattern=r"^(\S+@\S+)?$")
    """Gets the list of the day each morning at half past seven. Empty: nobody does."""


class AlertSettings(_Section):
    """Who is told when something needs somebody, and when it is over. Without `to` and `url` nobody is."""

    to: list[Annotated[str, Field(pattern=r"^\S+@\S+$")]] = Field(default_factory=list)
    """Addresses that get a mail; this needs `host` under `[mail]`."""
    url: str = Field(default="", pattern=r"^(https?://[^\s/]+\S*)?$")
    """Is called with each alert, as a Standard Webhook such as `https://alerts.example.org/hook`; may stand outside, as
    `env:NAME` or `file:PATH`."""
    secret: str = ""
    """What those calls are signed with, as `env:NAME` or `file:PATH`; `whsec_` and base64, or any text. Empty: they are not signed."""
    quiet: Annotated[str, BeforeValidator(check_nightly)] = ""
    """Nobody is told anything between these times of the first location's clock, such as "22:00-07:00"; what still stands then is
    told at the end."""
    language: Literal["de", "en"] = "de"
    """Of the mails and calls."""
    late_seconds: Whole = Field(default=120, ge=10)
    """How long a change may wait for a channel, or a channel not answer, until somebody is told."""
    drift_above: Whole = Field(default=0, ge=0)
    """More listings of a channel than this show something else than they should."""

    @property
    def key(self) -> bytes:
        """What calls are signed with; empty where they are not. ValueError when it is no base64."""
        coded = self.secret.removeprefix("whsec_")
        return self.secret.encode() if coded == self.secret else base64.b64decode(coded, validate=True)

    @property
    def is_key(self) -> bool:
        """Whether there is a key in the secret, or none is wanted."""
        try:
            return not self.secret or bool(self.key)
        except ValueError:
            return False


class LocationSettings(_Section):
    """A store or warehouse."""

    code: Code
    """1 to 64 letters, digits, dots, dashes, underscores; it stands in URLs."""
    name: str = Field(min_length=1)
    """As people read it."""
    kind: Literal["store", "warehouse"] = "store"
    """Where goods come from other locations, warehouses send first."""
    timezone: str = "Europe/Berlin"
    """Of its opening hours."""
    stock_owner: Annotated[str, BeforeValidator(_one_owner)] = LEDGER
    """`ledger`, or the name of the one channel that counts and receives goods here."""
    pickup: Literal["off", "local", "network"] = "local"
    """Click and collect. With `off` nothing can be collected here; with `network` goods may come from other locations."""
    transfer_days: Whole = Field(default=2, ge=0)
    """Open days until goods from another location are here."""
    hours: Annotated[dict[str, str], BeforeValidator(check_hours)] = Field(default_factory=dict)
    """`{ mon-fri = "09:30-19:00", sat = "10:00-13:00, 14:00-16:00" }`; days that are not named are closed."""
    holidays: str | None = None
    """Closed on the public holidays of this region, such as `DE-BE`."""
    special: Annotated[dict[str, str], BeforeValidator(check_special)] = Field(default_factory=dict)
    """Single days: `{ "2026-12-24" = "09:00-14:00", "2026-12-31" = "closed" }`."""
    lead_minutes: Whole = Field(default=120, ge=0)
    """From the order to ready, in open minutes."""
    collect_days: Whole = Field(default=3, ge=1)
    """In open days; a pickup is to be collected before the last one closes."""
    pickup_at_till: Literal["never", "unpaid", "all"] = "unpaid"
    """Which hand-overs the till also books: none, those of unpaid pickups, or all."""
    email: str | None = None
    """Gets a mail for each new pickup."""
    manager_email: str | None = None
    """Gets a mail when nobody has accepted a pickup after half of its lead time."""


class ChannelPolicy(_Section):
    """What a channel shows, and how carefully."""

    shows: Literal["available", "on_hand"] | None = None
    """What the number means to this channel; the default is the adapter's: `on_hand` for tills, else `available`."""
    buffer: Buffer = 0
    """Kept back from this channel: pieces, or per cent such as "10%", rounded up."""
    max_listed: Annotated[Whole, Field(ge=0)] | None = None
    """Never show more than this."""
    stop_at: Whole = Field(default=0, ge=0)
    """So many or fewer show as none."""
    prices: Literal["off", "now", "at_opening"] = "now"
    """Whether and when prices are written there. `at_opening`: while all its stores are closed, those of the next opening; a store
    without `hours` is not waited for."""
    notify: Literal["channel", "omnisync", "none"] = "channel"
    """Who writes to the customer of a pickup. With `omnisync` (which needs `[mail]`) and `none` the channel is asked not to."""
    unpaid_days: Whole = Field(default=7, ge=1)
    """An unpaid order keeps its pieces so many days; then they can be sold again, and the channel is told where it can be."""
    returns: Literal["check", "sellable"] | None = None
    """What comes back waits to be checked, or can be sold at once. By default it waits where it had been sent, and does not where
    somebody took it back over a counter."""
    heard_within: str | None = Field(default=None, pattern=r"^[1-9]\d{0,3}[mhd]$")
    """Of a till: how old the last that we know of it may be, such as "90m", "4h" or "2d" of open time. Beyond it the store's
    availability is at most `limited`, for nobody knows what was sold there since. None: it is not watched."""
    drift: Literal["repair", "show"] = "repair"
    """When the channel shows another number or price than it should: write ours again, or only show it."""
    blast_guard: bool = True
    """What would empty much of the channel within half an hour, or reprice it, waits for a person."""
    blast_zero_percent: Whole = Field(default=10, ge=0, le=100)
    """More than this share of the listings going to zero within 30 minutes without buyers ..."""
    blast_zero_least: Whole = Field(default=20, ge=0)
    """... and at least so many."""
    blast_price_percent: Whole = Field(default=30, ge=0)
    """A price that would change by more than this waits."""


class ChannelSettings(_Section):
    """One connected account."""

    name: Code
    """1 to 64 letters, digits, dots, dashes, underscores; it stands in URLs."""
    adapter: str
    """How it talks."""
    title: str = ""
    """As people read it; else its name."""
    locations: list[str] = Field(min_length=1)
    """Whose stock it sells, in order of preference."""
    location_map: dict[str, str] = Field(default_factory=dict)
    """The channel's place -> our location."""
    shadow: bool = False
    """Read everything and write nothing there, until `omnisync golive` is said."""
    policy: ChannelPolicy = ChannelPolicy()
    settings: dict[str, Any] = Field(default_factory=dict)
    """The adapter's own, with secrets already read from env: or file:."""


class Settings(_Section):
    """Everything in `omnisync.toml`."""

    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    mail: MailSettings = MailSettings()
    alerts: AlertSettings = AlertSettings()
    locations: list[LocationSettings] = Field(default_factory=list)
    channels: list[ChannelSettings] = Field(default_factory=list)

    def location(self, code: str) -> LocationSettings:
        """The location of that code. KeyError when there is none."""
        return {location.code: location for location in self.locations}[code]

    def channel(self, name: str) -> ChannelSettings:
        """The channel of that name. KeyError when there is none."""
        return {channel.name: channel for channel in self.channels}[name]
