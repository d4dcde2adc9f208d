"""`omnisync sim`: days of a retailer under faults, from one number; silent but for its sentence while all is well."""

from __future__ import annotations

import json
import logging
from typing import Annotated

import typer

from omnisync.commands.world import AsJson
from omnisync.sim import run

TAIL = 60
"""Lines of the trace that are shown of a run that went wrong."""


def sim(
    seed: Annotated[int, typer.Option("--seed", min=0, help="The run; the same number is the same run.")] = 1,
    hours: Annotated[float, typer.Option("--hours", min=0, max=24 * 366, help="Simulated hours of business.")] = 24.0,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So many runs, from --seed on.")] = 1,
    busy: Annotated[bool, typer.Option("--busy", help="A busy day: five times as much happens.")] = False,
    trace: Annotated[bool, typer.Option("--trace", help="Print all that happened.")] = False,
    as_json: AsJson = False,
) -> None:
    """Play a retailer's days under a storm of faults and check that nothing is promised twice, lost or shown wrongly for long."""
    logging.disable(logging.CRITICAL)
    for number in range(seed, seed + seeds):
        outcome = run.play(number, hours, busy=busy)
        if as_json:
            typer.echo(json.dumps(_plain(outcome)))
        elif trace:
            typer.echo("\n".join(outcome.trace))
        if outcome.violations:
            typer.echo(_complaint(outcome), err=True)
            raise typer.Exit(1)
    if not as_json:
        typer.echo(
            f"{seeds} {'run' if seeds == 1 else 'runs'} of {hours:g} hours from seed {seed}: all is as it must be."
        )


def _plain(outcome: run.Outcome) -> dict[str, object]:
    return {
        "seed": outcome.seed,
        "hours": outcome.hours,
        "violations": list(outcome.violations),
        "events": len(outcome.trace),
        "faults": outcome.struck,
        "digest": outcome.digest,
    }


def _complaint(outcome: run.Outcome) -> str:
    happened = "\n".join(f"  {line}" for line in outcome.trace[-TAIL:])
    wrong = "\n".join(f"  {violation}" for violation in outcome.violations)
    return f"The last that happened:\n{happened}\nThis is wrong:\n{wrong}\nThe same again: {outcome.again}"
