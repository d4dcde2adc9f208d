"""Notifications v1, and the SQS queue that they lead to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from omnisync.adapters.amazon.sigv4 import Signer
from omnisync.demo.amazon.problems import Problem
from omnisync.demo.amazon.seller import Seller
from omnisync.demo.amazon.things import Waiting
from omnisync.values import format_time, parse_time

TOPICS = ("ORDER_CHANGE", "LISTINGS_ITEM_MFN_QUANTITY_CHANGE")
NOTICES = "/notifications/v1"
AMZ_JSON = "application/x-amz-json-1.0"


class PostOffice:
    """Destinations, subscriptions and the queue of one account."""

    def __init__(self, seller: Seller) -> None:
        self.seller = seller
        _, account, name = seller.seed.queue.split("/")
        self.arn = f"arn:aws:sqs:{seller.seed.queue_region}:{account}:{name}"
        self.destinations = {"destination-1": self.arn} if seller.seed.subscribed else {}
        self.subscriptions = dict.fromkeys(TOPICS, "destination-1") if seller.seed.subscribed else {}
        self.queue: list[Waiting] = []
        seller.tell = self.tell

    def tell(self, topic: str, payload: Mapping[str, Any]) -> None:
        """Into the queue, if it is subscribed; twice, not at all or out of order while a fault says so."""
        faults = self.seller.faults
        if self.destinations.get(self.subscriptions.get(topic, "")) != self.arn or faults.lose:
            return
        now = format_time(self.seller.clock.now())
        note = {
            "NotificationVersion": "1.0",
            "NotificationType": topic,
            "PayloadVersion": "1.0",
            "EventTime": now,
            "Payload": payload,
            "NotificationMetadata": {
                "ApplicationId": "amzn1.sellerapps.app.demo",
                "SubscriptionId": f"subscription-{topic}",
                "PublishTime": now,
                "NotificationId": self.seller.next("notification-"),
            },
        }
        for _ in range(2 if faults.double else 1):
            self.put(json.dumps(note))

    def put(self, body: str) -> None:
        at = self.seller.chance.randrange(len(self.queue) + 1) if self.seller.faults.reorder else len(self.queue)
        self.queue.insert(at, Waiting(self.seller.next("message-"), body))

    # ------------------------------------------------------------ SQS

    def admits(self, request: Request, body: bytes) -> bool:
        """Whether the request is signed by the one key that may read this queue."""
        seed, given = self.seller.seed, dict(request.headers)
        names = ("host", "content-type", "x-amz-target")
        signer = Signer(seed.aws_key_id, seed.aws_secret, seed.queue_region, "sqs")
        stamp = given.get("x-amz-date", "")
        try:
            at = parse_time(f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:]}")
        except ValueError:
            return False
        late = abs((self.seller.clock.now() - at).total_seconds()) > 300
        right = signer.sign("POST", {name: given.get(name, "") for name in names}, body, at)["authorization"]
        return not late and given.get("authorization") == right

    def receive(self, asked: Any) -> dict[str, Any]:
        now, found = self.seller.clock.monotonic(), []
        for one in [one for one in self.queue if one.visible_at <= now][: asked.get("MaxNumberOfMessages", 1)]:
            one.visible_at, one.received = now + asked.get("VisibilityTimeout", 30), one.received + 1
            one.handle = f"{one.id}#{one.received}"
            found.append({"MessageId": one.id, "ReceiptHandle": one.handle, "Body": one.body})
        return {"Messages": found} if found else {}

    def delete(self, asked: Any) -> dict[str, Any]:
        handles = {one["ReceiptHandle"] for one in asked["Entries"]}
        self.queue = [one for one in self.queue if one.handle not in handles]
        return {"Successful": [{"Id": one["Id"]} for one in asked["Entries"]], "Failed": []}

    def attributes(self, asked: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(self.queue))}}


def add_queue(app: FastAPI, office: PostOffice) -> None:
    """SQS answers at its root, and takes what is to be done from a header."""
    actions = {
        "AmazonSQS.ReceiveMessage": office.receive,
        "AmazonSQS.DeleteMessageBatch": office.delete,
        "AmazonSQS.GetQueueAttributes": office.attributes,
    }

    @app.post("/")
    async def sqs(request: Request) -> Response:
        body = await request.body()
        if not office.admits(request, body):
            said = {
                "__type": "com.amazon.coral.service#InvalidSignatureException",
                "message": "The signature is wrong.",
            }
            return JSONResponse(said, 403, media_type=AMZ_JSON)
        asked, action = json.loads(body), actions.get(request.headers.get("x-amz-target", ""))
        if action is None or not asked["QueueUrl"].endswith(office.seller.seed.queue):
            said = {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}
            return JSONResponse(said, 400, media_type=AMZ_JSON)
        return JSONResponse(action(asked), media_type=AMZ_JSON)


def add_notifications(app: FastAPI, office: PostOffice) -> None:
    """Give the app its endpoints."""

    def subscription(topic: str) -> dict[str, str]:
        home = office.subscriptions[topic]
        return {"subscriptionId": f"subscription-{topic}", "payloadVersion": "1.0", "destinationId": home}

    def destination(name: str) -> dict[str, Any]:
        return {"destinationId": name, "name": "omnisync", "resource": {"sqs": {"arn": office.destinations[name]}}}

    @app.get(f"{NOTICES}/destinations")
    async def destinations() -> dict[str, Any]:
        return {"payload": [destination(name) for name in office.destinations]}

    @app.post(f"{NOTICES}/destinations")
    async def new_destination(request: Request) -> dict[str, Any]:
        arn = (await request.json())["resourceSpecification"]["sqs"]["arn"]
        if arn in office.destinations.values():
            raise Problem(409, "Conflict", "This destination exists.")
        name = f"destination-{len(office.destinations) + 1}"
        office.destinations[name] = arn
        return {"payload": destination(name)}

    @app.get(f"{NOTICES}/subscriptions/{{topic}}")
    async def one(topic: str) -> dict[str, Any]:
        if topic not in office.subscriptions:
            raise Problem(404, "NotFound", "There is no subscription.")
        return {"payload": subscription(topic)}

    @app.post(f"{NOTICES}/subscriptions/{{topic}}")
    async def subscribe(topic: str, request: Request) -> dict[str, Any]:
        if topic not in TOPICS:
            raise Problem(400, "InvalidInput", "There is no such notification type.")
        if topic in office.subscriptions:
            raise Problem(409, "Conflict", "There is a subscription already.")
        office.subscriptions[topic] = (await request.json())["destinationId"]
        return {"payload": subscription(topic)}
