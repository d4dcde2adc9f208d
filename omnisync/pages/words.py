"""The pages' words in the reader's language, with numbers, money and times as that language writes them.

Texts stand in English in templates and code. `python -m omnisync.pages.words` collects them into `locale/<language>/*.po`.
In a template: `{{ _("To pick") }}`, `{{ ngettext("%(num)s piece", "%(num)s pieces", n) }}`, `{{ 8490 | money("EUR") }}`.
In code, with `say: Words`: `say("To pick")`, `say.ngettext(...)`, `say.money(...)`. A text in a table is marked `later("To pick")` and said by `say(text)`.
A text that has values is a %-format: `say("%(name)s takes care", name=...)`, with `%%` for a per cent sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from babel.core import parse_locale
from babel.dates import format_datetime, format_skeleton
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent
from jinja2 import Environment, PackageLoader, StrictUndefined

from omnisync.pages import catalogues
from omnisync.values import Money

DEFAULT = "de"
LANGUAGES = {"de": "Deutsch", "en": "English"}
"""language -> its name for itself"""
_LOCALES = {"de": "de_DE", "en": "en_GB"}


def later(text: str) -> str:
    """A text that stands in a table and is said by whoever knows the reader."""
    return text


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """One language: its texts and its way to write numbers."""

    language: str
    locale: str
    texts: Mapping[str, tuple[str, ...]]

    def __call__(self, text: str, /, **values: object) -> str:
        """The text in this language; one that is not in the catalogue is said as it stands."""
        said = self.texts.get(text, (text,))[0]
        return said % values if values else said

    def ngettext(self, one: str, many: str, num: int, /, **values: object) -> str:
        """The text for that many, with the number itself as %(num)s."""
        said = self.texts.get(one, (one, many))[0 if num == 1 else -1]
        return said % {"num": self.number(num), **values}

    def number(self, value: float) -> str:
        """`12.345` in German, `12,345` in English."""
        return str(format_decimal(value, locale=self.locale))

    def percent(self, share: float) -> str:
        """`2,5 %`"""
        return str(format_percent(share, format=None if not share else "0.0 %", locale=self.locale))

    def money(self, minor: int | None, currency: str | None) -> str:
        """`84,90 €`; empty where we do not know."""
        if minor is None or currency is None:
            return ""
        return str(format_currency(Money(minor, currency).decimal(), currency, locale=self.locale))

    def listed(self, names: Sequence[str]) -> str:
        """`Kasse, Onlineshop und eBay`"""
        return str(format_list(names, locale=self.locale))

    def date(self, moment: datetime, zone: ZoneInfo) -> str:
        """`19.11.2026`"""
        return str(format_skeleton("yMMdd", moment, tzinfo=zone, locale=self.locale))

    def day(self, moment: datetime, zone: ZoneInfo) -> str:
        """`Do, 19.11.`, for what is near."""
        return str(format_skeleton("MEd", moment, tzinfo=zone, locale=self.locale))

    def short_date(self, moment: datetime, zone: ZoneInfo) -> str:
        """`19.11.`"""
        return str(format_skeleton("Md", moment, tzinfo=zone, locale=self.locale))

    def time(self, moment: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
        """`14:21`"""
        return str(format_datetime(moment, "HH:mm:ss" if seconds else "HH:mm", tzinfo=zone, locale=self.locale))

    def moment(self, moment: datetime, zone: ZoneInfo) -> str:
        """`19.11.2026, 14:21:07`: a moment that somebody may have to prove."""
        return f"{self.date(moment, zone)}, {self.time(moment, zone, seconds=True)}"

    def when(self, moment: datetime, now: datetime, zone: ZoneInfo) -> str:
        """`14:21` today, `19.11. 14:21` before."""
        today = moment.astimezone(zone).date() == now.astimezone(zone).date()
        return self.time(moment, zone) if today else f"{self.short_date(moment, zone)} {self.time(moment, zone)}"

    def span(self, seconds: float) -> str:
        """`0,4 s`, `12 s`, `4 min 12 s`, `2 h 5 min`, `3 Tage`"""
        if seconds < 9.95:
            return f"{format_decimal(round(seconds, 1), format='0.0', locale=self.locale)} s"
        whole = round(seconds)
        minutes, hours, days = whole // 60, whole // 3600, whole // 86400
        if not minutes:
            return f"{whole} s"
        if not hours:
            return f"{minutes} min {whole % 60} s" if whole % 60 else f"{minutes} min"
        if not days:
            return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
        return self.ngettext("%(num)s day", "%(num)s days", days)

    def ago(self, moment: datetime | None, now: datetime) -> str:
        """How long ago, in one unit: what is read at a glance."""
        if moment is None:
            return self("never")
        seconds = max(0, int((now - moment) / timedelta(seconds=1)))
        if seconds >= 86400:
            return self.ngettext("%(num)s day ago", "%(num)s days ago", seconds // 86400)
        size, unit = next((one for one in ((3600, "h"), (60, "min")) if seconds >= one[0]), (1, "s"))
        return self("%(span)s ago", span=f"{seconds // size} {unit}")


@cache
def speaking(language: str) -> Words:
    """The words of a language of ours; the default for any other."""
    known = language if language in LANGUAGES else DEFAULT
    return Words(known, _LOCALES[known], _texts(known))


def negotiated(chosen: str, accepted: str) -> str:
    """The language that was chosen, else the one the browser likes best (an Accept-Language header), else the default."""
    if chosen in LANGUAGES:
        return chosen
    liked = sorted((_liking(one) for one in accepted.split(",")), key=lambda one: -one[1])
    return next((name for name, weight in liked if name in LANGUAGES and weight > 0), DEFAULT)


def environment(say: Words) -> Environment:
    """Templates that speak this language; everything in them is escaped."""
    found = Environment(loader=PackageLoader("omnisync.pages"), autoescape=True, undefined=StrictUndefined)
    found.globals |= {"_": say, "ngettext": say.ngettext, "say": say, "language": say.language, "languages": LANGUAGES}
    for name in ("number", "percent", "money", "date", "day", "short_date", "time", "moment", "when", "span", "ago"):
        found.filters[name] = getattr(say, name)
    return found


def _texts(language: str) -> dict[str, tuple[str, ...]]:
    if language == catalogues.SOURCE:
        return {}
    found = (one for part in catalogues.PARTS for one in catalogues.read(language, part) if one.id and one.string)
    return {_first(one.id): catalogues.strings(one.string) for one in found}


def _first(text: str | tuple[str, ...] | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


def _liking(one: str) -> tuple[str, float]:
    """`de-AT;q=0.8` -> ("de", 0.8); what makes no sense is liked not at all."""
    name, _, weight = one.strip().partition(";q=")
    try:
        return parse_locale(name.strip(), sep="-")[0], float(weight or 1)
    except ValueError:
        return "", 0.0


def main() -> None:
    """Collect the texts, and say what waits for its translation."""
    for path, missing in catalogues.update():
        print(f"{path.name}: {len(missing)} without a translation")
        for text in missing:
            print(f"  {text}")


if __name__ == "__main__":
    main()
