"""Staff and ops read German: whatever the engine or an adapter of ours says about a message or a write has German words."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

from omnisync.adapters.csv import columns
from omnisync.adapters.csv.settings import TillSettings
from omnisync.pages import ops_german, ops_german_adapters, ops_german_files
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import speaking

CODE = Path(__file__).parents[2] / "omnisync"
ADAPTERS = [file for file in sorted((CODE / "adapters").rglob("*.py")) if file.name != "checking.py"]
"""What their checks say is read in a terminal only: tests/commands/test_tongue_checks.py."""
FILES = [*ADAPTERS, *sorted((CODE / "sync").glob("*.py"))]
SPOKEN = {"NeedsAttention", "TryLater", "Published", "Unreadable", "Letter", "RateLimited", "Unanswered", "Declined"}
OF_THEIR_OWN = {"_attention", "_problem", "_give_up"}
"""Functions of adapters and the engine that say what they are handed."""
NAMED = {"reason", "action", "message", "title"}
GERMAN = speaking("de")


def sentences(file: Path, spoken_by: Set[str] = frozenset(SPOKEN | OF_THEIR_OWN)) -> Iterator[str]:
    """What is said in it, with 7 for whatever differs."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and _is_kept(node):
            yield from (text for text in (_text(one) for one in _either(node.value)) if text.endswith("."))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in spoken_by:
            spoken = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in NAMED)]
            told = (_text(one) for each in spoken for one in _either(each))
            yield from (text for text in told if " " in text.strip() and text.strip("7 :.,()"))


def _is_kept(node: ast.Assign) -> bool:
    """Whether this is a sentence that is said elsewhere: a constant, or a reason."""
    [name, *_] = node.targets
    return isinstance(name, ast.Name) and (name.id.isupper() or name.id in NAMED)


def _either(node: ast.expr) -> list[ast.expr]:
    return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(one.value if isinstance(one, ast.Constant) else "7" for one in node.values)
    return ""


@pytest.mark.parametrize("file", [pytest.param(file, id=str(file.relative_to(CODE))) for file in FILES])
def test_what_is_said_is_said_in_german_too(file: Path) -> None:
    told = {
        sentence.replace("7 is not shown 7,", "7 is not shown as 7,").replace("still 7.", "still shows 7.")
        for sentence in sentences(file)
    }
    told -= {"pip install 'omnisync[sftp]'", "Shopify: 7"}  # a command, and what a channel says itself

    assert [sentence for sentence in sorted(told) if said(sentence, GERMAN) == sentence] == []


OFFICE = sorted((CODE / "pages" / "office").glob("*.py"))


@pytest.mark.parametrize("file", [pytest.param(file, id=file.name) for file in OFFICE])
def test_what_the_office_does_not_find_is_said_in_german_too(file: Path) -> None:
    assert [one for one in sorted(sentences(file, {"NotFound"})) if said(one, GERMAN) == one] == []


def test_the_office_has_things_that_are_not_found() -> None:
    assert len({one for file in OFFICE for one in sentences(file, {"NotFound"})}) > 6


def test_there_is_something_to_say() -> None:
    assert sum(len(set(sentences(file))) for file in FILES) > 240


@pytest.mark.parametrize(("english", "german"), [*ops_german.GERMAN, *ops_german_adapters.GERMAN])
def test_each_phrase_is_found_by_its_own_sentence_and_keeps_what_differs(english: str, german: str) -> None:
    differs = [f"<{number}>" for number in range(1, english.count("{}") + 1)]
    expected = german
    for number, one in enumerate(differs, 1):
        expected = expected.replace(f"{{{number}}}", one)

    assert said(english.format(*differs), GERMAN) == expected


@pytest.mark.parametrize(
    ("english", "german"),
    [
        ("Order #1001", "Bestellung #1001"),
        ("Order 7 cannot be understood (KeyError: id).", "Bestellung 7 ist nicht zu verstehen (KeyError: id)."),
        ("Sale of -1 × Hemd Alster S hellblau", "Verkauf von -1 × Hemd Alster S hellblau"),
        ("kasse.csv, line 3: no number.", "kasse.csv, Zeile 3: no number."),
        ("example.com cannot be reached (ConnectError).", "Ist nicht erreichbar."),
        ("Somebody else's adapter speaks.", "Somebody else's adapter speaks."),
    ],
)
def test_the_sentence_that_fits_best_is_said(english: str, german: str) -> None:
    assert said(english, GERMAN) == german
    assert said(english, speaking("en")) == english


OF_FILES = [CODE / "adapters" / "csv" / f"{name}.py" for name in ("reading", "text", "values", "columns")]


def faults(file: Path) -> Iterator[str]:
    """What can be wrong with a file or a line of it, each way it can be said."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ValueError":
            for one in node.args:
                each = [one.body, one.orelse] if isinstance(one, ast.IfExp) else [one]
                yield from (text.replace("decimal 7", "decimal comma") for part in each if (text := _text(part)))


@pytest.mark.parametrize("file", [pytest.param(file, id=file.name) for file in OF_FILES])
def test_what_is_wrong_with_a_line_of_a_file_is_said_in_german_too(file: Path) -> None:
    told = {said(f"sales.csv, line 3: {fault}.", GERMAN): fault for fault in faults(file)}

    assert [fault for german, fault in told.items() if fault in german] == []
    assert all(german.startswith("sales.csv, Zeile 3: ") for german in told)


def test_what_is_wrong_with_a_whole_file_is_said_in_german_too() -> None:
    settings = TillSettings(folder="x")
    for text in ("a;b;c", "receipt;quantity"):
        with pytest.raises(ValueError, match=" ") as wrong:
            columns.find_header([text], "sales", settings)
        told = said(f"sales.csv: {wrong.value}.", GERMAN)
        assert told.startswith(("sales.csv: keine ihrer Zeilen", "sales.csv: ihr fehlt"))


def test_what_differs_in_a_fault_is_kept() -> None:
    assert said("sales.csv, line 3: '1,5' is no whole number of pieces.", GERMAN) == (
        "sales.csv, Zeile 3: '1,5' ist keine ganze Stückzahl."
    )


@pytest.mark.parametrize(("english", "german"), ops_german_files.GERMAN)
def test_each_fault_is_found_by_its_own_words(english: str, german: str) -> None:
    differs = [f"<{number}>" for number in range(1, english.count("{}") + 1)]
    expected = german
    for number, one in enumerate(differs, 1):
        expected = expected.replace(f"{{{number}}}", one)

    assert said(f"x.csv, line 3: {english.format(*differs)}.", GERMAN) == f"x.csv, Zeile 3: {expected}."
