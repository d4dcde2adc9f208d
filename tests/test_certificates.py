"""The house's own authority, tried by a client that trusts it: what is taken, what is refused, what lasts."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from omnisync import certificates
from omnisync.certificates import Authority
from omnisync.errors import NeedsAttention

NOW = datetime.now(UTC).replace(microsecond=0)
"""The client beside us looks at the real clock."""
DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "tls"


def client(authority: Authority) -> ssl.SSLContext:
    """A device that trusts this authority and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.der)
    return context


def shake_hands(chain: Path, context: ssl.SSLContext, name: str) -> str:
    """What comes of it when that device calls that server by that name: "" when it trusts it, else why not."""

    async def meet() -> str:
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_side.load_cert_chain(chain)
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=server_side)
        port = server.sockets[0].getsockname()[1]
        async with server:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            return ""

    return asyncio.run(meet())


@pytest.mark.parametrize("name", ["kasse.lan", "192.168.7.20", "localhost", "127.0.0.1", "till-pc.local"])
def test_a_device_that_trusts_the_authority_trusts_the_server_under_each_of_its_names(folder, name):
    made = certificates.keep(folder, ["kasse.lan"], ["192.168.7.20", "till-pc.local"], NOW)

    assert shake_hands(made.chain, client(made), name) == ""


def test_another_name_and_another_authority_are_refused(folder, tmp_path):
    made = certificates.keep(folder, ["kasse.lan"], [], NOW)
    other = certificates.keep(tmp_path / "other", ["kasse.lan"], [], NOW)

    assert "mismatch" in shake_hands(made.chain, client(made), "lager.lan")
    assert "unable to get" in shake_hands(made.chain, client(other), "kasse.lan")


@pytest.mark.parametrize("name", ["bank.example", "www.bank.example", "203.0.113.7"])
def test_who_steals_the_key_cannot_vouch_for_the_sites_of_others(folder, name):
    made = certificates.keep(folder, ["kasse.lan"], [], NOW)
    stolen = certificates._read_pair(folder / certificates.ISSUER)
    forged = folder / "forged.pem"
    forged.write_bytes(certificates._server(stolen, [name], NOW))

    assert shake_hands(forged, client(made), name) == "permitted subtree violation"


def test_the_limits_stand_in_a_certificate_below_the_root_too_where_every_verifier_looks(folder):
    certificates.keep(folder, ["kasse.example.org"], [], NOW)

    root = x509.load_pem_x509_certificate((folder / certificates.ROOT).read_bytes())
    issuer = x509.load_pem_x509_certificate((folder / certificates.ISSUER).read_bytes())
    for one in (root, issuer):
        limits = one.extensions.get_extension_for_class(x509.NameConstraints)
        assert limits.critical
        assert x509.DNSName("kasse.example.org") in limits.value.permitted_subtrees
        assert x509.IPAddress(ipaddress.ip_network("192.168.0.0/16")) in limits.value.permitted_subtrees
    issuer.verify_directly_issued_by(root)
    assert issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_no_key_can_be_read_by_others_and_the_roots_is_nowhere(folder):
    certificates.keep(folder, [], [], NOW)

    with_keys = [file for file in folder.iterdir() if b"PRIVATE KEY" in file.read_bytes()]

    assert sorted(file.name for file in with_keys) == [certificates.ISSUER, certificates.SERVER]
    assert {stat.S_IMODE(file.stat().st_mode) for file in with_keys} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    root = x509.load_pem_x509_certificate((folder / certificates.ROOT).read_bytes())
    assert root.public_key() not in [certificates._read_pair(file)[0].public_key() for file in with_keys]
    assert list(folder.parent.iterdir()) == [folder], "nothing is left beside it"


def test_two_starts_keep_authority_and_certificate(folder):
    first = certificates.keep(folder, ["kasse.lan"], ["192.168.7.20"], NOW)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    assert certificates.keep(folder, ["kasse.lan"], ["192.168.7.20"], NOW + DAY) == first

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_the_servers_certificate_lasts_no_longer_than_browsers_take_and_the_authority_ten_years(folder):
    made = certificates.keep(folder, [], [], NOW)

    assert made.ends_at - NOW <= timedelta(days=397)
    assert timedelta(days=3650) < made.authority_ends_at - NOW < timedelta(days=3653)


