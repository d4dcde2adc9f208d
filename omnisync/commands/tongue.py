"""The language of a terminal: German where its locale is a German one, else English. What programs read (`--json`) stays English."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from omnisync.commands import german, german_checks, german_doctor, german_golive
from omnisync.pages import ops_phrases
from omnisync.pages.ops_phrases import Phrases

Say = Callable[[str], str]
NAMED_BY = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first of these that is set tells, as for every other program."""

_HINTED = re.compile(r"(?P<said>.*), did you mean (?P<word>.+)\?", re.DOTALL)
_OF_A_COLUMN = re.compile(r"(?P<column>[a-z_]+): (?P<said>.+)", re.DOTALL)
_PLAIN = str.maketrans({"„": '"', "“": '"', "…": "..."})
"""A terminal that is not in UTF-8 has no others."""


def of(environ: Mapping[str, str]) -> Say:
    """How this terminal's reader is spoken to."""
    return _in_german if _is_german(environ) else str


def named(environ: Mapping[str, str]) -> Say:
    """What the things that `doctor` and `golive` look at are called there, a channel's name before them or not."""
    return _named_in_german if _is_german(environ) else str


def _is_german(environ: Mapping[str, str]) -> bool:
    told = next((environ[name] for name in NAMED_BY if environ.get(name)), "")
    return re.match(r"de(_|\.|@|$)", told) is not None


def _in_german(text: str) -> str:
    """Where we know the sentence, else as it is; after the column it is about, and before what may have been meant."""
    if hinted := _HINTED.fullmatch(text):
        return f"{_in_german(hinted['said'])}, gemeint ist vielleicht {hinted['word']}?"
    if known := _GERMAN.find(text) or _COMPOSED.find(text):
        return known
    column = _OF_A_COLUMN.fullmatch(text)
    if column and (told := _in_german(column["said"])) != column["said"]:
        return f"{column['column']}: {told}"
    engines = ops_phrases.GERMAN.find(text)
    return engines.translate(_PLAIN) if engines else text


def _within(text: str) -> str:
    """A part of a composed sentence: a sentence without its full stop, or several parts with commas between."""
    parts = text.split(", ")
    if len(parts) > 1 and all(_COMPOSED.find(part) for part in parts):
        return ", ".join(map(_within, parts))
    told = _in_german(text)
    return told if told != text else _in_german(f"{text}.").removesuffix(".")


def _named_in_german(text: str) -> str:
    if known := _NAMES.find(text):
        return known
    channel, _, rest = text.partition(" ")
    return f"{channel} {_NAMES.say(rest)}" if rest else text


_GERMAN = Phrases((*german.GERMAN, *german_doctor.GERMAN, *german_checks.GERMAN, *german_golive.GERMAN))
_COMPOSED = Phrases(german_doctor.COMPOSED, _within)
_NAMES = Phrases(german_doctor.SUBJECTS)
