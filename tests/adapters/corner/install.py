"""Installs the example of docs/adapters.md for this process, as `pip install -e` does: its code on the path, its entry points beside it."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[3] / "docs" / "adapters" / "corner"


@cache
def install() -> None:
    """Once."""
    folder = tempfile.TemporaryDirectory(prefix="omnisync-corner-")
    _FOLDERS.append(folder)
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    describe(Path(folder.name), project["name"], project["version"], project["entry-points"])
    sys.path[:0] = [str(PACKAGE), folder.name]


def describe(folder: Path, name: str, version: str, groups: dict[str, dict[str, str]], *, author: str = "") -> None:
    """Write what pip writes beside a package that it installs."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    told = f"Author: {author}\n" if author else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{told}", encoding="utf-8")
    text = "".join(
        f"[{group}]\n" + "".join(f"{point} = {value}\n" for point, value in points.items())
        for group, points in groups.items()
    )
    (info / "entry_points.txt").write_text(text, encoding="utf-8")


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
