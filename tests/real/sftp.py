"""A real OpenSSH server as a process of its own, with a user, a host key and a port that nobody else knows; never the system's own.

with sftp.open_server(folder) as server:
    (server.folder / "verkauf.csv").write_text(...)
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from tests.rig.processes import free_port, until

SSHD = "/usr/sbin/sshd"
PRIVILEGE_SEPARATION = Path("/run/sshd")
"""An empty folder that every sshd of this build wants to see when root starts it."""
USER, PASSWORD = "kasse", "a-till-password"
_HASH = "$6$omnisyncTill$FC0RZhX/w9NufLdqfv7rrdv22pOQ7o.aQa6lxXYmk4Q7B0f17/hcFZiSANoT9HtGxdpaY1a6IeCGOtS.ELH2T."

CONFIG = """
ListenAddress 127.0.0.1:{port}
{host_keys}
PidFile none
UsePAM no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
AuthorizedKeysFile {home}/authorized_keys
Subsystem sftp {subsystem}
LogLevel VERBOSE
"""


@dataclass
class Server:
    """One server; its user sees the machine as we do, and `folder` is where the till drops its files."""

    home: Path
    port: int = field(default_factory=free_port)
    subsystem: str = "internal-sftp"
    kinds: tuple[str, ...] = ("ssh-ed25519",)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def folder(self) -> Path:
        return self.home / "kasse"

    @property
    def address(self) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}{self.folder}"

    @property
    def host_keys(self) -> list[str]:
        """What its owner tells us of it."""
        return [" ".join(self._key(kind).with_suffix(".pub").read_text().split()[:2]) for kind in self.kinds]

    @property
    def settings(self) -> dict[str, Any]:
        """What the csv adapter needs to connect by password."""
        return {"folder": self.address, "password": PASSWORD, "host_key": self.host_keys[0]}

    def make(self) -> None:
        """Its keys, its user, and an empty folder."""
        self.folder.mkdir(parents=True)
        for kind in self.kinds:
            self.new_host_key(kind)
        me, group = os.getuid(), os.getgid()
        users = [
            f"{USER}:{_HASH}:{me}:{group}::{self.home}:/bin/sh",
            "root:x:0:0::/root:/bin/sh",
            "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin",
        ]
        (self.home / "passwd").write_text("".join(f"{line}\n" for line in users))
        (self.home / "group").write_text(f"kasse:x:{group}:\nnogroup:x:65534:\n")

    def new_host_key(self, kind: str = "ssh-ed25519") -> None:
        key = asyncssh.generate_private_key(kind)
        key.write_private_key(str(self._key(kind)))
        self._key(kind).chmod(0o600)
        key.write_public_key(str(self._key(kind).with_suffix(".pub")))

    def admit(self, key: asyncssh.SSHKey) -> None:
        """Whoever has this key may come in."""
        (self.home / "authorized_keys").write_bytes(key.export_public_key())

    def start(self) -> None:
        assert self._process is None
        if os.getuid() == 0:
            PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
        keys = "\n".join(f"HostKey {self._key(kind)}" for kind in self.kinds)
        config = self.home / "sshd_config"
        config.write_text(CONFIG.format(port=self.port, host_keys=keys, home=self.home, subsystem=self.subsystem))
        # Its user stands in a file of ours, and nowhere on this machine.
        users = {"NSS_WRAPPER_PASSWD": f"{self.home}/passwd", "NSS_WRAPPER_GROUP": f"{self.home}/group"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config)], stdout=log, stderr=log, env={**os.environ, "LD_PRELOAD": str(_wrapper()), **users},
            )  # fmt: skip
        until("sshd listens", lambda: "Server listening" in self.words or self._process.poll() is not None, seconds=20)
        assert self._process.poll() is None, self.words

    @property
    def words(self) -> str:
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """The whole machine is gone, with everybody on it."""
        if self._process is not None:
            sessions = _below(self._process.pid)
            self._process.kill()
            self._process.wait(timeout=20)
            for session in sessions:
                with suppress(ProcessLookupError):
                    os.kill(session, signal.SIGKILL)
            self._process = None

    @property
    def _log(self) -> Path:
        return self.home / "sshd.log"

    def _key(self, kind: str) -> Path:
        return self.home / f"host_{kind}"


def _below(process: int) -> list[int]:
    """The processes that serve those who are logged in: each is its own leader, and would outlive the one that listens."""
    try:
        children = [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [one for child in children for one in (child, *_below(child))]


def missing() -> str | None:
    """What this machine lacks for it, and what mends that."""
    lacking = [
        name for name, there in (("openssh-server", shutil.which(SSHD)), ("libnss-wrapper", _wrapper())) if not there
    ]
    return f"no SFTP server for tests: apt-get install {' '.join(lacking)}" if lacking else None


def _wrapper() -> Path | None:
    """The library that lets a program see users that only a file of ours knows."""
    return next(iter(sorted(Path("/usr/lib").glob("*/libnss_wrapper.so"))), None)


@contextmanager
def open_server(home: Path, **how: Any) -> Iterator[Server]:
    """A server with an empty folder, running; stopped at the end."""
    server = Server(home, **how)
    server.make()
    try:
        server.start()
        yield server
    finally:
        server.stop()
