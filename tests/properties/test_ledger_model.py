"""The ledger against a shopkeeper's books: whatever is done in whatever order, both say the same after every step."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.engine import Engine

from tests.properties import even, played
from tests.properties.desk import Town

EXAMPLES = int(os.environ.get("OMNISYNC_EXAMPLES", "0"))
"""So many, other ones in each run; without it a few that are always the same."""
ENOUGH = 400
"""Examples in which everything happens that can."""
SHRINK = (Phase.shrink,) if "OMNISYNC_SHRINK" in os.environ else ()
"""Look for the smallest example that fails, which takes minutes."""


def play(
    engine: Engine, *, examples: int, steps: int, chance: bool = False, brief: bool = False,
    tally: Counter[str] | None = None,
) -> None:  # fmt: skip
    """Raise what the first example shows in which ledger and books differ. In `brief` the invariants are asked at the end of each
    example only, and a failure does not tell its steps. What was played is added to the `tally`."""
    run_state_machine_as_test(
        lambda: Town(engine, thorough=not brief, tally=tally),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=not chance, database=None,
            phases=(Phase.generate, *SHRINK),
            verbosity=Verbosity.quiet if brief else Verbosity.normal,
            suppress_health_check=list(HealthCheck), backend=even.register(),
        ),
    )  # fmt: skip


def test_the_ledger_is_what_a_shopkeeper_would_have_written_down(engine: Engine):
    tally: Counter[str] | None = Counter() if EXAMPLES else None

    play(engine, examples=EXAMPLES or 15, steps=30, chance=bool(EXAMPLES), tally=tally)

    if tally is not None:
        print(played.told(tally))  # with -s
        assert EXAMPLES < ENOUGH or played.never(tally) == []
