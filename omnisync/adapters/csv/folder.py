"""The folder that a till drops its files into: which are complete, which is next, and where they go afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from omnisync.adapters.client import Tools
from omnisync.adapters.csv.disk import Disk, Entry, Stamp
from omnisync.adapters.csv.reading import Dropped
from omnisync.adapters.csv.text import MAX_BYTES

UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
OPEN_END_SECONDS = 2.0
"""A file whose last line has no end is watched at least so long."""
MOST_ALIKE = 1_000_000


@dataclass(frozen=True, slots=True)
class Lying:
    """A file in the folder, of a kind that we read."""

    name: str
    kind: str
    stamp: Stamp


class Folder:
    """Watches by its own two looks at a file, never by comparing the file server's clock with ours."""

    def __init__(
        self,
        disk: Disk,
        patterns: Mapping[str, Sequence[str]],
        tools: Tools,
        settle_seconds: float,
        *,
        never: str | None,
    ) -> None:
        self._disk, self._patterns, self._clock = disk, patterns, tools.clock
        self._settle_seconds = max(settle_seconds, disk.blind_seconds)
        self._never = None if never is None else disk.where(never)
        self._unchanged_since: dict[Lying, float] = {}

    async def complete(self) -> list[Lying]:
        """The files that are fully written, oldest first."""
        lying, now = await self.lying(), self._clock.monotonic()
        self._unchanged_since = {file: self._unchanged_since.get(file, now) for file in lying}
        return [file for file in lying if now - self._unchanged_since[file] >= await self._needed(file)]

    async def lying(self) -> list[Lying]:
        """All files of a kind we know, oldest first."""
        named = [(entry, self._kind(entry.name)) for entry in await self._entries()]
        found = [Lying(entry.name, kind, entry.stamp) for entry, kind in named if kind is not None]
        return sorted(found, key=lambda file: (file.stamp.modified_ns, file.name))

    async def strangers(self) -> list[str]:
        """Names of files that no pattern knows."""
        return sorted(_readable(entry.name) for entry in await self._entries() if not self._kind(entry.name))

    async def matching(self, patterns: Sequence[str]) -> list[Entry]:
        """Files whose names fit, by name."""
        return sorted(
            (entry for entry in await self._entries() if _fits(entry.name, patterns)), key=lambda entry: entry.name
        )

    async def read(self, file: Lying) -> Dropped | None:
        """Its content, or None when somebody wrote while we read."""
        if await self._disk.stamp(file.name) != file.stamp:
            return None
        content = await self._disk.read(file.name, MAX_BYTES + 1)
        if content is None or await self._disk.stamp(file.name) != file.stamp:
            return None
        return Dropped(_readable(file.name), file.kind, content, file.stamp.modified)

    async def put_away(self, file: Lying, reasons: Sequence[str]) -> bool:
        """Move it to done/, or to failed/ beside its reasons. False when it has changed or gone since it was read."""
        if await self._disk.stamp(file.name) != file.stamp:
            return False
        target = await self._moved(file.name, "failed" if reasons else "done", reasons)
        if await self._disk.stamp(target) == file.stamp:
            return True
        # The till wrote a new file of this name in just that moment: it goes back.
        await self._moved(target, ".")
        return False

    async def _moved(self, name: str, folder: str, reasons: Sequence[str] = ()) -> str:
        """Its new name there, numbered where others of its name lie there already; the reasons are there before it."""
        for target in _names(folder, PurePosixPath(name).name):
            if await self._disk.stamp(target) is not None:
                continue
            if reasons:
                await self._disk.write(f"{target}.reasons.txt", "\n".join([*reasons, ""]))
            if await self._disk.move(name, target):
                return target
        raise AssertionError("a folder holds a million files of one name")

    async def _entries(self) -> list[Entry]:
        return [
            entry
            for entry in await self._disk.entries()
            if not entry.name.startswith(".")
            and not entry.name.casefold().endswith(UNFINISHED)
            and self._disk.where(entry.name) != self._never
        ]

    def _kind(self, name: str) -> str | None:
        return next((kind for kind, patterns in self._patterns.items() if _fits(name, patterns)), None)

    async def _needed(self, file: Lying) -> float:
        if self._settle_seconds >= OPEN_END_SECONDS:
            return self._settle_seconds
        tail = await self._disk.tail(file.name)
        return self._settle_seconds if tail and tail.rstrip(b"\0").endswith(b"\n") else OPEN_END_SECONDS


def _readable(name: str) -> str:
    """A file's name for messages: bytes that are no UTF-8 as question marks."""
    return name.encode("utf-8", "replace").decode()


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _names(folder: str, name: str) -> Iterator[str]:
    path = PurePosixPath(folder) / name
    yield str(path)
    yield from (str(path.with_stem(f"{path.stem}.{number}")) for number in range(2, MOST_ALIKE))
