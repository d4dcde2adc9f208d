"""Where a till's files lie: the few things that are done with them, and how a local folder does these."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import EPOCH

TAIL = 2


@dataclass(frozen=True, slots=True)
class Stamp:
    """When both are the same as before, nobody has written."""

    size: int
    modified_ns: int

    @property
    def modified(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.modified_ns // 1000)


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that lies directly in the folder."""

    name: str
    stamp: Stamp


class Disk(Protocol):
    """A folder here or elsewhere. Names are relative to it, or absolute; a verb that finds its file gone says so by None or False.

    NeedsAttention: the folder cannot be used as it is. TryLater: it does not answer.
    """

    blind_seconds: float
    """Two writes so close to each other may leave the same stamp."""

    def where(self, name: str) -> str:
        """The file's whole path, for people; the same file has the same."""
        ...

    async def entries(self) -> Sequence[Entry]: ...

    async def stamp(self, name: str) -> Stamp | None: ...

    async def read(self, name: str, most: int) -> bytes | None:
        """Its first bytes, at most so many."""
        ...

    async def tail(self, name: str) -> bytes | None:
        """Its last bytes."""
        ...

    async def move(self, name: str, target: str) -> bool:
        """Rename it; the target's folder is made where it is missing, and a file that has that name already stays: then False."""
        ...

    async def write(self, name: str, text: str) -> None:
        """Write a file that is there whole or not at all, also after a power cut."""
        ...

    async def close(self) -> None: ...


class LocalDisk:
    """A folder of this machine, or one that is mounted here. It is touched only for a moment at a time: no thread is needed."""

    blind_seconds = 0.0

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def where(self, name: str) -> str:
        return str(self._folder / name)

    async def entries(self) -> list[Entry]:
        found = []
        with self._translated():
            for file in os.scandir(self._folder):
                stamp = _stamp(Path(file.path)) if file.is_file() else None
                if stamp is not None:
                    found.append(Entry(file.name, stamp))
        return found

    async def stamp(self, name: str) -> Stamp | None:
        with self._translated():
            return _stamp(self._folder / name)

    async def read(self, name: str, most: int) -> bytes | None:
        return self._part(name, 0, os.SEEK_SET, most)

    async def tail(self, name: str) -> bytes | None:
        stamp = await self.stamp(name)
        return None if stamp is None else self._part(name, -min(TAIL, stamp.size), os.SEEK_END, TAIL)

    async def move(self, name: str, target: str) -> bool:
        with self._translated():
            source, there = self._folder / name, self._folder / target
            there.parent.mkdir(exist_ok=True)
            if there.exists():
                return False
            source.rename(there)
        return True

    async def write(self, name: str, text: str) -> None:
        with self._translated():
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.tmp")
            with draft.open("w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)

    async def close(self) -> None:
        """Nothing is kept open."""

    def _part(self, name: str, offset: int, whence: int, most: int) -> bytes | None:
        with self._translated():
            try:
                file = (self._folder / name).open("rb")
            except FileNotFoundError:
                return None
            with file:
                file.seek(offset, whence)
                return file.read(most)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """A missing or forbidden folder needs a person; a network drive that hiccups is tried again."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            raise unusable(str(self._folder), error.strerror or type(error).__name__) from error
        except OSError as error:
            raise TryLater(f"The till's folder {self._folder} does not answer: {error.strerror}.") from error


def unusable(folder: str, reason: str) -> NeedsAttention:
    """A person must let us in."""
    return NeedsAttention(
        f"The till's folder {folder} cannot be used: {reason}.",
        action="Create the folder and let omnisync's user read, write and move files there (also into done/ and failed/).",
        code="folder",
    )


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns)