def test_it_is_renewed_before_it_ends_by_the_same_authority(folder):
    first = certificates.keep(folder, ["kasse.lan"], [], NOW)
    device = client(first)

    still = certificates.keep(folder, ["kasse.lan"], [], first.ends_at - timedelta(days=61))
    renewed = certificates.keep(folder, ["kasse.lan"], [], first.ends_at - timedelta(days=59))

    assert still == first
    assert renewed.ends_at > first.ends_at + timedelta(days=300)
    assert renewed.der == first.der
    device.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    assert "not yet valid" in shake_hands(renewed.chain, device, "kasse.lan"), "by the real clock it begins next year"


def test_a_new_address_of_the_machine_gets_a_new_certificate_of_the_same_authority(folder):
    first = certificates.keep(folder, ["kasse.lan"], ["192.168.7.20"], NOW)

    moved = certificates.keep(folder, ["kasse.lan"], ["10.0.0.9"], NOW)

    assert moved.der == first.der
    assert "10.0.0.9" in moved.names
    assert shake_hands(moved.chain, client(first), "10.0.0.9") == ""
    assert "mismatch" in shake_hands(moved.chain, client(first), "192.168.7.20")


def test_a_name_that_the_authority_may_not_vouch_for_is_said_if_settings_want_it_and_left_out_if_it_was_found(folder):
    certificates.keep(folder, ["kasse.lan"], [], NOW)

    with pytest.raises(NeedsAttention, match=r"may not vouch for shop\.example\.org") as said:
        certificates.keep(folder, ["kasse.lan", "shop.example.org"], [], NOW)

    assert f"Move {folder} away" in said.value.action
    assert (
        "till.example.org"
        not in certificates.keep(folder, ["kasse.lan"], ["till.example.org", "203.0.113.9"], NOW).names
    )


def test_an_authority_that_is_over_makes_room_for_a_new_one(folder):
    first = certificates.keep(folder, [], [], NOW)
    last = certificates.keep(folder, [], [], first.authority_ends_at - DAY)

    assert last.ends_at == last.authority_ends_at, "the server's ends with it"
    assert certificates.keep(folder, [], [], first.authority_ends_at - DAY / 2) == last, (
        "and is not made again each time"
    )

    new = certificates.keep(folder, [], [], first.authority_ends_at + DAY)

    assert new.der != first.der
    assert new.ends_at > first.authority_ends_at
    assert len(list(folder.parent.iterdir())) == 2, "the old one is kept beside it"


def test_two_that_start_at_once_have_one_authority(folder, monkeypatch):
    first = certificates.keep(folder, [], [], NOW)
    exists, asked = Path.exists, []

    def not_there_yet(self: Path) -> bool:
        asked.append(self)
        return len(asked) > 2 and exists(self)

    monkeypatch.setattr(
        Path, "exists", not_there_yet
    )  # what the second one saw when it looked, before the first was done
    second = certificates.keep(folder, [], [], NOW)

    assert second == first
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize(("name", "text"), [("ca.crt", "no certificate"), ("issuer.pem", ""), ("server.pem", "x")])
def test_files_that_make_no_sense_are_said_in_one_sentence(folder, name, text):
    certificates.keep(folder, [], [], NOW)
    (folder / name).write_text(text)

    with pytest.raises(NeedsAttention, match="cannot be used"):
        certificates.keep(folder, [], [], NOW)


def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(NeedsAttention, match="cannot be used"):
        certificates.keep(tmp_path / "file" / "tls", [], [], NOW)


def test_devices_and_we_say_the_same_fingerprint(folder):
    made = certificates.keep(folder, [], [], NOW)

    from cryptography.hazmat.primitives import hashes

    shown = x509.load_der_x509_certificate(made.der).fingerprint(hashes.SHA256())
    assert bytes.fromhex(made.fingerprint) == shown
    assert len(made.fingerprint.split()) == 32
