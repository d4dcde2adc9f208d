from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from omnisync.pages import catalogues, languages, words
from tests.pages.ops_site import opened

BERLIN = ZoneInfo("Europe/Berlin")
PLACES = re.compile(r"%\((\w+)\)s")
EVERY = [(language, part) for language in catalogues.TRANSLATED for part in catalogues.PARTS]


@pytest.fixture
def german():
    return words.speaking("de")


@pytest.fixture
def english():
    return words.speaking("en")


@pytest.mark.parametrize(("language", "part"), EVERY)
def test_every_text_of_the_pages_stands_in_the_catalogue_and_none_is_stale(language, part):
    now, kept = catalogues.collected(part), catalogues.read(language, part)

    texts, translated = ({one.id for one in of if one.id} for of in (now, kept))

    assert texts - translated == set(), "mend: python -m omnisync.pages.words"
    assert translated - texts == set(), "stale; mend: python -m omnisync.pages.words"
    assert catalogues.missing(kept) == []


@pytest.mark.parametrize(("language", "part"), EVERY)
def test_a_catalogue_stands_as_the_command_writes_it(language, part):
    file = catalogues.path_of(language, part).read_text(encoding="utf-8")

    written = catalogues.written(catalogues.brought_up_to_date(language, part), language)

    assert file == written, "mend: python -m omnisync.pages.words"


@pytest.mark.parametrize(("language", "part"), EVERY)
def test_a_translation_names_what_its_text_names(language, part):
    found = [(one.id, one.string) for one in catalogues.read(language, part) if one.id]

    wrong = [text for text, said in found if _places(text) != _places(said)]

    assert wrong == []


@pytest.mark.parametrize("language", catalogues.TRANSLATED)
def test_one_text_has_one_translation_in_all_catalogues(language):
    said: dict[object, set[object]] = {}
    for part in catalogues.PARTS:
        for one in catalogues.read(language, part):
            said.setdefault(one.id, set()).add(one.string)

    assert [text for text, translations in said.items() if len(translations) > 1] == []


def test_templates_and_code_are_both_collected(tmp_path):
    (tmp_path / "templates" / "staff").mkdir(parents=True)
    (tmp_path / "templates" / "staff" / "list.html").write_text(
        '{{ _("To pick") }}{{ ngettext("%(num)s piece", "%(num)s pieces", 2) }}'
    )
    (tmp_path / "ops_view.py").write_text(
        "TABLE = {\"a\": later(\"On time\")}\n\ndef told(say): return f\"{say('Late')} {say.ngettext('a', 'b', 2)}\"\n"
    )

    desk, office = ({one.id for one in catalogues.collected(part, tmp_path) if one.id} for part in catalogues.PARTS)

    assert desk == {"To pick", ("%(num)s piece", "%(num)s pieces")}
    assert office == {"On time", "Late", ("a", "b")}


def test_a_text_is_said_in_the_readers_language(german, english):
    assert (german("Sync overview"), english("Sync overview")) == ("Sync-Übersicht", "Sync overview")
    assert german("%(span)s ago", span="3 h") == "vor 3 h"
    assert german("A text nobody knows") == "A text nobody knows"


def test_plurals_follow_the_number_and_write_it_as_the_language_does(german, english):
    assert [german.ngettext("%(num)s day", "%(num)s days", n) for n in (0, 1, 1200)] == [
        "0 Tage",
        "1 Tag",
        "1.200 Tage",
    ]
    assert [english.ngettext("%(num)s day", "%(num)s days", n) for n in (0, 1, 1200)] == [
        "0 days",
        "1 day",
        "1,200 days",
    ]
    assert english.ngettext("%(num)s thing", "%(num)s things", 1) == "1 thing"


def test_numbers_money_and_times_are_written_as_the_language_does(german, english):
    at = datetime(2026, 11, 19, 13, 21, 7, tzinfo=UTC)

    assert [one.money(123456, "EUR") for one in (german, english)] == ["1.234,56\N{NO-BREAK SPACE}€", "€1,234.56"]
    assert german.money(None, "EUR") == ""
    assert [one.percent(0.125) for one in (german, english)] == ["12,5 %", "12.5 %"]
    assert [one.moment(at, BERLIN) for one in (german, english)] == ["19.11.2026, 14:21:07", "19/11/2026, 14:21:07"]
    assert german.when(at, at, BERLIN) == "14:21"
    assert german.when(at, at.replace(day=21), BERLIN) == "19.11. 14:21"
    assert german.day(at, BERLIN) == "Do., 19.11."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.42, "0,4 s"), (12, "12 s"), (252, "4 min 12 s"), (7500, "2 h 5 min"), (259200, "3 Tage")],
)
def test_a_span_is_as_long_as_it_needs_to_be(german, seconds, said):
    assert german.span(seconds) == said


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("", "", "de"),
        ("", "en-US,en;q=0.9,de;q=0.8", "en"),
        ("", "fr-FR,en;q=0.4,de-AT;q=0.8", "de"),
        ("", "fr, *;q=0.1, en;q=nonsense", "de"),
        ("", "en;q=0", "de"),
        ("en", "de", "en"),
        ("xx", "en", "en"),
    ],
)
def test_the_choice_comes_before_the_browser_and_the_browser_before_german(chosen, accepted, language):
    assert words.negotiated(chosen, accepted) == language


def test_the_switch_changes_the_language_and_leads_back(engine, clock):
    async def story(site):
        await site.log_in("kim")
        before = (await site.browser.get("/ops")).text
        headers = {"content-type": "application/x-www-form-urlencoded", "referer": "http://omnisync/ops?range=1h"}
        pressed = await site.browser.post("/language", content="language=en", headers=headers)
        return before, pressed, (await site.browser.get("/ops")).text

    before, pressed, after = asyncio.run(_played(engine, clock, story))

    assert '<html lang="de">' in before
    assert "Dieses Konto darf das nicht sehen." in before
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/ops?range=1h")
    assert '<html lang="en">' in after
    assert "This account may not see this." in after


@pytest.mark.parametrize("referer", ["https://evil.example/ops", "http://omnisync//evil.example", "", "nonsense"])
def test_the_switch_leads_to_this_site_only(engine, clock, referer):
    async def story(site):
        headers = {"content-type": "application/x-www-form-urlencoded", "referer": referer}
        return await site.browser.post("/language", content="language=klingon", headers=headers)

    answer = asyncio.run(_played(engine, clock, story))

    assert answer.headers["location"] == "/"
    assert languages.COOKIE not in answer.headers.get("set-cookie", "")


def _places(texts: str | tuple[str, ...] | list[str]) -> set[str]:
    return set(PLACES.findall(texts if isinstance(texts, str) else " ".join(texts)))


async def _played(engine, clock, story):
    async with opened(engine, clock) as site:
        return await story(site)
