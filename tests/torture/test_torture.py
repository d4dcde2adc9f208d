"""The torture kit: every adapter of ours, and the example of the documentation, stands it; mistakes that authors make do not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from omnisync.adapters import registry
from omnisync.adapters.shopify import mapping
from omnisync.torture import databases, known, matrix, run
from omnisync.torture.torments import TORMENTS
from tests.adapters.corner.install import install
from tests.torture import plants

install()
ROOT = Path(__file__).parents[2]
ADAPTERS = (*known.COUNTERPARTS, "corner")
NO_WIRE = {"429", "5xx", "timeout after effect", "expired and revoked credentials"}
PICKUPS = {"pickups", "pickups that the store calls off"}
UNPAID = "orders that nobody pays"
TILL = {"part of a batch refused", "an order fulfilled elsewhere", "forged webhooks", *PICKUPS, UNPAID, *NO_WIRE}
DOES_NOT_APPLY: Mapping[str, set[str]] = {
    "amazon": {"forged webhooks", "an order fulfilled elsewhere", UNPAID},
    "corner": {"an order fulfilled elsewhere", "prices", *PICKUPS, UNPAID},
    "csv": TILL,
    "ebay": {UNPAID},
    "oscar": {"forged webhooks", "an order fulfilled elsewhere", *PICKUPS, UNPAID},
    "shopify": set(),
    "shopware": {"an order fulfilled elsewhere", "ids above 2^53"},
    "square": {"an order fulfilled elsewhere", "ids above 2^53", UNPAID},
    "vendure": {"forged webhooks", "an order fulfilled elsewhere", UNPAID},
    "woocommerce": {"an order fulfilled elsewhere"},
}
"""All the rest is suffered."""


def findings(adapter: str, fresh: databases.Fresh, *torments: str) -> list[run.Finding]:
    return run.run(registry.factory(adapter), known.counterpart(adapter), fresh, only=torments)


def stands(adapter: str, fresh: databases.Fresh) -> None:
    found = findings(adapter, fresh)

    assert [one for one in found if one.outcome == "FAIL"] == []
    assert {one.torment for one in found if one.outcome != "ok"} == DOES_NOT_APPLY[adapter]
    assert all(one.said for one in found if one.outcome == "does not apply")


def test_the_example_of_the_documentation_stands_what_shows_most() -> None:
    found = findings(
        "corner", databases.at(None), "duplicates", "timeout after effect", "one poisoned line", "schema drift"
    )

    assert [(one.outcome, one.said) for one in found] == [("ok", ())] * 4


@pytest.mark.rig
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_stands_every_torment_that_applies_to_it(adapter: str) -> None:
    stands(adapter, databases.at(None))


@pytest.mark.rig
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_it_stands_them_on_postgresql_too(adapter: str, postgresql_url: str) -> None:
    stands(adapter, databases.at(postgresql_url))


@pytest.mark.planted
@pytest.mark.parametrize("name", plants.PLANTS)
def test_a_mistake_is_found_by_the_torment_that_is_made_for_it(name: str) -> None:
    plant = plants.PLANTS[name]

    [found] = run.run(plants.make(plant), known.counterpart("corner"), databases.at(None), only=[plant.torment])

    assert found.outcome == "FAIL"
    assert not any("before anything went wrong" in said or "it ended in" in said for said in found.said), found.said


@pytest.mark.planted
@pytest.mark.parametrize("name", plants.FRONTS)
def test_a_mistake_in_front_of_any_adapter_is_found_too(name: str) -> None:
    front = plants.FRONTS[name]

    def make(*given: Any) -> Any:
        return front.made(registry.factory(front.adapter)(*given))

    [found] = run.run(make, known.counterpart(front.adapter), databases.at(None), only=[front.torment])

    assert found.outcome == "FAIL"
    assert not any("before anything went wrong" in said or "it ended in" in said for said in found.said), found.said


@pytest.mark.planted
def test_stock_that_is_not_ours_and_moves_all_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "_is_elsewhere", lambda assignment: False)

    [found] = findings("shopify", databases.at(None), "an order fulfilled elsewhere")

    assert found.outcome == "FAIL"


def test_every_torment_has_a_mistake_that_it_finds() -> None:
    found = {plant.torment for plant in (*plants.PLANTS.values(), *plants.FRONTS.values())}
    found |= {"an order fulfilled elsewhere"}

    assert found == TORMENTS.keys()


# ---------------------------------------------------------------- what is written about it


def test_the_committed_page_of_the_channels_says_what_the_code_says() -> None:
    assert (ROOT / "docs" / "channels.md").read_text(encoding="utf-8") == matrix.text(), (
        "run: python -m omnisync.torture.matrix > docs/channels.md"
    )


def test_every_adapter_says_how_far_it_is_proved() -> None:
    assert matrix.PROOFS.keys() == registry.MODULES.keys()
    assert registry.MODULES.keys() == known.COUNTERPARTS.keys()


def test_the_code_that_the_page_about_adapters_quotes_stands_in_its_example() -> None:
    page = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
    example = "\n".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "docs" / "adapters").rglob("*.py")))

    quoted = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    assert len(quoted) == 3
    assert [block for block in quoted if block not in example] == []
