"""`omnisync verify`: recompute everything that must always hold; silent when it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer
from sqlmodel import Session

from omnisync import db
from omnisync.commands import progress
from omnisync.commands.world import AsJson, Config, world_of
from omnisync.orders.invariants import PICKUP_INVARIANTS
from omnisync.stock.archived import files_say_the_same
from omnisync.stock.invariants import STOCK_INVARIANTS

Invariant = Callable[[Session], Iterable[str]]
INVARIANTS: tuple[Invariant, ...] = (*STOCK_INVARIANTS, *PICKUP_INVARIANTS)
"""Each returns its violations in words."""


Folder = Annotated[
    Path | None,
    typer.Option("--archive", metavar="FOLDER", help="Read the files of archived months too, which lie there."),
]


def verify(context: typer.Context, archive: Folder = None, as_json: AsJson = False, config: Config = None) -> None:
    """Check the ledger from its first movement on: says nothing and exits 0 when all is well."""
    with (
        world_of(context).engine(config) as engine,
        db.reading(engine) as session,
        progress.steps(len(INVARIANTS)) as checking,
    ):
        found = violations(session, checking)
        if archive is not None and (texts := list(files_say_the_same(session, archive))):
            found[files_say_the_same.__name__] = texts
    if as_json:
        typer.echo(json.dumps({"checked": len(INVARIANTS), "violations": found}))
    else:
        for name, text in ((name, text) for name, texts in found.items() for text in texts):
            typer.echo(f"{name}: {text}")
    if found:
        raise typer.Exit(1)


def violations(session: Session, checking: Callable[[str], object] = str) -> dict[str, list[str]]:
    """The violations of each invariant that is broken, under its name. `checking` hears the name of each as it begins."""
    found: dict[str, list[str]] = {}
    for invariant in INVARIANTS:
        name = invariant.__name__
        checking(name)
        if texts := list(invariant(session)):
            found[name] = texts
    return found
