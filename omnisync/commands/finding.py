"""One line of `omnisync doctor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from omnisync.commands.tongue import Say


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

    def told(self, say: Say = str, named: Say = str) -> str:
        """As the terminal's reader is spoken to."""
        wide = max(len(named(level)) for level in Level)
        mend = f"\n{' ' * (wide + 2)}{say(self.mend)}" if self.mend and self.level is not Level.OK else ""
        return f"{named(self.level):{wide}}  {named(self.subject)}: {say(self.detail)}{mend}"


def count(things: Sequence[object], name: str) -> str:
    """So many of these, in words."""
    return counted(len(things), name)


def counted(number: int, name: str) -> str:
    """The same of a number."""
    return f"{number} {name}{'' if number == 1 else 's'}"
