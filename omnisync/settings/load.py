"""Reads the settings: the file, over it the environment, then every check there is, and all faults in one answer."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from omnisync.settings.crosscheck import faults_between
from omnisync.settings.environment import overlay
from omnisync.settings.faults import BadSettings, Fault, among, nearest
from omnisync.settings.locate import Path, line_of, lines_of
from omnisync.settings.models import ADAPTERS, Secret, Settings
from omnisync.settings.secrets import OUTSIDE, resolve, secret_keys

PATH_VARIABLE = "OMNISYNC_CONFIG"
DEFAULT_PATH = FilePath("config/omnisync.toml")
_PASSES = 4
_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")


def load(
    path: FilePath | str | None,
    environ: Mapping[str, str],
    *,
    adapters: Collection[str] = ADAPTERS,
    own: Callable[[str], type[BaseModel] | None] = lambda adapter: None,
) -> Settings:
    """The settings of this file (else of OMNISYNC_CONFIG, else of config/omnisync.toml where there is one) and environment.

    `own` says what an adapter of that name understands below `[channels.settings]`. BadSettings names everything that is wrong at
    once.
    """
    file = chosen(path, environ)
    text, data = _read(file)
    lines = lines_of(text)
    sources, faults = overlay(data, environ)
    faults += _read_secrets(data, environ, file)
    settings, wrong = _validated(data)
    readable = settings or _readable_part(data)
    if readable is not None:
        known = {fault.path for fault in wrong}
        wrong += [fault for fault in faults_between(readable, adapters) if not _inside(fault.path, known)]
        unread = {fault.path for fault in (*faults, *wrong)}
        wrong += [fault for fault in _of_adapters(readable, own) if not _inside(fault.path, unread)]
    faults += wrong
    if settings is None or faults:
        raise BadSettings(_placed(fault, file, lines, sources) for fault in faults)
    return settings


def chosen(path: FilePath | str | None, environ: Mapping[str, str]) -> FilePath | None:
    """The file that `load` reads; None where there is none."""
    named = path or environ.get(PATH_VARIABLE)
    if named:
        return FilePath(named)
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def _read(file: FilePath | None) -> tuple[str, dict[str, Any]]:
    if file is None:
        return "", {}
    try:
        text = file.read_text(encoding="utf-8-sig")
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        line = re.search(r"line (\d+)", message)
        fault = Fault((), f"this is no TOML: {message}", source=str(file), line=int(line[1]) if line else None)
    except UnicodeDecodeError as error:
        fault = Fault((), f"this is no UTF-8 text, from byte {error.start} on", source=str(file))
    except OSError as error:
        fault = Fault(
            (), f"cannot be read: {error.strerror}", allowed="--config FILE or OMNISYNC_CONFIG", source=str(file)
        )
    raise BadSettings([fault]) from None


def _read_secrets(data: dict[str, Any], environ: Mapping[str, str], file: FilePath | None) -> list[Fault]:
    """Only inside channels[].settings and in the alerts' own keys a text may name a secret."""
    base = file.parent if file else FilePath()
    faults = _read_alert_secrets(data.get("alerts"), environ, base)
    channels = data.get("channels")
    for number, channel in enumerate(channels if isinstance(channels, list) else []):
        if isinstance(channel, dict) and "settings" in channel:
            path = ("channels", number, "settings")
            channel["settings"], wrong = resolve(channel["settings"], path, environ, base)
            faults += wrong
    return faults


def _read_alert_secrets(alerts: Any, environ: Mapping[str, str], base: FilePath) -> list[Fault]:
    faults: list[Fault] = []
    for key in ("url", "secret") if isinstance(alerts, dict) else ():
        if key in alerts:
            alerts[key], wrong = resolve(alerts[key], ("alerts", key), environ, base)
            faults += wrong
    if isinstance(alerts, dict) and _is_plain(alerts.get("secret")):
        alerts["secret"] = ""  # what stands in the open is refused, and not repeated
        faults.append(Fault(("alerts", "secret"), "a secret stands here for everybody to read", allowed=OUTSIDE))
    return faults


def _validated(data: dict[str, Any]) -> tuple[Settings | None, list[Fault]]:
    try:
        return Settings.model_validate(data), []
    except ValidationError as error:
        return None, [_fault(detail) for detail in error.errors(include_url=False)]


