"""In a German terminal `doctor`, `plan` and `golive` speak German: each sentence of theirs, of the channels' checks and of what went wrong."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from omnisync.adapters.base import Check
from omnisync.commands import doctor_channels, german_checks, german_doctor, german_golive, tongue
from omnisync.commands.finding import Finding, Level
from omnisync.errors import NeedsAttention
from omnisync.sync.plan import WORDS
from tests.commands.test_golive import channel, shadowed  # noqa: F401  a shop in shadow
from tests.sync.fakes import FakeChannel

CODE = Path(__file__).parents[2] / "omnisync"
ENVIRON = {"LANG": "de_DE.UTF-8"}
GERMAN, NAMED = tongue.of(ENVIRON), tongue.named(ENVIRON)
FILES = [
    *(CODE / "commands" / f"{name}.py" for name in ("doctor", "doctor_channels", "https", "golive")),
    CODE / "sync" / "golive.py", *sorted((CODE / "adapters").rglob("*.py")),
]  # fmt: skip
PLACES = {"Finding": (1, (2, 3)), "Check": (0, (2, 3)), "Question": (0, (2, 3)), "Option": (0, (3,))}
"""Call -> where the name of what is looked at stands, and where what is said of it."""
KEPT_FOR_LATER = {"mend", "told", "detail", "stands", "since", "MEND", "NET", "UPDATE"}
JOINED = {
    "7: too much to be taken off, sales may fall on the wrong side of a count":
        "7 ahead of ours: too much to be taken off, sales may fall on the wrong side of a count",
    "7, which is taken off": "7 ahead of ours, which is taken off",
    "7, 7 tax.": "7, with tax.", "7, silent since: 7": "stand since 7, silent since: 7", "7; 777": "7 listings; 7",
    "77": "late: 7", "7: 777": "late: 7", "7; 77": "7 listings; 7", "7, nothing unclear": "7 listings, nothing unclear", "7, 7 users": "7 keys, 7 users",
    "7, 7": "7 locations, 7 channels", "7 in 7": "7 locations, 7 channels in 7",
}  # fmt: skip
"""Sentences that are put together from parts."""


def said(file: Path) -> Iterator[tuple[bool, str]]:
    """(whether it is a name, what is said), with 7 for whatever differs."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=called), args=args) if called in PLACES:
                name, places = PLACES[called]
                yield from ((True, text) for text in _texts(args, name))
                yield from ((False, text) for place in places for text in _texts(args, place))
            case ast.Call(func=ast.Name(id="say"), args=[one]):
                yield from ((False, text) for text in _of(one))
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in KEPT_FOR_LATER:
                yield from ((False, text) for text in _of(value))
            case ast.FunctionDef(name="checks_of"):
                for row in (one for one in ast.walk(node) if isinstance(one, ast.Tuple) and len(one.elts) == 4):
                    yield from ((True, text) for text in _of(row.elts[0]))
                    yield from ((False, text) for place in (2, 3) for text in _of(row.elts[place]))


def _texts(args: list[ast.expr], place: int) -> Iterator[str]:
    yield from _of(args[place]) if place < len(args) else ()


def _of(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_of(node.body), *_of(node.orelse))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values)


def _is_known(is_name: bool, text: str) -> bool:
    if is_name:
        last = text.removeprefix("7 ")
        return last == "7" or last in dict(german_doctor.SUBJECTS) or NAMED(last) != last
    whole = JOINED.get(text, text)
    return not whole.strip("7 ") or GERMAN(whole) != whole


@pytest.mark.parametrize("file", [pytest.param(file, id=str(file.relative_to(CODE))) for file in FILES])
def test_whatever_they_say_is_said_in_german_too(file: Path) -> None:
    assert sorted({text for is_name, text in said(file) if not _is_known(is_name, text)}) == []


def test_there_is_something_to_say() -> None:
    assert sum(len(set(said(file))) for file in FILES) > 120


@pytest.mark.parametrize("words", [*WORDS.values(), *(f"{gap}: 3" for gap in doctor_channels._GAPS.values())])
def test_every_kind_of_difference_and_gap_is_named(words: str) -> None:
    assert GERMAN(words) != words


@pytest.mark.parametrize(
    ("english", "told"), [*german_doctor.GERMAN, *german_checks.GERMAN, *german_golive.GERMAN, *german_doctor.COMPOSED]
)
def test_each_sentence_is_found_by_its_own_words_and_keeps_what_differs(english: str, told: str) -> None:
    differs = [f"<{number}>" for number in range(1, english.count("{}") + 1)]
    expected = told
    for number, one in enumerate(differs, 1):
        expected = expected.replace(f"{{{number}}}", one)

    assert GERMAN(english.replace("{}", "%s") % tuple(differs)) == expected


