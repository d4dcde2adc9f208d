"""With `--cov` only the stories of the ledger and of the orders are traced: the tracer makes everything else half as fast again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

STORIES = (
    "tests/stock/", "tests/orders/", "tests/commands/test_archive.py", "tests/sync/test_archived.py", "tests/test_bad_bodies.py", "tests/sync/test_explain.py",
    "tests/sync/test_arrivals.py", "tests/sync/test_silence.py", "tests/sync/test_returns.py", "tests/sync/test_unpaid.py", "tests/properties/test_twins_of_two_nodes.py",
)  # fmt: skip
"""The tests that take every branch of `omnisync/stock` and `omnisync/orders`."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Let the tracer rest during tests that tell another story."""
    tracer = None if item.nodeid.startswith(STORIES) else _running()
    if tracer is None:
        return (yield)
    tracer.stop()
    try:
        return (yield)
    finally:
        tracer.start()


def _running():
    try:
        from coverage import Coverage
    except ModuleNotFoundError:
        return None
    return Coverage.current()
