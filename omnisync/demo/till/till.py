"""The trade of a simulated till: it sells over the counter, takes back, counts, and exports what happened as files.

What each fault does to a till, which sends no webhooks and cannot be limited:

    down          nothing is exported; receipts wait
    rate_limited  files are written in two steps under their final name: a half-written one lies there meanwhile
    double        each file is dropped a second time under another name
    reorder       the newer half of the receipts is exported before the older one
    lose          an export is lost on its way; the next one after that tells its receipts again
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from omnisync.clock import Clock
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.values import Money

RECEIPTS = (
    "Bon-Nr.",
    "Position",
    "Artikelnummer",
    "EAN",
    "Bezeichnung",
    "Menge",
    "Einzelpreis",
    "Datum",
    "Uhrzeit",
    "Filiale",
    "Kasse",
)
COUNTS = ("Artikelnummer", "EAN", "Gezählt", "Datum", "Uhrzeit", "Filiale")
ARTICLES = ("Artikelnummer", "EAN", "Bezeichnung", "Einzelpreis")
ENCODING = "cp1252"


@dataclass(slots=True)
class Goods:
    """An article as the till knows it."""

    sku: str
    price: Money
    title: str = ""
    barcode: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt with one line; what comes back has a negative quantity."""

    number: int
    sku: str
    quantity: int
    price: Money
    at: datetime
    place: str


@dataclass(frozen=True, slots=True)
class _Half:
    """The second half of a file whose first half lies there."""

    path: Path
    rest: bytes


