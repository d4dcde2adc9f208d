"""`omnisync archive`: closed months leave the journal for files that anybody can read, and are carried forward as few rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from sqlalchemy.engine import Engine

from omnisync import db
from omnisync.clock import Clock
from omnisync.commands import progress
from omnisync.commands.verify import violations
from omnisync.commands.world import AsJson, Config, world_of
from omnisync.errors import NeedsAttention
from omnisync.stock import archives, archiving
from omnisync.stock.archives import Month
from omnisync.stock.archiving import Cut, Read

Until = Annotated[str, typer.Option("--until", metavar="MONTH", help="The last month to archive, such as 2026-06.")]
To = Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files go.")]
Check = Annotated[bool, typer.Option("--check", help="Only say what would be archived.")]


def archive(
    context: typer.Context,
    until: Until,
    to: To = Path("archive"),
    check: Check = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Take closed months out of the journal, each into a file of its own. The server goes on meanwhile."""
    world, month = world_of(context), Month.parse(until)
    done: list[dict[str, Any]] = []
    with world.engine(config) as engine:
        for one in _planned(engine, world.clock, month) if check else _archived(engine, world.clock, month, to):
            done.append(one)
            if not as_json:
                where = "would be archived" if check else f"are in {to / one['file']} (sha256 {one['sha256']})"
                typer.echo(f"{one['month']}: {one['movements']} movements {where}")
    if as_json:
        typer.echo(json.dumps({"archived": [] if check else done, "would_archive": done if check else []}))
    elif not done:
        typer.echo(f"Nothing is left to archive up to {month}.")


def _planned(engine: Engine, clock: Clock, last: Month) -> Iterator[dict[str, Any]]:
    for month in _months(engine, clock, last):
        with db.reading(engine) as session:
            movements = archives.count(session, month)
        if movements:
            yield {"month": str(month), "movements": movements}


def _archived(engine: Engine, clock: Clock, last: Month, folder: Path) -> Iterator[dict[str, Any]]:
    months = _months(engine, clock, last)
    if months:
        _refuse_a_wrong_ledger(engine)
    for month in _told(months):
        with db.reading(engine) as session:
            cut = archiving.cut(session, str(month), month.end)
        if cut is not None:
            yield _archive(engine, clock, cut, folder)


def _archive(engine: Engine, clock: Clock, cut: Cut, folder: Path) -> dict[str, Any]:
    written = archiving.write(_reader(engine), cut, folder)
    with db.transaction(engine) as session:
        done = archiving.take(session, cut, written, now=db.now(session, clock))
    new = written.tally.movements - written.tally.carried_before
    return {"month": done.month, "file": done.file, "sha256": done.sha256, "movements": new, "carried": done.carried}


def _told(months: Sequence[Month]) -> Iterator[Month]:
    """One after the other, which a terminal shows."""
    with progress.steps(len(months)) as begins:
        for month in months:
            begins(str(month))
            yield month


def _months(engine: Engine, clock: Clock, last: Month) -> list[Month]:
    with db.reading(engine) as session:
        archives.check_month(session, last, now=db.now(session, clock))
        return archives.months(session, last)


def _refuse_a_wrong_ledger(engine: Engine) -> None:
    with db.reading(engine) as session:
        wrong = violations(session)
    if wrong:
        raise NeedsAttention(
            f"The ledger does not add up ({', '.join(wrong)}), and is not archived like that.",
            action="omnisync verify says what is wrong.",
            code="ledger-wrong",
        )


def _reader(engine: Engine) -> Read:
    def read(statement: sa.Select[Any]) -> Sequence[Any]:
        with db.reading(engine) as session:
            return session.execute(statement).all()

    return read
