"""Which adapter a name in the settings means: ours by a table, those of other packages by their entry points. A module is loaded only
when a channel uses it."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

from pydantic import BaseModel

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.errors import NeedsAttention, TryLater
from omnisync.settings.faults import nearest

log = logging.getLogger(__name__)
MODULES: Mapping[str, str] = {
    "amazon": "omnisync.adapters.amazon",
    "csv": "omnisync.adapters.csv",
    "ebay": "omnisync.adapters.ebay",
    "oscar": "omnisync.adapters.oscar",
    "shopify": "omnisync.adapters.shopify",
    "square": "omnisync.adapters.square",
    "woocommerce": "omnisync.adapters.woocommerce",
    "shopware": "omnisync.adapters.shopware",
    "vendure": "omnisync.adapters.vendure",
}
GROUP = "omnisync.adapters"
"""The entry points under which other packages offer theirs: a name in the settings -> a function like `make`."""
VERBS = (
    "name", "can", "identify", "read", "subject", "follow", "check", "pull", "listings", "look", "publish", "tell",
    "subscriptions", "fetch_key", "done", "close",
)  # fmt: skip


class Factory(Protocol):
    """Makes the adapter of one channel: `places` maps the channel's place to our location code."""

    def __call__(
        self, name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools
    ) -> Adapter: ...


def names() -> list[str]:
    """All adapters there are: ours, and those of the packages that are installed."""
    return sorted({*MODULES, *(point.name for point in entry_points(group=GROUP))})


def factory(adapter: str) -> Factory:
    """How to make an adapter of that kind. NeedsAttention when there is none, or when the package that offers it is broken."""
    if adapter in MODULES:
        return _careful(cast(Factory, importlib.import_module(MODULES[adapter]).make))
    point = _point(GROUP, adapter)
    if point is None:
        known, hint = names(), nearest(adapter, names())
        meant = f" Did you mean {hint}?" if hint else ""
        raise NeedsAttention(
            f"There is no adapter {adapter!r}; there are {', '.join(known)}.{meant}",
            action="Correct the name, or install the package that brings this adapter.",
            code="settings",
        )
    return _careful(_foreign(point, _loaded(point)))


def ours() -> dict[str, type[BaseModel]]:
    """What each of our own adapters understands below `[channels.settings]`."""
    return {adapter: importlib.import_module(module).SETTINGS for adapter, module in sorted(MODULES.items())}


def settings_of(adapter: str) -> type[BaseModel] | None:
    """What may stand below `[channels.settings]` of such a channel, as `SETTINGS` beside its `make` says; None where nobody does."""
    try:
        made = None if adapter in MODULES else offered(GROUP, adapter)
    except NeedsAttention:
        return None  # whoever makes the adapter says what is wrong with its package
    module = importlib.import_module(MODULES.get(adapter) or str(getattr(made, "__module__", __name__)))
    model = getattr(module, "SETTINGS", None)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def offered(group: str, name: str) -> Any:
    """What another package offers under this name; None when none does. NeedsAttention when it cannot be loaded."""
    point = _point(group, name)
    return None if point is None else _loaded(point)


# ---------------------------------------------------------------- answers that nobody foresaw


class Careful:
    """An adapter that stumbles over an answer of another form says so to a person, instead of ending its round as a bug would.

    Not so `follow`, where the engine itself tells the message that cannot be read from the channel that is away.
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter

    def __repr__(self) -> str:
        return repr(self._adapter)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._adapter, name)
        return _reading(self._adapter.name, found) if name in _READING else found


_READING = frozenset({"check", "pull", "listings", "look", "publish", "tell", "subscriptions", "fetch_key"})
_STUMBLES = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def _careful(make: Factory) -> Factory:
    def made(
        name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools
    ) -> Adapter:
        return cast(Adapter, Careful(make(name, settings, places, public_url, tools)))

    return made


def _reading(channel: str, verb: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def careful(*given: Any, **named: Any) -> Any:
        try:
            return await verb(*given, **named)
        except _STUMBLES as error:
            log.exception("An answer of %s cannot be read", channel)
            raise NeedsAttention(
                f"{channel} answered in a form that this version does not know ({type(error).__name__}).",
                action="If it stays so: the channel has changed its API, or something answers in its place. Look at base_url, and update omnisync.",
                code="unknown-form",
            ) from error

    return careful


# ---------------------------------------------------------------- packages


def _point(group: str, name: str) -> EntryPoint | None:
    found = _distinct(entry_points(group=group, name=name))
    if len(found) > 1:
        packages = " and ".join(sorted(_package(point) for point in found))
        raise NeedsAttention(
            f"{packages} both offer {name!r} ({group}).", action="Uninstall one of these packages.", code="settings"
        )
    return found[0] if found else None


def _distinct(points: Sequence[EntryPoint]) -> list[EntryPoint]:
    """A package that is found twice on the path is one package."""
    return list({(_package(point), point.value): point for point in points}.values())


def _loaded(point: EntryPoint) -> Any:
    try:
        made = point.load()
    except Exception as error:
        raise _broken(point, f"{point.value} cannot be loaded ({type(error).__name__}: {error})") from error
    if not callable(made):
        raise _broken(point, f"{point.value} is no function but {type(made).__name__}")
    return made


def _foreign(point: EntryPoint, make: Factory) -> Factory:
    """The same, with errors that name its package: whoever reads them did not write it."""

    def checked(
        name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools
    ) -> Adapter:
        try:
            adapter = make(name, settings, places, public_url, tools)
        except (NeedsAttention, TryLater):
            raise
        except Exception as error:
            # Never with its text: it may quote a setting, and settings hold secrets.
            raise _broken(point, f"it cannot be made from the settings of {name} ({type(error).__name__})") from error
        missing = [verb for verb in VERBS if not hasattr(adapter, verb)]
        if missing:
            raise _broken(point, f"what it makes lacks {', '.join(missing)}")
        return adapter

    return checked


def _broken(point: EntryPoint, what: str) -> NeedsAttention:
    package = _package(point)
    return NeedsAttention(
        f"The adapter {point.name!r} of the package {package} is broken: {what}.",
        action=f"Update or repair {package.partition(' ')[0]}, or tell {_author(point)}; without it, remove its channel from the settings.",
        code="adapter-broken",
    )


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"


def _author(point: EntryPoint) -> str:
    if point.dist is None:
        return "its author"
    told = point.dist.metadata
    return next((told[key] for key in ("Author", "Author-email", "Maintainer") if key in told), "its author")
