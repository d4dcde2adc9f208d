"""What adapters share about an account besides its calls: reading its settings, and asking what may be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from omnisync.adapters.base import Check
from omnisync.errors import NeedsAttention, TryLater

S = TypeVar("S", bound=BaseModel)


def parse(model: type[S], adapter: str, channel: str, settings: Mapping[str, Any]) -> S:
    """The settings of a channel. NeedsAttention naming every key that is wrong, and no value."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise unusable(adapter, channel, faults) from None


def unusable(adapter: str, channel: str, faults: str) -> NeedsAttention:
    """Settings that cannot be used, and where it is written what can."""
    return NeedsAttention(
        f"The settings of {channel} cannot be used: {faults}.",
        action=f"Correct these keys below [channels.settings]; the README of the {adapter} adapter lists all.",
        code="settings",
    )


async def readable(name: str, ask: Callable[[], Awaitable[object]]) -> Check:
    """One line of `omnisync doctor`: whether this call is answered."""
    try:
        await ask()
    except NeedsAttention as error:
        return Check(name, False, error.message, error.action)
    except TryLater as error:
        return Check(name, False, error.message, "Wait a moment and check again.")
    return Check(name, True, "can be read")
