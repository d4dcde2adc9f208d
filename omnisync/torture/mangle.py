"""What can become of a channel's answer: fields and words that nobody knows, one record that is broken, another format altogether."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Any
Change = Callable[[Json], Json]

_NAMES = frozenset({"id", "orderId", "order_id", "admin_graphql_api_id", "url", "order"})
_WORD = re.compile(r".*(state|status|method|reason|kind|type)$|technicalName", re.IGNORECASE)
_NOT_WORDS = frozenset({"__typename", "apiAlias", "type"})
"""Names of types say what a thing is, not how it is: with another one it is another thing."""
_ID = re.compile(r"(.*_)?id|.*Id")
_COUNTS = re.compile(r".*(quantity|Quantity|qty)$")
NEW_WORD = "SOMETHING_NEW"


def with_more(value: Json) -> Json:
    """The same, with a field more in each object that anybody could have added."""
    if isinstance(value, list):
        return [with_more(one) for one in value]
    if isinstance(value, dict):
        return {**{name: with_more(one) for name, one in value.items()}, "xAddedLater": {"since": 2027, "all": [None]}}
    return value


def words_of(value: Json, id: str) -> list[str]:
    """The fields of that order whose value is one of a list of words, by name."""
    found = {name for record in records(value, id) for name, _ in _leaves(record) if _is_word(name)}
    return sorted(found)


def with_word(id: str, field: str) -> Change:
    """In the record of that order, and nowhere else, this field has a word that nobody knows."""
    return _in_record(id, lambda name, one: NEW_WORD if name == field and isinstance(one, str) else one)


def poisoned(id: str) -> Change:
    """What counts in the record of that order is no number."""
    return _in_record(id, lambda name, one: "viele" if _counts(name, one) else one)


def _counts(name: str, one: Json) -> bool:
    is_number = isinstance(one, int) and not isinstance(one, bool)
    return bool(_COUNTS.fullmatch(name)) or (is_number and not _ID.fullmatch(name))


def records(value: Json, id: str) -> Iterator[dict[str, Json]]:
    """The outermost objects that bear this name, whole or as the last part of an address."""
    if isinstance(value, list):
        for one in value:
            yield from records(one, id)
    elif isinstance(value, dict):
        if _is_named(value, id):
            yield value
            return
        for one in value.values():
            yield from records(one, id)


def _is_named(value: Mapping[str, Json], id: str) -> bool:
    said = (str(one) for name, one in value.items() if name in _NAMES and isinstance(one, str | int))
    return any(id in (one, one.rstrip("/").rpartition("/")[2]) for one in said)


def _is_word(name: str) -> bool:
    return bool(_WORD.fullmatch(name)) and name not in _NOT_WORDS


def _leaves(value: Json) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if isinstance(one, str):
                yield name, one
            else:
                yield from _leaves(one)


def _in_record(id: str, change: Callable[[str, Json], Json]) -> Change:
    def whole(value: Json) -> Json:
        if isinstance(value, list):
            return [whole(one) for one in value]
        if not isinstance(value, dict):
            return value
        if _is_named(value, id):
            return _each(value, change)
        return {name: whole(one) for name, one in value.items()}

    return whole


def _each(value: Json, change: Callable[[str, Json], Json]) -> Json:
    if isinstance(value, list):
        return [_each(one, change) for one in value]
    if isinstance(value, dict):
        return {
            name: change(name, one) if isinstance(one, str | int | float) else _each(one, change)
            for name, one in value.items()
        }
    return value


# ---------------------------------------------------------------- another format


def renamed(value: Json) -> Json:
    """Every field has another name."""
    if isinstance(value, list):
        return [renamed(one) for one in value]
    if isinstance(value, dict):
        return {f"{name}V2": renamed(one) for name, one in value.items()}
    return value


def turned(value: Json) -> Json:
    """What was a list is an object by number, and what was a number is an object."""
    if isinstance(value, list):
        return {str(number): turned(one) for number, one in enumerate(value)}
    if isinstance(value, dict):
        return {name: turned(one) for name, one in value.items()}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"value": value}
    return value


def emptied(value: Json) -> Json:
    """Every text and number is gone, the shape is the same."""
    if isinstance(value, list):
        return [emptied(one) for one in value]
    if isinstance(value, dict):
        return {name: emptied(one) for name, one in value.items()}
    return None


def a_page(value: Json) -> bytes:
    """A web page: of a proxy, a login, a shop under maintenance."""
    return b"<!doctype html><html><title>Wartungsarbeiten</title><p>Wir sind gleich zurueck.</html>"


def nothing(value: Json) -> Json:
    """Null, with 200."""
    return None


DRIFTS: Mapping[str, Change] = {
    "fields renamed": renamed,
    "lists and numbers are objects": turned,
    "values missing": emptied,
    "a web page": a_page,
    "null": nothing,
}
