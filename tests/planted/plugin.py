"""`pytest -p tests.planted.plugin`: each test that `proof.PLANTED` names runs with its bug in it, and the outcomes are written to
the file that OMNISYNC_PLANTED names."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.planted import proof

outcomes: dict[str, str] = {}


def _bug_of(nodeid: str) -> str | None:
    return next((name for name, one in proof.PLANTED.items() if one.test and nodeid.startswith(one.test)), None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The bug is there while the test runs, and gone before the next one."""
    name = _bug_of(item.nodeid)
    assert name is not None, f"no bug is planted for {item.nodeid}"
    with proof.planted(proof.PLANTED[name].bug):
        return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """The first failure of a bug's tests is its finding; what fails outside the test itself is none."""
    name = _bug_of(report.nodeid)
    if name and report.failed:
        outcomes.setdefault(name, f"{report.when}: {report.longreprtext}")


def pytest_sessionfinish() -> None:
    Path(os.environ[proof.ENVIRONMENT]).write_text(json.dumps(outcomes))
