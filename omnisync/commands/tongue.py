"""The language of a terminal: German where its locale is a German one, else English. What programs read (`--json`) stays English."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from omnisync.commands import german
from omnisync.pages.ops_phrases import Phrases

Say = Callable[[str], str]
NAMED_BY = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first of these that is set tells, as for every other program."""

_HINTED = re.compile(r"(?P<said>.*), did you mean (?P<word>.+)\?", re.DOTALL)
_OF_A_COLUMN = re.compile(r"(?P<column>[a-z_]+): (?P<said>.+)", re.DOTALL)
_GERMAN = Phrases(german.GERMAN)


def of(environ: Mapping[str, str]) -> Say:
    """How this terminal's reader is spoken to."""
    told = next((environ[name] for name in NAMED_BY if environ.get(name)), "")
    return _in_german if re.match(r"de(_|\.|@|$)", told) else str


def _in_german(text: str) -> str:
    """Where we know the sentence, else as it is; after the column it is about, and before what may have been meant."""
    if hinted := _HINTED.fullmatch(text):
        return f"{_in_german(hinted['said'])}, gemeint ist vielleicht {hinted['word']}?"
    if known := _GERMAN.find(text):
        return known
    named = _OF_A_COLUMN.fullmatch(text)
    return f"{named['column']}: {_in_german(named['said'])}" if named else text
