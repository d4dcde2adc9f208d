"""A folder with a till that drops files into it, for tests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnisync.adapters.base import Fact
from omnisync.adapters.client import Tools
from omnisync.adapters.csv import make
from omnisync.adapters.csv.adapter import CsvTill
from omnisync.clock import StoppedClock

HEADER = "Bon-Nr.;Position;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Datum;Uhrzeit;Filiale;Kasse"


@dataclass
class Till:
    """The folder, and the clock that also dates its files."""

    folder: Path
    clock: StoppedClock
    tools: Tools

    def drop(self, name: str, *lines: str, header: str = HEADER, encoding: str = "utf-8", end: str = "\r\n") -> Path:
        """Write a whole file."""
        return self.drop_bytes(name, ("\r\n".join([header, *lines]) + end).encode(encoding))

    def drop_bytes(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        written = self.clock.now().timestamp()
        os.utime(path, (written, written))
        return path

    def connect(self, **settings: Any) -> CsvTill:
        """An adapter on this folder, as after a start; files are complete at first sight unless said otherwise."""
        places = settings.pop("places", {"001": "linden"})
        adapter = make("till", {"folder": str(self.folder), "settle_seconds": 0, **settings}, places, "", self.tools)
        assert isinstance(adapter, CsvTill)
        return adapter

    def names(self, folder: str = "") -> list[str]:
        """What lies there."""
        here = self.folder / folder
        return sorted(path.name for path in here.iterdir() if path.is_file()) if here.exists() else []


async def read_all(adapter: CsvTill, tools: Tools, cursor: str | None = None) -> list[Fact]:
    """All facts, each page put away as the engine does after its commit."""
    facts: list[Fact] = []
    while True:
        page = await adapter.pull(cursor, now=tools.clock.now())
        facts += page.facts
        cursor = page.cursor
        await adapter.done(keys(page.facts))
        if not page.more:
            return facts


def keys(facts: Sequence[Fact]) -> list[str]:
    return [fact.key for fact in facts if hasattr(fact, "key")]
