"""Every bug that somebody plants is found; a proof that finds nothing proves nothing."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from tests.planted import proof

pytestmark = [pytest.mark.planted, pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]
BY_TEST = pytest.mark.xdist_group("by a test of their own")
"""They are run together, once."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[BY_TEST] if one.test else []) for name, one in proof.PLANTED.items()]
)
def test_no_planted_bug_survives(engine: Engine, name: str):
    assert proof.find(name, engine)


def test_the_budget_finds_nothing_where_nothing_is_planted(engine: Engine):
    assert proof.find_by_machine(proof.nothing, engine) is None
