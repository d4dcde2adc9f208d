"""Feeds 2021-06-30: documents under addresses of their own, feeds that take their time, reports."""

from __future__ import annotations

import gzip
import json
from typing import Any

from fastapi import FastAPI, Request, Response

from omnisync.demo.amazon import views
from omnisync.demo.amazon.access import DOCUMENTS
from omnisync.demo.amazon.listings_api import Catalogue, changes
from omnisync.demo.amazon.problems import Problem
from omnisync.demo.amazon.things import Feed

FEEDS = "/feeds/2021-06-30"


class FeedDesk:
    """The feeds of one account. `fatal`: the next feed ends so."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue, self.seller = catalogue, catalogue.seller
        self.documents: dict[str, bytes | None] = {}
        self.feeds: dict[str, Feed] = {}
        self.fatal = False

    def document(self, content: bytes | None = None) -> str:
        name = self.seller.next("amzn1.tortuga.doc")
        self.documents[name] = content
        return name

    def create(self, body: Any) -> Feed:
        document = body.get("inputFeedDocumentId")
        if body.get("feedType") != "JSON_LISTINGS_FEED" or self.documents.get(document) is None:
            raise Problem(400, "InvalidInput", "The feed has no document, or is of another kind.")
        due = self.seller.clock.monotonic() + self.seller.seed.feed_seconds
        feed = Feed(self.seller.next("5"), document, self.seller.clock.now(), due, self.fatal)
        self.fatal = False
        self.feeds[feed.id] = feed
        return feed

    def status(self, feed: Feed) -> str:
        if feed.ended is None and self.seller.clock.monotonic() >= feed.due:
            self._work(feed)
        if feed.ended is None:
            return "IN_PROGRESS"
        return "FATAL" if feed.fatal else "DONE"

    def settle(self) -> None:
        """Work through what is due."""
        for feed in self.feeds.values():
            self.status(feed)

    def _work(self, feed: Feed) -> None:
        feed.ended = self.seller.clock.now()
        if feed.fatal:
            return
        content = json.loads(self.documents[feed.document] or b"{}")
        issues: list[dict[str, Any]] = []
        for message in content["messages"]:
            found = self.catalogue.judge(message["sku"], message)
            issues += [
                {
                    "messageId": message["messageId"], "sku": message["sku"], "code": one["code"], "severity": "ERROR",
                    "message": one["message"],
                }
                for one in found
            ]  # fmt: skip
            if not found:
                self.seller.accept(message["sku"], changes(message), after=0)
        feed.result = self.document(gzip.compress(json.dumps(self._report(feed, content, issues)).encode()))

    def _report(self, feed: Feed, content: Any, issues: list[dict[str, Any]]) -> dict[str, Any]:
        wrong = len({one["messageId"] for one in issues})
        total = len(content["messages"])
        return {
            "header": {"sellerId": self.seller.seed.seller_id, "version": "2.0", "feedId": feed.id},
            "issues": issues,
            "summary": {
                "errors": len(issues), "warnings": 0, "messagesProcessed": total, "messagesAccepted": total - wrong,
                "messagesInvalid": wrong,
            },
        }  # fmt: skip

    def find(self, feed_id: str) -> Feed:
        if feed_id not in self.feeds:
            raise Problem(404, "NotFound", "There is no such feed.")
        return self.feeds[feed_id]


def _address(request: Request, name: str) -> str:
    """Where this very server keeps a document, whatever host the caller believes to have called."""
    host, port = request.scope["server"]
    return f"{request.url.scheme}://{host}{f':{port}' if port else ''}{DOCUMENTS}{name}"


def add_feeds(app: FastAPI, desk: FeedDesk) -> None:
    """Give the app its endpoints."""
    store = desk.seller.seed.marketplace_id

    @app.post(f"{FEEDS}/documents", status_code=201)
    async def new_document(request: Request) -> dict[str, str]:
        if "contentType" not in await request.json():
            raise Problem(400, "InvalidInput", "contentType is missing")
        name = desk.document()
        return {"feedDocumentId": name, "url": _address(request, name)}

    @app.get(f"{FEEDS}/documents/{{name}}")
    async def one_document(name: str, request: Request) -> dict[str, str]:
        if desk.documents.get(name) is None:
            raise Problem(404, "NotFound", "There is no such document.")
        return {"feedDocumentId": name, "url": _address(request, name), "compressionAlgorithm": "GZIP"}

    @app.put(f"{DOCUMENTS}{{name}}")
    async def upload(name: str, request: Request) -> Response:
        # A presigned address refuses whoever shows credentials as well.
        if name not in desk.documents or "x-amz-access-token" in request.headers:
            return Response(status_code=403)
        desk.documents[name] = await request.body()
        return Response(status_code=200)

    @app.get(f"{DOCUMENTS}{{name}}")
    async def download(name: str) -> Response:
        return Response(desk.documents.get(name) or b"", media_type="application/octet-stream")

    @app.post(f"{FEEDS}/feeds", status_code=202)
    async def create(request: Request) -> dict[str, str]:
        return {"feedId": desk.create(await request.json()).id}

    @app.get(f"{FEEDS}/feeds/{{feed_id}}")
    async def one_feed(feed_id: str) -> dict[str, Any]:
        feed = desk.find(feed_id)
        status = desk.status(feed)
        return views.feed(feed, status, store)
