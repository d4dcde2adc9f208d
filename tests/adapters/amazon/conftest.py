"""A fresh simulated account and the adapter connected to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from omnisync.adapters.client import Tools
from omnisync.demo.amazon.seed import Seed
from tests.adapters.amazon.rig import SEED, AmazonWorld, Line

Open = Callable[..., AmazonWorld]


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def open_world(tools: Tools, line: Line) -> Open:
    """A world behind the line: of another seed, or with other settings."""

    def opened(seed: Seed = SEED, **settings: Any) -> AmazonWorld:
        world = AmazonWorld(replace(tools, transport=line), seed, **settings)
        line.inner = world.channel
        return world

    return opened


@pytest.fixture
def world(open_world: Open) -> AmazonWorld:
    return open_world()
