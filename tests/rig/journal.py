"""What clients were told, kept by themselves: the book that the server must never contradict."""

from __future__ import annotations

from dataclasses import dataclass, field

Lines = tuple[tuple[str, str, int], ...]
"""(SKU, location, pieces)."""


@dataclass(frozen=True, slots=True)
class Done:
    """One effect that was acknowledged."""

    kind: str
    """As movements are called: hold, collected, released, sold, order; or confirm and hook, which move nothing."""
    name: str
    """Under which the server keeps it: of the reservation, of the movement's key, of the order, of the message."""
    lines: Lines = ()
    asked_at: float = 0.0
    """When it was asked for the first time; monotonic seconds, as `answered_at`."""
    answered_at: float = 0.0


@dataclass
class Journal:
    """Everything that was answered."""

    done: list[Done] = field(default_factory=list)
    refused: int = 0
    """Holds for which there was not enough, orders of what the shop did not offer."""
    repeated: int = 0
    """Requests that were asked again, because nobody answered or the answer was to try later."""
    later: int = 0
    """Of these, the ones that were answered 503 with Retry-After."""
    surprises: list[str] = field(default_factory=list)
    """Answers that nobody should get."""
