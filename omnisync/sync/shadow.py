"""An adapter of which only the reading half is left: what does not go through it cannot be written by mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omnisync.adapters.base import Adapter, News, Published, Shown, Subscription


class ReadOnly:
    """Reads as the adapter does, and refuses to write. What was read is put away by nobody: files stay where they lie."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        """Never."""
        raise self._refusal("numbers")

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        """Never."""
        raise self._refusal("news of pickups")

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        """Never."""
        raise self._refusal("webhook subscriptions")

    async def done(self, receipts: Sequence[str]) -> None:
        """Nothing is moved."""

    def _refusal(self, what: str) -> AssertionError:
        return AssertionError(f"{self._adapter.name} is in shadow and was to be written {what}")
