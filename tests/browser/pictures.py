"""The pictures of README and docs, taken of a demo that runs: `python3 run.py -- python -m tests.browser.pictures [FOLDER]`.

They show the simulated retailer of the demo, never anybody's own data. Chromium has to be there (`apt-get install chromium`).
`staff.png` and `till.png` are taken by tests/browser/test_staff.py and test_till.py (OMNISYNC_PICTURES names the folder): the demo's own
staff leaves nothing to pick.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

DESKTOP, PHONE = (1440, 900), (390, 844)
BUSY_SECONDS = 45
"""Until something has been sold everywhere and pickups wait."""
ENDS_BY_ITSELF_SECONDS = 300
_PLACE = re.compile(r"(?P<name>Ops|Staff) +(?P<url>http\S+) +login (?P<login>\w+), password (?P<password>\w+)")


class Place(NamedTuple):
    """A page of the demo, and who may see it."""

    url: str
    login: str
    password: str


class Picture(NamedTuple):
    """What is shown, as whom, and on what screen."""

    door: str
    path: str
    size: tuple[int, int]


PICTURES: Mapping[str, Picture] = {
    "ops": Picture("Ops", "/ops", DESKTOP),
    "today": Picture("Ops", "/ops/today", DESKTOP),
    "stock": Picture("Ops", "/ops/stock", DESKTOP),
    "channel": Picture("Ops", "/ops/channel?name=webshop", DESKTOP),
    "ops-phone": Picture("Ops", "/ops", PHONE),
}


def main(folder: Path) -> None:
    """Take them all; what is there is replaced."""
    with _demo() as places, _chromium() as browser:
        time.sleep(BUSY_SECONDS)
        for name, picture in PICTURES.items():
            place, (width, height) = places[picture.door], picture.size
            page = browser.new_page(
                viewport={"width": width, "height": height}, locale="de-DE", timezone_id="Europe/Berlin"
            )
            _log_in(page, place)
            page.goto(place.url.rsplit("/", 1)[0] + picture.path)
            page.wait_for_timeout(500)  # fonts and charts
            page.screenshot(path=folder / f"{name}.png")
            page.close()
            print(folder / f"{name}.png")


@contextmanager
def _demo() -> Iterator[Mapping[str, Place]]:
    command = [sys.executable, "-m", "omnisync.demo", "--for", str(ENDS_BY_ITSELF_SECONDS)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    places: dict[str, Place] = {}
    try:
        for line in process.stderr:
            if found := _PLACE.search(line):
                places[found["name"]] = Place(found["url"], found["login"], found["password"])
            if "ends by itself" in line:
                break
        yield places
    finally:
        process.terminate()
        process.communicate(timeout=60)


@contextmanager
def _chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("There is no browser to take pictures with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def _log_in(page: Any, place: Place) -> None:
    page.goto(place.url)
    page.get_by_label("Name").fill(place.login)
    page.get_by_label("Passwort").fill(place.password)
    page.get_by_role("button", name="Anmelden").click()
    page.wait_for_load_state()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
