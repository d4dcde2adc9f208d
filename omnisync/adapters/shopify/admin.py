"""Calls Shopify's Admin GraphQL API: cost points, THROTTLED inside a 200, and what its errors ask of whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnisync.adapters.client import Budget, ChannelClient, RateLimited, Tools, Unanswered
from omnisync.adapters.pages import Trail
from omnisync.adapters.shopify.documents import VERSION
from omnisync.errors import NeedsAttention

POINTS_PER_SECOND, BUCKET = 100.0, 2000.0
"""The smallest plan's; every answer tells the true numbers."""
FIRST_GUESS = 100.0
PATIENCE_SECONDS = 10.0
"""In this time the smallest plan has points again for whatever may be asked at once (1,000). What takes several operations,
such as the levels of 250 variants, would otherwise begin again and again and never come to its end."""
ATTEMPTS = 3

PASSING = {"THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}
MENDS = {
    "ACCESS_DENIED": "Give the app the access scopes named in the README, install it again, then sync.",
    "SHOP_INACTIVE": "The shop is closed or its plan is not paid: open it in Shopify, then sync.",
    "MAX_COST_EXCEEDED": "Lower page_size in the channel's settings.",
}


@dataclass
class Admin:
    """One shop's Admin API."""

    name: str
    base_url: str
    token: str = field(repr=False)
    tools: Tools = field(repr=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.tools.clock, POINTS_PER_SECOND, BUCKET, patience_seconds=PATIENCE_SECONDS)
        self._costs: dict[str, float] = {}
        self._client = ChannelClient(
            self.name,
            self.base_url,
            self.tools,
            headers={"x-shopify-access-token": self.token, "accept": "application/json"},
            auth_action="Put a valid Admin API access token into settings.access_token, then sync again.",
        )

    async def run(
        self, document: str, variables: Mapping[str, Any] | None = None, *, repeatable: bool = True
    ) -> dict[str, Any]:
        """The data of one operation. One that is not `repeatable` is sent once when nobody knows what became of it."""
        for attempt in range(1, ATTEMPTS + 1):
            await self.budget.take(self._costs.get(document, FIRST_GUESS))
            answer = await self._post(document, variables or {}, repeatable)
            errors = answer.get("errors")
            if not errors:
                return dict(answer["data"])
            wait = self._judge(errors, answer)
            if attempt == ATTEMPTS or wait > PATIENCE_SECONDS:
                raise RateLimited(f"{self.name} limits our calls.", retry_after_seconds=wait)
            await self.tools.clock.sleep(wait)
        raise AssertionError("the loop above returns or raises")

    async def all_nodes(self, owner: Mapping[str, Any], connection: str, rest: str) -> list[dict[str, Any]]:
        """The nodes of an owner's connection to its end, which the document `rest` reads on from where the page ended."""
        page = owner.get(connection)
        nodes = list(page["nodes"]) if page else []
        trail, after = Trail(self.name, f"its {connection}"), None
        while page is None or page["pageInfo"]["hasNextPage"]:
            after = trail.on(after, page["pageInfo"]["endCursor"] if page else None)
            page = (await self.run(rest, {"id": owner["id"], "after": after}))["node"][connection]
            nodes += page["nodes"]
        return nodes

    async def _post(self, document: str, variables: Mapping[str, Any], repeatable: bool) -> dict[str, Any]:
        body = {"query": document, "variables": variables}
        reply = await self._client.call("POST", f"/admin/api/{VERSION}/graphql.json", body=body, repeatable=repeatable)
        answer = reply.expect(200).json()
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            raise NeedsAttention(
                f"{self.name} answered with something that is no GraphQL.",
                action="Check that base_url names the shop, such as https://example.myshopify.com.",
            )
        self._learn(document, answer)
        return answer

    def _learn(self, document: str, answer: Mapping[str, Any]) -> None:
        cost = (answer.get("extensions") or {}).get("cost")
        if not cost:
            return
        self._costs[document] = float(cost["requestedQueryCost"])
        status = cost["throttleStatus"]
        self.budget.feed(
            float(status["currentlyAvailable"]),
            rate=float(status["restoreRate"]),
            burst=float(status["maximumAvailable"]),
        )

    def _judge(self, errors: Any, answer: Mapping[str, Any]) -> float:
        """How long to wait when they only want us slower; raises for everything else."""
        if isinstance(errors, str):
            raise NeedsAttention(f"{self.name}: {errors[:300]}", action="Check the shop and its base_url.")
        codes = {(error.get("extensions") or {}).get("code", "") for error in errors}
        said = "; ".join(str(error.get("message", ""))[:300] for error in errors)
        if "THROTTLED" in codes:
            return self._restored_after(answer)
        if codes & PASSING:
            raise Unanswered(f"{self.name} failed on its side: {said}")
        mend = next((MENDS[code] for code in codes if code in MENDS), "When Shopify changed its API, update omnisync.")
        raise NeedsAttention(f"{self.name} refused an operation: {said}", action=mend)

    @staticmethod
    def _restored_after(answer: Mapping[str, Any]) -> float:
        """Seconds until the bucket holds what the refused operation asks for."""
        cost = (answer.get("extensions") or {}).get("cost")
        if not cost:
            return 1.0
        status = cost["throttleStatus"]
        lacking = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        return max(0.1, lacking / float(status["restoreRate"]))

    async def close(self) -> None:
        await self._client.close()
