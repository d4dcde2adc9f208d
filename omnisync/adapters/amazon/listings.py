"""What is listed on Amazon, found and read back. A listing is known by the seller's SKU, which orders carry as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from omnisync.adapters.amazon import entries
from omnisync.adapters.amazon.calls import Calls, rows
from omnisync.adapters.amazon.settings import Account, Marketplace
from omnisync.adapters.base import Article, LevelSeen, Listing, ListingPage
from omnisync.errors import NeedsAttention
from omnisync.values import format_time, from_cursor, parse_time, to_cursor

AT_ONCE = 20
"""SKUs in one search, as Amazon allows."""
REACH = 1000
"""A search shows no more than so many however many pages are read: from there on a new one begins at the last one's date."""
TO_READ = ("summaries", "attributes", "fulfillmentAvailability", "productTypes")

Item = Mapping[str, Any]


async def items(calls: Calls, account: Account, skus: Sequence[str]) -> dict[str, Item]:
    """These listings by SKU; what Amazon does not know is left out."""
    wanted = list(dict.fromkeys(skus))
    found: dict[str, Item] = {}
    plain = [sku for sku in wanted if "," not in sku]
    for at in range(0, len(plain), AT_ONCE):
        asked = {"identifiers": tuple(plain[at : at + AT_ONCE]), "identifiersType": "SKU", "pageSize": str(AT_ONCE)}
        answer = await calls.get(
            "searchListingsItems", account.seller_id, **_shape(account), includedData=TO_READ, **asked
        )
        found |= {str(one["sku"]): one for one in rows(answer, "items", "sku")}
    for sku in (sku for sku in wanted if "," in sku):  # a comma separates SKUs in a search, and cannot be escaped there
        reply = await calls.call(
            "getListingsItem", account.seller_id, sku, params={**_shape(account), "includedData": TO_READ}
        )
        if reply.status not in (400, 404):
            found[sku] = reply.expect(200).json()
    return found


async def look(calls: Calls, account: Account, skus: Sequence[str]) -> list[LevelSeen]:
    """What buyers can buy of these now, and our price; what Amazon does not know or sends itself is left out."""
    found = await items(calls, account, skus)
    return [level for item in found.values() if (level := _level(item, account.store)) is not None]


async def page(calls: Calls, account: Account, cursor: str | None) -> ListingPage:
    """One page of all listings, oldest first."""
    begin, token, count = _position(cursor)
    asked = {"sortBy": "createdDate", "sortOrder": "ASC", "pageSize": str(AT_ONCE), "includedData": TO_READ}
    asked |= {"createdAfter": begin} if begin else {}
    asked |= {"pageToken": token} if token else {}
    answer = await calls.get("searchListingsItems", account.seller_id, **_shape(account), **asked)
    found = rows(answer, "items", "sku")
    count += len(found)
    following = str((answer.get("pagination") or {}).get("nextToken") or "") if found else ""
    listings = [_listing(item, account.store) for item in found]
    if count < REACH:
        return ListingPage(listings, to_cursor(begin, following, count), more=bool(following))
    return ListingPage(listings, to_cursor(_next_window(found, begin, account.store), "", 0), more=True)


def _position(cursor: str | None) -> tuple[str, str, int]:
    if cursor is None:
        return "", "", 0
    begin, token, count = from_cursor(cursor, 3)
    return begin, token, int(count)


def _next_window(found: Sequence[Item], begin: str, store: Marketplace) -> str:
    """The date of the last one seen: a new search begins with it, so that none made at the same moment is missed."""
    last = max((moment for item in found if (moment := _created(item, store))), default=None)
    if last is None or format_time(last) == begin:
        raise NeedsAttention(
            f"More than {REACH} listings were made at the same moment, and Amazon shows no more of them.",
            action="Import this channel's listings from a file: omnisync import listings.",
        )
    return format_time(last)


def _created(item: Item, store: Marketplace) -> datetime | None:
    told = [one.get("createdDate") for one in item.get("summaries") or () if one.get("marketplaceId") == store.id]
    return parse_time(told[0]) if told and told[0] else None


def _shape(account: Account) -> dict[str, Any]:
    return {"marketplaceIds": account.store.id}


def _listing(item: Item, store: Marketplace) -> Listing:
    summary: Item = next((one for one in item.get("summaries") or () if one.get("marketplaceId") == store.id), {})
    return Listing(
        external_id=str(item["sku"]),
        sku=str(item["sku"]),
        barcode=_barcode(item),
        title=str(summary.get("itemName") or ""),
        extra={"asin": str(summary["asin"])} if summary.get("asin") else {},
        managed=not entries.by_amazon(item),
    )


def _barcode(item: Item) -> str | None:
    codes = (item.get("attributes") or {}).get("externally_assigned_product_identifier") or ()
    told = [str(one.get("value", "")) for one in codes if one.get("type") in ("ean", "gtin", "upc", "isbn")]
    return next((code for code in told if code.isdigit()), None)


def _level(item: Item, store: Marketplace) -> LevelSeen | None:
    quantity = entries.level(item)
    if quantity is None or entries.by_amazon(item):
        return None
    article = Article(external_id=str(item["sku"]), sku=str(item["sku"]))
    return LevelSeen(article, quantity, price=entries.price(item, store))
