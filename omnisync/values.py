"""The small exact values everything else is made of: SKUs, money, moments, pages."""

from __future__ import annotations

import base64
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum
from typing import NamedTuple

MAX_ROW_ID = 2**63 - 1
MAX_QUANTITY = 1_000_000
MAX_SKU = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# ISO 4217: currencies whose minor unit is not a hundredth. All others have two digits.
_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "HUF": 2, "BHD": 3, "KWD": 3, "TND": 3, "JOD": 3, "OMR": 3}
_CURRENCY = re.compile(r"[A-Z]{3}")


class Shelf(NamedTuple):
    """One SKU at one location. Sorting shelves gives the one order in which rows are locked."""

    location: str
    sku: str


class Kind(StrEnum):
    """Why quantities of a shelf changed. What each does to them stands in `stock.effects`."""

    SOLD = "sold"
    ORDER = "order"
    HOLD = "hold"
    SHIPPED = "shipped"
    COLLECTED = "collected"
    HANDED_BACK = "handed_back"
    RELEASED = "released"
    RETURNED = "returned"
    AWAITED = "awaited"
    RECEIVED = "received"
    CALLED_OFF = "called_off"
    FOUND = "found"
    MISSING = "missing"
    DAMAGED = "damaged"
    COUNT = "count"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    OPENING = "opening"
    SAFETY = "safety"
    OFF_SALE = "off_sale"
    BACKORDER = "backorder"
    COUNTED_ALREADY = "counted_already"


def clean_sku(text: str) -> str:
    """The SKU in NFC. ValueError when it is empty, too long, or holds control characters or outer blanks."""
    sku = unicodedata.normalize("NFC", text)
    if not 1 <= len(sku) <= MAX_SKU:
        raise ValueError(f"a SKU has 1 to {MAX_SKU} characters, this one has {len(sku)}")
    if sku != sku.strip():
        raise ValueError("a SKU has no blanks at its ends")
    if not sku.isprintable() and any(unicodedata.category(one) in ("Cc", "Cs", "Cn", "Zl", "Zp") for one in sku):
        raise ValueError("a SKU has printable characters only")
    return sku


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An exact amount in minor units (cents) of an ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"{self.currency!r} is no ISO 4217 currency code such as EUR")

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """From decimal text such as `19.99`. ValueError for anything that is no exact number of minor units."""
        digits = minor_digits(currency)
        try:
            amount = Decimal(text)
        except InvalidOperation:
            raise ValueError(f"{text!r} is no amount such as 19.99") from None
        if not amount.is_finite():
            raise ValueError(f"{text!r} is no amount such as 19.99")
        minor = amount.scaleb(digits)
        if minor != minor.to_integral_value():
            raise ValueError(f"{text!r} has more than {digits} decimals, which {currency} does not know")
        return cls(int(minor), currency)

    def decimal(self) -> str:
        """Plain decimal text, as channels want it: `19.99`."""
        digits = minor_digits(self.currency)
        return f"{Decimal(self.minor).scaleb(-digits):.{digits}f}"


def minor_digits(currency: str) -> int:
    """Decimals of a currency (ISO 4217 minor unit)."""
    return _MINOR_DIGITS.get(currency, 2)


def round_half_up(value: Decimal) -> int:
    """To an integer, ties away from zero, as German commercial rounding (DIN 1333) does it."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC. A naive datetime is refused: nobody knows what it means."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} is outside the years that a calendar here knows") from None


def parse_time(text: str) -> datetime:
    """An RFC 3339 text with its zone (`Z` or an offset) as UTC; more than six decimals of a second are cut."""
    trimmed = re.sub(r"(\.\d{6})\d+", r"\1", text.strip())
    return as_utc(datetime.fromisoformat(trimmed))


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with a Z, without empty fractions of a second."""
    return as_utc(moment).isoformat().replace("+00:00", "Z")


def to_micros(moment: datetime) -> int:
    """Whole microseconds since 1970, exact (no float on the way). A naive datetime is refused."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment that many microseconds after 1970 began."""
    return EPOCH + timedelta(microseconds=micros)


def to_cursor(*parts: str | int) -> str:
    """An opaque page cursor holding the sort key of the last row."""
    return base64.urlsafe_b64encode("\x1f".join(str(part) for part in parts).encode()).decode().rstrip("=")


def from_cursor(cursor: str, parts: int) -> list[str]:
    """The sort key inside a cursor. ValueError when somebody made it up."""
    try:
        found = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\x1f")
    except ValueError:
        raise ValueError("this cursor is not one of ours") from None
    if len(found) != parts or any("\0" in part for part in found):
        raise ValueError("this cursor is not one of ours")
    return found


def row_id(text: str) -> int:
    """The number of a row. ValueError for anything that no database could have given."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_ROW_ID)) and int(text) <= MAX_ROW_ID):
        raise ValueError("no row has this number")
    return int(text)
