"""`omnisync backup` and `omnisync restore`: an SQLite database as one file, taken while the server runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer

from omnisync import migrations
from omnisync.commands import progress
from omnisync.commands.world import Config, World, sqlite_file, world_of
from omnisync.errors import Conflict, NeedsAttention, NotFound, Refused
from omnisync.pages.office.today import BACKUP
from omnisync.values import to_micros

PAGES_AT_ONCE = 1_000
"""In small steps, so that the writer of a running server gets its turn in between."""
NOTE_WITHIN_SECONDS = 1.0
Pages = Callable[[int, int], None]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


def backup(context: typer.Context, file: Path, overwrite: Overwrite = False, config: Config = None) -> None:
    """Copy the database to FILE while it is in use; the copy is checked before it gets its name."""
    database = _database(world_of(context), config)
    if not database.exists():
        raise NotFound(f"There is no database {database}.")
    if file.exists() and not overwrite:
        raise Conflict(f"{file} exists already; say --overwrite to replace it.", code="file-exists")
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with progress.counted(file.name) as pages:
            copy_alone(database, part, pages)
        check(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    typer.echo(f"{file} holds {database}, checked.")
    if not _note(database, world_of(context).clock.now()):
        typer.echo("The database was busy: its pages do not know of this backup.", err=True)


def restore(context: typer.Context, file: Path, overwrite: Overwrite = False, config: Config = None) -> None:
    """Put a backup in place of the database; what was there is kept beside it. Stop the server first."""
    database = _database(world_of(context), config)
    check(file)
    if database.exists():
        if not overwrite:
            raise Conflict(f"{database} exists already; say --overwrite to replace it.", code="file-exists")
        kept = database.with_name(database.name + ".before-restore")
        kept.unlink(missing_ok=True)
        copy_alone(database, kept)
        typer.echo(f"What was there is kept as {kept}.", err=True)
    with progress.counted(database.name) as pages:
        copy(file, database, pages)
    typer.echo(f"{database} holds what {file} held.")


def copy(source: Path, target: Path, pages: Pages | None = None) -> None:
    """One consistent copy by SQLite's own backup, into a database that may be in use. `pages` hears how many are done, of how many."""
    with _opened(source, read_only=True) as reading, _opened(target) as writing:
        reading.backup(
            writing, pages=PAGES_AT_ONCE, progress=pages and (lambda _, left, total: pages(total - left, total))
        )


def copy_alone(source: Path, target: Path, pages: Pages | None = None) -> None:
    """The same into a new file that needs no second one beside it."""
    copy(source, target, pages)
    with _opened(target) as database:
        database.execute("PRAGMA journal_mode=DELETE")


def check(file: Path) -> None:
    """NeedsAttention when this file is no whole database of ours, or of a newer version."""
    if not file.exists():
        raise NotFound(f"There is no file {file}.")
    try:
        with _opened(file, read_only=True) as database:
            [[verdict]] = database.execute("PRAGMA integrity_check(1)").fetchall()
            revisions = [row[0] for row in database.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.DatabaseError as error:
        raise _unusable(file, str(error)) from error
    if verdict != "ok":
        raise _unusable(file, verdict)
    if not revisions or not migrations.knows(revisions[0]):
        raise _unusable(
            file, f"it stands at {revisions[0] if revisions else 'no revision'}, which this version does not know"
        )


def _note(database: Path, now: datetime) -> bool:
    """Write down when the last backup was taken, for the office's list of the day; False if the database was busy."""
    row = (*BACKUP, to_micros(now))
    try:
        with _opened(database, wait_seconds=NOTE_WITHIN_SECONDS) as opened:
            opened.execute('INSERT OR REPLACE INTO cursor (channel, name, "at") VALUES (?, ?, ?)', row)
    except sqlite3.OperationalError:
        return False
    return True


def _unusable(file: Path, reason: str) -> NeedsAttention:
    return NeedsAttention(
        f"{file} is no backup that can be used: {reason}.", action="Take another backup.", code="backup"
    )


def _database(world: World, config: Path | None) -> Path:
    file = sqlite_file(sa.make_url(world.settings(config).database.url))
    if file is None:
        raise Refused("This database is PostgreSQL: use pg_dump and pg_restore, or its own continuous archiving.")
    return file


@contextmanager
def _opened(file: Path, *, read_only: bool = False, wait_seconds: float = 5.0) -> Iterator[sqlite3.Connection]:
    uri = f"{file.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=wait_seconds)) as connection:
        yield connection
