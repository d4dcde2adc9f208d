"""`omnisync torture`: an adapter against its simulated channel with everything that goes wrong in practice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from omnisync.commands import progress
from omnisync.commands.world import AsJson, World, world_of
from omnisync.errors import Refused
from omnisync.settings.faults import nearest
from omnisync.torture import databases, known, run
from omnisync.torture.run import Finding
from omnisync.torture.torments import TORMENTS

WIDTH = max(map(len, TORMENTS)) + 2


def torture(
    context: typer.Context,
    adapter: Annotated[str, typer.Argument(help="Its name in the settings, also one of another package.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all chance; the same number is the same run.")] = 1,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="TORMENT", help="Just this one; repeatable.")
    ] = None,
    database: Annotated[
        str | None, typer.Option("--database", metavar="URL", help="PostgreSQL, or a new SQLite file; else in memory.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run an adapter through the real engine with duplicates, delays, broken answers and odd orders; exit code 1 when it fails one."""
    world: World = world_of(context)
    wanted = [_known(name) for name in only or ()]
    opens, make = known.counterpart(adapter), world.factory(adapter)
    with progress.steps(len(wanted) or len(TORMENTS)) as begins:
        found = run.run(make, opens, databases.at(database), seed=seed, only=wanted, begins=begins)
    if as_json:
        typer.echo(json.dumps({"adapter": adapter, "seed": seed, "torments": [asdict(one) for one in found]}))
    else:
        typer.echo(_table(adapter, seed, found))
    if any(one.outcome == "FAIL" for one in found):
        raise typer.Exit(1)


def _known(name: str) -> str:
    if name not in TORMENTS:
        hint = nearest(name, TORMENTS)
        meant = f" Did you mean {hint!r}?" if hint else ""
        raise Refused(f"There is no torment {name!r}; there are: {'; '.join(TORMENTS)}.{meant}")
    return name


def _table(adapter: str, seed: int, found: Sequence[Finding]) -> str:
    lines = []
    for one in found:
        first, *rest = one.said or ("",)
        lines.append(f"{one.torment:{WIDTH}}{one.outcome:16}{first}".rstrip())
        lines += [f"{'':{WIDTH + 16}}{more}" for more in rest]
    failed = sum(one.outcome == "FAIL" for one in found)
    again = f"omnisync torture {adapter} --seed {seed}"
    lines.append(f"{adapter}: {failed} of {len(found)} torments failed. The same again: {again}" if failed else
                 f"{adapter}: all is as it must be after each of {len(found)} torments.")  # fmt: skip
    return "\n".join(lines)
