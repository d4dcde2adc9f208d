"""Days of a retailer under faults: the same from the same number, and never wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from omnisync.sim import run

ROOT = Path(__file__).parents[2]
SEEDS, HOURS = 100, 5.0
BUSY_SEEDS = 18


@pytest.mark.parametrize(("seed", "hours"), [(5, 1.5), (9, 1.5)])
def test_whatever_goes_wrong_all_is_as_it_must_be_in_the_end(seed: int, hours: float):
    outcome = run.play(seed, hours)

    assert outcome.violations == ()
    assert len(outcome.trace) > 50


def test_the_same_seed_goes_the_same_way_also_in_another_process():
    here = run.play(3, 0.5)
    command = [sys.executable, "-m", "omnisync.cli", "sim", "--seed", "3", "--hours", "0.5", "--json"]
    environment = os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)}

    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)

    there = json.loads(ran.stdout)
    assert (there["digest"], there["events"]) == (here.digest, len(here.trace))


@pytest.mark.rig
@pytest.mark.parametrize("seed", range(SEEDS))
def test_five_hundred_hours_of_faults_leave_nothing_wrong(seed: int):
    outcome = run.play(seed, HOURS)

    assert outcome.violations == (), outcome.again


@pytest.mark.rig
@pytest.mark.parametrize("seed", range(BUSY_SEEDS))
def test_ninety_hours_in_which_much_happens_leave_nothing_wrong_either(seed: int):
    outcome = run.play(seed, HOURS, busy=True)

    assert outcome.violations == (), outcome.again
    assert len(outcome.journal) > 30, "hardly anything happened: this proves little"
