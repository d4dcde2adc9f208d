"""A till's file as facts: bytes to lines, lines to rows, rows to what happened."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time

from omnisync.adapters.base import Article, Counted, Delivered, Fact, Listing, Sale, Unreadable
from omnisync.adapters.csv import values
from omnisync.adapters.csv.columns import Header, find_header, plain
from omnisync.adapters.csv.settings import TillSettings
from omnisync.adapters.csv.text import Row, lines_of, rows_below

LINES_AT_ONCE = 200
NOON, LAST_SECOND = time(12), time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file as it lay in the folder."""

    name: str
    kind: str
    content: bytes
    written: datetime


@dataclass(frozen=True, slots=True)
class Understood:
    """What a file says, and what of it nobody can read. `fingerprint` names this content read with these settings."""

    fingerprint: str
    facts: tuple[Fact, ...]
    reasons: tuple[str, ...]


@dataclass
class _Source:
    """What rows are read with: the file, its settings, and how often each nameless line came."""

    file: Dropped
    settings: TillSettings
    header: Header
    seen: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        usual = "." if self.header.separator == "," else ","
        self.decimal_mark = usual if self.settings.decimal == "auto" else self.settings.decimal
        self.ignore = [(plain(title), unwanted) for title, unwanted in self.settings.ignore.items()]

    def place(self, row: Row) -> str | None:
        """The column of the store, else the fixed place, else the till itself."""
        if "store" in self.header.places:
            if not row["store"]:
                raise ValueError("it names no store")
            return row["store"]
        return self.settings.place or row["till"] or None

    def moment(self, row: Row) -> values.Moment:
        if row["date"]:
            return values.read_moment(row["date"], row["time"], date_order=self.settings.date_order)
        named = values.moment_in_name(self.file.name)
        if named is None:
            raise ValueError("it has no date, and neither has the name of the file")
        return named

    def at(self, moment: values.Moment, usual: time) -> datetime:
        return moment.at(self.settings.zone, usual=usual, written=self.file.written)

    def key(self, row: Row, receipt: str, content: str) -> str:
        """By position; without one by what the line says, alike lines counted: it may come alone in another export."""
        if row["line"]:
            return f"{receipt}/{row['line']}"
        name = f"{receipt}/{content}"
        self.seen[name] += 1
        return f"{name}#{self.seen[name]}"


async def understand(file: Dropped, settings: TillSettings, breathe: Callable[[], Awaitable[None]]) -> Understood:
    """All facts of a file, unreadable lines among them as such. Others may `breathe` while a long one is read."""
    fingerprint = hashlib.sha256(settings.understanding.encode() + file.content).hexdigest()[:16]
    try:
        source, rows = _open(file, settings)
    except ValueError as error:
        letter = Unreadable(
            f"{fingerprint}:file",
            f"{file.name}: {error}.",
            f"Look at failed/{file.name}, correct it or the channel's settings, and drop it into the folder again.",
        )
        return Understood(fingerprint, (letter,), (f"The whole file: {error}.",))
    return await _gather(source, rows, fingerprint, breathe)


def listings(file: Dropped, settings: TillSettings) -> list[Listing]:
    """The till's own articles. Lines that name none are left out; ValueError when the whole file cannot be read."""
    source, rows = _open(file, settings)
    return [listing for row in rows if (listing := _listing(row, source)) is not None]


def _listing(row: Row, source: _Source) -> Listing | None:
    try:
        article = None if _is_ignored(row, source) else _article(row)
    except ValueError:
        return None
    if article is None:
        return None
    name = article.sku or article.barcode or ""
    return Listing(external_id=name, sku=article.sku, barcode=article.barcode, title=article.title)


async def _gather(
    source: _Source, rows: Iterator[Row], fingerprint: str, breathe: Callable[[], Awaitable[None]]
) -> Understood:
    """Each key once. Two lines that say different things under one key: only the first sale is believed, and no count."""
    facts: dict[str, Fact] = {}
    reasons: list[str] = []
    read = READERS[source.file.kind]
    for row in rows:
        if row.number % LINES_AT_ONCE == 0:
            await breathe()
        try:
            fact = None if _is_ignored(row, source) else read(row, source)
            if fact is None or facts.setdefault(fact.key, fact) == fact:
                continue
            if isinstance(fact, Counted):
                del facts[fact.key]
            raise ValueError(
                "an earlier line has the same name (receipt and position, or moment and article), but other content"
            )
        except ValueError as error:
            reasons.append(f"Line {row.number}: {error}.")
            letter = _letter(row, source.file, fingerprint, str(error))
            facts[letter.key] = letter
    return Understood(fingerprint, tuple(facts.values()), tuple(reasons))


