"""`omnisync verify`: recompute everything that must always hold; silent when it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import typer
from sqlmodel import Session

from omnisync import db
from omnisync.commands.world import AsJson, Config, world_of
from omnisync.orders.invariants import PICKUP_INVARIANTS
from omnisync.stock.invariants import STOCK_INVARIANTS

Invariant = Callable[[Session], Iterable[str]]
INVARIANTS: tuple[Invariant, ...] = (*STOCK_INVARIANTS, *PICKUP_INVARIANTS)
"""Each returns its violations in words."""


def verify(context: typer.Context, as_json: AsJson = False, config: Config = None) -> None:
    """Check the ledger from its first movement on: says nothing and exits 0 when all is well."""
    with world_of(context).engine(config) as engine, db.reading(engine) as session:
        found = violations(session)
    if as_json:
        typer.echo(json.dumps({"checked": len(INVARIANTS), "violations": found}))
    else:
        for name, text in ((name, text) for name, texts in found.items() for text in texts):
            typer.echo(f"{name}: {text}")
    if found:
        raise typer.Exit(1)


def violations(session: Session) -> dict[str, list[str]]:
    """The violations of each invariant that is broken, under its name."""
    found = {invariant.__name__: list(invariant(session)) for invariant in INVARIANTS}
    return {name: texts for name, texts in found.items() if texts}
