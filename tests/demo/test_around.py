"""What stands before and behind the endpoints of a simulated channel."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from omnisync.demo.around import Next, around


def an_app() -> FastAPI:
    """Echoes bodies; "inner" was added before "outer", and whoever says no is answered at once."""
    app = FastAPI(openapi_url=None)

    @app.post("/echo", status_code=201)
    async def echo(request: Request) -> dict[str, str]:
        return {"said": (await request.body()).decode()}

    @app.post("/broken")
    async def broken() -> None:
        raise RuntimeError("a bug")

    @around(app)
    async def inner(request: Request, call_next: Next) -> Response:
        if request.headers.get("x-says") == "no":
            return Response("no", 403)
        answer = await call_next(request)
        answer.headers["x-behind"] = "inner"
        return answer

    @around(app)
    async def outer(request: Request, call_next: Next) -> Response:
        answer = await call_next(request)
        answer.headers["x-behind"] = answer.headers.get("x-behind", "nobody") + ", outer"
        return answer

    return app


def ask(path: str, **rest: str) -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(an_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://channel") as client:
            return await client.post(path, content="lamps", headers=rest)

    return asyncio.run(call())


def test_an_answer_goes_through_all_steps_and_stays_whole():
    answer = ask("/echo")

    assert (answer.status_code, answer.json()) == (201, {"said": "lamps"})
    assert answer.headers["x-behind"] == "inner, outer"
    assert answer.headers["content-length"] == str(len(answer.content))


def test_a_step_may_answer_itself():
    answer = ask("/echo", **{"x-says": "no"})

    assert (answer.status_code, answer.text) == (403, "no")
    assert answer.headers["x-behind"] == "nobody, outer"


def test_a_path_that_nobody_serves_is_answered_through_them_too():
    answer = ask("/nowhere")

    assert (answer.status_code, answer.headers["x-behind"]) == (404, "inner, outer")


def test_a_bug_of_an_endpoint_comes_through_as_it_is():
    with pytest.raises(RuntimeError, match="a bug"):
        ask("/broken")
