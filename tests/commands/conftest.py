"""A world for commands: a stopped clock, known chance, settings in a file, and what was printed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from omnisync import cli, migrations
from omnisync.adapters.base import Can, Check, Write
from omnisync.adapters.client import TheirClock
from omnisync.clock import Ids, StoppedClock
from omnisync.commands.world import World

SETTINGS = """\
[database]
url = "{url}"

[[locations]]
code = "linden"
name = "Filiale Lindenstraße"

[[channels]]
name = "webshop"
adapter = "shopify"
locations = ["linden"]
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


Omnisync = Callable[..., Ran]


class FakeAdapter:
    """Answers `check` with what the test gave it; an error is raised."""

    def __init__(self, answer: list[Check] | Exception) -> None:
        self.answer, self.closed, self.their_clock = answer, False, TheirClock()
        self.can = Can(write=Write.ABSOLUTE, batch_size=50, webhooks=True, topics=("orders/updated",))

    async def check(self) -> list[Check]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def adapter() -> FakeAdapter:
    return FakeAdapter([Check("credentials", ok=True, detail="read_products, write_inventory")])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Settings with an SQLite database in the test's folder."""
    file = tmp_path / "omnisync.toml"
    file.write_text(SETTINGS.format(url=f"sqlite:///{tmp_path}/shop.db"), encoding="utf-8")
    return file


@pytest.fixture
def fresh_config(tmp_path: Path, fresh: Engine) -> Path:
    """Settings with an empty database; tests that ask for it run on both."""
    file = tmp_path / "omnisync.toml"
    file.write_text(SETTINGS.format(url=fresh.url.render_as_string(hide_password=False)), encoding="utf-8")
    return file


@pytest.fixture
def world(clock: StoppedClock, ids: Ids, adapter: FakeAdapter) -> World:
    def factory(_name: str) -> Any:
        return lambda *_arguments: adapter

    return World(clock, random.Random(3), ids, {}, factory, own=lambda _name: None)


@pytest.fixture
def omnisync(world: World, capsys: pytest.CaptureFixture[str]) -> Omnisync:
    """Type a command and see what it does."""

    def typed(*arguments: str, config: Path | None = None) -> Ran:
        extra = ["--config", str(config)] if config else []
        with pytest.raises(SystemExit) as ended:
            cli.main([*arguments, *extra], world)
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return typed


@pytest.fixture
def ready(config: Path, omnisync: Omnisync) -> Path:
    """Settings whose database is migrated."""
    assert omnisync("migrate", config=config).out == f"The schema now stands at {migrations.newest()}.\n"
    return config
