"""What `omnisync doctor` asks of an account by calls that change nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from omnisync.adapters.base import Check
from omnisync.errors import NeedsAttention, TryLater


async def readable(name: str, ask: Callable[[], Awaitable[object]]) -> Check:
    """Whether this call is answered."""
    try:
        await ask()
    except NeedsAttention as error:
        return Check(name, False, error.message, error.action)
    except TryLater as error:
        return Check(name, False, error.message, "Wait a moment and check again.")
    return Check(name, True, "can be read")
