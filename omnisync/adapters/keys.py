"""An adapter's own keys below `[channels.settings]`, checked as a whole against its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from omnisync.errors import NeedsAttention

Model = TypeVar("Model", bound=BaseModel)


def read(model: type[Model], channel: str, settings: Mapping[str, Any], *, see: str) -> Model:
    """The settings of a channel. NeedsAttention names every key that is wrong and no value, for values may be secrets; `see` is where
    all keys are described."""
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise NeedsAttention(
            f"The settings of {channel} cannot be used: {faults}.",
            action=f"Correct these keys below [channels.settings]; {see} lists all.",
            code="settings",
        ) from None
