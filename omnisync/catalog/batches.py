"""Cuts long lists into pieces that fit one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

STATEMENT_ROWS = 1000
"""Well under the 32,766 variables of SQLite and the 65,535 of PostgreSQL, also for rows of twenty columns."""


def batches(items: Iterable[T], size: int = STATEMENT_ROWS) -> Iterator[list[T]]:
    """The items in lists of at most `size`, without holding more than one of them."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
