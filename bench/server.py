"""One of the two servers under load, as a process of its own: `python -m bench.server floor|omnisync --port N`."""

from __future__ import annotations

import argparse
import gc
import os
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from bench import floor
from omnisync import app, db, settings
from omnisync.adapters import registry
from omnisync.adapters.client import Tools
from omnisync.clock import SystemClock, system_chance, system_ids
from omnisync.sync import api as channels_api
from omnisync.sync.context import Context, Gathered


def omnisync(config: Path) -> FastAPI:
    """The application as it is served, without its worker."""
    found = settings.load(config, os.environ, adapters=registry.MODULES)
    clock, ids = SystemClock(), system_ids()
    services = app.services_for(found, db.engine_for(found.database.url), clock, ids, b"the key of a benchmark, 32 bytes")
    tools = Tools(clock=clock, ids=ids, chance=system_chance())
    adapters = {
        one.name: registry.factory(one.adapter)(one.name, one.settings, one.location_map, found.server.public_url, tools)
        for one in found.channels
    }
    context = Context(Gathered(services.write, services.read), found, clock, ids, adapters)
    served = app.create(services)
    served.include_router(channels_api.routes(services, context))
    return served


def main() -> None:
    """Serve until terminated."""
    parser = argparse.ArgumentParser(prog="python -m bench.server", description=__doc__)
    parser.add_argument("which", choices=("floor", "omnisync"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--config", type=Path)
    given = parser.parse_args()
    served = floor.app if given.which == "floor" else omnisync(given.config)
    gc.collect()
    gc.freeze()
    uvicorn.run(
        served, host="127.0.0.1", port=given.port, loop="uvloop", http="httptools", log_level="warning", access_log=False
    )


if __name__ == "__main__":
    main()
