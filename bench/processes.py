"""Servers as processes of their own, each on the core it is told, and what they used of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
_PATIENCE_SECONDS = 60
_ENDS_WITHIN_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A process that listens."""

    process: subprocess.Popen[bytes]
    port: int

    def cpu_seconds(self) -> float:
        """What its threads have computed so far; 0 where the system does not say."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return 0.0
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> int | None:
        """The most memory it ever held; None where the system does not say."""
        status = Path(f"/proc/{self.process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")), None)


@contextmanager
def running(module: str, *arguments: str, port: int, core: int | None = SERVER_CORE) -> Iterator[Server]:
    """`python -m MODULE ARGUMENTS --port PORT` until the block ends."""
    process = subprocess.Popen([sys.executable, "-m", module, *arguments, "--port", str(port)])
    try:
        pin(process.pid, core)
        _wait_for(port, process)
        yield Server(process, port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=_ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise


def pin(pid: int, core: int | None) -> bool:
    """Keep a process on one core; False where there is no such core, or the system cannot."""
    if core is None or not hasattr(os, "sched_setaffinity"):
        return False
    try:
        # Whoever starts it is pinned too, and hands that on: what this process may use says nothing about the machine.
        os.sched_setaffinity(pid, {core})
    except OSError:
        return False
    return True


@contextmanager
def anywhere() -> Iterator[None]:
    """Let this process use every core for a while, and what it starts in the meantime for as long as that lives."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_ports(count: int) -> Sequence[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server for port {port} did not start")
