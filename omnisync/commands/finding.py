"""One line of `omnisync doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report; `mend` says what to do unless all is well."""

    level: Level
    subject: str
    detail: str
    mend: str = ""

    def __str__(self) -> str:
        mend = f"\n      {self.mend}" if self.mend and self.level is not Level.OK else ""
        return f"{self.level:4}  {self.subject}: {self.detail}{mend}"


def count(things: Sequence[object], name: str) -> str:
    """So many of these, in words."""
    return counted(len(things), name)


def counted(number: int, name: str) -> str:
    """The same of a number."""
    return f"{number} {name}{'' if number == 1 else 's'}"
