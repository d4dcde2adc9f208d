"""What the engine and the adapters say in English, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from omnisync.pages import ops_german, ops_german_files
from omnisync.pages.words import Words

_GAP = "{}"
_FILLED = re.compile(r"\{(\d)\}")


def said(text: str, say: Words) -> str:
    """What was said, in the reader's language where we know the sentence, else as it is: another package's adapter has its own."""
    for pattern, told in _KNOWN.get(say.language, ()):
        if found := pattern.fullmatch(text.strip()):
            return _filled(told, found)
    return text


def _filled(told: str, found: re.Match[str]) -> str:
    return _FILLED.sub(lambda gap: _fault(found[int(gap[1])]), told)


def _fault(text: str) -> str:
    """What differs may itself be a sentence of ours: what is wrong with a line of a file."""
    for pattern, told in _FAULTS:
        if found := pattern.fullmatch(text):
            return _FILLED.sub(lambda gap: found[int(gap[1])], told)
    return text


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(map(re.escape, sentence.split(_GAP))), re.DOTALL)


def _said_most_first(phrases: Sequence[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    """`Order {} cannot be understood` before `Order {}`."""
    by_words = sorted(phrases, key=lambda phrase: len(phrase[0].replace(_GAP, "")), reverse=True)
    return [(_pattern(sentence), told) for sentence, told in by_words]


_FAULTS = _said_most_first(ops_german_files.GERMAN)
_KNOWN: Mapping[str, Sequence[tuple[re.Pattern[str], str]]] = {"de": _said_most_first(ops_german.GERMAN)}
