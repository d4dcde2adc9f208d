"""Numbers and prices out, in one bulk call that the shop takes or refuses as a whole and names the lines to blame."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from omnisync.adapters.base import Outcome, Published, Shown
from omnisync.adapters.client import Reply
from omnisync.adapters.shopware.products import Products
from omnisync.adapters.shopware.settings import ShopSettings
from omnisync.adapters.shopware.wire import ID, Json, Wire, errors_of, in_words
from omnisync.values import Money

POINTER = re.compile(r"/[^/]+/(\d+)(/.*)?")
"""The operation, the line within it, the field."""
INDEXING = {"indexing-behavior": "use-queue-indexing"}
"""Whether a product can be bought is decided at once; its search index and caches follow from the shop's queue."""
CORRECT = "Correct the product in the shop's administration; it is written again within the hour."
APPLIED = Published(Outcome.APPLIED)
ACCEPTED = Published(Outcome.ACCEPTED)
READ_ONLY = frozenset({"apiAlias", "extensions", "percentage"})
NET_STEP = Decimal("1e-10")
"""Nets are kept finer than cents: the shop makes them gross again."""


class Publishing:
    """Writes to one shop."""

    def __init__(self, wire: Wire, products: Products, settings: ShopSettings) -> None:
        self._wire, self._products, self._settings = wire, products, settings

    async def publish(self, shown: Sequence[Shown]) -> list[Published]:
        """The fate of each."""
        fates = {one.tag: self._refused(one) for one in shown}
        lines: dict[str, tuple[Shown, Json]] = {}
        prices = await self._prices([one for one in shown if fates[one.tag] is None and one.price is not None])
        for one in shown:
            fate = fates[one.tag] = fates[one.tag] or self._without_price(one, prices)
            if fate is None:
                lines[one.tag] = one, self._line(one, prices)
        fates |= await self._write(lines)
        return [fate for one in shown if (fate := fates[one.tag])]

    async def _write(self, lines: Mapping[str, tuple[Shown, Json]]) -> dict[str, Published]:
        """All of them; without those that the shop blames, if it refuses the call; in halves, if it blames nobody."""
        if not lines:
            return {}
        reply = await self._sync([line for _, line in lines.values()])
        if reply.status in (200, 204):
            return self._taken(lines, reply)
        blamed = _blamed(list(lines), errors_of(reply))
        if not blamed and len(lines) > 1:
            tags, middle = list(lines), len(lines) // 2
            halves = tags[:middle], tags[middle:]
            first, second = [await self._write({tag: lines[tag] for tag in half}) for half in halves]
            return first | second
        blamed = blamed or {tag: errors_of(reply) for tag in lines}
        refused = {tag: _refusal(lines[tag][0], errors, reply.status) for tag, errors in blamed.items()}
        return refused | await self._write({tag: line for tag, line in lines.items() if tag not in blamed})

    async def _sync(self, payload: Sequence[Json]) -> Reply:
        operation = {"action": "upsert", "entity": "product", "payload": list(payload)}
        return await self._wire.call("POST", "_action/sync", body=[operation], headers=INDEXING)

    def _taken(self, lines: Mapping[str, tuple[Shown, Json]], reply: Reply) -> dict[str, Published]:
        answer = reply.json() if reply.body else {}
        written = set((answer.get("data") or {}).get("product") or ())
        return {tag: APPLIED if one.target.external_id in written else ACCEPTED for tag, (one, _) in lines.items()}

    # ------------------------------------------------------------ lines

    def _line(self, shown: Shown, prices: Mapping[str, Json]) -> Json:
        line: dict[str, Any] = {"id": shown.target.external_id}
        if shown.quantity is not None:
            line["stock"] = shown.quantity
            line |= {"isCloseout": True} if self._settings.oversell == "no" else {}
        if shown.price is not None:
            line["price"] = prices[shown.tag]["price"]
        return line

    async def _prices(self, shown: Sequence[Shown]) -> dict[str, Json]:
        """What to write for each: a product's prices are one field, so those in other currencies, list prices and the
        like are written again as they are. Without `price`: the product is gone, or nobody knows its tax."""
        if not shown:
            return {}
        nodes = await self._products.nodes([one.target.external_id for one in shown])
        currency = await self._products.currency_id()
        found: dict[str, Json] = {}
        for one in shown:
            node = nodes.get(one.target.external_id)
            if node is None or one.price is None:
                continue
            rate = (node.get("tax") or {}).get("taxRate")
            found[one.tag] = (
                {} if rate is None else {"price": _with(node.get("price") or (), currency, one.price, rate)}
            )
        return found

    def _without_price(self, shown: Shown, prices: Mapping[str, Json]) -> Published | None:
        if shown.price is None or "price" in prices.get(shown.tag, {}):
            return None
        if shown.tag not in prices:
            return _gone(shown)
        return _attention(f"{shown.target.sku} has no tax rate in the shop.", "Give the product a tax rate.")

    def _refused(self, shown: Shown) -> Published | None:
        """What need not be sent."""
        if not ID.fullmatch(shown.target.external_id):
            return _gone(shown)
        if shown.price is None or shown.price.currency == self._settings.currency:
            return None
        return _attention(
            f"This channel's prices are in {self._settings.currency}, this one is in {shown.price.currency}.",
            f"Give this channel a price in {self._settings.currency}.",
        )


def _with(prices: Sequence[Json], currency: str, price: Money, rate: Any) -> list[Json]:
    """All prices of a product, ours among them."""
    others = [_plain(one) for one in prices if one["currencyId"] != currency]
    before: Json = next((_plain(one) for one in prices if one["currencyId"] == currency), {})
    gross = Decimal(price.decimal())
    net = (gross / (1 + Decimal(str(rate)) / 100)).quantize(NET_STEP, ROUND_HALF_UP)
    kept = {"linked": True, **before}
    return [*others, {**kept, "currencyId": currency, "gross": float(gross), "net": float(net)}]


def _plain(value: Any) -> Any:
    """As it is written: exact fractions as numbers, without what the API only adds when it is read."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items() if part is not None and name not in READ_ONLY}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _blamed(tags: Sequence[str], errors: Sequence[Json]) -> dict[str, list[Json]]:
    """What the shop says of which line; empty when it names none."""
    found: dict[str, list[Json]] = {}
    for error in errors:
        named = POINTER.fullmatch(str((error.get("source") or {}).get("pointer") or ""))
        if named is not None and int(named[1]) < len(tags):
            found.setdefault(tags[int(named[1])], []).append(error)
    return found


def _refusal(shown: Shown, errors: Sequence[Json], status: int) -> Published:
    """A product that the shop does not know is one that it would make: then it misses its number."""
    pointers = [str((error.get("source") or {}).get("pointer") or "") for error in errors]
    if any(pointer.endswith("/productNumber") for pointer in pointers):
        return _gone(shown)
    return _attention(f"Shopware refuses this: {in_words(errors, status)}", CORRECT)


def _gone(shown: Shown) -> Published:
    return Published(
        Outcome.ATTENTION,
        reason=f"The shop has no product {shown.target.external_id} for {shown.target.sku}.",
        action="Sync the channel's listings, or correct the mapping of this article.",
        unknown=True,
    )


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)
