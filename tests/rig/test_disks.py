"""A full disk: writes are put off, reads go on, and nothing is lost when there is space again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import disks

pytestmark = pytest.mark.rig


@pytest.mark.skipif(disks.missing() is not None, reason=disks.missing() or "")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_full_disk_puts_writes_off_and_loses_nothing(database: str, tmp_path: Path):
    outcome = disks.fill_again_and_again(tmp_path, database, fillings=disks.SHORT)

    assert not outcome.findings, outcome.findings

    assert outcome.journal.later >= disks.SHORT * disks.LEAST_LATER
