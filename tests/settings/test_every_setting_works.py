"""A setting that nothing reads is a promise nobody keeps."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from pydantic import BaseModel

import omnisync
from omnisync.settings import models

SOURCES = Path(omnisync.__file__).parent
NAMES_ONLY = frozenset({"models.py", "reference.py", "schema.py"})
"""These know settings without using them."""


def sections() -> list[type[BaseModel]]:
    found = [one for one in vars(models).values() if isinstance(one, type) and issubclass(one, BaseModel)]
    return [one for one in found if one.model_fields]


CALLED: dict[str, frozenset[str]] = {
    "DatabaseSettings": frozenset({"database"}),
    "ServerSettings": frozenset({"server"}),
    "LimitSettings": frozenset({"settings"}),
    "MailSettings": frozenset({"mail", "settings"}),
    "AlertSettings": frozenset({"alerts", "settings"}),
    "LocationSettings": frozenset({"location", "store", "other"}),
    "ChannelPolicy": frozenset({"policy"}),
    "ChannelSettings": frozenset({"channel", "settings"}),
    "Settings": frozenset({"settings"}),
}
"""What a section is called where it is used: a field counts as read only behind one of these names."""


def reads() -> frozenset[tuple[str, str]]:
    """(the name before the dot, the name behind it), wherever something is read."""
    found: set[tuple[str, str]] = set()
    for path in SOURCES.rglob("*.py"):
        if path.parent.name == "settings" and path.name in NAMES_ONLY:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found.add((_last_name(node.value), node.attr))
    return frozenset(found)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


READ = reads()


@pytest.mark.parametrize(
    ("section", "field"),
    [(section.__name__, field) for section in sections() for field in section.model_fields],
)
def test_every_setting_is_read_by_something(section: str, field: str) -> None:
    assert any((name, field) in READ for name in CALLED[section]), f"{section}.{field} has no effect"


def test_a_setting_that_nothing_reads_would_be_noticed() -> None:
    assert ("policy", "unpaid_days") in READ
    assert ("policy", "unpaid_hours") not in READ
