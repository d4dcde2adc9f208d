"""What can go wrong, by who must act.

    OmnisyncError
    ├── Refused            the caller: asks for something that cannot be (4xx)
    │   ├── InvalidRequest        422  fields that are wrong, each named
    │   ├── Unauthorized 401 · Forbidden 403 · NotFound 404 · TooLarge 413
    │   ├── Conflict              409  a typed state: already-collected, wrong-state, reservation-taken ...
    │   └── OutOfStock            409  the shelf cannot keep this promise
    ├── TryLater           the worker, by itself: rate limits, timeouts, full queues
    │   └── NotYet                one thing that is not shown yet, while everything else is answered
    └── NeedsAttention     a person: credentials, mappings, cases

Anything else is a bug and should look like one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class OmnisyncError(Exception):
    """The root of all errors we foresee."""


class Refused(OmnisyncError):
    """The caller must change something. `code` is the stable short name that ends the problem's type."""

    status = 400
    code = "refused"

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.details: Mapping[str, Any] = details

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Refused)
            and type(self) is type(other)
            and (self.code, self.details) == (other.code, other.details)
        )

    def __hash__(self) -> int:
        return hash((type(self), self.code))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code}: {self.message} {dict(self.details)})"


class InvalidRequest(Refused):
    """Some fields are wrong; `errors` names each with its place and what is allowed."""

    status = 422
    code = "invalid-request"

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("Some fields of this request cannot be accepted.", errors=list(errors))

    @classmethod
    def of(cls, field: str, message: str) -> InvalidRequest:
        """One wrong field."""
        return cls([{"field": field, "message": message}])


class Unauthorized(Refused):
    """No key, or one we do not know."""

    status = 401
    code = "unauthorized"


class Forbidden(Refused):
    """The key is known, but this is not its business."""

    status = 403
    code = "forbidden"


class NotFound(Refused):
    """There is nothing under this name."""

    status = 404
    code = "not-found"


class TooLarge(Refused):
    """The body is larger than we read."""

    status = 413
    code = "too-large"


class Conflict(Refused):
    """Well formed, but the state of things does not allow it."""

    status = 409
    code = "wrong-state"


@dataclass(frozen=True, slots=True)
class Lack:
    """What one line of a refused request wanted and what its shelf could have given."""

    sku: str
    location: str
    requested: int
    available: int


class OutOfStock(Refused):
    """At least one shelf cannot keep this promise; nothing of the request is held."""

    status = 409
    code = "out-of-stock"

    def __init__(self, lacks: Sequence[Lack]) -> None:
        self.lacks = tuple(lacks)
        first = self.lacks[0]
        super().__init__(
            f"Only {first.available} of {first.sku} can still be promised at {first.location}, {first.requested} were asked for.",
            lacks=self.lacks,
        )


class TryLater(OmnisyncError):
    """Nobody must act: it is tried again, not before `retry_after_seconds` if that is known."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_seconds = retry_after_seconds


class NotYet(TryLater):
    """One thing is not there (yet); whoever was asked answers all the same, so nothing else has to wait for it."""


class NeedsAttention(OmnisyncError):
    """A person must act; `action` says in one sentence what mends it."""

    def __init__(self, message: str, *, action: str, code: str = "needs-attention") -> None:
        super().__init__(message)
        self.message = message
        self.action = action
        self.code = code
