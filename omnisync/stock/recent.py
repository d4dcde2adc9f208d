"""What shops asked a moment ago: pieces by SKU, kept for a second, and forgotten as soon as this node commits a change of them.

So a read is never older than the last commit that this node acknowledged, and other nodes' commits are seen within a second.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from omnisync.stock.availability import OnSale

KEPT_SECONDS = 1.0
MOST = 50_000
"""SKUs remembered at once: some 20 MB."""


@dataclass
class Recent:
    """For the event loop only."""

    most: int = MOST
    _known: dict[str, tuple[float, OnSale]] = field(default_factory=dict)
    _changed: dict[str, int] = field(default_factory=dict)
    """SKU -> the commit that changed it last."""
    _commits: int = 0
    _forgotten_until: int = 0
    """Of commits up to this one nobody knows any more what they changed."""

    @property
    def commits(self) -> int:
        """To be noted before a read begins, and handed back with what it found."""
        return self._commits

    def of(self, skus: Iterable[str], now: float) -> dict[str, OnSale]:
        """Those that are known at this moment (monotonic seconds)."""
        oldest, found = now - KEPT_SECONDS, {}
        for sku in skus:
            known = self._known.get(sku)
            if known is not None and known[0] > oldest:
                found[sku] = known[1]
        return found

    def has_met(self, skus: Collection[str]) -> bool:
        """Whether all of these were read once: then nobody need check again that they can be SKUs."""
        return self._known.keys() >= set(skus)

    def remember(self, pieces: Mapping[str, OnSale], *, began: float, commits: int) -> None:
        """What a read found that began at that moment, after so many commits. What was changed since is left out."""
        if commits < self._forgotten_until:
            return
        if len(self._known) > self.most:
            self._known.clear()
        for sku, found in pieces.items():
            if self._changed.get(sku, 0) <= commits:
                self._known[sku] = (began, found)

    def forget(self, skus: Iterable[str]) -> None:
        """A commit of this node changed these."""
        self._commits += 1
        if len(self._changed) > self.most:
            self._changed.clear()
            self._forgotten_until = self._commits
        for sku in skus:
            self._changed[sku] = self._commits
            self._known.pop(sku, None)
