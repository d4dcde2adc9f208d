"""Where a click leads: the address of each thing that has a page."""

from __future__ import annotations

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


def explain(sku: str, *, location: str | None = None, channel: str | None = None) -> str:
    """Why a number is what it is."""
    return _to("/ops/stock/explain", sku=sku, location=location, channel=channel)


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
