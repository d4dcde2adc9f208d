"""Whole programs as processes of their own: started, waited for, killed, and what they said kept in a file.

A rig starts hundreds of them. Each is forked from one process that has imported everything and done nothing else, so that a
start costs what the program does and not what Python reads for it.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0
PAUSE_SECONDS = 0.02
LAST_WORDS = 3000
_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["tests.rig.nursery"])

Seen = TypeVar("Seen")


def until(
    what: str, ask: Callable[[], Seen], true: Callable[[Seen], bool] = bool, *, seconds: float = START_SECONDS
) -> Seen:
    """Ask again until it is true and return what was seen; fails with what was waited for and what was seen last.

    Only for processes that no stopped clock can drive.
    """
    give_up = time.monotonic() + seconds
    while not true(seen := ask()):
        if time.monotonic() > give_up:
            raise AssertionError(f"After {seconds:g} seconds it is still not so that {what}. It was {seen!r}.")
        time.sleep(PAUSE_SECONDS)
    return seen


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def begin(arguments: Sequence[str], environment: Mapping[str, str], said: Path, wrong: Path) -> multiprocessing.Process:
    """`python -m ARGUMENTS` in a process of its own, with this environment besides ours; what it says is added to these files."""
    child = _nursery.Process(
        target=_become, args=(list(arguments), {**os.environ, **environment}, said, wrong), daemon=True
    )
    child.start()
    return child


def _become(arguments: list[str], environment: Mapping[str, str], said: Path, wrong: Path) -> None:
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, file in ((1, said), (2, wrong)):
        with file.open("ab") as log:
            os.dup2(log.fileno(), descriptor)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # what was said before a kill -9 is worth reading
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


@dataclass
class Program:
    """One program of ours, `python -m ...`; one that has a port listens there once it is up."""

    name: str
    arguments: Sequence[str]
    port: int | None
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: multiprocessing.Process | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def words(self) -> str:
        """What it said, the last of it."""
        return self._log.read_text(errors="replace")[-LAST_WORDS:] if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        assert not self.running, f"{self.name} runs already"
        self._process = begin(self.arguments, self.environment, self._log, self._log)
        try:
            until(f"{self.name} listens on {self.port}", lambda: self._listens() or not self.running)
            assert self.running
        except AssertionError:
            self.kill()
            raise AssertionError(f"{self.name} did not start. It said:\n{self.words}") from None

    def kill(self) -> None:
        """As a power cut: no farewell."""
        if self._process is not None:
            self._process.kill()
            self._wait()

    def stop(self) -> None:
        """Ask it to end and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            self._wait()

    def _wait(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.join(START_SECONDS)
        if process.is_alive():
            process.kill()
            raise AssertionError(f"{self.name} does not end. It said:\n{self.words}")
        process.close()

    def _listens(self) -> bool:
        if self.port is None:
            return True
        with closing(socket.socket()) as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0
