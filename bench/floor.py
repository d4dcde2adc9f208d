"""`python -m bench.floor --port N`, the limit: bare `async def` FastAPI endpoints with the same request models and answers of the same size."""

from __future__ import annotations

import argparse
import base64
import gc
import hashlib
import hmac

import orjson
import uvicorn
from fastapi import FastAPI, Query, Request, Response

from omnisync.contract import example_of
from omnisync.orders.answers import Reservation
from omnisync.orders.reservations_api import ReservationBody

app = FastAPI()
_HELD = orjson.dumps(example_of(Reservation))
_LOCATION = {"location": "linden", "available": 3, "pickup": True, "ready_at": "2026-11-21T20:00:00Z"}
_ITEM = {
    "sku": "A-00001",
    "state": "in_stock",
    "available": 7,
    "locations": [_LOCATION, _LOCATION | {"location": "lager"}],
}
_KEY = b"bench"


@app.post("/v1/reservations", status_code=201)
async def reserve(body: ReservationBody) -> Response:
    return Response(_HELD, 201, media_type="application/json")


@app.get("/v1/availability")
async def availability(sku: list[str] = Query()) -> Response:
    return Response(orjson.dumps({"items": [_ITEM] * len(sku)}), media_type="application/json")


@app.post("/v1/hooks/{channel}")
async def hook(channel: str, request: Request) -> Response:
    body = await request.body()
    base64.b64encode(hmac.new(_KEY, body, hashlib.sha256).digest())
    return Response(status_code=200)


def main() -> None:
    """Serve as `omnisync serve` does: the same loop and parser, no access log, nothing for the collector to look at again."""
    parser = argparse.ArgumentParser(prog="python -m bench.floor", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    gc.collect()
    gc.freeze()
    uvicorn.run(app, host="127.0.0.1", port=parser.parse_args().port, access_log=False, log_config=None)


if __name__ == "__main__":
    main()
