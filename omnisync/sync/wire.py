"""Facts as JSON and back, for what waits in the database. Personal data are left behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from omnisync.adapters.base import Counted, Delivered, Fact, LevelSeen, OrderSeen, Sale, Unreadable

_TYPES: Mapping[str, TypeAdapter[Any]] = {
    fact.__name__: TypeAdapter(fact) for fact in (OrderSeen, Sale, Counted, Delivered, LevelSeen, Unreadable)
}


def to_json(fact: Fact) -> dict[str, Any]:
    """A fact as plain JSON values, without the customer: a dead letter is no place for personal data."""
    kept = replace(fact, customer=None) if isinstance(fact, OrderSeen) else fact
    name = type(fact).__name__
    return {"type": name, "fact": _TYPES[name].dump_python(kept, mode="json")}


def from_json(body: Mapping[str, Any]) -> Fact:
    """The fact again. ValueError when it was not one of ours."""
    try:
        reader = _TYPES[body["type"]]
    except KeyError:
        raise ValueError("this is no fact of ours") from None
    fact: Fact = reader.validate_python(body["fact"])
    return fact
