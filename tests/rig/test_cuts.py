"""SQLite's log cut at random bytes: what is left is always a beginning of what happened, and sound."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import cuts

pytestmark = pytest.mark.rig


def test_a_log_that_was_cut_anywhere_leaves_a_beginning_of_what_was_acknowledged(tmp_path: Path):
    outcome = cuts.cut_again_and_again(tmp_path, cuts=cuts.SHORT)

    assert not outcome.findings, outcome.findings

    assert outcome.more["histories"] > cuts.SHORT // 4, "most cuts left the same: this proves little"
