"""`omnisync import`: articles, counts and listings from CSV, what that would change, its undo, and the way back out.

Exit codes: 0 all is in (or stood already), 1 the file has faults and nothing was changed, 3 all but the rejected rows is in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from omnisync import db
from omnisync.clock import Clock
from omnisync.commands import differences, progress, tongue
from omnisync.commands.differences import many
from omnisync.commands.tongue import Say
from omnisync.commands.world import AsJson, Config, World, world_of
from omnisync.imports import export as exports
from omnisync.imports import journal_file, runs
from omnisync.imports import undo as undoing
from omnisync.imports.articles_file import ArticlesFile
from omnisync.imports.faults import TITLES, Group, nearest
from omnisync.imports.listings_file import ListingsFile
from omnisync.imports.reading import Difference, Reading
from omnisync.imports.runs import Importer, Outcome
from omnisync.imports.stock_file import StockFile
from omnisync.settings import Settings
from omnisync.values import format_time, parse_time

OLDEST_COUNT = timedelta(days=90)
SHOWN_LINES = 12
PAUSE_SECONDS = 0.03
"""Between two slices of an import: SQLite lets those who wait for the writer ask again every 25 ms or so."""
FAULTY, PARTLY = 1, 3

app = typer.Typer(no_args_is_help=True, help="Articles, counts and listings from CSV files, and back.")
export_app = typer.Typer(
    no_args_is_help=True, help="Write the same files back, where importing them changes nothing, and what moved."
)
app.add_typer(export_app, name="export")

File = Annotated[Path, typer.Argument(metavar="FILE.csv")]
Channel = Annotated[str, typer.Argument(metavar="CHANNEL")]
Check = Annotated[bool, typer.Option("--check", help="Only say what would change and what is wrong.")]
KeepGood = Annotated[
    Path | None,
    typer.Option(
        "--keep-good", metavar="REJECTS.csv", help="Import the good rows; write the others here, with reasons."
    ),
]


@app.command()
def catalog(
    context: typer.Context,
    file: File,
    check: Check = False,
    keep_good: KeepGood = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Import articles: sku,title,barcode,price,currency[,vat_rate,unit,group,size,colour,image,shelf,stocked,min_price,
    min_age,cost,components]."""
    _run(world_of(context), config, file, ArticlesFile, check, keep_good, as_json)


@app.command()
def stock(
    context: typer.Context,
    file: File,
    counted_at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it was counted, such as 2026-11-21T18:30:00+01:00; else now."),
    ] = None,
    check: Check = False,
    keep_good: KeepGood = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Import a count: sku,location,on_hand[,safety,shelf]."""
    world = world_of(context)
    locations = world.settings(config).locations
    moment = _moment(counted_at, world.clock.now())
    _run(world, config, file, lambda: StockFile(locations, moment), check, keep_good, as_json)


@app.command()
def listings(
    context: typer.Context,
    channel: Channel,
    file: File,
    check: Check = False,
    keep_good: KeepGood = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Import which offer of a channel is which article: sku,external_id."""
    world = world_of(context)
    name = _known_channel(world.settings(config), channel)
    _run(world, config, file, lambda: ListingsFile(name), check, keep_good, as_json)


