from __future__ import annotations

from pathlib import Path

import pytest

from omnisync.commands.listening import address, listen
from omnisync.errors import NeedsAttention
from tests.commands.conftest import Omnisync


def test_a_server_whose_address_is_taken_says_so_in_one_line_and_begins_nothing(
    omnisync: Omnisync, config: Path
) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]

        ran = omnisync("serve", "--port", str(port), config=config)

    assert ran.code == 1
    assert f"http://127.0.0.1:{port} cannot be listened on" in ran.err
    assert "choose another" in ran.err
    assert not (config.parent / "shop.db").exists()


def test_a_host_of_somebody_else_cannot_be_listened_on() -> None:
    with pytest.raises(NeedsAttention, match=r"http://192\.0\.2\.1:8000 cannot be listened on"):
        listen("192.0.2.1", 8000)


def test_an_address_of_the_sixth_version_stands_in_brackets() -> None:
    assert address("::1", 8000) == "http://[::1]:8000"
