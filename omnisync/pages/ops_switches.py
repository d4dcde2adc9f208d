"""The demo's switches on the ops page: they break simulated channels, over the JSON door that the demo opens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omnisync.errors import InvalidRequest, NeedsAttention, TryLater

FAULTS = ("down", "rate_limited", "double", "reorder", "lose")
Call = Callable[[str, Any], Awaitable[Any]]
"""(method, body) -> what the door answers, as plain data."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated channel and which of its switches are on."""

    name: str
    faults: Mapping[str, bool]


@dataclass(frozen=True)
class Switches:
    """The door, behind whatever carries the calls."""

    call: Call

    async def look(self) -> list[Simulated]:
        """All simulated channels as they are now."""
        answer = await self.call("GET", None)
        return [
            Simulated(str(one["name"]), {name: bool(one["faults"].get(name)) for name in FAULTS})
            for one in answer["channels"]
        ]

    async def turn(self, channel: str, fault: str, on: bool) -> None:
        """Switch a fault on or off. InvalidRequest for one that does not exist."""
        if fault not in FAULTS:
            raise InvalidRequest.of("fault", f"There is no switch {fault!r}.")
        await self.call("POST", {"channel": channel, "fault": fault, "on": on})


async def look(switches: Switches | None) -> Sequence[Simulated] | None:
    """What the panel shows: None without a demo, nothing while its door does not answer."""
    if switches is None:
        return None
    try:
        return await switches.look()
    except (TryLater, NeedsAttention, KeyError, TypeError, AttributeError):
        return []
