"""The books of a simulated channel in a file, so that it can be killed: started again it goes on from what it answered last."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response

from omnisync.demo.around import Next, around

BOOKS = "file for all it must not forget: killed and started again it goes on from there; without it each start begins with the seed"


class Books:
    """What the `parts` of a channel hold. Whatever was handed in to them (`tools`: clock, chance, outbox) belongs to the process and
    is left out; each is known by its name."""

    def __init__(self, file: Path, parts: Mapping[str, object], tools: Mapping[str, object]) -> None:
        self._file, self._parts = file, parts
        self._by_name = {name: thing for name, thing in {**tools, **parts}.items() if thing is not None}
        self._names = {id(thing): name for name, thing in self._by_name.items()}

    def reopen(self) -> None:
        """Go on from what was written last; from where the parts stand now if nothing ever was."""
        if not self._file.exists():
            return
        kept = _Reader(io.BytesIO(self._file.read_bytes()), self._by_name).load()
        for name, part in self._parts.items():
            vars(part).clear()
            vars(part).update(kept[name])

    def write(self) -> None:
        """All of it; whoever reads meanwhile finds the old or the new, never half."""
        text = io.BytesIO()
        _Writer(text, self._names).dump({name: vars(part) for name, part in self._parts.items()})
        new = self._file.with_suffix(".new")
        new.write_bytes(text.getvalue())
        os.replace(new, self._file)


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, names: Mapping[int, str]) -> None:
        super().__init__(file)
        self._names = names

    def persistent_id(self, thing: object) -> str | None:
        return self._names.get(id(thing))


class _Reader(pickle.Unpickler):
    """Reads only what `write` wrote, on this machine."""

    def __init__(self, file: io.BytesIO, by_name: Mapping[str, object]) -> None:
        super().__init__(file)
        self._by_name = by_name

    def persistent_load(self, name: Any) -> object:
        return self._by_name[name]


def add_books(app: FastAPI, books: Books) -> None:
    """Have the app write its books before it answers whoever may have changed something."""

    @around(app)
    async def keep(request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        if request.method != "GET":
            books.write()
        return response