def _letter(row: Row, file: Dropped, fingerprint: str, reason: str) -> Unreadable:
    return Unreadable(
        f"{fingerprint}:{row.number}",
        f"{file.name}, line {row.number}: {reason}.",
        f"Correct the line in failed/{file.name} and drop the file into the folder again (what is booked stays booked "
        "once), or book it by hand; then discard this letter.",
    )


def _open(file: Dropped, settings: TillSettings) -> tuple[_Source, Iterator[Row]]:
    lines = lines_of(file.content, settings.encoding)
    header = find_header(lines, file.kind, settings)
    return _Source(file, settings, header), rows_below(lines, header)


def _is_ignored(row: Row, source: _Source) -> bool:
    if not row.cells:
        raise ValueError(f"it has fewer cells than the header, which has {len(source.header.titles)}")
    return any(row[title] in unwanted for title, unwanted in source.ignore)


def _article(row: Row) -> Article:
    sku, barcode = values.name_of_article(row["sku"]), values.name_of_article(row["barcode"])
    if sku is None and barcode is None:
        raise ValueError("it names no article")
    return Article(sku=sku, barcode=barcode, title=row["title"][:200])


def _sale(row: Row, source: _Source) -> Sale | None:
    article, moment, place = _article(row), source.moment(row), source.place(row)
    quantity = values.pieces(row["quantity"], source.decimal_mark)
    if not row["receipt"]:
        raise ValueError("it names no receipt")
    if quantity == 0:
        return None
    receipt = _joined("sale", place, row["till"], moment.day.isoformat(), row["receipt"])
    return Sale(
        key=source.key(row, receipt, f"{article.sku or article.barcode}x{quantity}@{row['price']}"),
        article=article,
        quantity=quantity,
        at=source.at(moment, NOON),
        place=place,
        unit_price=values.price(row["price"], source.decimal_mark, source.settings.currency),
    )


def _total(row: Row, source: _Source) -> Sale | None:
    """What a Z-report says of an article. Its pieces are taken at noon: a count after closing has them, one before opening has not."""
    article, day, place = _article(row), replace(source.moment(row), hour=None, exact=None), source.place(row)
    quantity = values.pieces(row["quantity"], source.decimal_mark)
    if not row["z"]:
        raise ValueError("it names no Z-report")
    if quantity == 0:
        return None
    report = _joined("z", place, row["till"], day.day.isoformat(), row["z"])
    return Sale(
        key=f"{report}/{article.sku or article.barcode}" + (f"@{row['price']}" if row["price"] else ""),
        article=article,
        quantity=quantity,
        at=source.at(day, NOON),
        place=place,
    )


def _count(row: Row, source: _Source) -> Counted:
    article, moment, place = _article(row), source.moment(row), source.place(row)
    quantity = values.pieces(row["counted"], source.decimal_mark)
    if quantity < 0:
        raise ValueError(f"nobody can count {quantity} pieces")
    key = _joined("count", place, moment.name, article.sku or article.barcode)
    return Counted(key=key, article=article, quantity=quantity, at=source.at(moment, LAST_SECOND), place=place)


def _delivery(row: Row, source: _Source) -> Delivered | None:
    article, moment, place = _article(row), source.moment(row), source.place(row)
    quantity = values.pieces(row["quantity"], source.decimal_mark)
    if quantity == 0:
        return None
    note = _joined("delivery", place, moment.day.isoformat(), row["document"])
    return Delivered(
        key=source.key(row, note, f"{article.sku or article.barcode}x{quantity}"),
        article=article,
        quantity=quantity,
        at=source.at(moment, NOON),
        place=place,
        reason=row["reason"][:200],
    )


def _joined(*parts: str | None) -> str:
    return ":".join(part for part in parts if part)


READERS: Mapping[str, Callable[[Row, _Source], Sale | Counted | Delivered | None]] = {
    "sales": _sale,
    "totals": _total,
    "counts": _count,
    "deliveries": _delivery,
}
