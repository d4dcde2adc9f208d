"""An authority of the house's own, so that the devices of a shop speak https with a server that has no public name.

Three files in one folder, made at the first start:

- `ca.crt`: the root's certificate, which devices are told to trust. Its key signed one issuer and was then forgotten: nobody can steal it.
- `issuer.pem`: the key and certificate that sign the server's (mode 0600). It may vouch for the house's own names and private addresses only,
  and that stands in the certificate above it, where every verifier looks.
- `server.pem`: key, certificate and issuer of the server (mode 0600), made again before it ends and when names change.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from omnisync.errors import NeedsAttention

ROOT, ISSUER, SERVER = "ca.crt", "issuer.pem", "server.pem"
AUTHORITY_LASTS = timedelta(days=3652)
SERVER_LASTS = timedelta(days=397)
"""What browsers take at most of a public authority; iOS takes 825 days of one like ours."""
RENEWED_BEFORE = timedelta(days=60)
BEGINS_BEFORE = timedelta(hours=1)
"""A device whose clock is behind takes it too."""
HERE = ("localhost", "127.0.0.1", "::1")
OWN_NAMES = ("localhost", "local", "lan", "internal", "home.arpa", "fritz.box")
"""Endings that mean something inside a house only (RFC 6762, RFC 8375, ICANN's .internal, and what routers here call theirs)."""
OWN_NETWORKS = tuple(
    ipaddress.ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128")
)  # fmt: skip

_NETWORKS = (ipaddress.IPv4Network, ipaddress.IPv6Network)
_Key: TypeAlias = ec.EllipticCurvePrivateKey
_Pair: TypeAlias = tuple[_Key, x509.Certificate]


@dataclass(frozen=True, slots=True)
class Authority:
    """What the house's devices are told to trust, and what the server shows them."""

    folder: Path
    der: bytes
    """The root's certificate, as devices take it."""
    names: tuple[str, ...]
    """Names and addresses of the server, as its certificate says them."""
    ends_at: datetime
    """When the server's certificate ends."""
    authority_ends_at: datetime

    @property
    def chain(self) -> Path:
        """What the server loads: key, certificate, issuer."""
        return self.folder / SERVER

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the root in pairs, as devices show it: `3A 41 ...`."""
        return hashlib.sha256(self.der).digest().hex(" ").upper()


def keep(folder: Path, wanted: Sequence[str], found: Iterable[str], now: datetime) -> Authority:
    """The authority of that folder, made if it is not there or over; the server's certificate is renewed when it has to be.

    `wanted` are the names and addresses that the settings say; `found` those the machine has, of which one that the authority may not
    vouch for is left out. NeedsAttention when it may not vouch for a wanted one, or the folder cannot be used.
    """
    try:
        if not (folder / ROOT).exists() or _root(folder).not_valid_after_utc <= now:
            _make_authority(folder, [*wanted, *found], now)
        issuer = _read_pair(folder / ISSUER)
        names = _names(folder, issuer[1], wanted, found)
        if not _is_fresh(folder / SERVER, issuer[1], names, now):
            _write(folder / SERVER, _server(issuer, names, now))
        return look(folder)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NeedsAttention(
            f"The certificates in {folder} cannot be used: {reason}.",
            action="Give the user of omnisync a folder it may write to (server.tls_folder), or put the files back from a backup.",
            code="tls",
        ) from error


def look(folder: Path) -> Authority:
    """The authority as its files say it. OSError or ValueError when they do not."""
    chain = x509.load_pem_x509_certificates((folder / SERVER).read_bytes())
    root = _root(folder)
    return Authority(
        folder, root.public_bytes(Encoding.DER), _names_in(chain[0]), chain[0].not_valid_after_utc, root.not_valid_after_utc
    )  # fmt: skip


def _names(folder: Path, issuer: x509.Certificate, wanted: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    refused = [name for name in wanted if not _may_vouch(issuer, name)]
    if refused:
        raise NeedsAttention(
            f"The authority in {folder} may not vouch for {', '.join(refused)}: it was made for other names.",
            action=f"Move {folder} away: the next start makes a new authority, which every device has to be told to trust.",
            code="tls",
        )
    return tuple(dict.fromkeys([*wanted, *(name for name in found if _may_vouch(issuer, name)), *HERE]))


def _is_fresh(file: Path, issuer: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    """Whether what the server has shows these names, is of this issuer, and lasts."""
    if not file.exists():
        return False
    leaf = x509.load_pem_x509_certificates(file.read_bytes())[0]
    is_ours = _is_of(leaf, issuer) and set(_names_in(leaf)) == set(names)
    can_last_longer = leaf.not_valid_after_utc < issuer.not_valid_after_utc
    return is_ours and (leaf.not_valid_after_utc - now > RENEWED_BEFORE or not can_last_longer)


def _is_of(leaf: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError):
        return False
    return True


# ---------------------------------------------------------------- making


def _make_authority(folder: Path, names: Sequence[str], now: datetime) -> None:
    """Written beside its place and moved there: two that start at once have one authority, and a crash leaves none by halves."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    root_key, key = _new_key(), _new_key()
    limits = _limits(names)
    stem = f"omnisync {now:%Y-%m-%d}"
    root = _signed(f"{stem} CA", root_key, (root_key, None), now, AUTHORITY_LASTS, [*_as_authority(1), (limits, True)])
    issued = _signed(f"{stem} issuer", key, (root_key, root), now, AUTHORITY_LASTS, [*_as_authority(0), (limits, True)])
    _write(new / ROOT, root.public_bytes(Encoding.PEM), mode=0o644)
    _write(new / ISSUER, _secret(key) + issued.public_bytes(Encoding.PEM))
    try:
        if (folder / ROOT).exists():
            folder.rename(folder.with_name(f"{folder.name}.until-{now:%Y-%m-%d}"))
        new.rename(folder)
    except OSError:
        shutil.rmtree(new)
        if not (folder / ROOT).exists():
            raise


def _server(issuer: _Pair, names: Sequence[str], now: datetime) -> bytes:
    key = _new_key()
    more: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([_general(name) for name in names]), False),
    ]
    made = _signed(names[0][:64], key, issuer, now, SERVER_LASTS, more)
    return _secret(key) + made.public_bytes(Encoding.PEM) + issuer[1].public_bytes(Encoding.PEM)


