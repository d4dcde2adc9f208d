"""What is wrong in the settings: every fault at once, each with its place, what is allowed and the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from omnisync.errors import NeedsAttention
from omnisync.settings.locate import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `path` is empty where the whole file is meant."""

    path: Path
    wrong: str
    allowed: str = ""
    nearest: str = ""
    source: str = ""
    """The file, or the name of the environment's variable."""
    line: int | None = None

    @property
    def key(self) -> str:
        """The path as people write it: `channels[0].policy.buffer`."""
        return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path).lstrip(".")

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        parts = [f"{place}: {self.key}: {self.wrong}" if self.path else f"{place}: {self.wrong}"]
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.nearest:
            parts.append(f"did you mean {self.nearest}?")
        return "; ".join(parts)


class BadSettings(NeedsAttention):
    """The settings cannot be used; `faults` holds everything that is wrong with them."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.source, fault.line or 0, fault.key)))
        count = f"{len(self.faults)} faults" if len(self.faults) != 1 else "one fault"
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(
            f"The settings have {count}:\n{lines}", action="Correct these lines, then start again.", code="settings"
        )


def among(path: Path, wrong: str, given: str, known: Collection[str]) -> Fault:
    """A fault about a name that is none of the known ones."""
    return Fault(path, wrong, allowed=", ".join(sorted(known)) or "none is defined", nearest=nearest(given, known))


def nearest(given: str, known: Collection[str]) -> str:
    """The known name that somebody probably meant, or nothing."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(given.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""
