"""What the engine and the adapters say in English, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from omnisync.pages import ops_german, ops_german_adapters, ops_german_files
from omnisync.pages.words import Words

_GAP = "{}"
_FILLED = re.compile(r"\{(\d)\}")


class Phrases:
    """Sentences of ours and how they are said in another language: `{}` stands for what differs, there `{1}` for the first of it."""

    def __init__(self, phrases: Sequence[tuple[str, str]], within: Callable[[str], str] = str) -> None:
        """What differs may itself be a sentence of ours: `within` says it."""
        # `Order {} cannot be understood` before `Order {}`.
        by_words = sorted(phrases, key=lambda phrase: len(phrase[0].replace(_GAP, "")), reverse=True)
        self._known = [(_pattern(sentence), told) for sentence, told in by_words]
        self._within = within

    def find(self, text: str) -> str | None:
        """The sentence in that language; None when it is not known."""
        for pattern, told in self._known:
            if found := pattern.fullmatch(text):
                return _filled(told, found, self._within)
        return None

    def say(self, text: str) -> str:
        """The sentence in that language, else as it is."""
        return self.find(text) or text


def _filled(told: str, found: re.Match[str], within: Callable[[str], str]) -> str:
    return _FILLED.sub(lambda gap: within(found[int(gap[1])]), told)


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(map(re.escape, sentence.split(_GAP))), re.DOTALL)


GERMAN = Phrases((*ops_german.GERMAN, *ops_german_adapters.GERMAN), Phrases(ops_german_files.GERMAN).say)
"""What the engine and our adapters say, in German; of what differs, what is wrong with a line of a file."""
_KNOWN: Mapping[str, Phrases] = {"de": GERMAN}


def said(text: str, say: Words) -> str:
    """What was said, in the reader's language where we know the sentence, else as it is: another package's adapter has its own."""
    known = _KNOWN.get(say.language)
    return (known.find(text.strip()) if known else None) or text
