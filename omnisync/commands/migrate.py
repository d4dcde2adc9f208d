"""`omnisync migrate`: bring the database to the schema this version needs."""

from __future__ import annotations

import typer

from omnisync import migrations
from omnisync.commands.world import Config, open_engine, world_of


def migrate(context: typer.Context, config: Config = None) -> None:
    """Bring the database to the schema this version needs; does nothing when it is there already."""
    with open_engine(world_of(context).settings(config)) as engine:
        before = migrations.current(engine)
        migrations.upgrade(engine)
        after = migrations.current(engine)
    typer.echo(f"The schema stands at {after} already." if before == after else f"The schema now stands at {after}.")
