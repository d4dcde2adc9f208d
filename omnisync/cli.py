"""`omnisync`: the commands, and one clean message for whatever goes wrong in them."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import sqlalchemy as sa
import typer

from omnisync import __version__, db
from omnisync.commands import (
    archive,
    backup,
    doctor,
    explain,
    german,
    golive,
    imports,
    keys,
    migrate,
    serve,
    sim,
    sync,
    tongue,
    torture,
    users,
    verify,
)
from omnisync.commands.tongue import Say
from omnisync.commands.world import World, system_world
from omnisync.errors import InvalidRequest, NeedsAttention, OmnisyncError, Refused, TryLater
from omnisync.settings import BadSettings

COMMANDS: tuple[Callable[..., Any], ...] = (
    serve.serve,
    serve.worker,
    sync.sync,
    migrate.migrate,
    doctor.doctor,
    verify.verify,
    golive.plan,
    golive.golive,
    golive.handback,
    sim.sim,
    torture.torture,
    explain.explain,
    backup.backup,
    backup.restore,
    archive.archive,
)
GROUPS: dict[str, typer.Typer] = {
    "import": imports.app,
    "keys": keys.app,
    "users": users.app,
}
EXIT_CODES: tuple[tuple[type[OmnisyncError], int], ...] = (
    (Refused, 2),
    (BadSettings, 2),
    (NeedsAttention, 1),
    (TryLater, 75),  # sysexits.h: a temporary failure, try again
)


def program() -> typer.Typer:
    """All commands of the two tables."""
    app = typer.Typer(
        name="omnisync",
        help="One stock ledger for shop, tills and marketplaces, with click and collect.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_first)
    for command in COMMANDS:
        app.command()(command)
    for name, group in GROUPS.items():
        app.add_typer(group, name=name)
    return app


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"omnisync {__version__}")
        raise typer.Exit


def _first(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """One stock ledger for shop, tills and marketplaces, with click and collect."""


def main(arguments: Sequence[str] | None = None, world: World | None = None) -> None:
    """Run what was typed; ends by SystemExit."""
    if world is None:
        gc.freeze()  # what was loaded until now stays: the collector need not look through it again and again
    world = world or system_world()
    try:
        program()(args=arguments, obj=world)
    except OmnisyncError as error:
        sys.exit(_tell(error, tongue.of(world.environ)))
    except sa.exc.DBAPIError as error:
        if not db.is_unavailable(error):
            raise
        typer.echo(f"omnisync: the database cannot be used: {str(error.orig).strip()}", err=True)
        sys.exit(1)


def _tell(error: OmnisyncError, say: Say) -> int:
    """Say what is wrong and what mends it, and return the exit code that tells a program."""
    if getattr(error, "code", None) not in german.CODES:
        say = str
    typer.echo(f"omnisync: {say(str(error))}", err=True)
    if isinstance(error, InvalidRequest):
        for fault in error.details["errors"]:
            typer.echo(f"  {fault['field']}: {fault['message']}", err=True)
    if isinstance(error, NeedsAttention):
        typer.echo(f"  {say(error.action)}", err=True)
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


if __name__ == "__main__":
    main()
