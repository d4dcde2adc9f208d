"""Lists as WordPress makes them: filtered, sorted, cut into counted pages that shift when something moves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from omnisync.demo.woocommerce.problems import invalid
from omnisync.demo.woocommerce.things import Hook, Order, Product
from omnisync.demo.woocommerce.views import SITE_ZONE

Row = TypeVar("Row", Order, Product, Hook)
SORTS = {"date": "created", "modified": "modified", "id": "id"}


@dataclass(frozen=True, slots=True)
class Pages:
    """One page, and how many there are."""

    rows: Sequence[Any]
    total: int
    pages: int


def select(rows: Sequence[Row], query: Mapping[str, str]) -> Pages:
    """What is asked for; newest first unless told otherwise."""
    kept = [row for row in rows if _is_wanted(row, query)]
    by = SORTS.get(query.get("orderby", "date"))
    if by is None:
        raise invalid("orderby", f"is not one of {', '.join(SORTS)}")
    kept.sort(key=lambda row: (getattr(row, by), row.id), reverse=query.get("order", "desc") == "desc")
    size, page = _number(query, "per_page", 10), _number(query, "page", 1)
    if not 1 <= size <= 100:
        raise invalid("per_page", "must be between 1 (inclusive) and 100 (inclusive)")
    return Pages(kept[(page - 1) * size : page * size], len(kept), -(-len(kept) // size))


def flag(query: Mapping[str, str], name: str) -> bool:
    """As WordPress understands a yes."""
    return query.get(name, "").lower() not in ("", "0", "false")


def _is_wanted(row: Row, query: Mapping[str, str]) -> bool:
    include, exclude = _ids(query.get("include")), _ids(query.get("exclude"))
    if (include and row.id not in include) or row.id in exclude:
        return False
    after, modified = _moment(query, "after"), _moment(query, "modified_after")
    if (after and row.created <= after) or (modified and row.modified <= modified):
        return False
    return "sku" not in query or getattr(row, "sku", None) == query["sku"]


def _ids(text: str | None) -> set[int]:
    return {int(part) for part in text.split(",") if part.strip()} if text else set()


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    """Without a zone: by the site's clock, unless the query says that it is GMT."""
    if name not in query:
        return None
    try:
        found = datetime.fromisoformat(query[name])
    except ValueError:
        raise invalid(name, "is not a valid date") from None
    zone = UTC if flag(query, "dates_are_gmt") else SITE_ZONE
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(query.get(name, default))
    except ValueError:
        raise invalid(name, "is not of type integer") from None
