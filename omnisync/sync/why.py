"""What a round is asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Why:
    """What a round is asked to look at: whatever may have changed of late, or only some articles."""

    scan: bool = True
    skus: frozenset[str] = frozenset()

    def also(self, more: Why) -> Why:
        return Why(self.scan or more.scan, self.skus | more.skus)


NOTHING_NEW = Why(scan=False)
