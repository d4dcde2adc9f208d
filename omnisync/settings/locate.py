"""Where in a TOML file each key stands: tomllib reads the values but keeps no line numbers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]
"""A way into the parsed document: `("channels", 0, "policy", "buffer")`."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.DOTALL)
_SCALAR = re.compile(r"[^\s,\]}#][^,\]}#\n]*")


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of every key, table and list item of a document that tomllib has accepted."""
    walker = _Walker(text)
    walker.document()
    return walker.lines


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of a path, or of the nearest thing around it that has one."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


class _Walker:
    """Reads a valid document from left to right and notes where keys begin; it judges nothing."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # items so far of each [[list of tables]]

    def document(self) -> None:
        table: Path = ()
        while self._skip():
            if self._take("[["):
                table = self._append_table(self._key())
                self._take("]]")
            elif self._take("["):
                table = self._resolve(self._key())
                self._note(table)
                self._take("]")
            else:
                self._pair(table)

    def _skip(self) -> bool:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at < len(self.text)

    def _take(self, mark: str) -> bool:
        self._skip()
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def _note(self, path: Path) -> None:
        self.lines.setdefault(path, self.text.count("\n", 0, self.at) + 1)

    def _key(self) -> Path:
        parts = [self._key_part()]
        while self._take("."):
            parts.append(self._key_part())
        return tuple(parts)

    def _key_part(self) -> str:
        self._skip()
        if bare := _BARE.match(self.text, self.at):
            self.at = bare.end()
            return bare.group()
        return self._string()

    def _string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            raise ValueError(f"no key at character {self.at}")
        self.at = found.end()
        return _unquoted(found.group())

    def _append_table(self, key: Path) -> Path:
        owner = self._resolve(key[:-1]) + key[-1:]
        number = self._counts.get(owner, 0)
        self._counts[owner] = number + 1
        self._note(owner)
        self._note((*owner, number))
        return (*owner, number)

    def _resolve(self, key: Path) -> Path:
        """A header's key as a path: a name of a list of tables means its last item."""
        path: Path = ()
        for part in key:
            path = (*path, part)
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        self._skip()
        start = self.at
        key = self._key()
        end, self.at = self.at, start
        for length in range(1, len(key) + 1):
            self._note(table + key[:length])
        self.at = end
        self._take("=")
        self._value(table + key)

    def _value(self, path: Path) -> None:
        self._skip()
        if self._take("{"):
            self._members(path)
        elif self._take("["):
            self._items(path)
        elif self.text[self.at] in "\"'":
            self._string()
        elif scalar := _SCALAR.match(self.text, self.at):
            self.at = scalar.end()

    def _members(self, path: Path) -> None:
        while not self._take("}"):
            self._pair(path)
            self._take(",")

    def _items(self, path: Path) -> None:
        number = 0
        while not self._take("]"):
            self._note((*path, number))
            self._value((*path, number))
            self._take(",")
            number += 1


def _unquoted(literal: str) -> str:
    read: dict[str, Any] = tomllib.loads(f"text = {literal}")
    return str(read["text"])
