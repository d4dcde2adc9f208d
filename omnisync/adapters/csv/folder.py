"""The folder that a till drops its files into: which are complete, which is next, and where they go afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

from omnisync.adapters.client import Tools
from omnisync.adapters.csv.reading import Dropped
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import EPOCH

UNFINISHED = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
OPEN_END_SECONDS = 2.0
"""A file whose last line has no end is watched at least so long."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When both are the same as before, nobody has written."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """None when it is gone."""
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        return cls(status.st_size, status.st_mtime_ns)

    @property
    def modified(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.modified_ns // 1000)


@dataclass(frozen=True, slots=True)
class Lying:
    """A file in the folder, of a kind that we read."""

    path: Path
    kind: str
    stamp: Stamp


class Folder:
    """Watches by its own two looks at a file, never by comparing the file server's clock with ours."""

    def __init__(
        self,
        path: Path,
        patterns: Mapping[str, Sequence[str]],
        tools: Tools,
        settle_seconds: float,
        *,
        never: Path | None,
    ) -> None:
        self.path, self._patterns, self._clock = path, patterns, tools.clock
        self._settle_seconds, self._never = settle_seconds, never
        self._unchanged_since: dict[Lying, float] = {}

    def complete(self) -> list[Lying]:
        """The files that are fully written, oldest first."""
        now = self._clock.monotonic()
        lying = self.lying()
        self._unchanged_since = {file: self._unchanged_since.get(file, now) for file in lying}
        return [file for file in lying if now - self._unchanged_since[file] >= self._needed(file)]

    def lying(self) -> list[Lying]:
        """All files of a kind we know, oldest first."""
        found = []
        with translated(self.path):
            for path in self._files():
                kind, stamp = self._kind(path.name), Stamp.of(path)
                if kind is not None and stamp is not None:
                    found.append(Lying(path, kind, stamp))
        return sorted(found, key=lambda file: (file.stamp.modified_ns, file.path.name))

    def strangers(self) -> list[str]:
        """Names of files that no pattern knows."""
        with translated(self.path):
            return sorted(_readable(path.name) for path in self._files() if not self._kind(path.name))

    def matching(self, patterns: Sequence[str]) -> list[Path]:
        with translated(self.path):
            return sorted(path for path in self._files() if _fits(path.name, patterns))

    def read(self, file: Lying) -> Dropped | None:
        """Its content, or None when somebody wrote while we read."""
        with translated(self.path):
            content = file.path.read_bytes() if Stamp.of(file.path) == file.stamp else b""
            if Stamp.of(file.path) != file.stamp:
                return None
        return Dropped(_readable(file.path.name), file.kind, content, file.stamp.modified)

    def put_away(self, file: Lying, reasons: Sequence[str]) -> bool:
        """Move it to done/, or to failed/ beside its reasons. False when it has changed or gone since it was read."""
        with translated(self.path):
            if Stamp.of(file.path) != file.stamp:
                return False
            target = _free_name(self.path / ("failed" if reasons else "done"), file)
            if reasons:
                replace_text(target.with_name(f"{target.name}.reasons.txt"), "\n".join([*reasons, ""]))
            file.path.replace(target)
            if Stamp.of(target) == file.stamp:
                return True
            # The till wrote a new file of this name in just that moment: it goes back.
            target.replace(_free_name(self.path, file))
        return False

    def _files(self) -> list[Path]:
        return [
            Path(entry.path)
            for entry in os.scandir(self.path)
            if entry.is_file()
            and not entry.name.startswith(".")
            and not entry.name.casefold().endswith(UNFINISHED)
            and Path(entry.path) != self._never
        ]

    def _kind(self, name: str) -> str | None:
        return next((kind for kind, patterns in self._patterns.items() if _fits(name, patterns)), None)

    def _needed(self, file: Lying) -> float:
        if self._settle_seconds >= OPEN_END_SECONDS or _ends_with_a_line(file.path):
            return self._settle_seconds
        return OPEN_END_SECONDS


def replace_text(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    with draft.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """A missing or forbidden folder needs a person; a network drive that hiccups is tried again."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise NeedsAttention(
            f"The till's folder {folder} cannot be used: {error.strerror}.",
            action="Create the folder and let omnisync's user read, write and move files there (also into done/ and failed/).",
            code="folder",
        ) from error
    except OSError as error:
        raise TryLater(f"The till's folder {folder} does not answer: {error.strerror}.") from error


def _readable(name: str) -> str:
    """A file's name for messages: bytes that are no UTF-8 as question marks."""
    return name.encode("utf-8", "replace").decode()


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _ends_with_a_line(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 2))
            return file.read().rstrip(b"\0").endswith(b"\n")
    except OSError:
        return False


def _free_name(folder: Path, file: Lying) -> Path:
    """The file's own name, numbered where another of that name already lies there."""
    folder.mkdir(exist_ok=True)
    name = folder / file.path.name
    numbered = (name.with_stem(f"{name.stem}.{number}") for number in range(2, 1_000_000))
    return name if not name.exists() else next(other for other in numbered if not other.exists())
