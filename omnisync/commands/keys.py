"""`omnisync keys`: API keys for shops, tablets and programs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from omnisync import access, db
from omnisync.access import Role, acts
from omnisync.access.tables import AccessKey
from omnisync.commands.world import AsJson, Config, known_location, world_of
from omnisync.values import format_time

app = typer.Typer(no_args_is_help=True, help="API keys: create, list, revoke.")


@app.command()
def create(
    context: typer.Context,
    role: Annotated[Role, typer.Option(help="What it may do.")],
    name: Annotated[str, typer.Option(help="Whose it is, for the list.")],
    location: Annotated[str | None, typer.Option(metavar="CODE", help="The store of a staff key.")] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Make a key and print it once: it cannot be shown again."""
    world = world_of(context)
    known_location(world.settings(config), location)
    with world.engine(config) as engine, db.transaction(engine) as session:
        now = db.now(session, world.clock)
        key = access.create_key(session, role, name, location=location, chance=world.chance, now=now)
        acts.typed(session, ("keys", "create"), key.prefix, now=now)
    if as_json:
        typer.echo(json.dumps({"key": key.text, "prefix": key.prefix, "role": role, "location": location}))
    else:
        typer.echo(key.text)
        typer.echo("Keep it now: only a hash of it is stored, it cannot be shown again.", err=True)


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False, config: Config = None) -> None:
    """Show all keys, without their secrets."""
    with world_of(context).engine(config) as engine, db.reading(engine) as session:
        rows = [_row(key) for key in access.list_keys(session)]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(f"{row['prefix']}  {row['role']:5}  {row['location'] or '-':12}  {row['state']:7}  {row['name']}")


@app.command()
def revoke(context: typer.Context, prefix: str, config: Config = None) -> None:
    """Let a key open nothing from now on."""
    world = world_of(context)
    with world.engine(config) as engine, db.transaction(engine) as session:
        now = db.now(session, world.clock)
        access.revoke_key(session, prefix, now=now)
        acts.typed(session, ("keys", "revoke"), prefix, now=now)
    typer.echo(f"{prefix} opens nothing any more.")


def _row(key: AccessKey) -> dict[str, str | None]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "role": key.role,
        "location": key.location,
        "state": "revoked" if key.revoked_at else "active",
        "created_at": format_time(key.created_at),
    }
