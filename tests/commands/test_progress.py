from __future__ import annotations

import io
import sys

import pytest

from omnisync.commands import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "shows"), [(Terminal, True), (io.StringIO, False)])
def test_a_terminal_sees_how_far_it_is_and_a_program_reads_nothing(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], shows: bool
) -> None:
    written = stream()
    monkeypatch.setattr(sys, "stderr", written)

    with progress.counted("copy.db") as done:
        done(30, 120)
    with progress.steps(2) as begins:
        begins("all_quantities_are_sums")
        begins("nothing_ends_twice")
    with progress.waiting("webshop"):
        pass

    said = [word in written.getvalue() for word in ("copy.db", "25%", "nothing ends twice", "webshop")]
    assert said == [shows] * 4
    assert bool(written.getvalue()) is shows
