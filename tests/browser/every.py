"""Every page of a door, opened once on each screen and looked at for all that pages keep to: to open it is what costs most."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser.addresses import Where, go
from tests.browser.day import PASSWORD
from tests.browser.rules import ALL, OF_COLOURS, broken

WIDTHS = (320, 360, 390, 768, 1366)
MAY_SAY = "Failed to load resource"
"""One of the pages shows what is not there any more."""
Look = Callable[[Any, int], list[str]]
"""What is wrong with a page on a screen so wide."""


@dataclass(frozen=True)
class Door:
    """Who comes in where, and which pages there are behind it."""

    name: str
    path: str
    pages: Mapping[str, tuple[Where, ...]]

    def __iter__(self) -> Iterator[Where]:
        return (one for found in self.pages.values() for one in found)


def log_in(page: Any, server: Any, name: str, then: str) -> Any:
    page.goto(f"{server.url}/staff/login?next={then}")
    page.locator("[name=name]").fill(name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form:has([name=password]) button").click()
    page.get_by_role("heading", level=1).wait_for()
    return page


class Tour:
    """One browser goes from page to page; what is wrong is gathered, and nothing may be wrong in the end."""

    def __init__(self, page: Any, server: Any, look: Look = lambda page, width: []) -> None:
        self.page, self.server, self._look = page, server, look
        self._screen: Mapping[str, int] = page.viewport_size
        self.wrong: dict[str, list[str]] = {}
        self._asked: list[str] = []
        page.on("request", lambda request: self._asked.append(request.url))

    def come(self, where: Where) -> str:
        """Open a page; its name."""
        self.page.set_viewport_size(self._screen)
        assert go(self.page, self.server, where), where
        return str(where)

    def note(self, name: str, faults: list[str]) -> None:
        if faults:
            self.wrong[name] = self.wrong.get(name, []) + faults

    def see(self, name: str) -> None:
        """The page that is open breaks no rule and passes the look, in light and in dark, which differ by their colours alone."""
        for light, rules in (("light", ALL), ("dark", OF_COLOURS)):
            self.page.emulate_media(color_scheme=light)
            _picture(self.page, f"{name}-{self._screen['width']}-{light}")
            self.note(f"{name}, {light}", [*broken(self.page, rules), *self._look(self.page, self._screen["width"])])
        self.page.emulate_media(color_scheme="light")

    def squeeze(self, name: str) -> None:
        """The page that is open is as wide as its screen, on each screen, and passes the look on the smallest."""
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 700})
            found = self.page.evaluate("document.documentElement.scrollWidth")
            self.note(name, [f"{found} wide on {width}"] if found > width else [])
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 844})
        self.note(f"{name}, {WIDTHS[0]}", self._look(self.page, WIDTHS[0]))

    def ended_well(self) -> None:
        """Nothing was wrong, and nothing was asked of another host."""
        assert self.wrong == {}, json.dumps(self.wrong, indent=1, ensure_ascii=False)
        assert [url for url in self._asked if not url.startswith((f"{self.server.url}/", "data:"))] == []


def _picture(page: Any, name: str) -> None:
    """Keep what it looked like, for people: OMNISYNC_PICTURES names a folder."""
    folder = os.environ.get("OMNISYNC_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / (re.sub(r"\W+", "-", name).strip("-") + ".png"), full_page=True)
