"""Who may call: WooCommerce takes the keys themselves over https only, and over http a signature, each nonce once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, unquote_plus

from fastapi import Request

from omnisync.clock import Clock
from omnisync.demo.woocommerce.problems import Problem

WINDOW_SECONDS = 15 * 60
ALGORITHMS = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}
PARAMS = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")


def refused(message: str, code: str = "woocommerce_rest_authentication_error") -> Problem:
    return Problem(code, message, 401)


class Door:
    """Checks the keys of one shop."""

    def __init__(self, key: str, secret: str, clock: Clock) -> None:
        self._key, self._secret, self._clock = key, secret, clock
        self._nonces: set[str] = set()

    def check(self, request: Request) -> None:
        """Problem when the caller is not who the keys were made for."""
        header = request.headers.get("authorization", "")
        if request.url.scheme == "https":
            self._basic(header, request.query_params)
        else:
            self._oauth(request, {**request.query_params, **_parse(header)})

    def _basic(self, header: str, query: Mapping[str, str]) -> None:
        if header.startswith("Basic "):
            given = base64.b64decode(header[6:]).decode().split(":", 1)
        elif "consumer_key" in query:
            given = [query["consumer_key"], query.get("consumer_secret", "")]
        else:
            raise refused("Sorry, you cannot list resources.", "woocommerce_rest_cannot_view")
        if given[0] != self._key:
            raise refused("Consumer key is invalid.")
        if not hmac.compare_digest(given[1].encode(), self._secret.encode()):
            raise refused("Consumer secret is invalid.")

    def _oauth(self, request: Request, params: dict[str, str]) -> None:
        if missing := [name for name in PARAMS if name not in params]:
            raise refused(f"Missing OAuth parameters {', '.join(missing)}")
        if params["oauth_consumer_key"] != self._key:
            raise refused("Consumer key is invalid.")
        if not hmac.compare_digest(self._expected(request, params).encode(), params["oauth_signature"].encode()):
            raise refused("Invalid signature - provided signature does not match.")
        if abs(int(params["oauth_timestamp"]) - self._clock.now().timestamp()) > WINDOW_SECONDS:
            raise refused("Invalid timestamp.")
        if params["oauth_nonce"] in self._nonces:
            raise refused("Invalid nonce - nonce has already been used.")
        self._nonces.add(params["oauth_nonce"])

    def _expected(self, request: Request, params: Mapping[str, str]) -> str:
        """As the plugin does it: every name and value encoded twice, sorted by name."""
        pairs = [
            f"{_twice(name)}%3D{_twice(value)}" for name, value in sorted(params.items()) if name != "oauth_signature"
        ]
        address = str(request.url).partition("?")[0]
        text = f"{request.method}&{quote(address, safe='')}&{'%26'.join(pairs)}"
        algorithm = getattr(hashlib, ALGORITHMS[params["oauth_signature_method"]])
        mac = hmac.new(f"{self._secret}&".encode(), text.encode(), algorithm)
        return base64.b64encode(mac.digest()).decode()


def _parse(header: str) -> dict[str, str]:
    found = re.findall(r'(oauth_[a-z_-]*)="([^"]*)"', header) if header.startswith("OAuth ") else []
    return {name: unquote_plus(value) for name, value in found}


def _twice(text: str) -> str:
    return quote(unquote(text), safe="-._~").replace("%", "%25")
