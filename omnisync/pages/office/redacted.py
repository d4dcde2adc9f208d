"""What a channel sent, without people and secrets: shown to whoever mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "•••"
PEOPLE_AND_SECRETS = re.compile(
    r"address|auth|bearer|billing|birth|browser|buyer|card|city|client|company|consignee|contact|cookie|county|credential|customer"
    r"|e[-_]?mail|first_?name|full_?name|gift_?message|hmac|iban|ip\b|_ip|last_?name|latitude|longitude|mobile|nick|note|passw|payer"
    r"|person|phone|post_?code|postal|province|recipient|remark|secret|session|shipping|ship_?to|signature|street|surname|tax_?id"
    r"|telefon|token|user|vat_?id|zip",
    re.IGNORECASE,
)
"""Whatever stands under such a name is hidden whole. A name too many hides a number; a name too few shows a person."""
_PERSON_NAMES = {"name", "owner", "by", "message", "comment", "comments"}
_MAIL = re.compile(r"[^\s@<>\"',;:]+@[^\s@<>\"',;:]+\.[^\s@<>\"',;:]+")
_LONG_NUMBER = re.compile(r"\+?\d[\d\s/()-]{9,}\d")
_KEPT_HEADERS = re.compile(r"content-type|content-length|date|.*(topic|event|webhook-id|request-id|timestamp)$")


def payload(value: Any, name: str = "") -> Any:
    """Plain JSON data with people and secrets hidden, at any depth."""
    if name and (PEOPLE_AND_SECRETS.search(name) or name.lower() in _PERSON_NAMES) and value not in (None, "", [], {}):
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: payload(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [payload(one) for one in value]
    return _text(value) if isinstance(value, str) else value


def body(raw: bytes) -> str:
    """The body of a message as readable text; what is no JSON is not shown, because nobody can tell people from goods in it."""
    try:
        told = json.loads(raw)
    except ValueError:
        return ""
    return text(told)


def text(value: Any) -> str:
    """Data as indented JSON, redacted."""
    return json.dumps(payload(value), ensure_ascii=False, indent=2, default=str)


def headers(found: Mapping[str, str] | None) -> dict[str, str]:
    """The few headers that say what a message is; all others may be secrets."""
    return {name: value for name, value in (found or {}).items() if _KEPT_HEADERS.fullmatch(name.lower())}


def address(url: str) -> str:
    """A URL without its query and login: both may hold keys."""
    bare = url.partition("?")[0]
    scheme, found, rest = bare.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else bare


def _text(value: str) -> str:
    hidden = _MAIL.sub(HIDDEN, value)
    return hidden if value.isdigit() else _LONG_NUMBER.sub(lambda one: _number(one[0]), hidden)


def _number(text: str) -> str:
    """A phone number is hidden; a moment such as 2026-11-21 10 and a plain id are not."""
    plain = text.isdigit() or re.match(r"\d{4}-\d\d-\d\d", text)
    return text if plain else HIDDEN
