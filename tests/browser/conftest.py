"""A real server in a process of its own over a morning that was played, and a real Chromium in front of it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

STARTS_WITHIN_SECONDS = 60
SECRET = bytes(range(32))
CONFIG = """
[database]
url = "sqlite:///{folder}/omnisync.db"
[server]
key_file = "{folder}/key"
plain_port = {plain_port}
[[locations]]
code = "linden"
name = "Filiale Lindenstraße"
hours = {{ mon-sun = "00:00-23:59" }}
[[locations]]
code = "lager"
name = "Zentrallager Süd"
kind = "warehouse"
pickup = "off"
[[channels]]
name = "webshop"
title = "Onlineshop"
adapter = "shopify"
locations = ["linden"]
location_map = {{ "gid://shopify/Location/1" = "linden" }}
[channels.settings]
shop = "example.myshopify.com"
access_token = "env:SECRET"
webhook_secret = "env:SECRET"
[[channels]]
name = "kasse"
title = "Kassen Lindenstraße"
adapter = "square"
locations = ["linden"]
location_map = {{ "L1" = "linden" }}
[channels.settings]
access_token = "env:SECRET"
webhook_secret = "env:SECRET"
[[channels]]
name = "ebay"
title = "eBay DE"
adapter = "ebay"
locations = ["linden"]
[channels.settings]
client_id = "env:SECRET"
client_secret = "env:SECRET"
refresh_token = "env:SECRET"
"""


@dataclass
class Server:
    """Where it listens, and what was played into it."""

    url: str
    codes: dict[str, str]
    """Customer -> pickup code."""
    ops_key: str

    def call(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """What another program does meanwhile; `key` is what makes its repetition harmless."""
        request = urllib.request.Request(
            f"{self.url}{path}", method=method, data=json.dumps(body).encode() if body else None
        )
        request.add_header("authorization", f"Bearer {self.ops_key}")
        if body:
            request.add_header("content-type", "application/json")
        if key:
            request.add_header("idempotency-key", key)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`omnisync serve` on a free port, without a worker: what is shown stays what was played."""
    folder = tmp_path_factory.mktemp("server")
    config = folder / "omnisync.toml"
    config.write_text(CONFIG.format(folder=folder, plain_port=0))
    (folder / "key").write_text(SECRET.hex())
    environ = {**os.environ, "SECRET": "not-a-real-secret"}
    playing = [sys.executable, "-m", "tests.browser.day", str(config), os.environ.get("OMNISYNC_DAY_HOURS", "0.5")]
    codes = json.loads(subprocess.run(playing, env=environ, check=True, capture_output=True, text=True).stdout)
    port = _free_port()
    command = [sys.executable, "-m", "omnisync.cli"]
    options = ["--config", str(config)]
    key = subprocess.run(
        [*command, "keys", "create", "--role", "ops", "--name", "test", *options],
        env=environ, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    process = subprocess.Popen([*command, "serve", "--no-worker", "--port", str(port), *options], env=environ)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}/readyz", process)
        ops_key = next(word for word in key.split() if word.startswith("omni_"))
        yield Server(f"http://127.0.0.1:{port}", codes, ops_key)
    finally:
        process.terminate()
        process.wait(timeout=20)


@dataclass
class Door:
    """Where devices come that do not trust the house yet."""

    url: str


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The http door of `omnisync serve --tls`."""
    folder, port = tmp_path_factory.mktemp("trusted"), _free_port()
    config, url = folder / "omnisync.toml", f"http://127.0.0.1:{port}"
    config.write_text(CONFIG.format(folder=folder, plain_port=port))
    command = [sys.executable, "-m", "omnisync.cli", "serve", "--tls", "--no-worker", "--port", "0"]
    environ = {**os.environ, "SECRET": "not-a-real-secret"}
    process = subprocess.Popen([*command, "--config", str(config)], env=environ)
    try:
        _wait_until_ready(f"{url}/trust", process)
        yield Door(url)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A real browser; what the pages say on its console is collected by `open_page`."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no browser for tests: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="no browser for tests: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Any]:
    """`open_page(width, height, dark=False)`: a fresh page; afterwards its console must have been quiet."""
    contexts: list[Any] = []
    said: list[str] = []

    def make(
        width: int, height: int, *, dark: bool = False, touch: bool = False, may_say: str = "", locale: str = "de-DE"
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", has_touch=touch,
            locale=locale, timezone_id="Europe/Berlin", reduced_motion="reduce",
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda line: said.append(line.text) if _is_fault(line, may_say) else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert said == []


def _is_fault(line: Any, may_say: str) -> bool:
    """Whether a line of the console is a fault that the test does not provoke itself."""
    return line.type in ("error", "warning") and not (may_say and may_say in line.text)
