"""The simulated till's door: buyers, switches and a look inside. The till itself speaks by files only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from omnisync.clock import Clock
from omnisync.demo import faults
from omnisync.demo.till.till import Goods, Till
from omnisync.routes import LateApp
from omnisync.values import Money

EXPORT_SECONDS = 1.0


class GivenBack(BaseModel):
    """Body of `POST /_sim/return`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    sku: str
    place: str
    quantity: int = Field(default=1, ge=1, le=1000)


class Stocktake(BaseModel):
    """Body of `POST /_sim/count`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    place: str


def till_from_seed(seed: Mapping[str, Any], folder: Path, clock: Clock) -> Till:
    """A till with the listings of a seed file; `imports` names the stock file below the folder, if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    imports = folder / seed["imports"] if seed.get("imports") else None
    till = Till(folder, clock, timezone=seed.get("timezone", "Europe/Berlin"), imports=imports)
    for listing in seed["listings"]:
        price = Money.parse(str(listing["price"]), seed.get("currency", "EUR"))
        goods = Goods(listing["sku"], price, listing.get("title", ""), listing.get("barcode") or "")
        till.stock(goods, {place: int(pieces) for place, pieces in listing["quantities"].items()})
    till.list_articles()
    return till


def open_till(till: Till) -> FastAPI:
    """The `/_sim` door of a till that exports by itself while the app runs."""
    app = LateApp(title="Simulated CSV till", lifespan=_exporting(till))
    faults.add_door(app, till)

    @app.post("/_sim/return")
    async def take_back(body: GivenBack) -> dict[str, Any]:
        if (body.place, body.sku) not in till.levels:
            raise HTTPException(404, f"{body.place} does not sell {body.sku}")
        return {"order": str(till.take_back(body.sku, body.place, body.quantity).number)}

    @app.post("/_sim/count")
    async def count(body: Stocktake) -> dict[str, Any]:
        return {"file": till.count(body.place).name}

    return app


def _exporting(till: Till) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        exporting = asyncio.create_task(_run(till))
        yield
        exporting.cancel()

    return lifespan


async def _run(till: Till) -> None:
    while True:
        till.tick()
        await till.clock.sleep(EXPORT_SECONDS)
