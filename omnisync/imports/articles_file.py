"""`omnisync import catalog`: articles with barcodes, components and their base price.

A column that the file does not have leaves everything as it is. An empty cell empties its field, with one exception: an
empty price or currency says nothing, for prices end by being replaced or withdrawn and not by a gap in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import articles, pricelist, prices
from omnisync.catalog.articles import ArticleChange, ArticleState
from omnisync.catalog.pricelist import BasePrice
from omnisync.catalog.tables import Price
from omnisync.imports import cells
from omnisync.imports.csvfile import Columns, Row
from omnisync.imports.faults import EXAMPLES, Fault, nearest
from omnisync.imports.reading import Cells, Difference, Remake, Run, keep, similar_sku
from omnisync.stock import backorders
from omnisync.values import Money

COLUMNS = Columns(
    required=("sku", "title", "barcode", "price", "currency"),
    optional=(
        "vat_rate", "unit", "group", "size", "colour", "image", "shelf", "stocked",
        "min_price", "min_age", "cost", "components", "backorder", "b_ware",
    ),
)  # fmt: skip
_READERS: Mapping[str, Any] = {
    "title": cells.text,
    "vat_rate": cells.vat_rate,
    "unit": cells.unit,
    "group": cells.text,
    "size": cells.text,
    "colour": cells.text,
    "image": cells.text,
    "shelf": cells.text,
    "stocked": cells.yes_or_no,
    "min_age": cells.age,
    "backorder": cells.backorder,
    "b_ware": cells.sku_or_none,
}
_FIELD = {"group": "group_name", "cost": "cost_minor", "min_price": "min_price_minor"}
"""Columns whose field has another name."""
_AMOUNTS = ("cost", "min_price")
_PRICE = db.table(Price)
_WAYS_TO_COUNT = tuple(
    re.compile(way)
    for way in (r"(?P<sku>.+?)\s*[:x×*]\s*(?P<n>[1-9]\d{0,5})", r"(?P<n>[1-9]\d{0,5})\s*[:x×\s]\s*(?P<sku>.+)")
)
"""How other programs write so many of a component; ours is `4*CUP`."""


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """What one row says about an article."""

    line: int
    sku: str
    fields: Mapping[str, Any]
    barcodes: tuple[str, ...]
    components: Mapping[str, int] | None
    price: Money | None


class ArticlesFile:
    """One reading of a catalogue."""

    kind = "catalog"
    columns = COLUMNS
    channel: str | None = None
    counted_at: datetime | None = None
    record: Remake | None = None

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}
        self._barcodes: dict[str, tuple[int, str]] = {}
        self._bundles: dict[str, tuple[int, Mapping[str, int]]] = {}
        self._b_wares: dict[str, tuple[int, str]] = {}
        self._moves: list[tuple[int, str, str, str]] = []
        self._last: list[ArticleChange] = []

    # ------------------------------------------------------------ reading

    def parse(self, row: Row) -> tuple[ArticleRow | None, list[Fault]]:
        read = Cells(row)
        sku = read.read("sku", cells.sku)
        fields = {_FIELD.get(name, name): read.read(name, one) for name, one in _READERS.items() if read.has(name)}
        if not row.cells["title"]:
            read.fault("empty", "title: every article has one")
        amounts, currency = self._amounts(read)
        barcodes = read.read("barcode", cells.barcodes) or []
        components = read.read("components", cells.components) if read.has("components") else None
        if read.faults or sku is None:
            return None, read.faults
        fields |= {_FIELD[name]: amounts[name] and amounts[name].minor for name in _AMOUNTS if read.has(name)}
        # An article's own currency is that of its cost and minimum; a price brings its own.
        fields |= {"currency": currency} if any(amounts[name] for name in _AMOUNTS) else {}
        record = ArticleRow(row.line, sku, fields, tuple(sorted(barcodes)), components, amounts["price"])
        return record, [*self._doubled(record), *_warnings(record)]

    @staticmethod
    def _amounts(read: Cells) -> tuple[dict[str, Any], str | None]:
        given = {name: read.row.cells.get(name, "") for name in ("price", *_AMOUNTS)}
        currency = read.read("currency", cells.currency)
        if any(given.values()) and not read.row.cells["currency"]:
            read.fault("currency", "currency: a price needs one, such as EUR")
        if not currency:
            return dict.fromkeys(given), None
        amounts = {
            name: read.read(name, lambda cell: cells.money(cell, currency)) if cell else None
            for name, cell in given.items()
        }
        return amounts, currency

    def _doubled(self, record: ArticleRow) -> Iterable[Fault]:
        first = self._lines.setdefault(record.sku, record.line)
        if first != record.line:
            yield from _both("double-row", first, record.line, f"{record.sku} stands on line")
        for code in record.barcodes:
            line, owner = self._barcodes.setdefault(code, (record.line, record.sku))
            if owner != record.sku:
                yield from _both("barcode-twice", line, record.line, f"{code} stands on line")
        if record.components:
            self._bundles[record.sku] = record.line, record.components
        if record.fields.get("b_ware"):
            self._b_wares[record.sku] = record.line, record.fields["b_ware"]

    def examine(self, session: Session, records: Sequence[ArticleRow]) -> Iterable[Fault]:
        wanted = {code: record for record in records for code in record.barcodes}
        for code, owner in articles.barcode_owners(session, wanted).items():
            if owner != wanted[code].sku:
                self._moves.append((wanted[code].line, code, wanted[code].sku, owner))
        return ()

    def finish(self, session: Session) -> Iterable[Fault]:
        for line, code, sku, owner in self._moves:
            # The file may take a barcode from one article and give it to another; both rows say so then.
            if owner not in self._lines:
                yield Fault(line, "barcode-twice", f"{code} of {sku} belongs to {owner}, which this file does not name")
        yield from self._unknown_components(session)
        yield from self._unknown_b_wares(session)
        yield from self._cycles(session)

    def _unknown_components(self, session: Session) -> Iterable[Fault]:
        wanted = {sku for _, components in self._bundles.values() for sku in components} - self._lines.keys()
        missing = wanted - articles.known(session, wanted).keys()
        hints = {
            sku: self._how_many(session, sku) or nearest(sku, self._lines) or similar_sku(session, sku)
            for sku in sorted(missing)[:EXAMPLES]
        }
        for bundle, (line, components) in self._bundles.items():
            for sku in missing & components.keys():
                yield Fault(line, "components", f"{bundle} holds {sku}, which is no article{hints.get(sku, '')}")

    def _how_many(self, session: Session, written: str) -> str:
        """`, did you mean 4*CUP?` for CUP:4 and its like: to call CUP alone the nearest would make it a set of one."""
        for way in _WAYS_TO_COUNT:
            found = way.fullmatch(written)
            if found and (found["sku"] in self._lines or articles.known(session, [found["sku"]])):
                return f", did you mean {found['n']}*{found['sku']}?"
        return ""

    def _unknown_b_wares(self, session: Session) -> Iterable[Fault]:
        known = {*self._lines, *articles.known(session, {other for _, other in self._b_wares.values()})}
        for sku, (line, other) in self._b_wares.items():
            if other not in known or other == sku:
                yield Fault(line, "b-ware", f"{sku} is sold as {other} when it is B-ware, which is no other article")

    def _cycles(self, session: Session) -> Iterable[Fault]:
        contents = {bundle: components for bundle, (_, components) in self._bundles.items()}
        while chain := articles.cycle(session, contents):
            for bundle in {*chain} & contents.keys():
                line, _ = self._bundles[bundle]
                yield Fault(line, "components", f"a bundle may not hold itself: {' > '.join(chain)}")
                del contents[bundle]

    # ------------------------------------------------------------ comparing and writing

    def compare(self, session: Session, records: Sequence[ArticleRow], now: datetime) -> list[Difference]:
        states = articles.states(session, (record.sku for record in records))
        base = base_prices(session, [record.sku for record in records], now)
        found = [_difference(record, states.get(record.sku), base.get(record.sku)) for record in records]
        return [difference for difference in found if difference]

    def write(self, session: Session, run: Run, differences: Sequence[Difference]) -> None:
        changes = [_change(difference) for difference in differences]
        articles.put(session, [ArticleChange(change.sku, change.fields) for change in changes], now=run.now)
        asked = [change.sku for change in changes if "backorder" in change.fields]
        backorders.follow(session, asked, cause=f"import:{run.id}", now=run.now)
        self._last += [ArticleChange(change.sku, {}, change.barcodes, change.components) for change in changes]
        keep(session, run, "article", ((one.key, _without_price(one.before), one.after) for one in differences))
        priced = [(one.key, Money(**one.after["price"])) for one in differences if "price" in one.after]
        rows = [BasePrice(sku, price) for sku, price in priced]
        ids = pricelist.set_prices(session, rows, ids=run.ids, now=run.now)
        keep(
            session,
            run,
            "price",
            ((price_id, None, {"sku": sku}) for price_id, (sku, _) in zip(ids, priced, strict=True)),
        )

    def close(self, session: Session, run: Run) -> None:
        # Barcodes move between articles and components name them, so both wait until every article stands.
        waiting = [change for change in self._last if (change.barcodes, change.components) != (None, None)]
        articles.put(session, waiting, now=run.now)

    def repeats(self, session: Session, sha256: str) -> str | None:
        return None


def base_prices(session: Session, skus: Sequence[str], now: datetime) -> dict[str, Money]:
    """The base price that stands for each of these SKUs."""
    rows = prices.standing(session, now, sa.and_(_PRICE.c.sku.in_(skus), _PRICE.c.kind == "base"))
    return {row["sku"]: Money(row["amount_minor"], row["currency"]) for row in rows}


def _both(kind: str, first: int, second: int, words: str) -> Iterable[Fault]:
    yield Fault(first, kind, f"{words} {second} too")
    yield Fault(second, kind, f"{words} {first} already")


def _warnings(record: ArticleRow) -> Iterable[Fault]:
    for code in record.barcodes:
        if wrong := cells.wrong_check_digit(code):
            yield Fault(record.line, "check-digit", f"barcode: {wrong}")
    if cells.is_mojibake(record.fields["title"]):
        yield Fault(record.line, "mojibake", f'title: "{record.fields["title"]}"')
    minimum = record.fields.get("min_price_minor")
    if record.price and minimum and record.price.minor < minimum:
        yield Fault(record.line, "below-minimum", f"{record.price.decimal()} is below {minimum} minor units")


def _difference(record: ArticleRow, state: ArticleState | None, base: Money | None) -> Difference | None:
    before = {**state.fields, "barcodes": list(state.barcodes), "components": dict(state.components)} if state else {}
    says = {**record.fields, "barcodes": list(record.barcodes)}
    says |= {} if record.components is None else {"components": dict(record.components)}
    after = {name: value for name, value in says.items() if not state or before.get(name) != value}
    if record.price and record.price != base:
        after["price"] = _as_json(record.price)
        before["price"] = base and _as_json(base)
    if state and not after:
        return None
    currency = record.fields.get("currency") or (state.fields["currency"] if state else None)
    return Difference(
        record.line, record.sku, {name: before[name] for name in after} if state else None, after, currency
    )


def _as_json(price: Money) -> dict[str, Any]:
    return {"minor": price.minor, "currency": price.currency}


def _without_price(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if values is None else {name: value for name, value in values.items() if name != "price"}


def _change(difference: Difference) -> ArticleChange:
    after = difference.after
    fields = {name: value for name, value in after.items() if name in articles.FIELDS}
    return ArticleChange(difference.key, fields, after.get("barcodes"), after.get("components"))
