"""Where a click leads: the address of each thing that has a page."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode


def _to(path: str, **filters: object) -> str:
    told = query(**filters)
    return f"{path}?{told}" if told else path


def query(**filters: object) -> str:
    """Filters as they stand in an address."""
    return urlencode({name: value for name, value in filters.items() if value not in (None, "")})


def article(sku: str, part: str = "", **filters: object) -> str:
    """An article's stock; `part` is a table of its page."""
    return _to("/ops/stock/article", sku=sku, **filters) + (f"#{part}" if part else "")


def explain(
    sku: str, part: str = "", *, location: str | None = None, channel: str | None = None, at: datetime | None = None
) -> str:
    """Why a number is, or was at that moment, what it is; `part` is a table of that page."""
    then = None if at is None else at.isoformat()
    return _to("/ops/stock/explain", sku=sku, location=location, channel=channel, at=then) + (
        f"#{part}" if part else ""
    )


def price(sku: str, channel_name: str | None = None) -> str:
    """Where a price comes from, and what was shown since when."""
    return _to("/ops/prices/one", sku=sku, channel=channel_name)


def number(name: str, channel_name: str = "") -> str:
    """How a key figure is counted, with the rows behind it; of one channel or all."""
    return _to("/ops/number", name=name, channel=channel_name)


def pickup(pickup_id: str) -> str:
    """The timeline of a pickup."""
    return _to("/ops/pickups/one", id=pickup_id)


def order(order_id: str) -> str:
    """The timeline of an order."""
    return _to("/ops/orders/one", id=order_id)


def channel(name: str) -> str:
    """A channel's page."""
    return _to("/ops/channel", name=name)


def letters(channel_name: str = "") -> str:
    """What was left lying, of one channel or all."""
    return _to("/ops/letters", channel=channel_name)
