"""What the documentation says can be followed: links lead somewhere, the tutorial's files work, every error has its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from omnisync import cli, settings
from omnisync.adapters import registry
from omnisync.demo.shopify import seed
from tests.commands.conftest import Omnisync, adapter, omnisync, world

__all__ = ["adapter", "omnisync", "world"]

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ADAPTERS = sorted((ROOT / "omnisync" / "adapters").glob("*/README.md"))
LEFT_OUT = ('adapter = "corner"', "the same credentials")
"""An adapter that is a package of its own, and what is written down for a second channel."""
SHOWN_STORES = "".join(f'[[locations]]\ncode = "{code}"\nname = "{code}"\n' for code in ("lager", "linden", "markt"))
TOKENS = {"SHOPIFY_TOKEN": "demo-token", "SHOPIFY_SECRET": "demo-secret"}
CODE = re.compile(r'(?:\bcode=|^    code = )"([a-z-]+)"', re.MULTILINE)
ANSWERING = ("access/*.py", "errors.py", "http.py", "orders/*.py", "stock/*.py", "pages/*.py", "sync/*.py")


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    return [link for link in found if not link.startswith(("http:", "https:"))]


def code_of(page: Path) -> list[str]:
    """What stands in fences without a language, and between single backticks."""
    text = page.read_text(encoding="utf-8")
    fences = re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [body for language, body in fences if not language] + re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)


@pytest.mark.parametrize("document", PAGES, ids=lambda document: str(document.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(document: Path) -> None:
    assert [link for link in links(document) if not (document.parent / link).exists()] == []


def test_every_command_that_a_page_shows_is_one() -> None:
    known = {command.__name__ for command in cli.COMMANDS} | set(cli.GROUPS)
    shown = {word for page in PAGES for code in code_of(page) for word in re.findall(r"\bomnisync ([a-z]+)", code)}

    assert shown >= {"serve", "doctor", "migrate", "import", "keys", "verify"}
    assert sorted(shown - known) == []


def test_every_option_that_a_page_shows_is_one_of_its_command() -> None:
    shown, wrong = 0, list[tuple[str, str, str]]()
    for page in [*PAGES, *ADAPTERS]:
        for line in "\n".join(code_of(page)).replace("\\\n", " ").splitlines():
            for typed in re.findall(r"\bomnisync ([a-z].*?)(?=\bomnisync |#|$)", line):
                known, options = options_of(typed.split()), re.findall(r"(?<=\s|\[)--[a-z][a-z-]*", typed)
                shown += len(options)
                wrong += [(page.name, typed, option) for option in options if option not in known]

    assert shown > 50
    assert wrong == []


def options_of(words: list[str]) -> set[str]:
    """What can follow the command that these words begin with."""
    command: Any = typer.main.get_command(cli.program())
    for word in words:
        if word not in getattr(command, "commands", {}):
            break
        command = command.commands[word]
    return {"--help", *(option for one in command.params for option in (*one.opts, *one.secondary_opts))}


def settings_shown() -> Iterator[Any]:
    """Each whole channel that a page writes down, and the README's own shop."""
    for page in [*PAGES, *ADAPTERS]:
        blocks = re.findall(r"^ *```toml\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        for number, block in enumerate(blocks):
            whole = {"name", "adapter", "locations"} <= set(re.findall(r"^ *(\w+) =", block, re.MULTILINE))
            if whole and not any(words in block for words in LEFT_OUT):
                yield pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")


@pytest.mark.parametrize("block", list(settings_shown()))
def test_a_channel_that_a_page_shows_is_one_that_is_taken(block: str, tmp_path: Path) -> None:
    text = re.sub(r'"(?:env|file):[^"]*"', '"env:SECRET"', block)
    config = tmp_path / "omnisync.toml"
    config.write_text(text if "[[locations]]" in text else SHOWN_STORES + text, encoding="utf-8")

    found = settings.load(config, {"SECRET": "s" * 40}, own=registry.settings_of)

    assert found.channels


def test_the_settings_of_the_tutorial_are_right() -> None:
    found = settings.load(TUTORIAL / "omnisync.toml", TOKENS, own=registry.settings_of)

    assert [channel.adapter for channel in found.channels] == ["csv", "shopify"]


def test_the_files_of_the_tutorial_can_be_imported(omnisync: Omnisync, tmp_path: Path) -> None:
    config = tmp_path / "omnisync.toml"
    text = (TUTORIAL / "omnisync.toml").read_text(encoding="utf-8").replace("env:", "file:")
    for name, value in TOKENS.items():
        (tmp_path / name).write_text(value, encoding="utf-8")
    config.write_text(text.replace("sqlite:///shop/", f"sqlite:///{tmp_path}/"), encoding="utf-8")
    omnisync("migrate", config=config)

    articles = omnisync("import", "catalog", str(TUTORIAL / "articles.csv"), config=config)
    count = omnisync("import", "stock", str(TUTORIAL / "count.csv"), config=config)

    assert "3 rows, 3 are new" in articles.out
    assert "3 rows, 3 are new" in count.out


def test_the_simulated_shop_of_the_tutorial_sells_what_the_catalogue_has() -> None:
    shop = seed.read((TUTORIAL / "simulated-shop.json").read_bytes())

    rows = (TUTORIAL / "articles.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert {listing.sku for listing in shop.listings} == {row.split(",")[0] for row in rows}
    assert {shop.access_token, shop.webhook.secret} == set(TOKENS.values())


def test_every_name_of_an_error_stands_in_the_reference() -> None:
    files = [file for name in ANSWERING for file in (ROOT / "omnisync").glob(name)]
    raised = {code for file in files for code in CODE.findall(file.read_text(encoding="utf-8"))}
    page = (ROOT / "docs" / "reference" / "http.md").read_text(encoding="utf-8")

    assert raised >= {"out-of-stock", "wrong-state", "unknown-article"}
    assert sorted(code for code in raised if f"`{code}`" not in page) == []
