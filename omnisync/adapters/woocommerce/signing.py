"""How WooCommerce knows us: HTTP Basic over https, a signature (OAuth 1.0a, one-legged) over plain http."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from omnisync.clock import Clock, Ids

METHOD = "HMAC-SHA256"


def basic(key: str, secret: str) -> str:
    """The header's value."""
    return f"Basic {base64.b64encode(f'{key}:{secret}'.encode()).decode()}"


def signature(secret: str, method: str, url: str, params: Mapping[str, str]) -> str:
    """Over the method, the address without its query, and all parameters but the signature (RFC 5849, 3.4)."""
    pairs = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in sorted(params.items()))
    signed = "&".join((method.upper(), _quote(url), _quote(pairs)))
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), signed.encode(), hashlib.sha256)).decode()


@dataclass(frozen=True, slots=True)
class OAuth:
    """Signs requests one by one: the shop takes each nonce once, and a moment at most 15 minutes off."""

    key: str
    secret: str
    clock: Clock
    ids: Ids

    def __call__(self, method: str, url: str, params: Mapping[str, Any]) -> Mapping[str, str]:
        """The Authorization header of one request: in the header, since addresses stand in logs."""
        ours = {
            "oauth_consumer_key": self.key,
            "oauth_nonce": self.ids.new(),
            "oauth_signature_method": METHOD,
            "oauth_timestamp": str(int(self.clock.now().timestamp())),
        }
        told = {name: str(value) for name, value in params.items()}
        ours["oauth_signature"] = signature(self.secret, method, url, {**told, **ours})
        return {"authorization": "OAuth " + ", ".join(f'{name}="{_quote(value)}"' for name, value in ours.items())}

    def __repr__(self) -> str:
        return "OAuth(***)"


def _quote(text: str) -> str:
    return quote(text, safe="-._~")
