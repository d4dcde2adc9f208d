"""Real shop servers for tests marked `real`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real import shop


@pytest.fixture(scope="session")
def oscar_template(request: pytest.FixtureRequest) -> Path:
    """An empty django-oscar shop, kept from run to run."""
    pytest.importorskip("oscarapi", reason="no django-oscar for tests: pip install django-oscar django-oscar-api")
    return shop.template(request.config.cache.mkdir("oscar"))


@pytest.fixture
def oscar(oscar_template: Path, tmp_path: Path) -> Iterator[shop.Shop]:
    """A running django-oscar shop without articles."""
    with shop.open_shop(oscar_template, tmp_path) as running:
        yield running
