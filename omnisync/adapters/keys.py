"""An adapter's own keys below `[channels.settings]`, checked as a whole against its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from omnisync.errors import NeedsAttention
from omnisync.values import format_time, parse_time

Model = TypeVar("Model", bound=BaseModel)
Hidden = Annotated[str, Field(min_length=1, json_schema_extra={"writeOnly": True})]
"""A secret: it stands in the settings as `env:NAME` or `file:PATH` only. pydantic's `SecretStr` says the same."""


def _is_a_moment(text: str) -> str:
    try:
        return format_time(parse_time(text))
    except ValueError:
        raise ValueError("a moment such as 2026-11-01T00:00:00Z") from None


def _is_no_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a whole number")
    return value


Whole = Annotated[int, BeforeValidator(_is_no_flag)]
"""A number of things."""
Moment = Annotated[str, AfterValidator(_is_a_moment)]
"""RFC 3339, told in UTC."""
Address = Annotated[str, Field(pattern=r"^https?://[^/]+", description="http:// or https:// and a host")]
"""Where a channel's API is."""


class Own(BaseModel):
    """What stands below `[channels.settings]`: nothing that is not known, and nothing of it in a log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(...)"

    __str__ = __repr__


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
