"""`omnisync users`: people who log in to the pages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from omnisync import access, db
from omnisync.access import Role
from omnisync.commands.world import Config, known_location, world_of

app = typer.Typer(no_args_is_help=True, help="Staff and ops logins: create, password, disable.")
Name = Annotated[str, typer.Option("--name", help="What is typed to log in.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option(help="staff, ops or admin.")],
    location: Annotated[str | None, typer.Option(metavar="CODE", help="The store of staff.")] = None,
    from_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Make a login; the password is asked for."""
    world = world_of(context)
    known_location(world.settings(config), location)
    with world.engine(config) as engine:
        password = _password(from_stdin)
        with db.transaction(engine) as session:
            access.create_user(session, name, password, role, location=location, now=db.now(session, world.clock))
    typer.echo(f"{name} can log in as {role}{f' at {location}' if location else ''}.")


@app.command("password")
def set_password(context: typer.Context, name: Name, from_stdin: FromStdin = False, config: Config = None) -> None:
    """Give somebody a new password."""
    with world_of(context).engine(config) as engine:
        password = _password(from_stdin)
        with db.transaction(engine) as session:
            access.set_password(session, name, password)
    typer.echo(f"{name} has a new password.")


@app.command()
def disable(context: typer.Context, name: Name, config: Config = None) -> None:
    """Keep somebody out from now on; what they did keeps their name."""
    world = world_of(context)
    with world.engine(config) as engine, db.transaction(engine) as session:
        access.disable_user(session, name, now=db.now(session, world.clock))
    typer.echo(f"{name} can no longer log in.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
