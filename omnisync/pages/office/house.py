"""The settings as they are in force, without their secrets; to read, not to change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from omnisync import __version__, db, migrations
from omnisync.pages.office.frame import Visit
from omnisync.pages.office.redacted import HIDDEN
from omnisync.pages.office.sheet import Column, Sheet
from omnisync.pages.words import later
from omnisync.settings import Settings
from omnisync.settings.secrets import secret_values
from omnisync.sync.context import Context

_LOGIN = re.compile(r"://[^/@\s]*@")
"""User and password of an address."""
_SECRET_NAMES = re.compile(r"secret|token|password|key|credential|signature", re.IGNORECASE)
_NO_SECRETS = {"key_file"}


@dataclass(frozen=True, slots=True)
class House:
    """The whole page."""

    facts: Mapping[str, str]
    sheets: tuple[Sheet, ...]


def house(session: Session, context: Context, visit: Visit) -> House:
    """Every setting with its value, by section."""
    say = visit.say
    facts = {
        say("Version"): __version__,
        say("Database"): "PostgreSQL" if db.is_postgresql(session) else "SQLite",
        say("Schema"): migrations.revision(session) or "",
        say("Size"): f"{visit.say.number(max(1, round(db.size_bytes(session) / 1e6)))} MB",
    }
    rows = lines(context.settings)
    columns = (
        Column(later("Setting"), lambda row: row[0], look="code"),
        Column(later("Value"), lambda row: row[1], look="code"),
    )
    return House(facts, (Sheet("settings", say("Settings"), columns, rows, say("Nothing is set.")),))


def lines(settings: Settings) -> list[tuple[str, str]]:
    """Every setting with its value, without secrets."""
    return list(_lines(settings.model_dump(mode="json"), "", secret_values(settings)))


def _lines(value: Any, name: str, secrets: frozenset[str]) -> Iterator[tuple[str, str]]:
    """`channels.webshop.settings.shop` and what it is."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _lines(below, f"{name}.{key}" if name else str(key), secrets)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
        for number, below in enumerate(value, 1):
            own = below.get("code") or below.get("name") or number
            yield from _lines(below, f"{name}.{own}", secrets)
    else:
        yield name, _shown(value, name.rpartition(".")[2], secrets)


def _plain(value: Any) -> str:
    """As the file of settings writes it, without quotes."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: Any, key: str, secrets: frozenset[str]) -> str:
    """Hidden by its name or by its value: either is enough."""
    text = ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
    if not text:
        return ""
    if text in secrets or (isinstance(value, str) and _SECRET_NAMES.search(key) and key not in _NO_SECRETS):
        return HIDDEN
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return _LOGIN.sub(f"://{HIDDEN}@", text)
