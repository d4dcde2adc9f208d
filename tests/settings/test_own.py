"""What stands below `[channels.settings]` is checked with everything else, by what the adapter says about its own keys."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from omnisync import settings
from omnisync.adapters import registry
from omnisync.settings import BadSettings, Fault, secret_values
from omnisync.settings.schema import schema_text

ENVIRON = {"TOKEN": "of-the-token", "SECRET": "of-the-secret"}
HEAD = """\
[[locations]]
code = "linden"
name = "Linden"
"""
RIGHT: Mapping[str, str] = {
    "amazon": """client_id = "c"\nclient_secret = "env:SECRET"\nrefresh_token = "env:TOKEN"\nseller_id = "A1"\n""",
    "csv": """folder = "/srv/till"\n""",
    "ebay": """client_id = "c"\nclient_secret = "env:SECRET"\nrefresh_token = "env:TOKEN"\n""",
    "oscar": """base_url = "https://shop.example"\nusername = "u"\npassword = "env:SECRET"\n""",
    "shopify": """shop = "example.myshopify.com"\naccess_token = "env:TOKEN"\nwebhook_secret = "env:SECRET"\n""",
    "shopware": """base_url = "https://shop.example"\nclient_id = "c"\nclient_secret = "env:SECRET"\n""",
    "square": """access_token = "env:TOKEN"\n""",
    "vendure": """base_url = "https://shop.example"\nusername = "u"\npassword = "env:SECRET"\n""",
    "woocommerce": """base_url = "https://shop.example"\nconsumer_key = "ck"\nconsumer_secret = "env:SECRET"\n""",
}
"""No more than each adapter needs."""


def channel(adapter: str, own: str) -> str:
    return f"""[[channels]]\nname = "{adapter}-1"\nadapter = "{adapter}"\nlocations = ["linden"]\n[channels.settings]\n{own}"""


def load(folder: Path, text: str, environ: Mapping[str, str] = ENVIRON) -> settings.Settings:
    file = folder / "omnisync.toml"
    file.write_text(text, encoding="utf-8")
    return settings.load(file, environ, own=registry.settings_of)


def faults(folder: Path, text: str) -> dict[str, Fault]:
    with pytest.raises(BadSettings) as caught:
        load(folder, text)
    return {fault.key: fault for fault in caught.value.faults}


@pytest.mark.parametrize("adapter", registry.MODULES)
def test_what_an_adapter_needs_is_enough(tmp_path: Path, adapter: str) -> None:
    found = load(tmp_path, HEAD + channel(adapter, RIGHT[adapter]))

    assert found.channels[0].adapter == adapter


@pytest.mark.parametrize("adapter", registry.MODULES)
def test_a_mistyped_key_of_any_adapter_is_named_with_its_line(tmp_path: Path, adapter: str) -> None:
    key = next(iter(registry.ours()[adapter].model_fields))
    text = HEAD + channel(adapter, RIGHT[adapter] + f"{key}x = 1\n")

    [fault] = faults(tmp_path, text).values()

    assert (fault.key, fault.line) == (f"channels[0].settings.{key}x", len(text.splitlines()))
    assert fault.nearest == key
    assert key in fault.allowed


@pytest.mark.parametrize("adapter", registry.MODULES)
def test_every_key_that_an_adapter_cannot_do_without_is_asked_for(tmp_path: Path, adapter: str) -> None:
    needed = {name for name, field in registry.ours()[adapter].model_fields.items() if field.is_required()}

    found = faults(tmp_path, HEAD + channel(adapter, ""))

    assert set(found) == {f"channels[0].settings.{name}" for name in needed}


@pytest.mark.parametrize("adapter", registry.MODULES)
def test_a_secret_that_stands_in_the_file_itself_is_a_fault_that_does_not_repeat_it(
    tmp_path: Path, adapter: str
) -> None:
    keys = settings.secrets.secret_keys(registry.ours()[adapter])
    assert keys, "each of these has something to keep to itself"
    own = "\n".join(line for line in RIGHT[adapter].splitlines() if line.partition(" ")[0] not in keys)
    text = HEAD + channel(adapter, own + "\n" + "".join(f'{key} = "open to all"\n' for key in sorted(keys)))

    found = faults(tmp_path, text)

    assert {f"channels[0].settings.{key}" for key in keys} <= set(found)
    assert all("open to all" not in str(fault) for fault in found.values())
    assert {found[f"channels[0].settings.{key}"].allowed for key in keys} == {"env:NAME or file:PATH"}


def test_the_faults_of_all_channels_are_told_at_once(tmp_path: Path) -> None:
    text = (
        HEAD + channel("shopify", RIGHT["shopify"] + "page_size = 0\n") + channel("square", 'access_token = "env:NO"\n')
    )

    found = faults(tmp_path, text)

    assert set(found) == {"channels[0].settings.page_size", "channels[1].settings.access_token"}
    assert found["channels[0].settings.page_size"].line == 12


def test_what_does_not_go_together_is_said_of_the_whole_section(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, HEAD + channel("csv", 'folder = "sftp://till@example.org/out"\n')).values()

    assert fault.key == "channels[0].settings"
    assert "needs `password` or `private_key`" in fault.allowed


def test_secrets_are_known_to_whoever_keeps_them_out_of_logs_and_no_model_shows_them(tmp_path: Path) -> None:
    text = HEAD + "".join(channel(adapter, own) for adapter, own in RIGHT.items())

    found = load(tmp_path, text)

    assert secret_values(found) == set(ENVIRON.values())
    for one in found.channels:
        model = registry.ours()[one.adapter].model_validate(one.settings)
        assert not any(secret in f"{model!r} {model}" for secret in ENVIRON.values()), one.adapter


@pytest.mark.parametrize("adapter", registry.MODULES)
def test_the_schema_knows_the_keys_of_each_adapter(adapter: str) -> None:
    schema = json.loads(schema_text(registry.ours()))
    right = tomllib.loads(HEAD + channel(adapter, RIGHT[adapter]))
    wrong = tomllib.loads(HEAD + channel(adapter, RIGHT[adapter] + "mistyped = 1\n"))

    jsonschema.validate(right, schema)
    with pytest.raises(jsonschema.ValidationError, match="mistyped"):
        jsonschema.validate(wrong, schema)


def test_the_schema_wants_secrets_outside() -> None:
    schema: dict[str, Any] = json.loads(schema_text(registry.ours()))
    plain = tomllib.loads(HEAD + channel("square", 'access_token = "EAAA"\n'))

    with pytest.raises(jsonschema.ValidationError, match="EAAA"):
        jsonschema.validate(plain, schema)
