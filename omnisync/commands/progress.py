"""How far a long command is, on a terminal; nothing where a program reads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def counted(title: str) -> Iterator[Callable[[int, int], None]]:
    """Call it with how much is done, of how much."""
    with Progress(console=Console(stderr=True), transient=True, disable=_unseen()) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], object]]:
    """Call it with the name of each step as it begins."""
    with Progress(console=Console(stderr=True), transient=True, disable=_unseen()) as bar:
        task = bar.add_task("", total=total, completed=-1)
        yield lambda name: bar.update(task, description=name.replace("_", " "), advance=1)


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """That something goes on of which nobody knows the length, and since when."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=_unseen()) as bar:
        bar.add_task(title, total=None)
        yield


def _unseen() -> bool:
    return not sys.stderr.isatty()
