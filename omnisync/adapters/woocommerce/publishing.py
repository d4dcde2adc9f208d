"""Numbers and prices out: products in one batch, the variations of each product in one of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Outcome, Published, Shown
from omnisync.adapters.client import Reply
from omnisync.adapters.woocommerce.products import price_of, quantity_of, side_by_side
from omnisync.adapters.woocommerce.settings import ShopSettings
from omnisync.adapters.woocommerce.wire import Json, Wire, message_of
from omnisync.errors import NeedsAttention, TryLater

UNKNOWN = frozenset(
    {
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_product_variation_invalid_id",
        "woocommerce_rest_variation_invalid_id",
        "woocommerce_rest_invalid_product_id",
    }
)
CORRECT = "Correct the product in the shop's admin; it is written again within the hour."
APPLIED = Published(Outcome.APPLIED)


class Publishing:
    """Writes to one shop."""

    def __init__(self, wire: Wire, settings: ShopSettings) -> None:
        self._wire, self._settings = wire, settings

    async def publish(self, shown: Sequence[Shown]) -> list[Published]:
        """The fate of each. TryLater where the shop answered to nothing at all."""
        fates = {one.tag: self._refused(one) for one in shown}
        groups: dict[str, list[Shown]] = {}
        for one in shown:
            if fates[one.tag] is None:
                groups.setdefault(_path(one), []).append(one)
        answers = await side_by_side(self._try(path, lines) for path, lines in groups.items())
        for lines, answer in zip(groups.values(), answers, strict=True):
            fates |= {line.tag: fate for line, fate in zip(lines, answer, strict=True)}
        return _unless_silent([fate for one in shown if (fate := fates[one.tag])])

    async def _try(self, path: str, lines: Sequence[Shown]) -> list[Published]:
        """One busy moment of the shop must not hide what became of the other products."""
        try:
            return await self._write(path, lines)
        except TryLater as error:
            wait = error.retry_after_seconds
            return [Published(Outcome.TRY_LATER, reason=error.message, retry_after_seconds=wait)] * len(lines)

    async def _write(self, path: str, lines: Sequence[Shown]) -> list[Published]:
        """A batch; one that is refused as a whole is halved down to the line that is to blame."""
        reply = await self._wire.call("POST", f"{path}/batch", body={"update": [self._line(one) for one in lines]})
        if reply.status in (200, 201):
            return self._judge_all(lines, reply)
        if reply.status == 404:
            return [_gone(one) for one in lines]
        if len(lines) == 1:
            return [_attention(f"WooCommerce refuses this: {message_of(reply)}", CORRECT)]
        middle = len(lines) // 2
        return [*await self._write(path, lines[:middle]), *await self._write(path, lines[middle:])]

    def _line(self, shown: Shown) -> dict[str, Any]:
        line: dict[str, Any] = {"id": int(shown.target.external_id.rpartition(":")[2])}
        if shown.quantity is not None:
            line |= {"manage_stock": True, "stock_quantity": shown.quantity}
            line |= {"backorders": "no"} if self._settings.backorders == "no" else {}
        if shown.price is not None:
            line["regular_price"] = shown.price.decimal()
        return line

    def _judge_all(self, lines: Sequence[Shown], reply: Reply) -> list[Published]:
        answers = reply.json().get("update") or []
        if len(answers) != len(lines):
            raise NeedsAttention(
                f"WooCommerce answered {len(answers)} of {len(lines)} lines of a batch.",
                action="Look for a plugin that changes the REST API; nothing of this batch is taken as written.",
            )
        return [self._judge(one, answer) for one, answer in zip(lines, answers, strict=True)]

    def _judge(self, shown: Shown, answer: Json) -> Published:
        """What it says of one line, held against what was asked."""
        if "error" in answer:
            return _refusal(shown, answer["error"])
        if shown.quantity is not None:
            if answer.get("manage_stock") is not True or answer.get("stock_quantity") is None:
                return _attention(
                    f"The shop does not count the stock of {shown.target.sku}.",
                    "Switch on WooCommerce > Settings > Products > Inventory > Enable stock management.",
                )
            if quantity_of(answer) != shown.quantity:
                return Published(Outcome.CHANGED, actual=quantity_of(answer))
        if shown.price is not None and price_of(answer, shown.price.currency) != shown.price:
            return _attention(f"The shop made {answer.get('regular_price')} of {shown.price.decimal()}.", CORRECT)
        return APPLIED

    def _refused(self, shown: Shown) -> Published | None:
        """What need not be sent."""
        if not shown.target.external_id.replace(":", "", 1).isdecimal():
            return _gone(shown)
        if shown.price is None or shown.price.currency == self._settings.currency:
            return None
        return _attention(
            f"The shop sells in {self._settings.currency}, the price is in {shown.price.currency}.",
            f"Give this channel a price in {self._settings.currency}.",
        )


def _path(shown: Shown) -> str:
    product, variation, _ = shown.target.external_id.partition(":")
    return f"products/{product}/variations" if variation else "products"


def _refusal(shown: Shown, error: Mapping[str, Any]) -> Published:
    if error.get("code") in UNKNOWN:
        return _gone(shown)
    return _attention(f"WooCommerce refuses this: {error.get('message') or error.get('code')}", CORRECT)


def _gone(shown: Shown) -> Published:
    return Published(
        Outcome.ATTENTION,
        reason=f"The shop has no product {shown.target.external_id} for {shown.target.sku}.",
        action="Sync the channel's listings, or correct the mapping of this article.",
        unknown=True,
    )


def _attention(reason: str, action: str) -> Published:
    return Published(Outcome.ATTENTION, reason=reason, action=action)


def _unless_silent(published: list[Published]) -> list[Published]:
    """TryLater where the shop answered to nothing at all: it is to be left alone as a whole."""
    if published and all(one.outcome is Outcome.TRY_LATER for one in published):
        wait = max((one.retry_after_seconds or 0 for one in published), default=0)
        raise TryLater(published[0].reason, retry_after_seconds=wait or None)
    return published
