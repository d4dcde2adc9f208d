"""Notification subscriptions: one destination (our queue), one subscription a topic. Both stay until somebody removes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omnisync.adapters.amazon.calls import Calls, in_words
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.base import Subscription
from omnisync.adapters.client import Reply
from omnisync.errors import NeedsAttention

NAME = "omnisync"
VERSION = "1.0"
_MEND = (
    "Check that the queue's policy lets Amazon's account 437568002678 do sqs:SendMessage and sqs:GetQueueAttributes, and that queue_url "
    "is this queue's. Until then orders come by polling."
)
_ELSEWHERE = (
    "Another program of this application receives {topics}: Amazon sends each topic to one queue only. Remove that subscription "
    "(deleteSubscriptionById), or give omnisync an application of its own."
)


async def settle(calls: Calls, account: Account, wanted: Sequence[Subscription]) -> list[Subscription]:
    """Make those that are missing. One that leads elsewhere is somebody else's and stays."""
    home = await _home(calls, account)
    settled = [await _settle_one(calls, one, home) for one in wanted]
    foreign = ", ".join(one.topic for one in settled if not one.active)
    mend = _ELSEWHERE.format(topics=foreign) if foreign else ""
    return [Subscription(one.topic, one.url, one.id, one.active, one.renewed, mend) for one in settled]


async def _home(calls: Calls, account: Account) -> str:
    """The id of our queue as a destination."""
    known = _payload(await calls.call("getDestinations"))
    for one in known or ():
        if ((one.get("resource") or {}).get("sqs") or {}).get("arn") == account.queue_arn:
            return str(one["destinationId"])
    body = {"name": NAME, "resourceSpecification": {"sqs": {"arn": account.queue_arn}}}
    return str(_payload(await calls.call("createDestination", body=body))["destinationId"])


async def _settle_one(calls: Calls, one: Subscription, home: str) -> Subscription:
    reply = await calls.call("getSubscription", one.topic)
    if reply.status != 404:
        found = _payload(reply)
        return Subscription(one.topic, one.url, str(found["subscriptionId"]), active=found["destinationId"] == home)
    body = {"payloadVersion": VERSION, "destinationId": home}
    made = _payload(await calls.call("createSubscription", one.topic, body=body))
    return Subscription(one.topic, one.url, str(made["subscriptionId"]), renewed=True)


def _payload(reply: Reply) -> Any:
    answer = reply.json() if reply.body else {}
    if reply.status == 200 and "payload" in answer:
        return answer["payload"]
    said = in_words(answer) or f"Amazon answered {reply.status}"
    raise NeedsAttention(f"Amazon does not take our subscription: {said}", action=_MEND, code="subscription")
