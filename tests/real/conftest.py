"""Real shop servers for tests marked `real`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real import sftp, shop, vendure


@pytest.fixture(scope="session")
def oscar_template(request: pytest.FixtureRequest) -> Path:
    """An empty django-oscar shop, kept from run to run."""
    pytest.importorskip("oscarapi", reason="no django-oscar for tests: pip install django-oscar django-oscar-api")
    return shop.template(request.config.cache.mkdir("oscar"))


@pytest.fixture(scope="session")
def oscar_server(oscar_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[shop.Shop]:
    """One django-oscar server for all tests, as starting one takes seconds."""
    with shop.open_shop(oscar_template, tmp_path_factory.mktemp("oscar")) as running:
        yield running


@pytest.fixture
def oscar(oscar_server: shop.Shop) -> shop.Shop:
    """A running django-oscar shop without articles."""
    oscar_server.reset()
    if not oscar_server.running:
        oscar_server.start()
    return oscar_server


@pytest.fixture(scope="session")
def vendure_modules() -> Path:
    """Vendure as npm brings it, kept from run to run."""
    if lacking := vendure.missing():
        pytest.skip(lacking)
    return vendure.installed()


@pytest.fixture(scope="session")
def vendure_server(vendure_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[vendure.Vendure]:
    """One Vendure server for all tests, as starting one takes seconds."""
    with vendure.open_shop(vendure_modules, tmp_path_factory.mktemp("vendure")) as running:
        yield running


@pytest.fixture
def vendure_shop(vendure_server: vendure.Vendure) -> vendure.Vendure:
    """A running Vendure shop; what earlier tests sold there stays, so each test sells articles of its own."""
    if not vendure_server.running:
        vendure_server.start()
    return vendure_server


@pytest.fixture(scope="session")
def sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sftp.Server]:
    """One OpenSSH server for all tests."""
    if lacking := sftp.missing():
        pytest.skip(lacking)
    with sftp.open_server(tmp_path_factory.mktemp("sftp")) as running:
        yield running
