"""Every bug that somebody plants is found; a proof that finds nothing proves nothing."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import Engine

from tests.planted import proof

pytestmark = [pytest.mark.planted, pytest.mark.parametrize("engine", ["sqlite"], indirect=True)]


def test_every_bug_is_found_by_the_test_that_is_named_for_it(engine: Engine):
    survived = [name for name, one in proof.PLANTED.items() if one.test and not proof.find(name, engine)]

    assert survived == []


@pytest.mark.parametrize("name", [name for name, one in proof.PLANTED.items() if not one.test])
def test_the_machine_and_the_simulation_find_what_they_are_asked_for(engine: Engine, name: str):
    assert proof.find(name, engine)


def test_the_budget_finds_nothing_where_nothing_is_planted(engine: Engine):
    assert proof.find_by_machine(proof.nothing, engine) is None
