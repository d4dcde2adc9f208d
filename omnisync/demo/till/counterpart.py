"""The simulated CSV till on the torture kit's stage. It has no wire, so it causes by itself what goes wrong with files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from omnisync.demo.faults import Purchase
from omnisync.demo.till.till import ENCODING, Goods, Till
from omnisync.torture.counterpart import LOCATION, Bought, Ground, Simulated, Trouble
from omnisync.values import Money

HERE = "001"
LOCAL = ZoneInfo("Europe/Berlin")
FILE = "a file that the till imports is taken whole, and what it does not know is its own matter"
SOLD = "what is sold over the counter is gone; it comes back as a negative line"


class CsvTill(Simulated):
    """One store's till, its exports and the file that it imports."""

    over_the_counter = True
    places: Mapping[str, str] = {HERE: LOCATION}
    reasons: Mapping[str, str] = {
        "cancel": SOLD,
        "ship": SOLD,
        "elsewhere": "a till sells what lies in its store",
        "wrapped": "every line of a receipt is an article; what is no stock is one with stocked = false",
        "delist": FILE,
        "pick_up": "a till knows no pickups",
        "owe": "what is sold at a till is paid",
    }

    def __init__(self, ground: Ground) -> None:
        self._clock, self._folder = ground.tools.clock, ground.folder
        (ground.folder / "aus").mkdir()
        self.till = Till(ground.folder, ground.tools.clock, imports=ground.folder / "aus" / "bestand.csv")
        for one in ground.goods:
            self.till.stock(Goods(one.sku, one.price, one.title, one.barcode), {HERE: one.pieces})
        self.till.list_articles()
        self._dated: set[Path] = set()
        self._right: dict[Path, bytes] = {}
        self._mangle: Callable[[str], str] | None = None
        self._sold: dict[str, Sequence[tuple[str, int]]] = {}
        self.settings: Mapping[str, Any] = {
            "folder": str(ground.folder), "settle_seconds": 0, "out": "aus/bestand.csv"
        }  # fmt: skip

    def shown(self, sku: str) -> int:
        self.till.tick()
        return self.till.shown(sku)[HERE]

    def price(self, sku: str) -> Money:
        self.till.tick()
        return self.till.goods[sku].price

    def work(self) -> None:
        """Export, and date the files by our clock."""
        self.till.tick()
        moment = self._clock.now().timestamp()
        for file in set(self._folder.glob("verkauf*.csv")) - self._dated:
            if self._mangle is not None:
                self._right[file] = file.read_bytes()
                file.write_bytes(self._mangle(self._right[file].decode(ENCODING)).encode(ENCODING))
            os.utime(file, (moment, moment))
            self._dated.add(file)

    def buy(self, lines: Sequence[tuple[str, int]], *, wrapped: bool = False, elsewhere: bool = False) -> Bought:
        if wrapped or elsewhere:
            raise self.no("wrapped" if wrapped else "elsewhere")
        rung_up = [self.till.buy(Purchase(sku=sku, quantity=n, place=HERE))["order"] for sku, n in lines]
        day = self._clock.now().astimezone(LOCAL)
        told = frozenset(f"sale:{HERE}:K1:{day:%Y-%m-%d}:{number}/1" for number in rung_up)
        self._sold[rung_up[0]] = lines
        return Bought(rung_up[0], told)

    def take_back(self, bought: Bought) -> None:
        for sku, pieces in self._sold[bought.id]:
            self.till.take_back(sku, HERE, pieces)

    def number_from(self, id: int) -> None:
        self.till.number_from(id)

    def trouble(self, kind: Trouble, on: bool) -> None:
        faults = self.till.faults
        match kind:
            case Trouble.AGAIN:
                faults.double = on
            case Trouble.REORDERED:
                faults.reorder = on
            case Trouble.SILENT:
                faults.down = on
            case Trouble.HALF:
                faults.rate_limited = on
            case _:
                self._mangle = _MANGLED[kind] if on else None
                if not on and kind is not Trouble.STRANGE:
                    self._correct()

    def _correct(self) -> None:
        """Somebody looks at what failed, and drops it again as it should have been."""
        for number, content in enumerate(self._right.values()):
            (self._folder / f"verkauf_korrigiert_{number}.csv").write_bytes(content)
        self._right.clear()


def _with_more_columns(text: str) -> str:
    head, *rows = text.splitlines()
    return (
        "\r\n".join([f"{head};Kassierer;TSE-Signatur;Vorgangsart", *(f"{row};07;a/b+c==;NEU" for row in rows)]) + "\r\n"
    )


def _with_a_bad_line(text: str) -> str:
    head, first, *rows = text.splitlines()
    cells = first.split(";")
    return "\r\n".join([head, ";".join([*cells[:5], "viele", *cells[6:]]), *rows]) + "\r\n"


def _in_another_format(text: str) -> str:
    return "\r\n".join("|".join(f"F{n}={cell}" for n, cell in enumerate(row.split(";"))) for row in text.splitlines())


_MANGLED: Mapping[Trouble, Callable[[str], str]] = {
    Trouble.STRANGE: _with_more_columns,
    Trouble.POISONED: _with_a_bad_line,
    Trouble.DRIFTED: _in_another_format,
}
