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
from omnisync.settings import ADAPTERS, BadSettings, Fault, Settings
from omnisync.settings.hours import is_within
from omnisync.settings.schema import schema_text

RETAILER = """\
[server]
port = 8000

[[locations]]
code = "linden"
name = "Filiale Lindenstraße"
hours = { mon-fri = "09:30-19:00", sat = "10:00-16:00" }
holidays = "DE-BE"

[[locations]]
code = "lager"
name = "Lager"
kind = "warehouse"

[[channels]]
name = "web-shop"
adapter = "shopify"
locations = ["lager", "linden"]
location_map = { "gid://1" = "linden" }
[channels.policy]
buffer = 2
[channels.settings]
shop = "example"
"""

CONFIG = Path(__file__).parents[2] / "config"


def loaded(folder: Path, text: str = RETAILER, environ: Mapping[str, str] | None = None) -> Settings:
    file = folder / "omnisync.toml"
    file.write_text(text, encoding="utf-8")
    return settings.load(file, environ or {})


def faults(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[Fault, ...]:
    with pytest.raises(BadSettings) as caught:
        loaded(folder, text, environ)
    return caught.value.faults


def changed(old: str, new: str) -> str:
    assert RETAILER.count(old) == 1
    return RETAILER.replace(old, new)


def test_a_file_becomes_settings(tmp_path: Path) -> None:
    found = loaded(tmp_path)

    assert found.location("linden").hours["sat"] == "10:00-16:00"
    assert found.channel("web-shop").policy.buffer == 2
    assert found.server.host == "127.0.0.1"


def test_without_a_file_the_defaults_and_the_environment_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    found = settings.load(None, {"OMNISYNC_SERVER__PORT": "9000", "OMNISYNC_DATABASE__URL": "sqlite:///other.db"})

    assert (found.server.port, found.database.url, found.channels) == (9000, "sqlite:///other.db", [])


def test_the_file_is_named_by_the_caller_then_the_environment(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[server]\nport = 1", encoding="utf-8")
    (tmp_path / "b.toml").write_text("[server]\nport = 2", encoding="utf-8")
    environ = {"OMNISYNC_CONFIG": str(tmp_path / "b.toml")}

    assert settings.load(tmp_path / "a.toml", environ).server.port == 1
    assert settings.load(None, environ).server.port == 2


ENVIRONMENT: list[tuple[str, str, Any]] = [
    ("OMNISYNC_SERVER__PUBLIC_AVAILABILITY", "true", lambda s: s.server.public_availability is True),
    ("OMNISYNC_CHANNELS__WEB_SHOP__POLICY__BUFFER", "5", lambda s: s.channels[0].policy.buffer == 5),
    ("OMNISYNC_CHANNELS__WEB_SHOP__POLICY__BUFFER", "10%", lambda s: s.channels[0].policy.buffer == "10%"),
    ("OMNISYNC_CHANNELS__WEB_SHOP__LOCATIONS", '["lager"]', lambda s: s.channels[0].locations == ["lager"]),
    ("OMNISYNC_CHANNELS__WEB_SHOP__SETTINGS__SHOP", "0123", lambda s: s.channels[0].settings["shop"] == "0123"),
    ("OMNISYNC_LOCATIONS__LINDEN__LEAD_MINUTES", "30", lambda s: s.locations[0].lead_minutes == 30),
    (
        "OMNISYNC_LOCATIONS__LINDEN__HOURS__MON_FRI",
        "08:00-12:00",
        lambda s: s.locations[0].hours["mon-fri"] == "08:00-12:00",
    ),
]


@pytest.mark.parametrize(("variable", "value", "holds"), ENVIRONMENT)
def test_the_environment_wins_over_the_file(tmp_path: Path, variable: str, value: str, holds: Any) -> None:
    assert holds(loaded(tmp_path, environ={variable: value}))


WRONG: list[tuple[str, str, str, int, str, str]] = [
    # old line, new line, key, line, what is allowed (in part), nearest
    ("buffer = 2", "bufer = 2", "channels[0].policy.bufer", 21, "max_listed", "buffer"),
    ("buffer = 2", 'buffer = "10 %"', "channels[0].policy.buffer", 21, '"10%"', ""),
    ("buffer = 2", "buffer = true", "channels[0].policy.buffer", 21, "pieces", ""),
    ("buffer = 2", "max_listed = -1", "channels[0].policy.max_listed", 21, "greater than or equal to 0", ""),
    ("port = 8000", "port = true", "server.port", 2, "whole number", ""),
    ("port = 8000", "port = 99999", "server.port", 2, "less than or equal to 65535", ""),
    ("port = 8000", 'public_url = "sync.example.org"', "server.public_url", 2, "What channels call", ""),
    ("[server]", "[sever]", "sever", 1, "server", "server"),
    ("port = 8000", 'databse = "sqlite:///a.db"', "server.databse", 2, "host", "the table [database]"),
    ('kind = "warehouse"', 'kind = "warehous"', "locations[1].kind", 13, "store", "warehouse"),
    ('kind = "warehouse"', 'timezone = "Europe/Berln"', "locations[1].timezone", 13, "Europe/Berlin", "Europe/Berlin"),
    ('kind = "warehouse"', 'stock_owner = "webshop"', "locations[1].stock_owner", 13, "ledger", "web-shop"),
    ('kind = "warehouse"', 'stock_owner = ["a", "b"]', "locations[1].stock_owner", 13, "one owner", ""),
    ('kind = "warehouse"', 'special = { "24.12.2026" = "closed" }', "locations[1].special", 13, "2026-12-24", ""),
    ('code = "lager"', 'code = "linden"', "locations[1].code", 11, "every name once", ""),
    ('code = "lager"', 'code = "la ger"', "locations[1].code", 11, "letters, digits", ""),
    ('sat = "10:00-16:00"', 'sat = "9:30-25:00"', "locations[0].hours", 7, "a day ends at 24:00", ""),
    ('sat = "10:00-16:00"', 'sat = "16:00-10:00"', "locations[0].hours", 7, "closes before it opens", ""),
    ('sat = "10:00-16:00"', 'fri = "10:00-16:00"', "locations[0].hours", 7, "fri is named twice", ""),
    ('sat = "10:00-16:00"', 'sa = "10:00-16:00"', "locations[0].hours", 7, "mon-fri", ""),
    ('holidays = "DE-BE"', 'holidays = "DE-BB-X"', "locations[0].holidays", 8, "DE-BE", "DE-BB"),
    ('holidays = "DE-BE"', 'holidays = "QQ"', "locations[0].holidays", 8, "DE-BE", ""),
    ('adapter = "shopify"', 'adapter = "shopfy"', "channels[0].adapter", 17, "amazon, csv, ebay, oscar, shopify, shopware, square, vendure, woocommerce", "shopify"),
    ('adapter = "shopify"', 'adapter = "zettle"', "channels[0].adapter", 17, "amazon, csv, ebay, oscar, shopify, shopware, square, vendure, woocommerce", ""),
    ('adapter = "shopify"', "", "channels[0].adapter", 15, "", ""),
    ('name = "web-shop"', 'name = "ledger"', "channels[0].name", 16, "another name", ""),
    ("buffer = 2", 'notify = "omnisync"', "channels[0].policy.notify", 21, "host under [mail]", ""),
    ('["lager", "linden"]', '["lager", "lindn"]', "channels[0].locations[1]", 18, "linden", "linden"),
    ('["lager", "linden"]', '["lager", "lager"]', "channels[0].locations[1]", 18, "every location once", ""),
    ('["lager", "linden"]', "[]", "channels[0].locations", 18, "at least 1 item", ""),
    ('{ "gid://1" = "linden" }', '{ "gid://1" = "lnden" }', "channels[0].location_map.gid://1", 19, "lager", "linden"),
    ("port = 8000", '[alerts]\nto = ["office@example.org"]', "alerts.to", 3, "host under [mail]", ""),
    ("port = 8000", '[alerts]\nto = ["office"]', "alerts.to[0]", 3, "", ""),
    ("port = 8000", '[alerts]\nquiet = "22-7"', "alerts.quiet", 3, "22:00-07:00", ""),
    ("port = 8000", '[alerts]\nquiet = "22:00-24:00"', "alerts.quiet", 3, "22:00-07:00", ""),
    ("port = 8000", '[alerts]\nurl = "alerts.example.org"', "alerts.url", 3, "Standard Webhook", ""),
    ("port = 8000", '[alerts]\nurl = "env:ALERTS"', "alerts.url", 3, "before starting", ""),
    ("port = 8000", '[alerts]\nsecret = "for everybody"', "alerts.secret", 3, "env:NAME or file:PATH", ""),
    ("port = 8000", "[alerts]\ndrift_above = -1", "alerts.drift_above", 3, "greater than or equal to 0", ""),
    ('shop = "example"', 'shop = "env:SHOPIFY"', "channels[0].settings.shop", 23, "before starting", ""),
    ('shop = "example"', 'shop = "file:gone.txt"', "channels[0].settings.shop", 23, "secret alone", ""),
]  # fmt: skip


@pytest.mark.parametrize("name", ["zettle"])
def test_an_adapter_of_another_version_is_said_to_be_missing_here_in_one_line(tmp_path: Path, name: str) -> None:
    [fault] = faults(tmp_path, changed('adapter = "shopify"', f'adapter = "{name}"'))

    assert str(fault) == (
        f"{tmp_path / 'omnisync.toml'}:17: channels[0].adapter: there is no adapter '{name}', neither in this version nor in a "
        "package that is installed; "
        "allowed: amazon, csv, ebay, oscar, shopify, shopware, square, vendure, woocommerce"
    )


def test_the_schema_offers_the_adapters_that_can_be_made_and_lets_others_be() -> None:
    offered = json.loads(schema_text(registry.ours()))["$defs"]["ChannelSettings"]["properties"]["adapter"]["anyOf"]

    assert set(offered[0]["enum"]) == set(ADAPTERS) == set(registry.MODULES)


@pytest.mark.parametrize(("old", "new", "key", "line", "allowed", "nearest"), WRONG, ids=[row[1] for row in WRONG])
def test_a_fault_names_its_file_line_key_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, key: str, line: int, allowed: str, nearest: str
) -> None:
    [fault] = [fault for fault in faults(tmp_path, changed(old, new)) if fault.key == key]

    assert (fault.source, fault.line) == (str(tmp_path / "omnisync.toml"), line)
    assert allowed in fault.allowed
    assert fault.nearest == nearest


ALERTS = '[alerts]\nurl = "env:HOOK"\nsecret = "env:SIGNING"\n'


def test_the_secrets_of_the_alerts_stand_outside(tmp_path: Path) -> None:
    found = loaded(tmp_path, ALERTS, {"HOOK": "https://alerts.example.org/x", "SIGNING": "whsec_AAEC"})
    plain = loaded(tmp_path, ALERTS, {"HOOK": "https://alerts.example.org/x", "SIGNING": "AAEC"})

    assert (found.alerts.key, plain.alerts.key) == (bytes([0, 1, 2]), b"AAEC")
    assert {"https://alerts.example.org/x", "whsec_AAEC"} <= settings.secret_values(found)


@pytest.mark.parametrize(
    ("text", "secret", "allowed"),
    [
        (ALERTS, "whsec_no base64", "whsec_ and base64"),
        ('[alerts]\nsecret = "env:SIGNING"\n', "xyz", "an url beside it"),
    ],
)
def test_a_secret_that_signs_nothing_is_a_fault(tmp_path: Path, text: str, secret: str, allowed: str) -> None:
    [fault] = faults(tmp_path, text, {"HOOK": "https://alerts.example.org/x", "SIGNING": secret})

    assert (fault.key, allowed in fault.allowed, secret in fault.wrong) == ("alerts.secret", True, False)


@pytest.mark.parametrize(
    ("nightly", "inside", "outside"),
    [("22:00-07:00", (22 * 60, 23 * 60, 0, 419), (420, 12 * 60, 1319)), ("12:00-13:00", (720, 779), (719, 780, 0))],
)
def test_quiet_hours_may_lie_on_both_sides_of_midnight(
    nightly: str, inside: tuple[int, ...], outside: tuple[int, ...]
) -> None:
    assert [is_within(nightly, minute) for minute in inside] == [True] * len(inside)
    assert not any(is_within(nightly, minute) or is_within("", minute) for minute in outside)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = (
        changed('kind = "warehouse"', 'kind = "wharehouse"')
        .replace('adapter = "shopify"', 'adapter = "shopfy"')
        .replace('"lager", "linden"', '"lagr", "linden"')
        .replace('shop = "example"', 'shop = "env:GONE"')
    )

    found = faults(tmp_path, text, {"OMNISYNC_SERVER__PORT": "many", "OMNISYNC_CHANNELS__TILL__TITLE": "x"})

    assert {fault.key for fault in found} == {
        "locations[1].kind", "channels[0].adapter", "channels[0].locations[0]", "channels[0].settings.shop", "server.port",
        "channels",
    }  # fmt: skip


def test_a_fault_from_the_environment_names_its_variable(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, RETAILER, {"OMNISYNC_SERVER__PORT": "many"})

    assert str(fault).startswith("OMNISYNC_SERVER__PORT: server.port: cannot be 'many'")


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [("OMNISYNC_SEVER__PORT", "server"), ("OMNISYNC_CHANNELS__WEBSHOP__TITLE", "web-shop")],
)
def test_a_variable_that_fits_nowhere_is_a_fault(tmp_path: Path, variable: str, nearest: str) -> None:
    [fault] = faults(tmp_path, RETAILER, {variable: "1"})

    assert (fault.source, fault.nearest) == (variable, nearest)


