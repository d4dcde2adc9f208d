"""`pytest -p tests.planted.plugin` with OMNISYNC_PLANTED=NAME: a test run with that bug in it."""

from __future__ import annotations

import os

import pytest

from tests.planted import proof


def pytest_configure(config: pytest.Config) -> None:
    """Plant it before anything is collected."""
    proof.PLANTED[os.environ[proof.ENVIRONMENT]].bug()
