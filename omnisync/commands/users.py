"""`omnisync users`: people who log in to the pages, or stand at the devices of a store."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from omnisync import access, db
from omnisync.access import Role, acts, people
from omnisync.access.tables import User
from omnisync.commands.world import AsJson, Config, known_location, world_of
from omnisync.errors import InvalidRequest

app = typer.Typer(no_args_is_help=True, help="Staff and ops logins: create, list, password, initials, pin, disable.")
Name = Annotated[str, typer.Option("--name", help="What is typed to log in.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command()
def create(
    context: typer.Context,
    name: Name,
    role: Annotated[Role, typer.Option(help="staff, viewer (sees the office's pages), ops or admin.")],
    location: Annotated[str | None, typer.Option(metavar="CODE", help="The store of staff.")] = None,
    initials: Annotated[str | None, typer.Option(metavar="KL", help="Their button at the store's devices.")] = None,
    no_password: Annotated[bool, typer.Option("--no-password", help="Works at enrolled devices only.")] = False,
    from_stdin: FromStdin = False,
    config: Config = None,
) -> None:
    """Make a login; the password is asked for. With `--initials` and `--no-password` somebody who only stands at devices."""
    world = world_of(context)
    known_location(world.settings(config), location)
    if no_password and initials is None:
        raise InvalidRequest.of("initials", "somebody without a password needs initials, or cannot come in at all")
    with world.engine(config) as engine:
        password = None if no_password else _secret("Password", from_stdin)
        with db.transaction(engine) as session:
            now = db.now(session, world.clock)
            access.create_user(session, name, password, role, location=location, now=now)
            if initials is not None:
                people.set_initials(session, name, initials)
            acts.typed(session, ("users", "create"), name, now=now)
    at = f" at {location}" if location else ""
    typer.echo(
        f"{name} stands at the devices{at} as {initials}." if no_password else f"{name} can log in as {role}{at}."
    )


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False, config: Config = None) -> None:
    """Show everybody, without passwords and PINs."""
    with world_of(context).engine(config) as engine, db.reading(engine) as session:
        rows = [_row(user) for user in access.list_users(session)]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(
            f"{row['role']:6}  {row['location'] or '-':12}  {row['initials'] or '-':4}  {row['state']:8}  {row['name']}"
        )


@app.command()
def initials(
    context: typer.Context,
    name: Name,
    wanted: Annotated[str, typer.Option("--initials", metavar="KL", help="1 to 4 letters or digits.")],
    config: Config = None,
) -> None:
    """What stands on somebody's button at the devices of their store."""
    world = world_of(context)
    with world.engine(config) as engine, db.transaction(engine) as session:
        people.set_initials(session, name, wanted)
        acts.typed(session, ("users", "initials"), name, now=db.now(session, world.clock))
    typer.echo(f"{name} stands at the devices as {wanted}.")


@app.command()
def pin(
    context: typer.Context,
    name: Name,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away.")] = False,
    from_stdin: Annotated[bool, typer.Option("--pin-stdin", help="Read the PIN from standard input.")] = False,
    config: Config = None,
) -> None:
    """Give somebody a PIN of 4 to 6 digits: for corrections, and for handing over without a code."""
    world = world_of(context)
    with world.engine(config) as engine:
        wanted = None if remove else _secret("PIN", from_stdin)
        with db.transaction(engine) as session:
            people.set_pin(session, name, wanted)
            acts.typed(session, ("users", "pin"), name, now=db.now(session, world.clock))
    typer.echo(f"{name} has {'no PIN any more' if remove else 'a new PIN'}.")


@app.command("password")
def set_password(context: typer.Context, name: Name, from_stdin: FromStdin = False, config: Config = None) -> None:
    """Give somebody a new password."""
    world = world_of(context)
    with world.engine(config) as engine:
        password = _secret("Password", from_stdin)
        with db.transaction(engine) as session:
            now = db.now(session, world.clock)
            access.set_password(session, name, password, now=now)
            acts.typed(session, ("users", "password"), name, now=now)
    typer.echo(f"{name} has a new password.")


@app.command()
def disable(context: typer.Context, name: Name, config: Config = None) -> None:
    """Keep somebody out from now on; what they did keeps their name."""
    world = world_of(context)
    with world.engine(config) as engine, db.transaction(engine) as session:
        now = db.now(session, world.clock)
        access.disable_user(session, name, now=now)
        acts.typed(session, ("users", "disable"), name, now=now)
    typer.echo(f"{name} can no longer log in.")


def _row(user: User) -> dict[str, str | bool | None]:
    return {
        "name": user.name,
        "role": user.role,
        "location": user.location,
        "initials": user.initials,
        "password": user.password_hash is not None,
        "pin": user.pin_hash is not None,
        "state": "disabled" if user.disabled_at else "active",
    }


def _secret(what: str, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=True))
