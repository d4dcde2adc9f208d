"""How Amazon refuses."""

from __future__ import annotations

from fastapi import Request, Response
from fastapi.responses import JSONResponse


class Problem(Exception):
    """A status, Amazon's code and a sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


async def say(request: Request, problem: Exception) -> Response:
    """A refusal on the wire."""
    assert isinstance(problem, Problem)
    return refused(problem)


def refused(problem: Problem) -> Response:
    error = {"code": problem.code, "message": problem.message, "details": ""}
    return JSONResponse({"errors": [error]}, problem.status)
