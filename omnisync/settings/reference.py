"""The reference of the settings, from what the models say: `python -m omnisync.settings.reference > docs/reference/settings.md`."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from omnisync.settings.models import (
    AlertSettings,
    ChannelPolicy,
    ChannelSettings,
    DatabaseSettings,
    LimitSettings,
    LocationSettings,
    MailSettings,
    ServerSettings,
)

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("[database]", DatabaseSettings),
    ("[server]", ServerSettings),
    ("[limits]", LimitSettings),
    ("[mail]", MailSettings),
    ("[alerts]", AlertSettings),
    ("[[locations]]", LocationSettings),
    ("[[channels]]", ChannelSettings),
    ("[channels.policy]", ChannelPolicy),
)
HEAD = """\
<!-- Written by `python -m omnisync.settings.reference`; a test compares it with the models. -->
# Settings

One file in TOML. It is named by `--config FILE`, else by `OMNISYNC_CONFIG`, else it is `config/omnisync.toml`.
[config/omnisync.toml](../../config/omnisync.toml) is a whole example; editors that read its first line know every key
([JSON Schema](../../config/omnisync.schema.json)). `omnisync doctor` names everything that is wrong at once, with its line.

Any value can come from the environment: `OMNISYNC_SERVER__PORT=9000`. Locations are found by code and channels by name:
`OMNISYNC_CHANNELS__WEBSHOP__POLICY__BUFFER=10%`.

Secrets stand outside: below `[channels.settings]` and in `[alerts]` the text `env:NAME` reads a variable and `file:PATH` a file, relative to the settings.
A secret that stands in the file itself is refused. What else stands there is the adapter's own, checked like everything here: see the README of [csv](../../omnisync/adapters/csv/README.md),
[shopify](../../omnisync/adapters/shopify/README.md), [shopware](../../omnisync/adapters/shopware/README.md),
[square](../../omnisync/adapters/square/README.md), [amazon](../../omnisync/adapters/amazon/README.md),
[woocommerce](../../omnisync/adapters/woocommerce/README.md), [ebay](../../omnisync/adapters/ebay/README.md),
[oscar](../../omnisync/adapters/oscar/README.md) and [vendure](../../omnisync/adapters/vendure/README.md).
"""
NAMES = {"str": "text", "int": "number", "bool": "true, false"}


def reference_text() -> str:
    """The page as the committed file holds it."""
    return HEAD + "".join(_section(title, model) for title, model in SECTIONS)


def _section(title: str, model: type[BaseModel]) -> str:
    rows = "".join(_row(name, field) for name, field in model.model_fields.items() if not _is_section(field))
    return f"\n## `{title}`\n{model.__doc__}\n\n| key | value | default | |\n|---|---|---|---|\n{rows}"


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _row(name: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{name}` | {', '.join(_values(field.annotation))} | {_default(field)} | {meaning} |\n"


def _values(annotation: Any) -> Iterator[str]:
    """What may stand there, in words."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) is Literal:
        yield from (f"`{value}`" for value in get_args(annotation))
    elif get_origin(annotation) in (Union, types.UnionType):
        for one in get_args(annotation):
            if one is not types.NoneType:
                yield from _values(one)
    elif get_origin(annotation) is dict:
        yield "table"
    elif get_origin(annotation) is list:
        yield "list of texts"
    else:
        yield NAMES[annotation.__name__]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", [], {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    sys.stdout.write(reference_text())
