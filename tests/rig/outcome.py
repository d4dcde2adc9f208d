"""What a rig reports: how often it broke something, how much had been acknowledged, and what was wrong afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.rig.books import Findings
from tests.rig.journal import Journal


@dataclass
class Outcome:
    """One run of a rig."""

    tried: int
    """Kills, crashes, cuts, fillings, attempts."""
    journal: Journal
    findings: Findings
    seconds: float
    more: dict[str, Any] = field(default_factory=dict)
    """What only this rig has to tell."""

    @property
    def acknowledged(self) -> int:
        return len(self.journal.done)
