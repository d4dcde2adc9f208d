"""Listings Items 2021-08-01 and the stock in Amazon's own warehouses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request

from omnisync.demo.amazon import views
from omnisync.demo.amazon.problems import Problem
from omnisync.demo.amazon.seller import Seller
from omnisync.demo.amazon.things import Entry
from omnisync.values import parse_time

ITEMS = "/listings/2021-08-01/items/{seller_id}"
REACH = 1000
MINIMUM = "minimum_seller_allowed_price"
FBA_PAGE = 50


class Catalogue:
    """What may be asked about listings. `reach`: a search shows no more than so many, however many pages are read."""

    def __init__(self, seller: Seller) -> None:
        self.seller, self.reach = seller, REACH
        self.submissions = 0

    def own(self, seller_id: str, asked: Any) -> None:
        """Problem when the seller or the marketplace is somebody else's."""
        if seller_id != self.seller.seed.seller_id:
            raise Problem(403, "Unauthorized", "Access to requested resource is denied.")
        if split(asked.get("marketplaceIds")) != [self.seller.seed.marketplace_id]:
            raise Problem(400, "InvalidInput", "Invalid 'marketplaceIds' provided.")

    def search(self, asked: Any) -> dict[str, Any]:
        size = _number(asked.get("pageSize", "10"), 1, 20)
        offers = sorted(self.seller.offers.values(), key=lambda one: one.created)
        wanted = split(asked.get("identifiers"))
        if len(wanted) > 20 or (wanted and asked.get("identifiersType") != "SKU"):
            raise Problem(400, "InvalidInput", "'identifiers' are up to 20 and need 'identifiersType'.")
        if wanted:
            offers = [one for one in offers if one.sku in wanted]
        if "createdAfter" in asked:
            begin: datetime = parse_time(asked["createdAfter"])
            offers = [one for one in offers if one.created >= begin]
        at = _number(asked.get("pageToken", "t0").removeprefix("t"), 0, self.reach)
        shown = offers[: self.reach][at : at + size]
        included = split(asked.get("includedData")) or ["summaries"]
        told = {
            "numberOfResults": len(offers),
            "items": [views.item(one, included, self.seller.seed.marketplace_id) for one in shown],
        }
        more = at + size < min(len(offers), self.reach)
        return {**told, "pagination": {"nextToken": f"t{at + size}"}} if more else told

    def patch(self, sku: str, body: Any) -> dict[str, Any]:
        """Accepted or invalid, both with 200."""
        self.submissions += 1
        told = {"sku": sku, "submissionId": f"sub-{self.submissions}", "issues": [], "status": "ACCEPTED"}
        issues = self.judge(sku, body)
        if issues:
            return {**told, "status": "INVALID", "issues": issues}
        self.seller.accept(sku, changes(body), after=self.seller.seed.apply_seconds)
        return told

    def judge(self, sku: str, body: Any) -> list[dict[str, Any]]:
        """What Amazon complains of."""
        if sku not in self.seller.offers:
            return [_issue("4000003", "The SKU does not exist in this marketplace.", "sku")]
        if not isinstance(body, dict) or not body.get("productType") or not body.get("patches"):
            raise Problem(400, "InvalidInput", "'productType' and 'patches' are required.")
        return [issue for op, attribute, value in changes(body) for issue in self._faults(op, attribute, value)]

    def _faults(self, op: str, attribute: str, value: Sequence[Entry]) -> list[dict[str, Any]]:
        if op not in ("add", "replace", "merge", "delete") or not isinstance(value, list):
            raise Problem(400, "InvalidInput", "A patch is not one.")
        if attribute == "fulfillment_availability":
            bad = [one for one in value if not isinstance(one.get("quantity", 0), int) or one.get("quantity", 0) < 0]
            return [_issue("90117", "'quantity' is no number of pieces.", attribute) for _ in bad]
        wrong = [one for one in value if not one.get("our_price")]
        low = [one for one in value if one not in wrong and _amount(one, "our_price") < _amount(one, MINIMUM)]
        return [
            *(_issue("99022", "The attribute 'our_price' does not have enough values.", attribute) for _ in wrong),
            *(_issue("18155", "The 'minimum price' is greater than the selling price.", attribute) for _ in low),
        ]


def _amount(offer: Entry, name: str) -> float:
    return float(offer[name][0]["schedule"][0]["value_with_tax"]) if offer.get(name) else 0.0


def changes(body: Any) -> list[tuple[str, str, list[Entry]]]:
    """The patches of a body by attribute."""
    return [(one["op"], one["path"].removeprefix("/attributes/"), one.get("value", [])) for one in body["patches"]]


def split(value: str | None) -> list[str]:
    """A list as it stands in an address."""
    return value.split(",") if value else []


def _issue(code: str, message: str, attribute: str) -> dict[str, Any]:
    return {
        "code": code, "message": message, "severity": "ERROR", "attributeNames": [attribute],
        "categories": ["INVALID_ATTRIBUTE"],
    }  # fmt: skip


def _number(text: str, least: int, most: int) -> int:
    if not text.isdigit() or not least <= int(text) <= most:
        raise Problem(400, "InvalidInput", f"{text} is no number from {least} to {most}.")
    return int(text)


def _one_part(request: Request) -> None:
    """A SKU is one part of an address: its slashes are to be escaped."""
    if request.scope["raw_path"].partition(b"?")[0].count(b"/") != ITEMS.count("/") + 1:
        raise Problem(404, "NOT_FOUND", "There is nothing at this address.")


def add_listings(app: FastAPI, catalogue: Catalogue) -> None:
    """Give the app its endpoints."""
    seller = catalogue.seller

    @app.get(ITEMS)
    async def search(seller_id: str, request: Request) -> dict[str, Any]:
        catalogue.own(seller_id, request.query_params)
        return catalogue.search(dict(request.query_params))

    @app.get(ITEMS + "/{sku:path}")
    async def one(seller_id: str, sku: str, request: Request) -> dict[str, Any]:
        _one_part(request)
        catalogue.own(seller_id, request.query_params)
        if sku not in seller.offers:
            raise Problem(404, "NOT_FOUND", f"SKU '{sku}' not found in this marketplace.")
        included = split(request.query_params.get("includedData")) or ["summaries"]
        return views.item(seller.offers[sku], included, seller.seed.marketplace_id)

    @app.patch(ITEMS + "/{sku:path}")
    async def patch(seller_id: str, sku: str, request: Request) -> dict[str, Any]:
        _one_part(request)
        catalogue.own(seller_id, request.query_params)
        return catalogue.patch(sku, await request.json())

    @app.get("/fba/inventory/v1/summaries")
    async def summaries(request: Request) -> dict[str, Any]:
        asked = request.query_params
        store = seller.seed.marketplace_id
        if (asked.get("granularityType"), asked.get("granularityId")) != ("Marketplace", store):
            raise Problem(400, "InvalidInput", "The granularity is not that of a marketplace.")
        at = _number(asked.get("nextToken", "t0").removeprefix("t"), 0, 10**6)
        rows = [one for one in seller.offers.values() if one.by_amazon]
        told: dict[str, Any] = {
            "payload": {
                "granularity": {"granularityType": "Marketplace", "granularityId": store},
                "inventorySummaries": [views.summary(one) for one in rows[at : at + FBA_PAGE]],
            }
        }
        return {**told, "pagination": {"nextToken": f"t{at + FBA_PAGE}"}} if len(rows) > at + FBA_PAGE else told
