"""An archived month as a file: gzip'd JSON lines that any tool reads, the same bytes from the same journal."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedWriter
from pathlib import Path
from typing import IO, Any, cast

import orjson

from omnisync.catalog.batches import batches
from omnisync.errors import NeedsAttention
from omnisync.stock.carrying import Line, Moved, fold
from omnisync.stock.effects import QUANTITIES
from omnisync.values import format_time, parse_time

FORMAT = 1
_BUFFER = 1 << 16
_TIMES = ("due_at", "occurred_at", "recorded_at")
_OPTIONAL = ("key", "promise", "reason", "due_at")
_EMPTY: dict[str, Any] = dict.fromkeys(QUANTITIES, 0) | dict.fromkeys(_OPTIONAL)
_DIGESTS = 1 << 256


@dataclass(frozen=True, slots=True)
class Head:
    """What the first line says of the file."""

    number: int
    month: str
    until: str
    after_id: int
    last_id: int
    previous: str | None
    """The hash of the file before, so that none can be taken out or put in."""

    @property
    def cause(self) -> str:
        """What openings name as their cause."""
        return f"archive:{self.month}"

    def line(self) -> bytes:
        named = {name: getattr(self, name) for name in self.__slots__}
        return _dump({"line": "archive", "format": FORMAT, **named})

    @classmethod
    def read(cls, line: bytes) -> Head:
        named = orjson.loads(line)
        if named["format"] != FORMAT:
            raise ValueError(f"it has format {named['format']}, this version of omnisync reads {FORMAT}")
        return cls(**{name: named[name] for name in cls.__slots__})


@dataclass
class Tally:
    """What the lines of a file add up to."""

    movements: int = 0
    carried: int = 0
    keys: int = 0
    carried_before: int = 0
    """Movements that were themselves carried forward by an earlier archive."""
    first_id: int = 0
    happened_until: datetime | None = None
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(QUANTITIES, 0))
    end: bytes = b""
    """The last line as it was read."""
    digest: int = 0
    """By how much the digest of what stands in the journal grows."""

    def add(self, line: Line, after: int) -> None:
        """The next line."""
        row = line.row
        if line.is_carried:
            self.carried += 1
            self.digest += digest(row)
            return
        self.movements += 1
        self.keys += row.key is not None
        self.first_id = min(self.first_id or row.id, row.id)
        self.happened_until = max(self.happened_until or row.occurred_at, row.occurred_at)
        for name, change in zip(QUANTITIES, row.changes, strict=True):
            self.sums[name] += change
        if row.id <= after:
            self.carried_before += 1
            self.digest -= digest(row)

    def line(self) -> bytes:
        return _dump({"line": "end", "movements": self.movements, "carried": self.carried, "sums": self.sums})


@dataclass(frozen=True, slots=True)
class Written:
    """A file that has been read back, and says what it should."""

    path: Path
    sha256: str
    head: Head
    tally: Tally


def digest(row: Moved) -> int:
    """A number for one row; the sum of these, within 256 bits, stands for many in any order."""
    return int.from_bytes(hashlib.sha256(_dump(_plain(row))).digest(), "big")


def total(*digests: int) -> str:
    """The sum of digests as it is stored."""
    return f"{sum(digests) % _DIGESTS:064x}"


def write(rows: Iterable[Moved], head: Head, path: Path) -> Written:
    """Write the file beside its place, read it back, and only then give it its name. An older one of the name is replaced."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _pack(_lines(rows, head), part)
        checked = check(part)
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise NeedsAttention(
            f"{path} cannot be written: {error.strerror or error}.", action="Make room there, or name another folder."
        ) from error
    return Written(path, checked.sha256, checked.head, checked.tally)


def _pack(lines: Iterator[bytes], path: Path) -> None:
    with path.open("wb") as file:
        # Without a name and a time in it, so that the same lines are the same bytes.
        with gzip.GzipFile("", "wb", 6, file, mtime=0) as packed, BufferedWriter(packed, _BUFFER) as buffered:
            buffered.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def check(path: Path) -> Written:
    """Read the whole file. NeedsAttention unless it is whole, and its movements are carried forward as it says."""
    tally, told = Tally(), deque[Moved]()
    try:
        with _opened(path) as lines:
            head = Head.read(next(lines))
            for line in fold(_movements(lines, told, tally), by=head.cause, after=head.after_id):
                tally.add(line, head.after_id)
                if line.is_carried and (not told or told.popleft() != line.row):
                    raise _Damaged(f"{line.row.sku} at {line.row.location} is not carried forward as its movements say")
            if tally.end != tally.line():
                raise _Damaged("its last line does not add up")
            if told:
                raise _Damaged("more is carried forward than there was")
    except (OSError, EOFError, StopIteration, zlib.error, ValueError, KeyError, TypeError) as error:
        raise NeedsAttention(
            f"{path} cannot be read: {error or type(error).__name__}.",
            action="Put back the file as it was archived, from a backup of this folder.",
        ) from error
    return Written(path, sha256_of(path), head, tally)


class _Damaged(ValueError):
    """The lines of a file contradict one another."""


def _movements(lines: Iterator[bytes], told: deque[Moved], tally: Tally) -> Iterator[Moved]:
    """The movements of a file; what it says is carried forward is put aside in `told`."""
    for line in lines:
        named = orjson.loads(line)
        match named.pop("line"):
            case "movement":
                yield _moved(named)
            case "carried":
                told.append(_moved(named))
            case _:
                tally.end = line
                return


def carried(path: Path) -> Iterator[Moved]:
    """What a file that was checked carries forward."""
    with _opened(path) as lines:
        for line in lines:
            if line.startswith(_CARRIED):
                yield _moved(orjson.loads(line))


def keyed(path: Path) -> Iterator[list[Moved]]:
    """Movements of a checked file that had a key, some at a time."""
    with _opened(path) as lines:
        moved = (_moved(orjson.loads(line)) for line in lines if line.startswith(_MOVEMENT))
        yield from batches(row for row in moved if row.key is not None)


def sha256_of(path: Path) -> str:
    """The hash of the file as it lies there: what `sha256sum` says."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---------------------------------------------------------------- lines


def _lines(rows: Iterable[Moved], head: Head) -> Iterator[bytes]:
    tally = Tally()
    yield head.line()
    for line in fold(rows, by=head.cause, after=head.after_id):
        tally.add(line, head.after_id)
        yield _dump({"line": "carried" if line.is_carried else "movement"} | _plain(line.row))
    yield tally.line()


_MOVEMENT, _CARRIED = b'{"line":"movement"', b'{"line":"carried"'


def _plain(row: Moved) -> dict[str, Any]:
    """A row without what is nothing, and with times that people read."""
    named = {name: value for name, value in row._asdict().items() if value != _EMPTY.get(name, "")}
    return named | {name: format_time(named[name]) for name in _TIMES if name in named}


def _moved(named: dict[str, Any]) -> Moved:
    named.pop("line", None)
    times = {name: parse_time(named[name]) for name in _TIMES if name in named}
    return Moved(**(_EMPTY | named | times))


def _dump(named: Mapping[str, Any]) -> bytes:
    return orjson.dumps(named, option=orjson.OPT_APPEND_NEWLINE)


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[bytes]]:
    with gzip.open(path, "rb") as packed:
        yield iter(cast("IO[bytes]", packed))


def _sync_folder(folder: Path) -> None:
    """So that the name survives a power cut as well."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
