"""What the simulated shop refuses, in WordPress's own shape."""

from __future__ import annotations

from typing import Any


class Problem(Exception):
    """One refusal: a code, a sentence, the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **data: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status
        self.data = {"status": status, **data}

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "data": self.data}


def invalid(name: str, why: str) -> Problem:
    """A parameter that WordPress's own check refuses."""
    return Problem("rest_invalid_param", f"Invalid parameter(s): {name}", params={name: f"{name} {why}."})