class Till:
    """One till system for some stores, each with a stock of its own; `imports` is the file that omnisync writes for it."""

    def __init__(
        self, folder: Path, clock: Clock, *, timezone: str = "Europe/Berlin", imports: Path | None = None
    ) -> None:
        self.folder, self.clock, self.imports = folder, clock, imports
        self.faults = Faults()
        self.goods: dict[str, Goods] = {}
        self.levels: dict[tuple[str, str], int] = {}
        """(place, SKU) -> pieces on the shelf, as the till thinks."""
        self.sold = 0
        self.dropped = 0
        self._zone = ZoneInfo(timezone)
        self._number = int(clock.now().timestamp() * 1000)  # a till that is started again goes on with its numbers
        self._waiting: list[Receipt] = []
        self._lost: list[Receipt] = []
        self._half: list[_Half] = []

    # ------------------------------------------------------------ trade

    def stock(self, goods: Goods, pieces: Mapping[str, int]) -> None:
        """Put an article on the shelves of these places."""
        self.goods[goods.sku] = goods
        self.levels |= {(place, goods.sku): quantity for place, quantity in pieces.items()}

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """Ring up one article at a place, the first one that has it if none is named."""
        places = [place for place, sku in self.levels if sku == purchase.sku and purchase.place in (None, place)]
        if not places:
            raise KeyError(purchase.sku)
        place = max(places, key=lambda one: self.levels[one, purchase.sku] >= purchase.quantity)
        if self.levels[place, purchase.sku] < purchase.quantity:
            raise SoldOut(f"{place} has only {self.levels[place, purchase.sku]} of {purchase.sku}")
        receipt = self._ring_up(purchase.sku, place, purchase.quantity)
        self.sold += purchase.quantity
        return {"order": str(receipt.number), "place": place}

    def number_from(self, number: int) -> None:
        """The next receipt has this number."""
        self._number = number - 1

    def take_back(self, sku: str, place: str, quantity: int) -> Receipt:
        """A buyer returns pieces; they are back on the shelf."""
        return self._ring_up(sku, place, -quantity)

    def count(self, place: str) -> Path:
        """Count a whole store and export the list at once."""
        lines = [
            (sku, self.goods[sku].barcode, max(0, pieces), *self._local(self.clock.now()), place)
            for (where, sku), pieces in sorted(self.levels.items())
            if where == place
        ]
        return self._drop("inventur", COUNTS, lines)

    def list_articles(self) -> Path:
        """Export the till's own articles, for matching."""
        lines = [(one.sku, one.barcode, one.title, _comma(one.price)) for one in self.goods.values()]
        path = self.folder / "artikel.csv"
        _write(path, _file(ARTICLES, lines))
        return path

    def state(self) -> dict[str, Any]:
        levels = [
            {"sku": sku, "place": place, "quantity": pieces} for (place, sku), pieces in sorted(self.levels.items())
        ]
        return {
            "levels": levels,
            "orders": self.sold,
            "waiting": len(self._waiting) + len(self._lost),
            "dropped": self.dropped,
        }

    def shown(self, sku: str) -> dict[str | None, int]:
        """What lies on the shelves of one article, by place."""
        found: dict[str | None, int] = {place: pieces for (place, one), pieces in self.levels.items() if one == sku}
        if not found:
            raise KeyError(sku)
        return found

    def _ring_up(self, sku: str, place: str, quantity: int) -> Receipt:
        self.levels[place, sku] -= quantity
        self._number += 1
        receipt = Receipt(self._number, sku, quantity, self.goods[sku].price, self.clock.now(), place)
        self._waiting.append(receipt)
        return receipt

    # ------------------------------------------------------------ files

    def tick(self) -> None:
        """What the till does every few moments: finish files, import its stock file, export what was rung up."""
        for half in self._half:
            half.path.write_bytes(half.path.read_bytes() + half.rest)
        self._half = []
        self._import()
        if self._waiting and not self.faults.down:
            self._export()

    def _export(self) -> None:
        told, self._waiting = self._waiting, []
        if self.faults.lose:
            self._lost += told
            return
        told, self._lost = [*self._lost, *told], []
        middle = len(told) // 2
        parts = [told[middle:], told[:middle]] if self.faults.reorder else [told]
        for part in filter(None, parts * (2 if self.faults.double else 1)):
            self._drop("verkauf", RECEIPTS, [self._line(receipt) for receipt in part])

    def _line(self, receipt: Receipt) -> tuple[Any, ...]:
        goods = self.goods[receipt.sku]
        return (
            receipt.number, 1, goods.sku, goods.barcode, goods.title, receipt.quantity, _comma(receipt.price),
            *self._local(receipt.at), receipt.place, "K1",
        )  # fmt: skip

    def _drop(self, kind: str, titles: Sequence[str], lines: Iterable[Sequence[Any]]) -> Path:
        self.dropped += 1
        day = self.clock.now().astimezone(self._zone)
        path = self.folder / f"{kind}_{day:%Y-%m-%d_%H%M%S}_{self._number}_{self.dropped:06}.csv"
        content = _file(titles, lines)
        if self.faults.rate_limited:
            middle = len(content) * 2 // 3
            path.write_bytes(content[:middle])
            self._half.append(_Half(path, content[middle:]))
        else:
            _write(path, content)
        return path

    def _import(self) -> None:
        """Take over the stock and prices that omnisync wrote, and remove the file, as tills do. It is moved first: what omnisync
        writes meanwhile is a new one."""
        if self.imports is None or not self.imports.exists():
            return
        taken = self.imports.rename(self.imports.with_suffix(".taken"))
        with taken.open(encoding="utf-8", newline="") as file:
            for sku, pieces, price, currency, place in list(csv.reader(file, delimiter=";"))[1:]:
                self._take_over(sku, pieces, Money.parse(price.replace(",", "."), currency) if price else None, place)
        taken.unlink()

    def _take_over(self, sku: str, pieces: str, price: Money | None, place: str) -> None:
        if price is not None:
            self.goods[sku].price = price
        for where, known in self.levels:
            if pieces and known == sku and place in ("", where):
                self.levels[where, known] = int(pieces)

    def _local(self, moment: datetime) -> tuple[str, str]:
        local = moment.astimezone(self._zone)
        return f"{local:%d.%m.%Y}", f"{local:%H:%M:%S}"


def _file(titles: Sequence[str], lines: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerows([titles, *lines])
    return text.getvalue().encode(ENCODING, errors="replace")


def _write(path: Path, content: bytes) -> None:
    """As good tills do: under another name first."""
    draft = path.with_suffix(".tmp")
    draft.write_bytes(content)
    os.replace(draft, path)


def _comma(price: Money) -> str:
    return price.decimal().replace(".", ",")
