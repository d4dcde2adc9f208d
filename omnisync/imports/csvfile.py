"""Reading CSV as people really have it: any of three encodings and separators, BOM, CRLF, quoted newlines, `sep=;`.

A file is read once to learn its encoding and hash, and then as a stream as often as needed; it is never held whole.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple

from omnisync.errors import Refused
from omnisync.imports.faults import Fault, nearest

_BLOCK = 1 << 20
_SEPARATORS = ",;\t"
_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
FAULT_COLUMN = "fault"
"""What `--keep-good` adds to its rejects; read over, so that the mended file can be imported as it is."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What the first line may and must name."""

    required: Sequence[str]
    optional: Sequence[str] = ()

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.required, *self.optional)


class Row(NamedTuple):
    """One record: the line it begins on, its cells as they stand, and by the name of their column without outer blanks.

    With a fault it has no right shape, and its cells mean nothing.
    """

    line: int
    raw: Sequence[str]
    cells: Mapping[str, str] = MappingProxyType({})
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A file whose encoding, separator and columns are known."""

    path: Path
    encoding: str
    separator: str
    header: tuple[str, ...]
    header_lines: int
    sha256: str
    lines: int
    stamp: tuple[int, int]
    """Size and time of the last change when it was looked at."""


def look_at(path: Path, columns: Columns) -> Source:
    """Learn what is needed to read this file. Refused when it is not there, empty, or no text."""
    try:
        stamp = _stamp(path)
        digest, lines, encoding = _measure(path)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.", code="unreadable-file") from error
    header, separator, header_lines = _header(path, encoding, columns)
    return Source(path, encoding, separator, header, header_lines, digest, lines, stamp)


def refuse_changed(source: Source) -> None:
    """The file must still be the one that was checked."""
    if _stamp(source.path) != source.stamp:
        raise Refused(f"{source.path} was changed while it was being read. Import it again.", code="file-changed")


def _stamp(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns


def _measure(path: Path) -> tuple[str, int, str]:
    digest, lines = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            lines += block.count(b"\n")
    return digest.hexdigest(), lines + 1, _encoding(path)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(4)
    if not start:
        raise Refused(f"{path} is empty.", code="unreadable-file")
    marked = next((encoding for bom, encoding in _BOMS.items() if start.startswith(bom)), None)
    if marked:
        return marked
    if _decodes(path, "utf-8"):
        return "utf-8"
    if _decodes(path, "cp1252"):
        return "cp1252"
    raise Refused(f"{path} is text neither in UTF-8 nor in Windows-1252. Save it as CSV UTF-8.", code="unreadable-file")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _header(path: Path, encoding: str, columns: Columns) -> tuple[tuple[str, ...], str, int]:
    with _open(path, encoding) as file:
        first = file.readline()
        told = first.strip().lower()
        if told.startswith("sep=") and len(told) == 5:
            return _names(file.readline(), told[4]), told[4], 2
    candidates = {separator: _names(first, separator) for separator in _SEPARATORS}
    best = max(candidates, key=lambda one: (len({*candidates[one]} & {*columns.all}), len(candidates[one])))
    return candidates[best], best, 1


def _names(line: str, separator: str) -> tuple[str, ...]:
    names = [
        name.strip().lower() for name in next(csv.reader([line.rstrip(f"\r\n{separator} ")], delimiter=separator), [])
    ]
    return tuple(names)


def _open(path: Path, encoding: str) -> IO[str]:
    # A lone surrogate or broken UTF-16 must become a fault of its line, not the end of everything.
    return path.open(encoding=encoding, newline="", errors="replace" if encoding == "utf-16" else "strict")


def header_faults(source: Source, columns: Columns) -> list[Fault]:
    """Columns that are unknown, missing or doubled: with any of them no row is read."""
    line, names = source.header_lines, [name for name in source.header if name != FAULT_COLUMN]
    unknown = [name for name in dict.fromkeys(names) if name not in columns.all]
    missing = [name for name in columns.required if name not in names]
    double = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    return [
        *(Fault(line, "unknown-column", f'"{name}"{nearest(name, columns.all) or _all(columns)}') for name in unknown),
        *(Fault(line, "missing-column", f'"{name}" is missing') for name in missing),
        *(Fault(line, "double-column", f'"{name}" stands there {names.count(name)} times') for name in double),
    ]


def _all(columns: Columns) -> str:
    return f"; allowed are {', '.join(columns.all)}"


def rows(source: Source) -> Iterator[Row]:
    """The records of a file, blank ones left out. A record that is no CSV is the last one: nobody knows where it ends."""
    with _open(source.path, source.encoding) as file:
        for _ in range(source.header_lines):
            file.readline()
        reader = csv.reader(file, delimiter=source.separator, strict=True)
        while True:
            line = source.header_lines + reader.line_num + 1
            try:
                raw = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, (), fault=Fault(line, "broken-csv", f"{error}: are the quotes of this record closed?"))
                return
            if any(cells := [*map(str.strip, raw)]):
                yield _shaped(line, raw, cells, source)


def _shaped(line: int, raw: list[str], cells: list[str], source: Source) -> Row:
    wanted = len(source.header)
    if len(raw) != wanted and (len(raw) < wanted or any(cells[wanted:])):
        comma = source.separator == "," and len(raw) > wanted
        hint = ' (a decimal comma needs quotes here: "19,90")' if comma else ""
        fault = Fault(line, "cells", f"{len(raw)} cells where the first line has {wanted}{hint}")
        return Row(line, raw, fault=fault)
    return Row(line, raw[:wanted], dict(zip(source.header, cells, strict=False)))
