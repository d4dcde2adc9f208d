"""eBay's notifications: the challenge, the signature, and what they hint at. Pure, but for the kept keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from omnisync.adapters.base import Answer, Forged, Hook, Identified, KeyNeeded, Message
from omnisync.adapters.client import Tools

SIGNATURE = "x-ebay-signature"
KEY_SECONDS = 3600
KEYS = 64
"""So many keys are remembered at most: senders of nonsense must not fill our memory."""
DELETION = "MARKETPLACE_ACCOUNT_DELETION"

_KID = re.compile(r"[A-Za-z0-9-]{1,64}")
_DIGESTS: Mapping[str, type[hashes.HashAlgorithm]] = {"SHA1": hashes.SHA1, "SHA256": hashes.SHA256}
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----(.*?)-----END PUBLIC KEY-----", re.DOTALL)


class Keys:
    """eBay's public keys by id, kept for an hour; ids that eBay does not know are kept too, as None."""

    def __init__(self, tools: Tools) -> None:
        self._clock = tools.clock
        self._kept: dict[str, tuple[ec.EllipticCurvePublicKey | None, float]] = {}

    def remember(self, kid: str, pem: bytes | None) -> None:
        """Keep a key, or that there is none. ValueError when the text is no elliptic-curve key."""
        key = serialization.load_pem_public_key(pem) if pem else None
        if key is not None and not isinstance(key, ec.EllipticCurvePublicKey):
            raise ValueError("eBay signs with elliptic-curve keys, this is another kind")
        self._kept.pop(kid, None)
        while len(self._kept) >= KEYS:
            self._kept.pop(next(iter(self._kept)))
        self._kept[kid] = key, self._clock.monotonic() + KEY_SECONDS

    def find(self, kid: str) -> ec.EllipticCurvePublicKey | None:
        """The key. KeyError when it must be fetched, None when eBay does not know it."""
        key, until = self._kept[kid]
        if self._clock.monotonic() >= until:
            raise KeyError(kid)
        return key


def as_pem(text: str) -> bytes:
    """eBay's one-line key as PEM with its line breaks. ValueError when it is none."""
    found = _PEM.fullmatch(text.strip())
    if not found:
        raise ValueError("this is no public key")
    body = re.sub(r"\s+", "", found[1])
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""]).encode()


def identify(hook: Hook, keys: Keys, verification_token: str) -> Identified:
    """Answer the challenge, or name a message whose signature over the raw body holds."""
    if hook.method == "GET":
        return _challenged(hook, verification_token)
    signature = _read_signature(hook.headers.get(SIGNATURE, ""))
    if signature is None:
        return Forged("The signature header is missing or unreadable.")
    kid, value, digest = signature
    try:
        key = keys.find(kid)
    except KeyError:
        return KeyNeeded(kid)
    if key is None or not _holds(key, value, digest, hook.body):
        return Forged("The signature does not belong to this body.")
    return _message(hook.body)


def _challenged(hook: Hook, verification_token: str) -> Identified:
    code = hook.query.get("challenge_code")
    if not code or not verification_token:
        return Forged("A challenge needs its challenge_code and our verification_token.")
    endpoint = hook.url.split("?")[0]
    proof = hashlib.sha256(f"{code}{verification_token}{endpoint}".encode()).hexdigest()
    return Answer(200, json.dumps({"challengeResponse": proof}).encode(), "application/json")


def _read_signature(header: str) -> tuple[str, bytes, hashes.HashAlgorithm] | None:
    """Key id, signature and digest out of the header, which is JSON in base64; None when it is anything else."""
    try:
        parts = orjson.loads(base64.b64decode(header, validate=True))
        kid, value = parts["kid"], base64.b64decode(parts["signature"], validate=True)
        digest = _DIGESTS[parts.get("digest", "SHA1")]()
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None
    return (kid, value, digest) if isinstance(kid, str) and _KID.fullmatch(kid) else None


def _holds(key: ec.EllipticCurvePublicKey, signature: bytes, digest: hashes.HashAlgorithm, body: bytes) -> bool:
    try:
        key.verify(signature, body, ec.ECDSA(digest))
    except InvalidSignature:
        return False
    return True


def _message(body: bytes) -> Message:
    """A signed body that we cannot read is kept all the same, under its hash."""
    payload = _payload(body)
    notification = _mapping(payload.get("notification"))
    event_id = notification.get("notificationId") or "sha256:" + hashlib.sha256(body).hexdigest()
    topic = str(_mapping(payload.get("metadata")).get("topic") or "UNKNOWN")
    data = _mapping(notification.get("data"))
    resource = f"user:{data['userId']}" if topic == DELETION and data.get("userId") else find_order_id(data)
    return Message(event_id=str(event_id), topic=topic, resource=resource)


def order_id(hook: Hook) -> str | None:
    """The order that a notification speaks of, if it does."""
    return find_order_id(_mapping(_mapping(_payload(hook.body).get("notification")).get("data")))


def find_order_id(data: Mapping[str, Any]) -> str | None:
    """`orderId`, at the top or inside the part of the data that speaks of the order."""
    if isinstance(data.get("orderId"), str | int) and data["orderId"]:
        return str(data["orderId"])
    inner = (find_order_id(value) for value in data.values() if isinstance(value, Mapping))
    return next((found for found in inner if found), None)


def _payload(body: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(orjson.loads(body))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
