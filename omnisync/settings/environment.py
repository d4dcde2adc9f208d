"""Settings from the environment: `OMNISYNC_SERVER__PORT`, and by name `OMNISYNC_CHANNELS__WEBSHOP__POLICY__BUFFER`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from omnisync.settings.faults import Fault, among
from omnisync.settings.locate import Path
from omnisync.settings.models import Settings

PREFIX = "OMNISYNC_"
_NAMED = {"locations": "code", "channels": "name"}
"""The lists whose items are found by a name of their own, and the key that holds it."""


def overlay(data: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[Path, str], list[Fault]]:
    """Write the environment's settings into `data`; returns which variable set each path, and what could not be placed."""
    sources: dict[Path, str] = {}
    faults: list[Fault] = []
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or "__" not in variable:
            continue
        path = _path(data, variable.removeprefix(PREFIX).split("__"))
        if isinstance(path, Fault):
            faults.append(Fault(path.path, path.wrong, path.allowed, path.nearest, source=variable))
            continue
        _set(data, path, _value(path, environ[variable]))
        sources[path] = variable
    return sources, faults


def _path(data: Mapping[str, Any], parts: list[str]) -> Path | Fault:
    section, rest = parts[0].lower(), parts[1:]
    if section not in Settings.model_fields:
        return among((), f"there is no section {section!r}", section, Settings.model_fields.keys())
    if section not in _NAMED:
        return (section, *(part.lower() for part in rest))
    items = data.get(section, [])
    names = [str(item.get(_NAMED[section], "")) for item in items] if _is_table_list(items) else []
    for number, name in enumerate(names):
        if _as_variable(name) == rest[0]:
            return (section, number, *_keys(items[number], rest[1:]))
    return among((section,), f"none of them is called {rest[0].lower()!r}", rest[0].lower(), names)


def _keys(item: Any, parts: list[str]) -> Path:
    """The keys that are already there, whatever their case and signs; new ones in lower case."""
    path: list[str] = []
    for part in parts:
        known = item if isinstance(item, Mapping) else {}
        key = next((key for key in known if _as_variable(key) == part), part.lower())
        path.append(key)
        item = known.get(key)
    return tuple(path)


def _as_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _value(path: Path, text: str) -> Any:
    """Lists and tables as TOML writes them; everything else stays text, which each field reads in its own way."""
    if (len(path) > 2 and path[2] == "settings") or not text.startswith(("[", "{")):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _set(data: dict[str, Any], path: Path, value: Any) -> None:
    place: Any = data
    for part in path[:-1]:
        below = place[part] if isinstance(part, int) else place.setdefault(part, {})
        if not isinstance(below, dict | list):
            return  # the file holds a plain value there: its own fault is reported
        place = below
    place[path[-1]] = value


def _is_table_list(items: Any) -> bool:
    return isinstance(items, list) and all(isinstance(item, Mapping) for item in items)
