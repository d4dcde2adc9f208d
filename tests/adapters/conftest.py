"""What tests of adapters may ask for."""

from __future__ import annotations

import random

import pytest

from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"


@pytest.fixture
def tools(clock: StoppedClock, ids: Ids) -> Tools:
    """A stopped clock, identifiers and chance that repeat, no network."""
    return Tools(clock=clock, ids=ids, chance=random.Random(7))
