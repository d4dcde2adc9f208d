"""The text of a till's file: its encoding, its lines, its rows."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from omnisync.adapters.csv.columns import Header, split

MAX_BYTES = 50_000_000
_LINE_END = re.compile(r"\r\n|\n|\r")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, by our field names."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


def lines_of(content: bytes, encoding: str) -> list[str]:
    """Its lines; only carriage returns and line feeds end one. ValueError when it is no text."""
    return _LINE_END.split(_decode(content, encoding))


def rows_below(lines: Sequence[str], header: Header) -> Iterator[Row]:
    """Rows below the header; empty lines are none. A row that is cut short has no cells at all: it must not be half read."""
    places, width = {**header.named, **header.places}, header.width
    for number, line in enumerate(lines[header.line + 1 :], start=header.line + 2):
        cells = split(line, header.separator)
        if any(cells):
            yield Row(number, {name: cells[at] for name, at in places.items()} if len(cells) >= width else {})


def _decode(content: bytes, encoding: str) -> str:
    if not content.strip(b"\0 \r\n\t"):
        raise ValueError("it is empty")
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES // 1_000_000} MB")
    marked = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), None)
    for candidate in [marked] if marked else ["utf-8", "cp1252"] if encoding == "auto" else [encoding]:
        try:
            text = content.decode(candidate)
        except (UnicodeError, LookupError):
            continue
        if "\0" not in text:
            return text
    raise ValueError("it is no text in UTF-8 or Windows-1252" if encoding == "auto" else f"it is no text in {encoding}")
