"""Numbers, moments and text as tills write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from omnisync.values import MAX_QUANTITY, Money, parse_time

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_SPOILED = re.compile(r"\d+[.,]?\d*[eE]\+\d+")
_ISO_WITH_ZONE = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d.*(Z|[+-]\d\d:?\d\d)")
_DATE = re.compile(
    r"(?:(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})"
    r"|(?P<first>\d{1,2})(?P<mark>[./-])(?P<second>\d{1,2})[./-](?P<year>\d{4}|\d{2})"
    r"|(?P<cy>20\d\d)(?P<cm>\d\d)(?P<cd>\d\d))"
)
_TIME = re.compile(r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,]\d+)?)?|(\d\d)(\d\d)(\d\d)?")
_IN_NAME = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?:[-_.T ]?(\d\d)[-_.:h]?(\d\d)(?:[-_.:]?(\d\d))?)?(?!\d)"
)


def number(text: str, decimal_mark: str) -> Decimal:
    """A number with that decimal mark; the other mark, blanks and apostrophes may group thousands."""
    trimmed = re.sub(r"[\s' ]", "", text).replace("−", "-")
    if trimmed.endswith("-") and not trimmed.startswith("-"):
        trimmed = "-" + trimmed[:-1]  # SAP and old tills write the sign last
    group = "." if decimal_mark == "," else ","
    if group in trimmed and not re.fullmatch(rf"[+-]?\d{{1,3}}(\{group}\d{{3}})+(\{decimal_mark}\d+)?", trimmed):
        raise ValueError(f"{text!r} is no number with a decimal {'comma' if decimal_mark == ',' else 'point'}")
    plain = trimmed.replace(group, "").replace(decimal_mark, ".")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"{text!r} is no number")
    return Decimal(plain)


def pieces(text: str, decimal_mark: str) -> int:
    """A whole number of pieces, perhaps negative; `2,00` is two."""
    amount = number(text, decimal_mark)
    if amount != amount.to_integral_value():
        raise ValueError(f"{text!r} is no whole number of pieces")
    if abs(amount) > MAX_QUANTITY:
        raise ValueError(f"{text!r} is more than {MAX_QUANTITY} pieces")
    return int(amount)


def price(text: str, decimal_mark: str, currency: str) -> Money | None:
    """A price, or None where there is none that can be read: what a piece cost does not keep it on the shelf."""
    bare = text.replace("€", "").replace(currency, "").strip()
    try:
        return Money.parse(str(abs(number(bare, decimal_mark))), currency) if bare else None
    except ValueError:
        return None


def name_of_article(text: str) -> str | None:
    """A SKU or barcode, or None where the cell is empty. ValueError when a spreadsheet has spoiled it."""
    bare = text.removeprefix("'").strip()
    if _SPOILED.fullmatch(bare):
        raise ValueError(f"{text!r} is a number that a spreadsheet has rounded; export the column as text")
    if len(bare) > 64 or not bare.isprintable():
        raise ValueError(f"{text[:40]!r} is no article number (1 to 64 printable characters)")
    return bare or None


@dataclass(frozen=True, slots=True)
class Moment:
    """A local date, and the time of day where the till tells one; `exact` where it even tells its zone."""

    day: date
    hour: time | None = None
    exact: datetime | None = None

    @property
    def name(self) -> str:
        """The same in every export of the same line."""
        if self.exact is not None:
            return self.exact.isoformat()
        return self.day.isoformat() + (f"T{self.hour.isoformat()}" if self.hour else "")

    def at(self, zone: ZoneInfo, *, usual: time, written: datetime) -> datetime:
        """In UTC. Without a time of day it is the usual one, but never later than the file was written."""
        if self.exact is not None:
            return self.exact
        local = datetime.combine(self.day, self.hour or usual, zone)
        moment = local.astimezone(UTC)
        if self.hour is None and moment > written:
            morning = datetime.combine(self.day, time(), zone).astimezone(UTC)
            return max(morning, written)
        # In the night in which the clocks go back an hour comes twice: the later one, if the file was not written before it.
        again = local.replace(fold=1).astimezone(UTC)
        return again if moment < again <= written else moment


def read_moment(date_text: str, time_text: str, *, date_order: str) -> Moment:
    """From one cell with date and time, or from two."""
    text = date_text.strip()
    if _ISO_WITH_ZONE.fullmatch(text):
        exact = parse_time(text)
        return Moment(exact.date(), exact=exact)
    found = _DATE.match(text)
    if found is None:
        raise ValueError(f"{date_text!r} is no date such as 21.11.2026")
    rest = text[found.end() :].strip(" T,") or time_text.strip()
    return Moment(_day(found, date_order, date_text), _hour(rest) if rest else None)


def _day(found: re.Match[str], date_order: str, text: str) -> date:
    part = found.groupdict()
    if part["y"] or part["cy"]:
        year, month, day = (part["y"] or part["cy"], part["m"] or part["cm"], part["d"] or part["cd"])
    else:
        american = date_order == "mdy" and part["mark"] == "/"
        month, day = (part["first"], part["second"]) if american else (part["second"], part["first"])
        year = part["year"]
    full_year = int(year) + (2000 if len(year) == 2 else 0)
    if not 2000 <= full_year < 2100:
        raise ValueError(f"{text!r} is not of our century")
    try:
        return date(full_year, int(month), int(day))
    except ValueError:
        raise ValueError(f"{text!r} is no day of the calendar") from None


def _hour(text: str) -> time:
    found = _TIME.fullmatch(text.removesuffix("Uhr").strip())
    if found is None:
        raise ValueError(f"{text!r} is no time of day such as 17:45")
    hours, minutes, seconds = (found[1] or found[4], found[2] or found[5], found[3] or found[6] or "0")
    try:
        return time(int(hours), int(minutes), int(seconds))
    except ValueError:
        raise ValueError(f"{text!r} is no time of day") from None


def moment_in_name(name: str) -> Moment | None:
    """The date that a file's name carries: `inventur_2026-11-21_1830.csv`."""
    found = _IN_NAME.search(name)
    if found is None:
        return None
    try:
        hour = time(int(found[4]), int(found[5]), int(found[6] or 0)) if found[4] else None
        return Moment(date(int(found[1]), int(found[2]), int(found[3])), hour)
    except ValueError:
        return None
