"""The whole demo, as somebody types it: it must be green as it stands and red with every planted bug."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from omnisync.demo.plants import PLANTS

pytestmark = pytest.mark.rig
PATIENCE_SECONDS = 900
"""Of a machine on which everything else runs as well."""


def demo(*arguments: str) -> tuple[int, dict[str, Any], str]:
    """Its exit code, its proof, and what it said to people."""
    command = [sys.executable, "-m", "omnisync.demo", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def test_the_proof_holds():
    code, proof, said = demo("--for", "20")

    assert code == 0, said
    assert (proof["oversold_units"], proof["drift"], proof["violations"]) == (0, 0, 0)
    assert all(number > 0 for number in proof["orders"].values())
    assert proof["holds"]["granted"] > 0
    assert proof["holds"]["refused"] > 0
    assert proof["propagation_ms"]["p95"] >= proof["propagation_ms"]["p50"] > 0


def test_the_proof_holds_with_every_switch_on_for_a_while():
    code, proof, said = demo("--for", "30", "--storm")

    assert code == 0, said
    assert (proof["oversold_units"], proof["drift"], proof["violations"]) == (0, 0, 0)
    assert proof["channel_conflicts"] > 0, "a channel that was down sold what others had sold"


def test_the_proof_holds_on_postgresql(postgresql_url: str):
    code, proof, said = demo("--for", "15", "--database", postgresql_url)

    assert code == 0, said
    assert (proof["oversold_units"], proof["drift"], proof["violations"]) == (0, 0, 0)


@pytest.mark.parametrize(("plant", "shows"), [
    ("guard", "oversold_units"),
    ("dedupe", "violations"),
    ("binding", "violations"),
    ("echo", "drift"),
])  # fmt: skip
def test_a_planted_bug_turns_the_proof_red(plant: str, shows: str):
    code, proof, said = demo("--for", "15", "--plant", plant, "--settle", "20")

    assert code == 1, said
    assert proof[shows] > 0
    assert "does NOT hold" in said


def test_every_plant_is_tested():
    assert set(PLANTS) == {"guard", "dedupe", "binding", "echo"}
