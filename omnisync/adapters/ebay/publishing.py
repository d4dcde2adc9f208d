"""Showing quantities and prices: one bulk call, each line with a fate of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnisync.adapters.base import Outcome, Published, Shown
from omnisync.adapters.client import Reply
from omnisync.adapters.ebay.calls import INVENTORY, Calls, complaints, in_words
from omnisync.adapters.ebay.listings import OFFER

BATCH = 25
REVISIONS_PER_DAY = 250
REVISION_PAUSE_SECONDS = 3600.0
"""A listing that is out of revisions opens again on eBay's next calendar day: ask once an hour."""
SYSTEM_ERROR = 25001
NOT_THERE = frozenset({25702, 25710, 25713})
"""eBay knows no such SKU, resource or offer."""

_NO_OFFER = Published(
    Outcome.ATTENTION,
    reason="The price belongs to an offer, and we know none for this SKU.",
    action="Read the channel's listings again; if the SKU has no published fixed-price offer, publish one on eBay.",
)
_UNANSWERED = Published(Outcome.TRY_LATER, reason="eBay's answer does not mention this line.")
_APPLIED = Published(Outcome.APPLIED)


async def publish(calls: Calls, shown: Sequence[Shown]) -> list[Published]:
    """Write these. A batch that is refused as a whole is written again in halves until the bad line stands alone."""
    fates = [_NO_OFFER if one.price is not None and not _offer(one) else None for one in shown]
    sendable = [one for one, fate in zip(shown, fates, strict=True) if fate is None]
    sent = iter(
        [
            fate
            for start in range(0, len(sendable), BATCH)
            for fate in await _send(calls, sendable[start : start + BATCH])
        ]
    )
    return [fate or next(sent) for fate in fates]


async def _send(calls: Calls, shown: Sequence[Shown]) -> list[Published]:
    body = {"requests": [line(one) for one in shown]}
    reply = await calls.call("POST", INVENTORY, "/bulk_update_price_quantity", body=body)
    if reply.status in (200, 207):
        responses = [one for one in reply.json().get("responses") or () if isinstance(one, dict)]
        return [_fate(one, responses) for one in shown]
    if reply.status not in (400, 404, 409) or len(shown) == 1:
        return [_judged(reply.status, _errors(reply))] * len(shown)
    middle = len(shown) // 2
    return [*await _send(calls, shown[:middle]), *await _send(calls, shown[middle:])]


def line(one: Shown) -> dict[str, Any]:
    """One listing in eBay's words: the quantity goes to both places that can hold it back, the price to the offer."""
    request: dict[str, Any] = {"sku": one.target.external_id}
    offer: dict[str, Any] = {}
    if one.quantity is not None:
        request["shipToLocationAvailability"] = {"quantity": one.quantity}
        offer["availableQuantity"] = one.quantity
    if one.price is not None:
        offer["price"] = {"value": one.price.decimal(), "currency": one.price.currency}
    if _offer(one) and offer:
        request["offers"] = [{"offerId": _offer(one), **offer}]
    return request


def _offer(one: Shown) -> str | None:
    return one.target.extra.get(OFFER)


def _fate(one: Shown, responses: Sequence[Mapping[str, Any]]) -> Published:
    """The worst of what is said about this line: item and offer are answered apart."""
    mine = [answer for answer in responses if _is_about(answer, one)]
    if not mine:
        return _UNANSWERED
    worst = max(mine, key=lambda answer: (bool(complaints(answer)), int(answer.get("statusCode", 200))))
    status, errors = int(worst.get("statusCode", 200)), complaints(worst)
    return _judged(status, errors) if errors or status >= 400 else _APPLIED


def _is_about(answer: Mapping[str, Any], one: Shown) -> bool:
    if answer.get("offerId"):
        return bool(answer["offerId"] == _offer(one))
    return bool(answer.get("sku") == one.target.external_id)


def _judged(status: int, errors: list[dict[str, Any]]) -> Published:
    said = in_words(errors) or f"eBay answered {status}"
    if _is_out_of_revisions(said):
        return Published(Outcome.TRY_LATER, reason=said, retry_after_seconds=REVISION_PAUSE_SECONDS)
    if status >= 500 or status == 429 or any(error.get("errorId") == SYSTEM_ERROR for error in errors):
        return Published(Outcome.TRY_LATER, reason=said)
    return Published(
        Outcome.ATTENTION,
        reason=said,
        action="Correct this listing on eBay, or read the channel's listings again if it has ended.",
        unknown=status == 404 or any(error.get("errorId") in NOT_THERE for error in errors),
    )


def _is_out_of_revisions(said: str) -> bool:
    """eBay has no number of its own for it: the generic 25002 carries a sentence about revisions."""
    words = said.lower()
    return "revis" in words and any(word in words for word in ("limit", "maximum", "exceed", str(REVISIONS_PER_DAY)))


def _errors(reply: Reply) -> list[dict[str, Any]]:
    return complaints(reply.json()) if reply.body else []
