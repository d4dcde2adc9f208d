"""What the simulated shop refuses, in Shopware's own shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BLANK = "c1051bb4-d103-4f74-8988-acbcafc7fdc3"
WRONG_TYPE = "ba785a8c-82cb-4283-967c-3cf342181b40"


class Problem(Exception):
    """A refusal with its reasons."""

    def __init__(self, status: int, errors: Sequence[dict[str, Any]]) -> None:
        super().__init__(errors[0]["detail"])
        self.status, self.errors = status, list(errors)

    def body(self) -> dict[str, Any]:
        return {"errors": self.errors}


def problem(status: int, code: str, title: str, detail: str, **meta: Any) -> Problem:
    """A refusal with one reason."""
    error = {"status": str(status), "code": code, "title": title, "detail": detail, "meta": {"parameters": meta}}
    return Problem(status, [error])


def violation(pointer: str, code: str, detail: str) -> dict[str, Any]:
    """A field that cannot be written."""
    told = {"code": code, "status": "400", "detail": detail, "template": detail}
    return {**told, "meta": {"parameters": {"{{ value }}": "null"}}, "source": {"pointer": pointer}}


def not_found(entity: str, id: str) -> Problem:
    return problem(
        404, "FRAMEWORK__RESOURCE_NOT_FOUND", "Not Found", f"The {entity} resource with id {id} was not found."
    )