def _of_adapters(settings: Settings, own: Callable[[str], type[BaseModel] | None]) -> Iterator[Fault]:
    """What is wrong with the adapters' own keys. A secret is never quoted, and has to stand outside."""
    for number, channel in enumerate(settings.channels):
        model, above = own(channel.adapter), ("channels", number, "settings")
        if model is None:
            continue
        plain = {key for key in secret_keys(model) if _is_plain(channel.settings.get(key))}
        for key in sorted(plain):
            yield Fault((*above, key), "a secret stands here for everybody to read", allowed=OUTSIDE)
        try:
            model.model_validate(channel.settings)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                if not plain.intersection(detail["loc"][:1]):
                    yield _fault(detail, model, above)


def _readable_part(data: dict[str, Any]) -> Settings | None:
    """The settings without what is wrong in them, so that faults between the right ones are named in the same answer."""
    data = copy.deepcopy(data)
    for _ in range(_PASSES):
        try:
            return Settings.model_validate(data)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                _mend(data, tuple(detail["loc"]), missing=detail["type"] == "missing")
    return None


def _mend(data: Any, path: Path, *, missing: bool) -> None:
    """Take the wrong value out, or put a stand-in where one is required."""
    *above, last = path
    for part in above:
        data = data[part]
    if isinstance(data, dict) and missing:
        data[last] = ["none"] if last == "locations" else f"none-{above[-1] if above else 0}"
    elif isinstance(data, dict):
        data.pop(last, None)
    elif isinstance(data, list) and isinstance(last, int):
        data[last] = "none" if isinstance(data[last], int | float) else {}


def _is_plain(value: Any) -> bool:
    given = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(one, str) and one != "" and not isinstance(one, Secret) for one in given)


def _inside(path: Path, known: Collection[Path]) -> bool:
    return any(path[:end] in known for end in range(1, len(path) + 1))


def _fault(detail: Mapping[str, Any], root: type[BaseModel] = Settings, above: Path = ()) -> Fault:
    inner, kind, context = tuple(detail["loc"]), detail["type"], detail.get("ctx", {})
    path = (*above, *inner)
    wrong = f"cannot be {_without_password(detail['input'])}" if inner else "this does not go together"
    if kind == "extra_forbidden":
        fault = among(path, "there is no such setting", str(path[-1]), _fields_at(inner[:-1], root))
        table = nearest(str(path[-1]), Settings.model_fields) if len(path) > 1 and not fault.nearest else ""
        return replace(fault, nearest=f"the table [{table}]") if table else fault
    if kind == "missing":
        return Fault(path, "this setting is missing")
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        return among(path, wrong, str(detail["input"]), known)
    if kind == "value_error":
        return Fault(path, wrong, allowed=str(context["error"]))
    if kind == "string_pattern_mismatch":
        return Fault(path, wrong, allowed=_example_at(inner, root) or context["pattern"])
    if kind == "int_parsing":
        return Fault(path, wrong, allowed="a whole number")
    if kind in ("tuple_type", "list_type"):
        return Fault(path, wrong, allowed="a list")
    return Fault(path, wrong, allowed=detail["msg"].removeprefix("Input should be "))


def _without_password(value: Any) -> str:
    return _PASSWORD.sub(r"\1***@", repr(value))


def _example_at(path: Path, root: type[BaseModel]) -> str:
    """What the field's own description says is allowed."""
    model = _model_at(path[:-1], root)
    field = model.model_fields.get(str(path[-1])) if model else None
    return (field.description or "") if field else ""


def _fields_at(path: Path, root: type[BaseModel]) -> list[str]:
    model = _model_at(path, root)
    return list(model.model_fields) if model else []


def _model_at(path: Path, root: type[BaseModel]) -> type[BaseModel] | None:
    """The section that a path leads to; list numbers do not change it."""
    model = root
    for part in path:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        below = next(_models_in(field.annotation), None) if field else None
        if below is None:
            return None
        model = below
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _placed(fault: Fault, file: FilePath | None, lines: Mapping[Path, int], sources: Mapping[Path, str]) -> Fault:
    """The same fault with the variable or the file and line it stands in."""
    if fault.source:
        return fault
    for end in range(len(fault.path), 0, -1):
        if fault.path[:end] in sources:
            return replace(fault, source=sources[fault.path[:end]])
    return replace(fault, source=str(file or "settings"), line=line_of(lines, fault.path))
