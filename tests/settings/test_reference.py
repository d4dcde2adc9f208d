from __future__ import annotations

from pathlib import Path

from omnisync.settings.reference import reference_text

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def test_the_committed_reference_says_what_the_models_say() -> None:
    found = COMMITTED.read_text(encoding="utf-8")

    assert found == reference_text(), "run: python -m omnisync.settings.reference > docs/reference/settings.md"


def test_every_setting_says_what_it_means() -> None:
    rows = [line.split(" | ") for line in reference_text().splitlines() if line.startswith("| `")]

    assert [row[0] for row in rows if row[-1].strip(" |") == ""] == []