def _signed(
    name: str, key: _Key, by: tuple[_Key, x509.Certificate | None], now: datetime, lasts: timedelta,
    more: Iterable[tuple[x509.ExtensionType, bool]],
) -> x509.Certificate:  # fmt: skip
    """A certificate of that key; it ends no later than the one above it."""
    above = by[1]
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "omnisync"), x509.NameAttribute(NameOID.COMMON_NAME, name)])  # fmt: skip
    begins = now - BEGINS_BEFORE
    ends = begins + lasts if above is None else min(begins + lasts, above.not_valid_after_utc)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(above.subject if above else subject)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(begins).not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by[0].public_key()), critical=False)
    )  # fmt: skip
    for extension, critical in more:
        made = made.add_extension(extension, critical)
    return made.sign(by[0], hashes.SHA256())


def _as_authority(below: int) -> list[tuple[x509.ExtensionType, bool]]:
    """With so many authorities below it at most."""
    constraints = x509.BasicConstraints(ca=True, path_length=below)
    return [(constraints, True), (_usage(key_cert_sign=True, crl_sign=True), True)]


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature, key_cert_sign=key_cert_sign, crl_sign=crl_sign, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _limits(names: Iterable[str]) -> x509.NameConstraints:
    """What it may vouch for: the house's own endings and networks, and just these names besides."""
    hosts, networks = dict.fromkeys(OWN_NAMES), dict.fromkeys(OWN_NETWORKS)
    for name in names:
        address = _address(name)
        if address is None:
            hosts[name] = None
        elif not any(address in network for network in OWN_NETWORKS):
            networks[ipaddress.ip_network(address)] = None
    return x509.NameConstraints([*map(x509.DNSName, hosts), *map(x509.IPAddress, networks)], None)


# ---------------------------------------------------------------- reading


def _may_vouch(issuer: x509.Certificate, name: str) -> bool:
    """Whether the limits of this issuer let it sign for that name or address."""
    limits = issuer.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    address = _address(name)
    if address is not None:
        networks = [one.value for one in limits if isinstance(one, x509.IPAddress)]
        return any(address in network for network in networks if isinstance(network, _NETWORKS))
    endings = [one.value for one in limits if isinstance(one, x509.DNSName)]
    return any(name == ending or name.endswith(f".{ending}") for ending in endings)


def _names_in(leaf: x509.Certificate) -> tuple[str, ...]:
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(str(one.value) for one in names)


def _general(name: str) -> x509.GeneralName:
    address = _address(name)
    return x509.DNSName(name) if address is None else x509.IPAddress(address)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _root(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / ROOT).read_bytes())


def _read_pair(file: Path) -> _Pair:
    text = file.read_bytes()
    key = serialization.load_pem_private_key(text, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key, x509.load_pem_x509_certificate(text)


def _new_key() -> _Key:
    """Every device of the last ten years knows this curve."""
    return ec.generate_private_key(ec.SECP256R1())


def _secret(key: _Key) -> bytes:
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _write(file: Path, text: bytes, *, mode: int = 0o600) -> None:
    """Whole or not at all, and never for a moment readable by others than that."""
    descriptor, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "wb") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    Path(name).chmod(mode)
    Path(name).replace(file)
