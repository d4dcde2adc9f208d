"""What is offered on eBay: inventory items and their offers, found and read back.

A listing is known by its SKU, which is what eBay's order lines carry; the offer's id stands in `extra`. What buyers can
buy is the smaller of two numbers: the item's ship-to-home quantity and the offer's available quantity. eBay lowers both
with each sale, so neither needs to have the sold pieces subtracted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from omnisync.adapters.base import Article, LevelSeen, Listing, ListingPage, Target
from omnisync.adapters.client import listed
from omnisync.adapters.ebay.calls import INVENTORY, Calls
from omnisync.errors import NeedsAttention
from omnisync.values import Money, from_cursor, to_cursor

OFFER = "offer"
LISTING = "listing"
ITEMS = 25
"""Inventory items in one call, as eBay allows; each costs one call more for its offers."""
STANDING = {"ACTIVE", "OUT_OF_STOCK"}

Item = Mapping[str, Any]
Offer = Mapping[str, Any]


async def page(calls: Calls, cursor: str | None, marketplace: str, elsewhere: Sequence[str]) -> ListingPage:
    """One page of the fixed-price offers that are live on this marketplace."""
    number = int(from_cursor(cursor, 1)[0]) if cursor else 0
    # The offset of this one resource counts pages, not rows.
    answer = await calls.get(INVENTORY, "/inventory_item", limit=str(ITEMS), offset=str(number))
    items = _rows(answer, "inventoryItems")
    if not all(item["sku"] for item in items):
        raise ValueError("an item without a SKU")
    offers = await asyncio.gather(*(live_offer(calls, item["sku"], marketplace) for item in items))
    found = [_listing(item, offer, elsewhere) for item, offer in zip(items, offers, strict=True) if offer]
    return ListingPage(found, to_cursor(number + 1), more=_leads_on(answer, number, items))


def _leads_on(answer: Mapping[str, Any], number: int, items: Sequence[Item]) -> bool:
    """Whether there is a page behind this one. NeedsAttention where that is none: pages are counted, so a circle shows in no cursor."""
    following = str(answer.get("next") or "")
    if not following:
        return False
    [offset] = parse_qs(urlsplit(following).query).get("offset", [str(number + 1)])
    if not items or int(offset) <= number:
        raise NeedsAttention(
            "eBay sends the same page of its listings again and again.",
            action="Look whether its catalogue can be listed there; if it can, update omnisync.",
            code="circle",
        )
    return True


def _rows(answer: Mapping[str, Any], name: str) -> list[Item]:
    """The rows of a page; one without any says so by its total."""
    if name not in answer and answer.get("total") == 0:
        return []
    return listed(answer, name)


async def look(calls: Calls, targets: Sequence[Target], marketplace: str) -> list[LevelSeen]:
    """What buyers can buy of these now, and at what price; what is not on offer is left out."""
    skus = list(dict.fromkeys(target.external_id for target in targets))
    items: dict[str, Item] = {}
    for start in range(0, len(skus), ITEMS):
        items |= await _items(calls, skus[start : start + ITEMS])
    offers = await asyncio.gather(*(live_offer(calls, sku, marketplace) for sku in items))
    return [_level(item, offer) for item, offer in zip(items.values(), offers, strict=True) if offer]


async def live_offer(calls: Calls, sku: str, marketplace: str) -> Offer | None:
    """The published fixed-price offer of a SKU; eBay allows one, and it may be absent."""
    query = {"sku": sku, "format": "FIXED_PRICE", "marketplace_id": marketplace}
    reply = await calls.call("GET", INVENTORY, "/offer", params=query)
    if reply.status == 404:
        return None
    offers = _rows(reply.expect().json(), "offers")
    return next((offer for offer in offers if _is_live(offer)), None)


def _is_live(offer: Offer) -> bool:
    standing = (offer.get("listing") or {}).get("listingStatus", "ACTIVE")
    return offer.get("status") == "PUBLISHED" and standing in STANDING


async def _items(calls: Calls, skus: Sequence[str]) -> dict[str, Item]:
    body = {"requests": [{"sku": sku} for sku in skus]}
    reply = await calls.call("POST", INVENTORY, "/bulk_get_inventory_item", body=body)
    responses = listed(reply.expect(200, 207).json(), "responses")
    return {
        str(one["sku"]): one["inventoryItem"]
        for one in responses
        if one.get("inventoryItem") and int(one.get("statusCode", 200)) < 400
    }


def _listing(item: Item, offer: Offer, elsewhere: Sequence[str]) -> Listing:
    product = item.get("product") or {}
    extra = {OFFER: str(offer["offerId"]), LISTING: str((offer.get("listing") or {}).get("listingId", ""))}
    return Listing(
        external_id=item["sku"],
        sku=item["sku"],
        barcode=_barcode(product),
        title=str(product.get("title", "")),
        extra={key: value for key, value in extra.items() if value},
        managed=offer.get("merchantLocationKey") not in elsewhere,
    )


def _barcode(product: Mapping[str, Any]) -> str | None:
    """The first code that is one; sellers write "Does not apply" where eBay insists on a code."""
    codes = [str(code) for kind in ("ean", "upc", "isbn") for code in product.get(kind) or ()]
    return next((code for code in codes if code.isdigit()), None)


def _level(item: Item, offer: Offer) -> LevelSeen:
    price = (offer.get("pricingSummary") or {}).get("price")
    return LevelSeen(
        article=Article(external_id=item["sku"], sku=item["sku"]),
        quantity=shown_quantity(item, offer),
        price=Money.parse(str(price["value"]), str(price["currency"])) if price else None,
    )


def shown_quantity(item: Item, offer: Offer) -> int:
    """The smaller of the item's and the offer's quantity; an offer without one has no limit of its own."""
    home = ((item.get("availability") or {}).get("shipToLocationAvailability") or {}).get("quantity") or 0
    own = offer.get("availableQuantity")
    return int(home) if own is None else min(int(home), int(own))
