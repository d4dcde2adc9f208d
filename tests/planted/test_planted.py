"""Every bug that somebody plants is found; a proof that finds nothing proves nothing."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from tests.planted import proof

pytestmark = [pytest.mark.planted, pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]


@pytest.mark.parametrize("name", proof.PLANTED)
def test_no_planted_bug_survives(engine: Engine, name: str):
    assert proof.find(name, engine)
