"""Rows set aside on disk between the reading of a file and the booking of what it says: what is booked is what was checked."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, Generic, Self, TypeVar

import orjson

R = TypeVar("R", bound=tuple[Any, ...])


class Stage(Generic[R]):
    """Records in a file without a name, which is gone with the process."""

    def __init__(self, make: Callable[[Iterable[Any]], R]) -> None:
        self._make = make
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the stage
        self.records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def clear(self) -> None:
        """Begin anew: the file is read again."""
        self._file.seek(0)
        self._file.truncate()
        self.records = 0

    def put(self, records: Iterable[R]) -> None:
        rows = [tuple(record) for record in records]
        self.records += len(rows)
        self._file.write(orjson.dumps(rows) + b"\n")

    def slices(self, size: Callable[[], int]) -> Iterator[list[R]]:
        """All of them in their order, each time as many as `size` says then."""
        self._file.seek(0)
        records = map(self._make, chain.from_iterable(map(orjson.loads, self._file)))
        while some := list(islice(records, size())):
            yield some
