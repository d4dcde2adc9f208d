"""Routes that are read when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import compile_path


class Late(APIRoute):
    """FastAPI reads signature, types and answers of an endpoint when its route is made. A server has some 150 of them and serves few
    in its first minute: here it is done once the first request, or the description of the API, wants to know."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        self.path, self.endpoint = path, endpoint
        self.path_regex, self.path_format, self.param_convertors = _compiled(path)
        self.methods = {method.upper() for method in told.get("methods") or ("GET",)}
        self.operation_id = told.get("operation_id")
        self._told = told

    def __getattr__(self, name: str) -> Any:
        """What is not there yet is there when the endpoint has been read."""
        told = self.__dict__.pop("_told", None)
        if told is None:
            raise AttributeError(f"A route has no {name}.")
        super().__init__(self.path, self.endpoint, **told)
        return getattr(self, name)


_compiled = cache(compile_path)


def pages() -> APIRouter:
    """A router of pages, which stand in no description."""
    return APIRouter(include_in_schema=False, route_class=Late)


def add(app: FastAPI, *routers: APIRouter) -> None:
    """Serve their routes as they are: FastAPI's `include_router` builds each of them twice."""
    for router in routers:
        app.router.routes.extend(router.routes)


class LateApp(FastAPI):
    """An application whose own routes are late ones."""

    def __init__(self, **told: Any) -> None:
        super().__init__(**told)
        self.router.route_class = Late
