from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from omnisync.settings.locate import Path, line_of, lines_of

DOCUMENT = """\
# a comment with [brackets] and = signs
title = "one # no comment"

[server]
port = 8000
host.name = 'a'

[[channels]]
name = "webshop"
locations = [
  "linden", # first
  "lager",
]
map = { "gid://1" = "linden", b = { c = [1, 2] } }

[channels.policy]
note = \"\"\"
[not.a.table]
x = 1
\"\"\"
buffer = 10

[[channels]]
name = "till"
"quoted \\"key\\"" = 1979-05-27 07:32:00
"""

PLACES: list[tuple[Path, int]] = [
    (("title",), 2),
    (("server",), 4),
    (("server", "port"), 5),
    (("server", "host", "name"), 6),
    (("channels", 0), 8),
    (("channels", 0, "name"), 9),
    (("channels", 0, "locations", 0), 11),
    (("channels", 0, "locations", 1), 12),
    (("channels", 0, "map", "gid://1"), 14),
    (("channels", 0, "map", "b", "c", 1), 14),
    (("channels", 0, "policy", "note"), 17),
    (("channels", 0, "policy", "buffer"), 21),
    (("channels", 1), 23),
    (("channels", 1, 'quoted "key"'), 25),
]


@pytest.mark.parametrize(("path", "line"), PLACES)
def test_each_key_is_found_on_its_line(path: Path, line: int) -> None:
    assert lines_of(DOCUMENT)[path] == line


def test_a_key_that_is_missing_is_looked_for_in_its_table() -> None:
    lines = lines_of(DOCUMENT)

    assert line_of(lines, ("channels", 1, "adapter")) == 23
    assert line_of(lines, ("nowhere",)) is None


def test_every_path_of_the_parsed_document_has_a_line() -> None:
    assert set(_paths(tomllib.loads(DOCUMENT))) <= set(lines_of(DOCUMENT))


_KEYS = some.text(alphabet="ab-_ .\"'#=[]{}é", min_size=1, max_size=4)
_VALUES = some.recursive(
    some.one_of(some.integers(), some.booleans(), some.text(alphabet="ab \"'#=[]{},\\é", max_size=8)),
    lambda below: some.one_of(some.lists(below, max_size=3), some.dictionaries(_KEYS, below, max_size=3)),
    max_leaves=8,
)


@given(some.dictionaries(_KEYS, _VALUES, max_size=4))
def test_whatever_a_line_holds_the_keys_after_it_keep_theirs(data: dict[str, Any]) -> None:
    text = "".join(f"{_string(key)} = {_inline(value)}\n" for key, value in data.items())
    assert tomllib.loads(text) == data

    lines = lines_of(text)

    assert [lines[(key,)] for key in data] == list(range(1, len(data) + 1))
    assert set(_paths(data)) <= set(lines)


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _inline(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _string(value)
        case list():
            return f"[{', '.join(_inline(item) for item in value)}]"
        case dict():
            return "{" + ", ".join(f"{_string(key)} = {_inline(below)}" for key, below in value.items()) + "}"
        case _:
            return str(value)


def _paths(value: Any, path: Path = ()) -> list[Path]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, below in entries for found in ((*path, key), *_paths(below, (*path, key)))]
