"""What a device may know of a code while it has no network: whether one that is shown is the right one, and nothing that says
which it is.

The device gets, for each pickup that lies ready, a salt of its own and the hash of a key that only the code gives, slowly. From
the right code it makes that key again and keeps it with the hand-over as the proof, instead of the code itself.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from omnisync.orders.codes import Codes, normalise

ITERATIONS = 200_000
"""Of PBKDF2 with SHA-256: some 60 ms here, some tenths of a second on a phone. Of 2**40 codes nobody finds one in the days a
pickup waits."""


@dataclass(frozen=True, slots=True)
class Check:
    """What one device holds of one pickup; both hexadecimal."""

    salt: str
    hash: str


def proof(codes: Codes, device: str, pickup_id: str) -> bytes:
    """The key that the code of this pickup gives on this device. Slow, as it should be: ask outside of any transaction."""
    code = normalise(codes.of(pickup_id)) or ""
    return hashlib.pbkdf2_hmac("sha256", code.encode(), codes.salt(device, pickup_id), ITERATIONS)


def check(codes: Codes, device: str, pickup_id: str) -> Check:
    """What that device may know. Slow."""
    known = hashlib.sha256(proof(codes, device, pickup_id)).hexdigest()
    return Check(codes.salt(device, pickup_id).hex(), known)


def opens(codes: Codes, device: str, pickup_id: str, shown: str) -> bool:
    """Whether that device had the right code of this pickup in front of it. Slow."""
    try:
        given = bytes.fromhex(shown)
    except ValueError:
        return False
    return hmac.compare_digest(given, proof(codes, device, pickup_id))
