"""The whole demo, as somebody types it: it must be green as it stands and red with every planted bug."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from omnisync.demo.options import SEED
from omnisync.demo.plants import PLANTS

pytestmark = pytest.mark.rig
ANY = int(os.environ.get("OMNISYNC_SEED", SEED))
"""OMNISYNC_SEED=n: another assortment and other traffic. Who changes nothing gets the same twice."""
PATIENCE_SECONDS = 900
"""Of a machine on which everything else runs as well."""


def demo(*arguments: str, seed: int = SEED) -> tuple[int, dict[str, Any], str]:
    """Its exit code, its proof, and the line that repeats it with what it said to people."""
    command = [sys.executable, "-m", "omnisync.demo", "--json", "--seed", str(seed), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    said = f"run.py demo --seed {seed} {' '.join(arguments)}\n{done.stderr}"
    return done.returncode, json.loads(done.stdout or "{}"), said


def test_the_proof_holds():
    code, proof, said = demo("--for", "15", seed=ANY)

    assert code == 0, said
    assert (proof["oversold_units"], proof["drift"], proof["violations"]) == (0, 0, 0), said
    assert all(number > 0 for number in proof["orders"].values()), said
    assert proof["holds"]["granted"] > 0, said
    assert proof["holds"]["refused"] > 0, said
    assert proof["propagation_ms"]["p95"] >= proof["propagation_ms"]["p50"] > 0


def test_the_proof_holds_with_every_switch_on_for_a_while():
    code, proof, said = demo("--for", "30", "--storm", seed=ANY)

    assert code == 0, said
    assert (proof["oversold_units"], proof["drift"], proof["violations"]) == (0, 0, 0), said
    assert proof["channel_conflicts"] > 0, f"a channel that was down sold what others had sold: {said}"


def test_the_proof_holds_on_postgresql(postgresql_url: str):
    code, proof, said = demo("--for", "10", "--database", postgresql_url, seed=ANY)

    assert code == 0, said
    assert (proof["oversold_units"], proof["drift"], proof["violations"]) == (0, 0, 0), said


def too_much(said: str) -> bool:
    """Whether omnisync wrote down more than buyers got, of anything."""
    tallies = re.findall(r"buyers got (-?\d+) of \S+ omnisync wrote down (-?\d+)", said.replace(",", ""))
    return any(int(written) > int(got) for got, written in tallies)


SHOWS: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "guard": lambda proof, said: proof["oversold_units"] > 0,
    "dedupe": lambda proof, said: too_much(said),
    "binding": lambda proof, said: too_much(said),
    "echo": lambda proof, said: proof["drift"] > 0,
}


@pytest.mark.parametrize("plant", sorted(PLANTS))
def test_a_planted_bug_turns_the_proof_red(plant: str):
    """With one seed, in which each bug has time to show: what is asked is whether the proof sees it."""
    code, proof, said = demo("--for", "10", "--plant", plant, "--settle", "15")

    assert code == 1, said
    assert SHOWS[plant](proof, said), said
    assert "does NOT hold" in said
