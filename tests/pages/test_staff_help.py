"""The instructions: in the words of the screens, in both languages, for whoever may see the desk."""

from __future__ import annotations

from pathlib import Path

import pytest

import omnisync.pages
from omnisync.pages import staff_help
from tests.pages.test_practice import begin, words
from tests.pages.test_staff import play

TEMPLATES = Path(omnisync.pages.__file__).parent / "templates" / "staff"
ON_SCREENS = "".join(one.read_text(encoding="utf-8") for one in TEMPLATES.glob("*.html") if one.name != "help.html")
TABS = {"Done"}
"""What the list's table calls its tabs."""


@pytest.mark.parametrize(
    "word", sorted({word for _, steps in staff_help.CHAPTERS for step in steps for word in step.words} - TABS)
)
def test_what_the_instructions_name_stands_on_a_screen(word):
    assert f'_("{word}")' in ON_SCREENS


def test_they_are_read_in_german_and_in_english(engine, clock):
    async def story(site):
        await site.log_in()
        german = (await site.get("/staff/help")).text
        await site.post("/language", language="en")
        return german, (await site.get("/staff/help")).text

    german, english = map(words, play(engine, clock, story))

    assert "„Annehmen“ übernimmt die Bestellung" in german
    assert "„Problem“ in der Zeile: „Nicht gefunden“ oder „Beschädigt“." in german
    assert "“Accept” takes the order" in english
    assert "%(" not in german + english


def test_the_list_leads_there_and_so_does_a_practice_without_leaving_it(engine, clock):
    async def story(site):
        nobody = await site.get("/staff/help")
        await site.log_in()
        return nobody, (await site.get("/staff")).text, await begin(site), (await site.get("/practice/staff/help")).text

    nobody, real, practice, inside = play(engine, clock, story)

    assert nobody.headers["location"] == "/staff/login"
    assert 'href="/staff/help?store=linden"' in real
    assert 'href="/practice/staff/help?store=linden"' in practice
    assert "Übung: hier ist nichts echt" in words(inside)
