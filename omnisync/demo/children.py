"""Processes of the demo: each a child with a log of its own, ended by its pid whatever happens."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omnisync.clock import Clock
from omnisync.errors import NeedsAttention

START_SECONDS = 60.0
END_SECONDS = 8.0
_PR_SET_PDEATHSIG = 1


@dataclass
class Children:
    """The processes of one demo."""

    folder: Path
    clock: Clock
    environ: Mapping[str, str]
    _running: dict[str, Process] = field(default_factory=dict)

    async def start(self, name: str, command: Sequence[str]) -> None:
        """Start one; its output goes to `<name>.log`."""
        with self.log(name).open("ab") as log:
            self._running[name] = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self.environ),
                process_group=0,  # Ctrl-C is ours to handle: first the proof, then their end
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def log(self, name: str) -> Path:
        """Where a process writes what it has to say."""
        return self.folder / f"{name}.log"

    async def until_ready(self, name: str, asks: Callable[[], Awaitable[bool]]) -> None:
        """Wait until it answers. NeedsAttention with the end of its log when it ends or stays silent."""
        began = self.clock.monotonic()
        while self.clock.monotonic() - began < START_SECONDS:
            self.check(name)
            if await asks():
                return
            await self.clock.sleep(0.1)
        raise self._silent(name, "does not answer")

    def check(self, *names: str) -> None:
        """NeedsAttention when one of them (all, if none is named) has ended by itself."""
        for name in names or self._running:
            if (code := self._running[name].returncode) is not None:
                raise self._silent(name, f"ended by itself ({code})")

    async def end(self) -> None:
        """Ask all to end, in the reverse order of their start, and make those end that do not."""
        processes = [process for process in reversed(self._running.values()) if process.returncode is None]
        for process in processes:
            process.terminate()
        waits = [asyncio.create_task(process.wait()) for process in processes]
        if waits:
            await asyncio.wait(waits, timeout=END_SECONDS)
        for process in processes:
            if process.returncode is None:
                process.kill()
        await asyncio.gather(*waits)
        self._running = {}

    def _silent(self, name: str, what: str) -> NeedsAttention:
        lines = self.log(name).read_text(errors="replace").splitlines()[-12:]
        said = "\n".join(f"    {line}" for line in lines)
        return NeedsAttention(
            f"{name} {what}. The end of {self.log(name)}:\n{said}", action=f"Read {self.folder}/*.log."
        )


def _end_with_parent() -> None:
    """In the child: even if the demo is killed, nothing of it stays behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1:
        os._exit(1)
