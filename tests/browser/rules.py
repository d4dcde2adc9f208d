"""All rules of axe-core: WCAG 2.2 AA and good practice."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import npm

ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
OF_COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""Those of all rules that can be broken in the dark alone (`test_assets` holds that the dark changes nothing but colours)."""
_ASK = """async (rules) => (await axe.run(document, { runOnly: rules })).violations
  .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((one) => one.html.slice(0, 160)).join(' | ')} (${nodes.length})`)"""


def broken(page: Any, rules: Mapping[str, Any] = ALL) -> list[str]:
    """What breaks one of the rules on the page that is open. The library is handed to it from outside, past its content policy, once."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"{_library()}; undefined")
    found: list[str] = page.evaluate(_ASK, rules)
    return found


@cache
def _library() -> str:
    if lacking := npm.missing("axe-core", runs=False):
        pytest.skip(lacking)
    folder = npm.installed(Path(__file__).parent / "axe" / "package.json", "axe")
    return (folder / "node_modules/axe-core/axe.min.js").read_text()
