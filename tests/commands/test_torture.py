"""`omnisync torture` as people call it."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from omnisync import cli
from omnisync.clock import Ids, StoppedClock
from omnisync.commands.world import World
from tests.torture import plants

FORGED = "forged webhooks"


@pytest.fixture
def world(clock: StoppedClock, ids: Ids) -> World:
    """With the adapters that there are."""
    return World(clock, random.Random(3), ids, {})


def run(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and all that was printed."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["torture", *arguments], world)
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


def test_it_prints_what_came_of_each_torment_and_ends_well_when_none_failed(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(world, capsys, "corner", "--only", FORGED, "--only", "an order fulfilled elsewhere")

    forged, elsewhere, verdict = said.splitlines()
    assert code == 0
    assert forged.split("  ")[0] == FORGED
    assert forged.endswith("ok")
    assert "does not apply" in elsewhere
    assert elsewhere.endswith("the keeper of a Corner shop sends everything himself")
    assert verdict == "corner: all is as it must be after each of 2 torments."


def test_a_program_reads_it_as_json_and_a_failure_ends_with_1(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    broken = replace(world, factory=lambda name: plants.make(plants.PLANTS["signature not checked"]))

    code, said = run(broken, capsys, "corner", "--only", FORGED, "--seed", "7", "--json")

    told = json.loads(said)
    assert (code, told["adapter"], told["seed"]) == (1, "corner", 7)
    assert [(one["torment"], one["outcome"]) for one in told["torments"]] == [(FORGED, "FAIL")]
    assert told["torments"][0]["said"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["shopfy"], 1, "Did you mean shopify?"),
        (["corner", "--only", "forged webhook"], 2, "Did you mean 'forged webhooks'?"),
        (["corner", "--database", "sqlite:///{here}"], 2, "is no new file"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    here = tmp_path / "ledger.db"
    here.write_bytes(b"somebody's")

    ended, told = run(world, capsys, *(one.format(here=here) for one in arguments))

    assert ended == code
    assert said in told
    assert here.read_bytes() == b"somebody's"


def test_a_new_file_is_used_and_taken_away_again(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, _ = run(world, capsys, "corner", "--only", FORGED, "--database", f"sqlite:///{tmp_path}/torture.db")

    assert code == 0
    assert list(tmp_path.iterdir()) == []