@pytest.mark.parametrize(
    ("content", "line", "said"), [(b"[server]\nport = = 1\n", 2, "this is no TOML"), (b"a = '\xff'", None, "no UTF-8")]
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, content: bytes, line: int | None, said: str) -> None:
    file = tmp_path / "omnisync.toml"
    file.write_bytes(content)

    with pytest.raises(BadSettings, match=said) as caught:
        settings.load(file, {})

    assert caught.value.faults[0].line == line


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="No such file"):
        settings.load(tmp_path / "gone.toml", {})


def test_the_owner_of_a_location_must_sell_from_it(tmp_path: Path) -> None:
    text = changed('["lager", "linden"]', '["linden"]').replace('kind = "warehouse"', 'stock_owner = "web-shop"')

    [fault] = faults(tmp_path, text)

    assert "does not sell from 'lager'" in fault.wrong


def test_secrets_are_read_and_do_not_show(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n", encoding="utf-8")
    text = changed('shop = "example"', 'token = "file:token"\nnested = { keys = ["env:A_KEY"] }')

    found = loaded(
        tmp_path, text, {"A_KEY": "from-env", "OMNISYNC_DATABASE__URL": "postgresql+psycopg://me:pw-1@host/db"}
    )

    assert found.channels[0].settings == {"token": "from-file", "nested": {"keys": ["from-env"]}}
    assert settings.secret_values(found) == {"from-file", "from-env", "pw-1"}
    assert "from-" not in repr(found.channels)


def test_a_password_in_a_wrong_url_is_not_repeated(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, '[database]\nurl = "postgres://me:geheim@host/db"\n')

    assert "geheim" not in str(fault)
    assert "postgresql+psycopg://" in fault.allowed


def test_env_and_file_mean_nothing_outside_a_channels_settings(tmp_path: Path) -> None:
    found = loaded(tmp_path, changed('name = "Lager"', 'name = "env:HOME"'), {"HOME": "x"})

    assert found.location("lager").name == "env:HOME"


def test_the_example_is_right() -> None:
    names = ["SHOPIFY_TOKEN", "SHOPIFY_WEBHOOK_SECRET", "SQUARE_TOKEN", "SQUARE_WEBHOOK_SECRET", "OSCAR_PASSWORD"]
    names += ["EBAY_CLIENT_ID", "EBAY_CLIENT_SECRET", "EBAY_REFRESH_TOKEN", "EBAY_VERIFICATION_TOKEN"]

    found = settings.load(CONFIG / "omnisync.toml", dict.fromkeys(names, "x"), own=registry.settings_of)

    assert {channel.adapter for channel in found.channels} == {"shopify", "csv", "square", "ebay", "oscar"}
    assert [location.kind for location in found.locations] == ["store", "store", "warehouse"]


def test_the_committed_schema_is_the_models() -> None:
    committed = (CONFIG / "omnisync.schema.json").read_text(encoding="utf-8")

    assert committed == schema_text(registry.ours()), "python -m omnisync.settings.schema > config/omnisync.schema.json"


def test_the_example_fits_the_schema() -> None:
    schema = json.loads((CONFIG / "omnisync.schema.json").read_text(encoding="utf-8"))
    example = tomllib.loads((CONFIG / "omnisync.toml").read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example, schema)
