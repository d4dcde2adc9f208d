"""Secrets stand outside the settings: `env:NAME` and `file:PATH` are read when the settings are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from omnisync.settings.faults import Fault, nearest
from omnisync.settings.locate import Path
from omnisync.settings.models import Secret, Settings

OUTSIDE = "env:NAME or file:PATH"


def secret_keys(model: type[BaseModel]) -> frozenset[str]:
    """The keys of an adapter's settings that hold a secret: what its schema calls `writeOnly`."""
    fields = model.model_json_schema()["properties"]
    return frozenset(key for key, field in fields.items() if _is_write_only(field))


def _is_write_only(field: Any) -> bool:
    below = [*field.get("anyOf", ()), *([field["items"]] if isinstance(field.get("items"), dict) else [])]
    return bool(field.get("writeOnly")) or any(_is_write_only(one) for one in below)


def resolve(value: Any, path: Path, environ: Mapping[str, str], base: FilePath) -> tuple[Any, list[Fault]]:
    """The same value with every `env:` and `file:` text read; files are relative to the settings' own folder."""
    if isinstance(value, dict):
        found = {key: resolve(below, (*path, key), environ, base) for key, below in value.items()}
        return {key: read for key, (read, _) in found.items()}, [fault for _, own in found.values() for fault in own]
    if isinstance(value, list):
        items = [resolve(below, (*path, number), environ, base) for number, below in enumerate(value)]
        return [read for read, _ in items], [fault for _, own in items for fault in own]
    scheme, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if scheme == "env":
        return _from_environment(name, path, environ)
    if scheme == "file":
        return _from_file(base / name, path)
    return value, []


def secret_values(settings: Settings) -> frozenset[str]:
    """Every secret that these settings hold, for whoever must keep them out of logs."""
    password = urlsplit(settings.database.url).password
    found = {str(text) for channel in settings.channels for text in _secrets_in(channel.settings)}
    found |= {settings.alerts.secret, settings.alerts.url}  # whoever knows the address of a hook can call it
    return frozenset(found | ({password} if password else set())) - {""}


def _from_environment(name: str, path: Path, environ: Mapping[str, str]) -> tuple[Any, list[Fault]]:
    if environ.get(name):
        return Secret(environ[name]), []
    wrong = f"the environment has no {name}" if name not in environ else f"{name} is empty in the environment"
    return "", [Fault(path, wrong, allowed="set the variable before starting", nearest=nearest(name, list(environ)))]


def _from_file(file: FilePath, path: Path) -> tuple[Any, list[Fault]]:
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        return "", [Fault(path, f"{file} cannot be read: {reason}", allowed="a file that holds the secret alone")]
    if not text:
        return "", [Fault(path, f"{file} is empty", allowed="a file that holds the secret alone")]
    return Secret(text), []


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Mapping):
        for below in value.values():
            yield from _secrets_in(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _secrets_in(below)
