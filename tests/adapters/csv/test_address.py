"""What the settings say of a folder on an SFTP server, before anybody connects."""

from __future__ import annotations

import sys

import pytest

from omnisync.adapters.csv.address import Address, parse
from omnisync.errors import NeedsAttention
from tests.adapters.csv.till import Till

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEaQ8Zyy7CV5FjoN7oYZrVDFJTLqoIWh0mDHMzUQvFCW"
THERE = {"folder": "sftp://kasse@sftp.example.org/export", "password": "secret-of-the-till", "host_key": KEY}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sftp://kasse@sftp.example.org/export/linden", Address("sftp.example.org", 22, "kasse", "/export/linden")),
        ("sftp://k%40sse@10.0.0.7:2222/mit%20Leerzeichen", Address("10.0.0.7", 2222, "k@sse", "/mit Leerzeichen")),
        ("sftp://kasse@sftp.example.org/~/export", Address("sftp.example.org", 22, "kasse", "export")),
        ("sftp://kasse@sftp.example.org/~", Address("sftp.example.org", 22, "kasse", ".")),
        ("sftp://kasse@[::1]:2222", Address("::1", 2222, "kasse", "/")),
    ],
)
def test_an_address_names_host_port_user_and_folder(text: str, address: Address):
    assert parse(text) == address


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"folder": "sftp://kasse:secret-of-the-till@sftp.example.org/export"}, "a password does not belong"),
        ({"folder": "sftp://sftp.example.org/export"}, "sftp://user@host/folder"),
        ({"folder": "sftp://kasse@sftp.example.org:ssh/export"}, "folder"),
        ({"password": None}, "`password` or `private_key`"),
        ({"host_key": "SHA256:abcdef"}, "host_key"),
        ({"private_key": "-----BEGIN OPENSSH PRIVATE KEY----- no"}, "private key"),
        ({"folder": "/srv/kasse"}, "a local folder needs no password and no host_key"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once_and_quote_no_secret(till: Till, settings: dict, wrong: str):
    with pytest.raises(NeedsAttention, match=wrong) as caught:
        till.connect(**{**THERE, **settings})

    assert caught.value.code == "settings"
    assert "secret-of-the-till" not in f"{caught.value.message}{caught.value.action}"


def test_without_the_extra_the_line_that_installs_it_is_said(till: Till, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "omnisync.adapters.csv.sftp", raising=False)
    monkeypatch.setitem(sys.modules, "asyncssh", None)

    with pytest.raises(NeedsAttention) as caught:
        till.connect(**THERE)

    assert "omnisync[sftp]" in caught.value.action


def test_how_a_file_is_read_depends_on_no_secret(till: Till):
    [here, there] = [till.connect(**how)._settings.understanding for how in ({}, THERE)]

    assert here == there
    assert "secret" not in there


def test_the_channel_names_its_folder_and_not_its_password(till: Till):
    said = repr(till.connect(**THERE))

    assert "sftp://sftp.example.org/export" in said
    assert "secret-of-the-till" not in said
