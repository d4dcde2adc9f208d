"""Square's numbers and ours."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from omnisync.adapters.base import Unreadable
from omnisync.adapters.square.wire import Json
from omnisync.values import Money


def whole(text: str | int) -> int:
    """`"3"` or `"3.00000"` as 3. ValueError for fractions: we keep whole pieces."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None
    if not number.is_finite() or number != number.to_integral_value():
        raise ValueError(f"{text} is no whole number of pieces")
    return int(number)


def money(value: Json | None) -> Money | None:
    """Square counts in minor units, as we do; a price that is missing or variable is None."""
    if not value or value.get("amount") is None or not value.get("currency"):
        return None
    return Money(int(value["amount"]), str(value["currency"]))


def unread_order(id: str, error: Exception) -> Unreadable:
    return Unreadable(
        key=f"order:{id}",
        reason=f"Square's order {id} cannot be understood ({type(error).__name__}: {error}).",
        action="Look at it in Square; when Square changed its format, update omnisync and replay.",
    )


def unreadable(key: str, error: ValueError) -> Unreadable:
    return Unreadable(
        key=key,
        reason=f"Square sent a quantity that we cannot keep: {error}.",
        action="Sell weighed goods by the piece or by the gram in Square, then replay this.",
    )
