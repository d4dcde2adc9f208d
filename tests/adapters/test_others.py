"""Adapters of other packages: found by their entry points, and when they are broken it is said whose they are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from omnisync.adapters import registry
from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.errors import NeedsAttention
from omnisync.settings import BadSettings, load
from omnisync.torture.wire import Answered, Wire, answering
from tests.adapters.corner.install import describe, install

Offer = Callable[..., None]


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offer:
    """Installs a package `name` whose module has this code, with its entry point."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, code: str, *, adapter: str = "zettel") -> None:
        module = name.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        monkeypatch.delitem(sys.modules, module, raising=False)
        describe(tmp_path, name, "0.3", {registry.GROUP: {adapter: f"{module}:make"}}, author="Erika Muster")

    return write


def complaint(tools: Tools, adapter: str = "zettel") -> NeedsAttention:
    """What somebody is told who uses this adapter."""
    with pytest.raises(NeedsAttention) as told:
        registry.factory(adapter)("shop", {"token": "geheim"}, {}, "https://sync.example.org", tools)
    return told.value


def test_a_name_that_no_adapter_of_ours_has_is_looked_for_among_the_packages_that_are_installed(tools: Tools) -> None:
    install()
    settings = {"base_url": "http://corner.test", "api_key": "k", "webhook_secret": "s"}

    made = registry.factory("corner")("shop", settings, {}, "https://sync.example.org", tools)

    assert (made.name, repr(made)) == ("shop", "CornerShop('shop')")
    assert "corner" in registry.names()


def test_the_settings_of_a_package_are_checked_with_all_others(tmp_path: Path) -> None:
    install()
    file = tmp_path / "omnisync.toml"
    head = '[[locations]]\ncode = "linden"\nname = "L"\n[[channels]]\nname = "corner"\nadapter = "corner"\nlocations = ["linden"]\n'
    file.write_text(head + '[channels.settings]\nbase_url = "http://c"\napi_kye = "x"\nwebhook_secret = "plain"\n')

    with pytest.raises(BadSettings) as caught:
        load(file, {}, adapters=registry.names(), own=registry.settings_of)

    told = {fault.key.rpartition(".")[2]: (fault.line, fault.nearest) for fault in caught.value.faults}
    assert told == {"api_key": (8, ""), "api_kye": (10, "api_key"), "webhook_secret": (11, "")}


def test_a_name_that_nobody_offers_is_answered_with_all_that_there_are(tools: Tools) -> None:
    told = complaint(tools, "shopfy")

    assert all(name in told.message for name in registry.MODULES)
    assert told.message.endswith("Did you mean shopify?")


def test_an_adapters_own_keys_are_checked_as_a_whole_and_no_value_is_told(tools: Tools) -> None:
    install()

    with pytest.raises(NeedsAttention) as told:
        registry.factory("corner")("shop", {"base_url": "geheim-1", "api_kye": "geheim-2"}, {}, "", tools)

    assert all(f"{key}: " in told.value.message for key in ("base_url", "api_key", "webhook_secret", "api_kye"))
    assert "geheim" not in told.value.message + told.value.action


@pytest.mark.anyio
async def test_an_answer_that_an_adapter_stumbles_over_is_for_a_person_and_quotes_nothing(tools: Tools) -> None:
    install()
    settings = {"base_url": "http://corner.test", "api_key": "k", "webhook_secret": "s"}
    wire = Wire(
        answering(lambda asked: Answered(200, {"articles": [{"id": 1, "sku": "geheim"}], "more": False})), tools.clock
    )
    made = registry.factory("corner")("shop", settings, {}, "", replace(tools, transport=wire))
    broken = registry.Careful(Broken(made))

    for adapter in (made, broken):
        with pytest.raises(NeedsAttention) as told:
            await adapter.listings(None)
        assert "in a form that this version does not know" in told.value.message
    assert "geheim" not in told.value.message + told.value.action


class Broken:
    """Does not look at what it reads."""

    def __init__(self, adapter: Adapter) -> None:
        self.name, self._adapter = adapter.name, adapter

    async def listings(self, cursor: str | None) -> object:
        raise KeyError("geheim")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import gone_long_ago", "cannot be loaded (ModuleNotFoundError: No module named 'gone_long_ago')"),
        ("", "cannot be loaded (AttributeError: "),
        ("make = 7", "is no function but int"),
        ("def make(*given):\n    return object()", "lacks name, can, identify"),
        ("def make(*given):\n    return given[1]['tokn']", "cannot be made from the settings of shop (KeyError)"),
        ("def make(*given):\n    raise ValueError(given[1]['token'])", "of shop (ValueError)"),
    ],
    ids=["no import", "no function", "a number", "no verbs", "a key", "a secret in its error"],
)
def test_a_broken_package_is_named_with_who_must_act(tools: Tools, offer: Offer, code: str, said: str) -> None:
    offer("zettel-for-omnisync", code)

    told = complaint(tools)

    assert told.message.startswith("The adapter 'zettel' of the package zettel-for-omnisync 0.3 is broken: ")
    assert said in told.message
    assert "Update or repair zettel-for-omnisync, or tell Erika Muster" in told.action
    assert "geheim" not in told.message + told.action


def test_two_packages_that_offer_one_name_are_both_named(tools: Tools, offer: Offer) -> None:
    offer("zettel-one", "def make(*given): ...")
    offer("zettel-two", "def make(*given): ...")

    assert complaint(tools).message == "zettel-one 0.3 and zettel-two 0.3 both offer 'zettel' (omnisync.adapters)."


def test_a_name_of_ours_always_means_ours(tools: Tools, offer: Offer) -> None:
    offer("better-csv", "import gone_long_ago", adapter="csv")

    with pytest.raises(NeedsAttention, match="folder"):
        registry.factory("csv")("kasse", {}, {}, "", tools)
