"""A terminal in German is spoken to in German: everything that an import says, and nothing that a program reads."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omnisync.commands import german, tongue
from omnisync.imports.faults import TITLES
from tests.commands.test_imports import CATALOG, folder  # noqa: F401  the same shop's files

IMPORTS = Path(__file__).parents[2] / "omnisync" / "imports"
GERMAN = tongue.of({"LANG": "de_DE.UTF-8"})
SPOKEN = {"Fault", "CellFault", "fault", "Refused", "NotFound", "Conflict", "_both"}


@pytest.fixture
def world(world):
    return replace(world, environ={"LANG": "de_DE.UTF-8"})


@pytest.mark.parametrize(
    ("environ", "is_german"),
    [
        ({"LANG": "de_DE.UTF-8"}, True), ({"LANG": "de"}, True), ({"LC_MESSAGES": "de_AT", "LANG": "en_GB"}, True),
        ({"LC_ALL": "C", "LANG": "de_DE.UTF-8"}, False), ({"LANG": "den_CA"}, False), ({"LANG": "en_GB.UTF-8"}, False),
        ({"LC_ALL": "", "LANG": "de_CH@euro"}, True), ({}, False),
    ],
)  # fmt: skip
def test_the_terminals_locale_says_the_language(environ, is_german):
    assert (tongue.of(environ)("1 row") == "1 Zeile") == is_german


def test_faults_are_told_in_german_and_so_are_the_reasons_beside_the_rejected_rows(omnisync, ready, folder):  # noqa: F811
    refused = omnisync("import", "catalog", str(folder / "bad.csv"), config=ready)
    partly = omnisync(
        "import", "catalog", str(folder / "bad.csv"), "--keep-good", str(folder / "rest.csv"), config=ready
    )

    assert (
        "Preise ohne bekannte Währung (Zeile 3):\n  Zeile 3: currency: ein Preis braucht eine, etwa EUR" in refused.err
    )
    assert "Zellen, die nicht leer sein dürfen (Zeile 4):\n  Zeile 4: title: jeder Artikel hat einen" in refused.err
    assert refused.out == (
        "bad.csv: 4 Zeilen, 2 neu, 0 anders, 0 stehen schon so da, 2 haben Fehler.\n"
        "Nichts wurde geändert. Die Datei berichtigen, oder die guten Zeilen mit --keep-good REST.csv importieren.\n"
    )
    assert "2 Zeilen blieben draußen; sie stehen mit den Gründen in" in partly.out
    assert "currency: ein Preis braucht eine, etwa EUR" in (folder / "rest.csv").read_text("utf-8-sig")


def test_what_would_change_is_told_in_german_with_a_hint_at_what_was_meant(omnisync, ready, folder):  # noqa: F811
    omnisync("import", "catalog", str(folder / "catalog.csv"), config=ready)
    (folder / "catalog.csv").write_text(CATALOG.replace("Lampe", "Leuchte") + "NEW;Neu;;1;EUR\n")
    (folder / "stock.csv").write_text("sku,location,on_hand\nLAMP,lindn,7\nLAMPE,linden,1\n")

    changes = omnisync("import", "catalog", str(folder / "catalog.csv"), "--check", config=ready)
    faults = omnisync("import", "stock", str(folder / "stock.csv"), config=ready)

    assert "  Zeile 2: LAMP: title Lampe -> Leuchte\n  Zeile 3: NEW ist neu\n" in changes.out
    assert '  Zeile 2: location: "lindn", gemeint ist vielleicht linden?\n' in faults.err
    assert "  Zeile 3: LAMPE, gemeint ist vielleicht LAMP?\n" in faults.err


def test_what_ends_the_command_is_told_in_german_too(omnisync, ready, tmp_path):
    (tmp_path / "empty.csv").write_text("")

    ran = omnisync("import", "catalog", str(tmp_path / "empty.csv"), config=ready)
    unknown = omnisync("import", "undo", "nothing", config=ready)

    assert (ran.code, ran.err) == (2, f"omnisync: {tmp_path}/empty.csv ist leer.\n")
    assert (unknown.code, unknown.err) == (2, "omnisync: Es gibt keinen Import nothing.\n")


def test_what_a_program_reads_stays_as_it_is(omnisync, ready, folder):  # noqa: F811
    ran = omnisync("import", "catalog", str(folder / "bad.csv"), "--json", config=ready)

    told = json.loads(ran.out)["faults"][0]
    assert (told["title"], told["examples"][0]["message"]) == (
        "Prices without a known currency", "currency: a price needs one, such as EUR",
    )  # fmt: skip


def sentences(file: Path) -> Iterator[str]:
    """What is said in it, with 7 for whatever differs."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in SPOKEN:
            yield from (text for one in node.args if " " in (text := _text(one)).strip() and text.strip('7 ":.,()'))


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.IfExp):
        return _text(node.orelse)
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "7" for one in node.values)
    return ""


@pytest.mark.parametrize("file", [pytest.param(file, id=file.name) for file in sorted(IMPORTS.glob("*.py"))])
def test_whatever_an_import_says_is_said_in_german_too(file: Path) -> None:
    told = {_whole(sentence) for sentence in sentences(file)}

    assert [sentence for sentence in sorted(told) if GERMAN(sentence) == sentence] == []


JOINED = {
    "7 stands on line": "7 stands on line 7 too", "7 7 too": "7 stands on line 7 too", "7 7 already": "7 stands on line 7 already",
    "7 cells where the first line has 77": "7 cells where the first line has 7", '"7" is not allowed; write 7': "yes",
    '"7" is no ISO 4217 currency code such as EUR7': '"7" is no ISO 4217 currency code such as EUR',
    "7 holds 7, which is no article7": "7 holds 7, which is no article", 'title: "7"': "yes", "barcode: 7": "yes",
}  # fmt: skip
"""Sentences that are put together from parts, that end with a hint, or that say nothing of their own."""


def _whole(sentence: str) -> str:
    return JOINED.get(sentence, sentence)


@pytest.mark.parametrize("words", ["yes or no", "piece or gram"])
def test_what_may_be_chosen_is_named_in_german_sentences_too(words: str) -> None:
    assert "nicht erlaubt" in GERMAN(f'"x" is not allowed; write {words}')


def test_there_is_something_to_say() -> None:
    assert sum(len(set(sentences(file))) for file in IMPORTS.glob("*.py")) > 35


@pytest.mark.parametrize("title", TITLES.values())
def test_every_kind_of_fault_has_its_german_title(title: str) -> None:
    assert GERMAN(title) != title


@pytest.mark.parametrize(("english", "told"), german.GERMAN)
def test_each_phrase_is_found_by_its_own_sentence_and_keeps_what_differs(english: str, told: str) -> None:
    differs = [f"<{number}>" for number in range(1, english.count("{}") + 1)]
    expected = told
    for number, one in enumerate(differs, 1):
        expected = expected.replace(f"{{{number}}}", one)

    assert GERMAN(english.format(*differs)) == expected


def test_a_sentence_that_nobody_translated_is_said_as_it_is() -> None:
    assert GERMAN("title: something of somebody's own") == "title: something of somebody's own"
