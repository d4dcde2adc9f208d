"""What the simulated Square refuses, in Square's own shape."""

from __future__ import annotations

from typing import Any

CATEGORIES = {"UNAUTHORIZED": "AUTHENTICATION_ERROR", "RATE_LIMITED": "RATE_LIMIT_ERROR"}


class Problem(Exception):
    """One refusal: HTTP status, Square's code, a sentence, and the field it is about."""

    def __init__(self, code: str, detail: str, *, field: str | None = None, status: int = 400) -> None:
        super().__init__(detail)
        self.status = status
        self.error = fault(code, detail, field)

    def body(self) -> dict[str, Any]:
        return {"errors": [self.error]}


def fault(code: str, detail: str, field: str | None = None) -> dict[str, Any]:
    """An entry of `errors`."""
    error = {"category": CATEGORIES.get(code, "INVALID_REQUEST_ERROR"), "code": code, "detail": detail}
    return error if field is None else {**error, "field": field}


def required(body: dict[str, Any], name: str) -> Any:
    """A field that must be there and hold something."""
    value = body.get(name)
    if value in (None, "", []):
        raise Problem("MISSING_REQUIRED_PARAMETER", f"Missing required parameter {name}.", field=name)
    return value
