"""The texts of the pages and the German for each: collected from templates and code into one .po file a part of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

PAGES = Path(__file__).parent
LOCALE = PAGES / "locale"
SOURCE, TRANSLATED = "en", ("de",)
"""Texts are written in English; these languages stand in catalogues."""
PARTS = ("staff", "ops")
Text = str | tuple[str, ...]
_TEXTS = {"_": 1, "say": 1, "self": 1, "later": 1, "ngettext": 2}
"""What is called with texts, and with how many."""
HEADER = """\
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: {plurals}\\n"

"""


def part_of(path: Path) -> str:
    """Which catalogue a file's texts belong to: what is the desk's says so in its name or folder, the rest is the office's."""
    return "staff" if path.name.startswith("staff") or path.parent.name == "staff" else "ops"


def path_of(language: str, part: str) -> Path:
    return LOCALE / language / f"{part}.po"


def read(language: str, part: str) -> Catalog:
    """A catalogue as it stands in its file; an empty one where there is no file yet."""
    path = path_of(language, part)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def collected(part: str, pages: Path = PAGES) -> Catalog:
    """Every text that templates and code of this part say now."""
    found = Catalog()
    for path in _sources(pages):
        if part_of(path) == part:
            for text in _texts(path):
                found.add(text, locations=[(path.relative_to(pages).as_posix(), 0)])
    return found


def brought_up_to_date(language: str, part: str) -> Catalog:
    """The catalogue with every text of now and none of before; what nobody translated yet stands empty."""
    catalogue = read(language, part)
    catalogue.update(collected(part), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def written(catalogue: Catalog, language: str) -> str:
    """The file's text: sorted, without line numbers and dates, so that only a change of words is a change."""
    out = BytesIO()
    write_po(out, catalogue, width=120, omit_header=True, sort_output=True, include_lineno=False)
    return HEADER.format(language=language, plurals=catalogue.plural_forms) + out.getvalue().decode()


def update() -> Iterator[tuple[Path, list[str]]]:
    """Write all catalogues anew; hands back each file with the texts that still wait for their translation."""
    for language in TRANSLATED:
        for part in PARTS:
            catalogue, path = brought_up_to_date(language, part), path_of(language, part)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written(catalogue, language), encoding="utf-8")
            yield path, missing(catalogue)


def missing(catalogue: Catalog) -> list[str]:
    """The texts without a translation."""
    return [str(one.id) for one in catalogue if one.id and not all(strings(one.string))]


def strings(string: object) -> tuple[str, ...]:
    """A translation as its forms; one that is missing is empty."""
    forms = string if isinstance(string, list | tuple) else (string,)
    return tuple(str(one or "") for one in forms)


def _sources(pages: Path) -> list[Path]:
    return sorted([*pages.rglob("*.py"), *pages.rglob("*.html")])


def _texts(path: Path) -> Iterator[Text]:
    return _of_code(path) if path.suffix == ".py" else _of_template(path)


def _of_template(path: Path) -> Iterator[Text]:
    with path.open("rb") as file:
        for _, called, found, _ in babel_extract(file, list(_TEXTS), (), {"silent": "false"}):
            told = (found,) if isinstance(found, str) else tuple(one for one in found or () if isinstance(one, str))
            if told:  # not where a template says what stands in a variable: that is marked `later`
                yield told[:2] if called == "ngettext" else told[0]


def _of_code(path: Path) -> Iterator[Text]:
    """The syntax tree is read instead of the tokens, which hide what stands within an f-string."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found = (one.value for one in node.args[: _TEXTS.get(called, 0)] if isinstance(one, ast.Constant))
            told = tuple(one for one in found if isinstance(one, str))
            if told:
                yield told if called == "ngettext" else told[0]
