"""What an eBay account needs to be told in `[channels.settings]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from omnisync.errors import NeedsAttention


@dataclass(frozen=True, slots=True)
class Account:
    """One seller account and the application that may act for it."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    verification_token: str = field(default="", repr=False)
    """32 to 80 letters, digits, _ or -: proves to eBay that the webhook address is ours. Empty: no notifications."""
    base_url: str = "https://api.ebay.com"
    marketplace: str = "EBAY_DE"
    first_days: int = 30
    """How far the very first pull looks back."""
    page_size: int = 200
    """Orders in one page; eBay allows 200."""
    fulfilled_elsewhere: tuple[str, ...] = ()
    """Merchant location keys whose stock is not ours: their offers are never written."""


def read(name: str, settings: Mapping[str, Any]) -> Account:
    """The account in these settings. NeedsAttention names the key that is missing, unknown or of another kind."""
    known = {one.name: one for one in fields(Account)}
    for key in settings:
        if key not in known:
            raise _wrong(name, f"eBay knows no setting {key!r}", f"Remove it; the settings are {', '.join(known)}.")
    for key, one in known.items():
        if one.default is MISSING and not settings.get(key):
            raise _wrong(name, f"the setting {key!r} is missing", f"Set {key} under [channels.settings].")
    values = {key: _typed(name, key, value) for key, value in settings.items()}
    return Account(**values)


def _typed(name: str, key: str, value: Any) -> Any:
    if key in ("first_days", "page_size"):
        limit = 700 if key == "first_days" else 200
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= limit:
            raise _wrong(name, f"the setting {key!r} is no number from 1 to {limit}", f"Set {key} to such a number.")
        return value
    if key == "fulfilled_elsewhere":
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
            raise _wrong(name, f"the setting {key!r} is no list of texts", 'Write it as ["warehouse-of-others"].')
        return tuple(value)
    if not isinstance(value, str):
        raise _wrong(name, f"the setting {key!r} is no text", f"Write {key} as text.")
    return value


def _wrong(name: str, what: str, action: str) -> NeedsAttention:
    return NeedsAttention(f"Channel {name}: {what}.", action=action, code="settings")
