"""PostgreSQL stops at once under load and comes back: callers hear to try later, and nothing is lost or doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig import crashes

pytestmark = pytest.mark.rig


def test_a_server_outlives_its_database_and_answers_503_meanwhile(tmp_path: Path):
    outcome = crashes.crash_again_and_again(tmp_path, crashes=crashes.SHORT)

    assert not outcome.findings, outcome.findings

    assert outcome.journal.later >= crashes.SHORT, "nobody was asked to try later: this proves nothing"
