"""Many numbers at once: a JSON_LISTINGS_FEED, and its report when Amazon has worked through it.

What a feed refused or lost is remembered by SKU and goes as a patch of its own the next time: the answer to that tells a
person why. The engine writes it again because the level that it reads back never changed.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnisync.adapters.amazon.calls import Calls
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.client import Reply
from omnisync.clock import Clock
from omnisync.errors import NeedsAttention, TryLater

KIND = "JSON_LISTINGS_FEED"
CONTENT_TYPE = "application/json; charset=UTF-8"
ASK_SECONDS = 30.0
"""A feed that is not done is asked for so often."""
GIVE_UP_SECONDS = 24 * 3600.0
MOST_REFUSED = 100_000
"""So many SKUs are remembered at most; forgetting one costs a feed that refuses it again."""


@dataclass(frozen=True, slots=True)
class Line:
    """The patches of one listing."""

    sku: str
    product_type: str
    patches: Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class _Sent:
    skus: Sequence[str]
    until: float
    ask_at: float
    newer: set[str] = field(default_factory=set)
    """Of these, the ones that were patched since."""


@dataclass
class Feeds:
    """The feeds of one account."""

    calls: Calls
    account: Account
    clock: Clock
    refused: dict[str, None] = field(default_factory=dict)
    """SKUs that the last feed they stood in did not take, until they were patched."""
    doubtful: dict[str, None] = field(default_factory=dict)
    """SKUs whose number a feed may have put back to what it was before a patch."""
    _open: dict[str, _Sent] = field(default_factory=dict)

    def patched(self, sku: str) -> None:
        """This listing was written alone, and heard why if it was refused. A feed that is under way may undo that when it lands."""
        self.refused.pop(sku, None)
        for sent in self._open.values():
            if sku in sent.skus:
                sent.newer.add(sku)

    def possible(self) -> bool:
        """Whether the usage plan lets one through now."""
        return self.calls.budgets["createFeed"].ready()

    async def send(self, lines: Sequence[Line]) -> None:
        """Hand these over as one feed. TryLater when it was not taken."""
        made = (await self.calls.call("createFeedDocument", body={"contentType": CONTENT_TYPE})).expect(201).json()
        await self._store("PUT", str(made["url"]), self._document(lines))
        wish = {
            "feedType": KIND,
            "marketplaceIds": [self.account.store.id],
            "inputFeedDocumentId": made["feedDocumentId"],
        }
        feed = (await self.calls.call("createFeed", body=wish)).expect(202).json()
        now = self.clock.monotonic()
        self._open[str(feed["feedId"])] = _Sent([line.sku for line in lines], now + GIVE_UP_SECONDS, now + ASK_SECONDS)

    def _document(self, lines: Sequence[Line]) -> bytes:
        messages = [
            {
                "messageId": number, "sku": line.sku, "operationType": "PATCH", "productType": line.product_type,
                "patches": line.patches,
            }
            for number, line in enumerate(lines, 1)
        ]  # fmt: skip
        header = {"sellerId": self.account.seller_id, "version": "2.0"}
        return json.dumps({"header": header, "messages": messages}, ensure_ascii=False).encode()

    async def learn(self) -> None:
        """Read the reports of feeds that are done. That Amazon does not tell yet is no reason to write nothing."""
        now = self.clock.monotonic()
        for feed_id, sent in list(self._open.items()):
            if now >= sent.until:
                del self._open[feed_id]
            elif now >= sent.ask_at:
                sent.ask_at = now + ASK_SECONDS
                try:
                    await self._ask(feed_id, sent)
                except (TryLater, NeedsAttention):
                    return

    async def _ask(self, feed_id: str, sent: _Sent) -> None:
        feed = await self.calls.get("getFeed", feed_id)
        status = feed.get("processingStatus")
        if status in ("IN_QUEUE", "IN_PROGRESS"):
            return
        document = feed.get("resultFeedDocumentId")
        # FATAL and CANCELLED: nobody knows which lines were taken, so none is trusted.
        lost = (
            set(sent.skus) if status != "DONE" else await self._complaints(str(document), sent) if document else set()
        )
        del self._open[feed_id]
        self.doubtful |= dict.fromkeys(sorted(sent.newer - lost if status == "DONE" else sent.newer))
        self.refused |= dict.fromkeys(sorted(lost))
        while len(self.refused) > MOST_REFUSED:
            del self.refused[next(iter(self.refused))]

    async def _complaints(self, document_id: str, sent: _Sent) -> set[str]:
        """The SKUs that the report has an error of; all of them when an error belongs to none."""
        made = await self.calls.get("getFeedDocument", document_id)
        body = (await self._store("GET", str(made["url"]))).body
        report = _report(body, zipped=made.get("compressionAlgorithm") == "GZIP")
        wrong = [issue for issue in report.get("issues") or () if issue.get("severity") == "ERROR"]
        if any("messageId" not in issue for issue in wrong):
            return set(sent.skus)
        return {sent.skus[issue["messageId"] - 1] for issue in wrong if 1 <= issue["messageId"] <= len(sent.skus)}

    async def _store(self, method: str, url: str, content: bytes | None = None) -> Reply:
        """Amazon keeps documents elsewhere, under an address that is good for five minutes and needs no token."""
        headers = {"content-type": CONTENT_TYPE} if content is not None else {}
        try:
            return (await self.calls.client.call(method, url, content=content, headers=headers)).expect(200)
        except NeedsAttention as refused:
            raise TryLater("The storage of Amazon's feeds does not take or give this document.") from refused


def _report(body: bytes, *, zipped: bool) -> Mapping[str, Any]:
    try:
        report = json.loads(gzip.decompress(body) if zipped else body)
    except (ValueError, OSError, EOFError, zlib.error) as error:
        raise TryLater("The report of a feed cannot be read.") from error
    return report if isinstance(report, dict) else {}
