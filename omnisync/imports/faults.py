"""What can be wrong with a file, gathered by kind with the lines it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from omnisync.settings.faults import nearest as nearest_of

EXAMPLES = 20
"""So many faults of a kind are told with their words; of all others the line numbers are kept."""

TITLES = {
    "unknown-column": "Columns that this kind of file does not have",
    "missing-column": "Columns that are missing",
    "double-column": "Columns that stand there twice",
    "broken-csv": "Lines that are no CSV",
    "cells": "Rows with more or fewer cells than the first line",
    "empty": "Cells that must not be empty",
    "sku": "Texts that cannot be a SKU",
    "text": "Texts with characters that nobody can print, or too long",
    "unknown-sku": "SKUs that are not in the catalogue",
    "unknown-location": "Locations that are not in the settings",
    "owned-location": "Locations whose stock another system counts",
    "not-stocked": "Articles that have no stock of their own",
    "double-row": "Rows that stand there twice",
    "spoiled": "Numbers spoiled by a spreadsheet",
    "barcode-twice": "One barcode on two SKUs",
    "check-digit": "GTINs with a wrong check digit",
    "amount": "Amounts that cannot be read",
    "currency": "Prices without a known currency",
    "negative": "Numbers below zero",
    "enormous": "Numbers too large to be true",
    "number": "Cells that are no whole number",
    "choice": "Words that are not allowed here",
    "components": "Bundles that cannot be",
    "b-ware": "B-ware under a SKU that cannot be",
    "mojibake": "Texts that were saved in another encoding than they were read",
    "below-minimum": "Prices below their own min_price",
}
WARNINGS = {"check-digit", "mojibake", "below-minimum"}
FATAL = {"unknown-column", "missing-column", "double-column", "broken-csv"}
"""With one of these no row can be trusted, so there is no good part to keep."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong on one line."""

    line: int
    kind: str
    message: str


class CellFault(Exception):
    """A cell that cannot be read; becomes a Fault where the line is known."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(slots=True)
class Group:
    """All faults of one kind."""

    kind: str
    lines: list[int] = field(default_factory=list)
    examples: list[Fault] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        examples = [{"line": fault.line, "message": fault.message} for fault in self.examples]
        return {"kind": self.kind, "title": TITLES[self.kind], "lines": self.lines, "examples": examples}


class Faults:
    """Everything found in one reading of a file: faults and warnings by kind, in order of their first line."""

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}

    def add(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            group = self._groups.setdefault(fault.kind, Group(fault.kind))
            group.lines.append(fault.line)
            if len(group.examples) < EXAMPLES:
                group.examples.append(fault)

    @property
    def groups(self) -> list[Group]:
        """The faults that stop an import."""
        return [group for kind, group in self._groups.items() if kind not in WARNINGS]

    @property
    def warnings(self) -> list[Group]:
        """What should be looked at and stops nothing."""
        return [group for kind, group in self._groups.items() if kind in WARNINGS]

    @property
    def fatal(self) -> bool:
        """Whether nothing of the file can be imported."""
        return any(kind in FATAL for kind in self._groups)

    def lines(self) -> set[int]:
        """The lines that cannot be imported."""
        return {line for group in self.groups for line in group.lines}

    def messages(self, say: Callable[[str], str] = str) -> dict[int, str]:
        """What is wrong on each line, in words where they were kept; `say` says them in the reader's language."""
        told: dict[int, list[str]] = {}
        for group in self.groups:
            for line in dict.fromkeys(group.lines):
                words = [fault.message for fault in group.examples if fault.line == line]
                told.setdefault(line, []).extend(map(say, words or [TITLES[group.kind]]))
        return {line: "; ".join(messages) for line, messages in told.items()}

    def join(self, later: Faults) -> None:
        """Take over the faults of a later reading of the same file; its warnings were told before."""
        for group in later.groups:
            mine = self._groups.setdefault(group.kind, Group(group.kind))
            mine.lines += group.lines
            mine.examples += group.examples[: EXAMPLES - len(mine.examples)]


def nearest(word: str, allowed: Iterable[str]) -> str:
    """`, did you mean ...?` with the nearest allowed word, or nothing."""
    found = nearest_of(word, tuple(allowed))
    return f", did you mean {found}?" if found else ""
