import pytest

from tests.imports.desk import Desk


@pytest.fixture
def desk(engine, clock, ids, tmp_path):
    """Somebody at a desk with an empty database and an empty folder."""
    return Desk(engine, clock, ids, tmp_path)