@pytest.mark.parametrize(
    ("english", "told"),
    [
        ("on_time: Shows what it should", "pünktlich: Zeigt, was er soll"),
        (
            "late: webshop cannot be reached (ConnectError); pieces offered that are gone: 3; numbers taken and not shown: 1",
            "verspätet: Ist nicht erreichbar; noch angebotene Stück, die weg sind: 3; angenommen und nicht gezeigt: 1",
        ),
        (
            "12 listings; unknown articles: 3, changed barcodes: 2; facts and order lines that wait: 4",
            "12 Angebote; unbekannte Artikel: 3, geänderte Barcodes: 2; Meldungen und Bestellzeilen, die darauf warten: 4",
        ),
        ("action_required: 1 case waits for a decision", "braucht Sie: 1 Fall wartet auf eine Entscheidung"),
        ("late: something of somebody's own", "verspätet: something of somebody's own"),
        ('The settings of webshop cannot be used: shop: "x".', 'Die Einstellungen von webshop sind so nicht brauchbar: shop: "x".'),
    ],
)  # fmt: skip
def test_a_sentence_that_holds_others_is_german_to_its_end(english: str, told: str) -> None:
    assert GERMAN(english) == told


def test_a_terminal_without_typographic_marks_can_print_what_the_engine_says() -> None:
    told = GERMAN('Set stock_owner of linden to "kasse" and replay, or book it in omnisync and discard.')

    assert told == 'stock_owner von linden auf "kasse" setzen und wiederholen, oder in omnisync buchen und verwerfen.'


@pytest.mark.parametrize(
    ("english", "told"),
    [("settings", "Einstellungen"), ("webshop reading", "webshop Lesen"), ("webshop", "webshop"),
     ("webshop scope read_orders", "webshop Recht read_orders"), ("public_url answers", "public_url antwortet"),
     ("webshop something else", "webshop something else")],
)  # fmt: skip
def test_a_thing_keeps_the_name_of_its_channel(english: str, told: str) -> None:
    assert NAMED(english) == told


def test_a_line_stands_in_its_column_whatever_the_language() -> None:
    finding = Finding(Level.FAIL, "disk", "7 MB free", "Try again later.")

    assert finding.told() == "fail  disk: 7 MB free\n      Try again later."
    assert finding.told(GERMAN, NAMED) == "Fehler   Speicherplatz: 7 MB frei\n         Später noch einmal versuchen."


class TestInATerminal:
    @pytest.fixture
    def world(self, world):
        return replace(world, environ=ENVIRON)

    def test_doctor_says_in_german_what_is_wrong_and_what_mends_it(self, omnisync, ready, adapter):
        adapter.answer = [Check("scope read_orders", False, "not granted", "Correct location_map in the settings.")]

        ran = omnisync("doctor", config=ready)
        data = json.loads(omnisync("doctor", "--json", config=ready).out)["findings"]

        assert ran.code == 1
        assert f"ok       Einstellungen: 1 Standort, 1 Kanal in {ready}\n" in ran.out
        assert (
            "Hinweis  public_url: fehlt, darum kann uns kein Kanal aufrufen\n         server.public_url auf" in ran.out
        )
        assert (
            "Fehler   webshop Recht read_orders: nicht erteilt\n         location_map in den Einstellungen berichtigen.\n"
            in ran.out
        )
        assert {"warn", "fail"} <= {one["level"] for one in data}
        assert "is not set, so no channel can call us" in {one["detail"] for one in data}

    def test_doctor_says_in_german_what_a_channel_refused(self, omnisync, ready, adapter):
        adapter.answer = NeedsAttention(
            "webshop refuses our credentials (401).",
            action="Check the channel's credentials in the settings, then sync again.",
        )

        ran = omnisync("doctor", config=ready)

        assert "Fehler   webshop: Lehnt unsere Zugangsdaten ab (401).\n         Zugangsdaten in den" in ran.out

    def test_a_database_without_tables_is_told_in_german(self, omnisync, config):
        refused = omnisync("verify", config=config)

        assert (refused.code, refused.err.startswith("omnisync: Die Datenbank hat noch keine Tabellen")) == (1, True)
        assert refused.err.endswith("  omnisync migrate\n")


class TestAShopInShadow:
    @pytest.fixture
    def world(self, world, channel):  # noqa: F811
        return replace(world, environ=ENVIRON, factory=lambda _: lambda *_arguments: channel)

    def test_plan_and_golive_are_told_in_german(self, omnisync, channel: FakeChannel, shadowed):  # noqa: F811
        channel.offer("LAMP", stock=5)
        channel.offer("VASE", stock=1)

        plan = omnisync("plan", "webshop", config=shadowed)
        asked = omnisync("golive", "webshop", config=shadowed)
        back = omnisync("handback", "webshop", config=shadowed)

        assert plan.out.startswith("webshop: 1 von 2 Angeboten sind Artikel von uns, 1 Zahlen verglichen.\n")
        assert "     1  es wird mehr angeboten, als da ist (2 Stück)\n          LAMP: 5 -> 3\n" in plan.out
        assert (
            "NICHT Zuordnung: 1 von 2 Angeboten sind Artikel von uns\n        omnisync import catalog, oder"
            in asked.out
        )
        assert "ok    Nullen: 0 von 1 Zahlen fielen auf 0\n" in asked.out
        assert (asked.code, asked.out.endswith("webshop ist nicht live.\n")) == (1, True)
        assert back.out.startswith("webshop ist zurückgegeben: omnisync schreibt dort nichts mehr. webshop.csv: ")
