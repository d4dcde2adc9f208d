"""A till's folder for the tests of the CSV till."""

from __future__ import annotations

from pathlib import Path

import pytest

from omnisync.adapters.client import Tools
from omnisync.clock import StoppedClock
from tests.adapters.csv.till import Till


@pytest.fixture
def till(tmp_path: Path, clock: StoppedClock, tools: Tools) -> Till:
    """An empty folder."""
    return Till(tmp_path, clock, tools)
