"""Corner's words and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Article, Fact, LevelSeen, Listing, OrderLine, OrderSeen, Restock, Unreadable
from omnisync.values import parse_time

STATES = frozenset({"open", "sent", "cancelled", "returned"})


def order(told: Any) -> Fact:
    """An order as a snapshot; one that nobody can read stands alone and waits for a person."""
    try:
        return _order(told)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        id = told.get("id", "?") if isinstance(told, Mapping) else "?"
        return Unreadable(f"order:{id}", f"Order {id} of Corner cannot be read: {error!r}.", "Look at it in Corner.")


def _order(told: Mapping[str, Any]) -> OrderSeen:
    state = str(told["state"])
    if state not in STATES:
        raise ValueError(f"its state is {state!r}")
    return OrderSeen(
        id=_text(told["id"]), reference=_text(told["number"]), version=parse_time(told["changed_at"]),
        placed_at=parse_time(told["placed_at"]), lines=tuple(_line(line, state) for line in told["lines"]),
        closed=state != "open",
    )  # fmt: skip


def _line(told: Mapping[str, Any], state: str) -> OrderLine:
    id, count = _text(told["id"]), _count(told["count"])
    return OrderLine(
        id=id, article=Article(_text(told["article_id"]) if told["article_id"] else None, told["sku"], title=told["title"]),
        quantity=count,
        cancelled=count if state == "cancelled" else 0,
        shipped=count if state in ("sent", "returned") else 0,
        restocks=(Restock(id, count),) if state == "returned" else (),
        stocked=told["article_id"] is not None,
    )  # fmt: skip


def listing(told: Mapping[str, Any]) -> Listing:
    """An article on offer."""
    return Listing(_text(told["id"]), told["sku"], told["ean"] or None, told["title"])


def level(told: Mapping[str, Any]) -> LevelSeen:
    """What the shop shows of an article."""
    return LevelSeen(Article(_text(told["id"]), told["sku"]), _count(told["stock"]))


def _text(value: Any) -> str:
    """Ids are text: as numbers they may be larger than what a float can hold."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{value!r} is no id")
    return str(value)


def _count(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no number of pieces")
    return value
