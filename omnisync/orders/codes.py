"""The customer's secret: eight characters that open one pickup, made from the server's key and kept only as a keyed hash."""

from __future__ import annotations

import hmac
import random
import re
from pathlib import Path

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: without I, L, O and U, which are misread or misheard."""
LENGTH = 8
KEY_BYTES = 32

_MISREAD = str.maketrans("OIL", "011")
_PARTS = re.compile(r"[/?&=#]")
_BETWEEN = re.compile(r"[\s\-‐-―_.]+")


class Codes:
    """Makes and recognises pickup codes; whoever holds the key could make every code, the database alone cannot."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"the key for pickup codes has {KEY_BYTES} bytes or more")
        self._key = key

    def of(self, pickup_id: str) -> str:
        """The code of a pickup, as it is printed: `K7Q4-X9RT`."""
        value = int.from_bytes(self._digest("code", pickup_id)[:5], "big")
        text = "".join(ALPHABET[(value >> shift) & 31] for shift in range(5 * (LENGTH - 1), -5, -5))
        return f"{text[:4]}-{text[4:]}"

    def hash(self, code: str) -> str | None:
        """What is stored of a code and looked up; None for what cannot be one."""
        typed = normalise(code)
        return None if typed is None else self._digest("lookup", typed).hex()

    def salt(self, device: str, pickup_id: str) -> bytes:
        """What makes the check value of one pickup on one device unlike every other; it is no secret."""
        return self._digest("salt", f"{device}\0{pickup_id}")[:16]

    def opens(self, code: str, code_hash: str) -> bool:
        """Whether a typed code is the one behind this hash, compared in constant time."""
        return hmac.compare_digest(self.hash(code) or "", code_hash)

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._key, f"omnisync pickup {purpose}\0{text}".encode(), "sha256")


def normalise(code: str) -> str | None:
    """Eight characters of the alphabet, as they were meant: any case, blanks and dashes anywhere, O for 0, I and L for 1."""
    text = _BETWEEN.sub("", code).upper().translate(_MISREAD)
    return text if len(text) == LENGTH and set(text) <= set(ALPHABET) else None


def within(text: str) -> str:
    """The part of what was scanned that can be a code: all of it, or a part of the address that a shop put into its QR."""
    return next((part for part in reversed(_PARTS.split(text)) if normalise(part)), text)


def key_from(path: Path, chance: random.Random) -> bytes:
    """The server's key in that file (hexadecimal); made on first use, readable by its owner only."""
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(chance.randbytes(KEY_BYTES).hex() + "\n", encoding="ascii")
        return key_from(path, chance)
