"""A real omnisync server: settings in a file, commands as typed, `omnisync serve` as a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlmodel import Session

from omnisync import access, db, migrations
from omnisync.access import Role
from omnisync.clock import SystemClock, system_chance
from tests.rig.processes import Program, begin, free_port

COMMAND_SECONDS = 600

LOCATIONS = """
[[locations]]
code = "linden"
name = "Filiale Lindenstraße"
hours = { mon-sun = "00:00-23:59" }
pickup_at_till = "never"

[[locations]]
code = "markt"
name = "Filiale am Markt"
hours = { mon-sun = "00:00-23:59" }
"""


@dataclass
class Server:
    """One installation: its folder, its settings, its database; one server process or several."""

    folder: Path
    database: str
    channels: str = ""
    port: int = field(default_factory=free_port)
    programs: list[Program] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def config(self) -> Path:
        return self.folder / "omnisync.toml"

    def settle(self) -> None:
        """Write the settings, make the tables, and a key for each role."""
        self.config.write_text(
            f'[database]\nurl = "{self.database}"\n\n'
            f'[server]\nport = {self.port}\npublic_url = "http://127.0.0.1:{self.port}"\n'
            f'key_file = "{self.folder}/omnisync.key"\n{LOCATIONS}\n{self.channels}'
        )
        engine = db.engine_for(self.database)
        migrations.upgrade(engine)
        with db.transaction(engine) as session:
            self.keys = {role.value: self._key(session, role) for role in (Role.SHOP, Role.STAFF, Role.OPS)}
        engine.dispose()

    def _key(self, session: Session, role: Role) -> str:
        store = "linden" if role is Role.STAFF else None
        chance, now = system_chance(), SystemClock().now()
        return access.create_key(session, role, role.value, location=store, chance=chance, now=now).text

    def command(self, *words: str) -> str:
        """What a command of ours prints; it must succeed."""
        said, wrong = self.folder / "command.out", self.folder / "command.err"
        for file in (said, wrong):
            file.unlink(missing_ok=True)
        running = begin(["omnisync.cli", *words], self._environment, said, wrong)
        running.join(COMMAND_SECONDS)
        assert running.exitcode == 0, (
            f"omnisync {' '.join(words)} ended with {running.exitcode}:\n{said.read_text()}{wrong.read_text()}"
        )
        return said.read_text()

    def violations(self) -> str:
        """What `omnisync verify` says: nothing when all is well."""
        return self.command("verify")

    def stock(self, **pieces: int) -> None:
        """Articles of these SKUs and so many pieces of each at Lindenstraße, by the import commands."""
        self.import_stock({(sku, "linden"): number for sku, number in pieces.items()})

    def import_stock(self, pieces: dict[tuple[str, str], int]) -> None:
        """Articles, and a count of shelves, as files."""
        catalog, stock = self.folder / "catalog.csv", self.folder / "stock.csv"
        articles = sorted({sku for sku, _ in pieces})
        catalog.write_text(
            "sku,title,barcode,price,currency\n" + "".join(f"{sku},Artikel {sku},,19.99,EUR\n" for sku in articles)
        )
        stock.write_text(
            "sku,location,on_hand\n" + "".join(f"{sku},{place},{number}\n" for (sku, place), number in pieces.items())
        )
        self.command("import", "catalog", str(catalog))
        self.command("import", "stock", str(stock))

    def node(self, name: str = "omnisync", *, worker: bool = True) -> Program:
        """One more server process over the same database; the first has the port of the settings."""
        port = free_port() if self.programs else self.port
        more = [] if worker else ["--no-worker"]
        return self._program(name, port, "serve", "--port", str(port), *more)

    def worker(self, name: str = "worker") -> Program:
        """A worker alone."""
        return self._program(name, None, "worker")

    def _program(self, name: str, port: int | None, *words: str) -> Program:
        program = Program(name, ["omnisync.cli", *words], port, self.folder, self._environment)
        self.programs.append(program)
        return program

    @property
    def _environment(self) -> dict[str, str]:
        return {"OMNISYNC_CONFIG": str(self.config)}

    def client(self, role: str = "ops", *, node: int = 0) -> httpx.Client:
        """Somebody with a key of that role."""
        headers = {"authorization": f"Bearer {self.keys[role]}"}
        return httpx.Client(base_url=self.programs[node].base_url, headers=headers, timeout=30, trust_env=False)

    def get(self, path: str, **query: Any) -> Any:
        """What ops are answered."""
        with self.client() as ops:
            return ops.get(path, params=query).raise_for_status().json()

    def send(
        self, method: str, path: str, body: Any = None, *, role: str = "ops", key: str | None = None
    ) -> httpx.Response:
        """One request, whatever its answer."""
        with self.client(role) as client:
            return client.request(method, path, json=body, headers={"idempotency-key": key} if key else {})


@contextmanager
def settled(folder: Path, database: str, channels: str = "", port: int | None = None) -> Iterator[Server]:
    """An installation that is ready to be started; all its processes end with it."""
    server = Server(folder, database, channels, port or free_port())
    server.settle()
    try:
        yield server
    finally:
        for program in server.programs:
            program.kill()