@app.command()
def undo(
    context: typer.Context,
    run_id: Annotated[str, typer.Argument(metavar="ID")],
    leave_changed: Annotated[
        bool, typer.Option("--leave-changed", help="Undo the rest, and leave what was changed since as it is.")
    ] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Put back what stood there before an import; stock by counter-movements."""
    world = world_of(context)
    with world.engine(config) as engine, db.transaction(engine) as session:
        undone = undoing.undo(session, run_id, now=db.now(session, world.clock), leave_changed=leave_changed)
    if as_json:
        typer.echo(json.dumps({"run": undone.run_id, "restored": undone.restored, "left": undone.left}))
        return
    things, say = many(undone.restored, "thing is as it was", "things are as they were"), tongue.of(world.environ)
    typer.echo(say(f"{things} before import {undone.run_id}."))
    for words in undone.left:
        typer.echo(f"  {say(f'left as it is: {words}')}")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False, config: Config = None) -> None:
    """Show the last imports, latest first."""
    with world_of(context).engine(config) as engine, db.reading(engine) as session:
        rows = [_run_row(run) for run in runs.last_runs(session)]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        state = f"undone {row['undone_at']}" if row["undone_at"] else f"{row['changed']} of {row['rows']} rows changed"
        if row["booked_line"] is not None and not row["undone_at"]:
            state += f"; in up to line {row['booked_line']}: it runs, or was cut off (import it again, or undo it)"
        typer.echo(f"{row['id']}  {row['at']}  {row['kind']:8}  {row['file']}  {state}")


@export_app.command("catalog")
def export_catalog(context: typer.Context, file: File, config: Config = None) -> None:
    """Write all articles."""
    world = world_of(context)
    with world.engine(config) as engine, db.reading(engine) as session:
        _told(world, exports.catalog(session, file, clock=world.clock), file)


@export_app.command("stock")
def export_stock(context: typer.Context, file: File, config: Config = None) -> None:
    """Write what the ledger says is on each shelf."""
    world = world_of(context)
    with world.engine(config) as engine, db.reading(engine) as session:
        _told(world, exports.stock(session, file), file)


@export_app.command("listings")
def export_listings(context: typer.Context, channel: Channel, file: File, config: Config = None) -> None:
    """Write which offer of a channel is which article."""
    world = world_of(context)
    name = _known_channel(world.settings(config), channel)
    with world.engine(config) as engine, db.reading(engine) as session:
        _told(world, exports.listings(session, file, name), file)


@export_app.command("movements")
def export_movements(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False, exists=True)],
    reader: Annotated[
        str, typer.Option("--for", metavar="NAME", help="Who reads them: each has a position of its own.")
    ],
    config: Config = None,
) -> None:
    """Write what moved since this reader was served last into a file of its own; nothing when nothing did."""
    world = world_of(context)
    with world.engine(config) as engine:
        written = journal_file.write_news(engine, folder, reader, clock=world.clock)
    if written is None:
        typer.echo(tongue.of(world.environ)(f"Nothing has moved since {reader} was served last."), err=True)
    else:
        _told(world, written[1], written[0])


# ---------------------------------------------------------------- running


def _run(
    world: World,
    config: Path | None,
    file: Path,
    make: Callable[[], Reading[Any]],
    check: bool,
    keep_good: Path | None,
    as_json: bool,
) -> None:
    say = tongue.of(world.environ)
    with world.engine(config) as engine, progress.counted(file.name) as lines:
        importer = Importer(engine, world.clock, world.ids, lines, lambda: _give_way(world.clock), say=say)
        outcome = importer.run(file, make, check=check, keep_good=keep_good)
    if as_json:
        typer.echo(json.dumps(outcome_as_json(outcome), ensure_ascii=False))
    else:
        _tell(outcome, check, keep_good, say)
    if outcome.survey.faults.groups:
        raise typer.Exit(PARTLY if outcome.run_id else FAULTY)


def _give_way(clock: Clock) -> None:
    asyncio.run(clock.sleep(PAUSE_SECONDS))


def _moment(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_time(text)
    except ValueError:
        raise typer.BadParameter(
            f'"{text}" is no time with its zone, such as {format_time(now)}', param_hint="--counted-at"
        ) from None
    if not now - OLDEST_COUNT <= moment <= now:
        raise typer.BadParameter("a count lies in the past, at most 90 days", param_hint="--counted-at")
    return moment


def _known_channel(settings: Settings, name: str) -> str:
    names = [channel.name for channel in settings.channels]
    if name in names:
        return name
    hint = nearest(name, names) or f"; there are {', '.join(names) or 'none'}"
    raise typer.BadParameter(f"there is no channel {name!r} in the settings{hint}", param_hint="CHANNEL")


# ---------------------------------------------------------------- telling


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """What `--json` prints."""
    survey = outcome.survey
    return {
        "file": str(survey.source.path),
        "run": outcome.run_id,
        "rows": outcome.rows,
        "created": survey.created,
        "changed": survey.changed,
        "unchanged": survey.unchanged,
        "rejected": outcome.rejected,
        "why": outcome.why,
        "faults": [group.as_json() for group in survey.faults.groups],
        "warnings": [group.as_json() for group in survey.faults.warnings],
        "changes": [_difference(difference) for difference in survey.examples],
    }


def _difference(difference: Difference) -> dict[str, Any]:
    shown = {"line": difference.line, "key": difference.key, "after": dict(difference.after)}
    before = difference.before
    return shown | {"before": None if before is None else {name: before.get(name) for name in difference.after}}


def _tell(outcome: Outcome, check: bool, keep_good: Path | None, say: Say) -> None:
    survey = outcome.survey
    for group in (*survey.faults.groups, *survey.faults.warnings):
        _tell_group(group, say)
    typer.echo(differences.count_line(outcome, booked=outcome.run_id is not None, say=say))
    if check:
        for difference in survey.examples:
            typer.echo(f"  {differences.one_line(difference, say)}")
        if more := differences.not_shown(outcome):
            typer.echo(f"  {say(f'and {more} more')}")
    for line in _ending(outcome, check, keep_good):
        typer.echo(say(line))


def _ending(outcome: Outcome, check: bool, keep_good: Path | None) -> Iterator[str]:
    if keep_good is not None and outcome.rejected and not outcome.survey.faults.fatal:
        words = many(
            outcome.rejected,
            "row was rejected; it stands with its reason",
            "rows were rejected; they stand with their reasons",
        )
        yield f"{words} in {keep_good}."
    if outcome.run_id:
        yield f"Import {outcome.run_id}. Undo it with: omnisync import undo {outcome.run_id}"
    elif outcome.why:
        yield outcome.why
    elif outcome.survey.faults.groups and not check:
        yield "Nothing was changed. Mend the file, or import the good rows with --keep-good REJECTS.csv."


def _tell_group(group: Group, say: Say) -> None:
    lines = list(dict.fromkeys(group.lines))
    more = " " + say(f"and {len(lines) - SHOWN_LINES} more") if len(lines) > SHOWN_LINES else ""
    named = say(f"line {', '.join(map(str, lines[:SHOWN_LINES]))}")
    typer.echo(f"{say(TITLES[group.kind])} ({named}{more}):", err=True)
    for fault in group.examples[:SHOWN_LINES]:
        typer.echo(f"  {say(f'line {fault.line}')}: {say(fault.message)}", err=True)


def _run_row(run: Any) -> dict[str, Any]:
    return {
        "id": run.id,
        "kind": run.kind,
        "file": run.file_name,
        "at": format_time(run.at),
        "rows": run.rows,
        "changed": run.changed,
        "booked_line": run.booked_line,
        "undone_at": run.undone_at and format_time(run.undone_at),
    }


def _told(world: World, rows: int, file: Path) -> None:
    typer.echo(tongue.of(world.environ)(f"{many(rows, 'row is', 'rows are')} in {file}."), err=True)
