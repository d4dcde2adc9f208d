"""The SQS queue that Amazon's notifications wait in: received, and deleted when what they hint at is booked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from omnisync.adapters.amazon.calls import rows
from omnisync.adapters.amazon.settings import Account
from omnisync.adapters.amazon.sigv4 import Signer
from omnisync.adapters.client import ChannelClient, Tools

AT_ONCE = 10
"""Messages in one call, as SQS allows."""
HIDDEN_SECONDS = 300
"""So long a message that was received is shown to nobody else; then it comes again."""
AUTH_ACTION = (
    "Check aws_key_id, aws_secret and queue_url, and that this key may sqs:ReceiveMessage, sqs:DeleteMessage and "
    "sqs:GetQueueAttributes there."
)


@dataclass(frozen=True, slots=True)
class Message:
    """What waits in the queue; `handle` deletes it."""

    id: str
    handle: str
    body: str


class Queue:
    """One queue, by SQS's JSON protocol."""

    def __init__(self, name: str, account: Account, tools: Tools) -> None:
        self._url, self._clock = account.queue_url or "", tools.clock
        address = urlsplit(self._url)
        self._host = address.netloc
        self._client = ChannelClient(
            f"The queue of {name}",
            f"{address.scheme}://{address.netloc}",
            tools,
            timeout_seconds=account.timeout_seconds,
            auth_action=AUTH_ACTION,
        )
        secret = account.aws_secret.get_secret_value() if account.aws_secret else ""
        self._signer = Signer(account.aws_key_id or "", secret, account.region_of_queue, "sqs")

    async def receive(self) -> list[Message]:
        """The next few, hidden from others for a while."""
        asked = {"MaxNumberOfMessages": AT_ONCE, "VisibilityTimeout": HIDDEN_SECONDS, "WaitTimeSeconds": 0}
        answer = {"Messages": [], **await self._call("ReceiveMessage", asked)}
        found = rows(answer, "Messages", "MessageId", "ReceiptHandle", "Body")
        return [Message(one["MessageId"], one["ReceiptHandle"], one["Body"]) for one in found]

    async def delete(self, handles: Sequence[str]) -> None:
        """These are done with. One that cannot be deleted comes again, which does no harm."""
        for at in range(0, len(handles), AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles[at : at + AT_ONCE])
            ]
            await self._call("DeleteMessageBatch", {"Entries": entries})

    async def look(self) -> None:
        """Whether it is there and may be read, without touching a message."""
        await self._call("GetQueueAttributes", {"AttributeNames": ["ApproximateNumberOfMessages"]})

    async def close(self) -> None:
        await self._client.close()

    async def _call(self, action: str, arguments: Any) -> Any:
        body = json.dumps({"QueueUrl": self._url, **arguments}).encode()
        headers = {
            "host": self._host,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AmazonSQS.{action}",
        }
        signed = self._signer.sign("POST", headers, body, self._clock.now())
        return (await self._client.call("POST", "/", content=body, headers=signed)).expect(200).json()
