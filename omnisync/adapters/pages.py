"""Going from page to page of a list whose pages a channel names itself."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

from omnisync.errors import NeedsAttention

Page = TypeVar("Page", bound=Hashable)


class Trail:
    """The pages of one list that were asked for. One that leads back to any of them has no end, and nobody knows what it left out."""

    def __init__(self, name: str, what: str) -> None:
        self._name, self._what = name, what
        self._been: set[Hashable] = set()

    def on(self, here: Hashable, there: Page) -> Page:
        """The page that `here` leads to; empty at the end. NeedsAttention when it was asked for before. To ask for `here` once more, as
        after a lost connection, is no circle."""
        self._been.add(here)
        if there and there in self._been:
            raise NeedsAttention(
                f"{self._name} sends the same page of {self._what} again and again.",
                action="Look whether this list can be read to its end there; if it can, update omnisync.",
                code="circle",
            )
        return there
