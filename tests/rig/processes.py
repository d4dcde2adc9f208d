"""Whole programs as processes of their own: started, waited for, killed, and what they said kept in a file."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0
PAUSE_SECONDS = 0.1
LAST_WORDS = 3000

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


@dataclass
class Program:
    """One program of ours, `python -m ...`, that listens on `port` once it is up."""

    name: str
    arguments: Sequence[str]
    port: int
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

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
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self.arguments],
                cwd=ROOT, env={**os.environ, **self.environment}, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        try:
            until(f"{self.name} listens on {self.port}", lambda: self._listens() or not self.running)
            assert self.running
        except AssertionError:
            self.kill()
            raise AssertionError(f"{self.name} did not start. It said:\n{self.words}") from None

    def kill(self) -> None:
        """As a power cut: no farewell."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end and wait until it has."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            if self.running:
                self._process.send_signal(how)
            try:
                self._process.wait(timeout=START_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise AssertionError(f"{self.name} does not end. It said:\n{self.words}") from None
            finally:
                self._process = None

    def _listens(self) -> bool:
        with closing(socket.socket()) as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0
