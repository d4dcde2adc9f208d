"""Movements that callers name by keys of their own: told again it is the same movement, and never another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import Refused
from omnisync.stock import known, shelves
from omnisync.stock.ledger import Entry

_COLUMNS = ("key", "kind", "sku", "location", "quantity")
_NAMED = known.effects(_COLUMNS, lambda effect: db.among(effect.key, sa.bindparam("keys", type_=db.Many())))


class _Meant(NamedTuple):
    """What a key stands for."""

    kind: str
    sku: str
    location: str
    quantity: int

    def __str__(self) -> str:
        return f"{self.kind}, {self.quantity} of {self.sku} at {self.location}"


def key_of(owner: str, key: str) -> str:
    """The name of a caller's movement in the journal."""
    return f"api:{owner}:{key}"


def arrival_key(owner: str, key: str) -> str:
    """The name of a transfer's other half: it begins as no caller's own key does, whatever they write."""
    return f"api-in:{owner}:{key}"


def fresh(session: Session, lines: Sequence[Sequence[Entry]]) -> list[Entry]:
    """What of these lines is not in the journal yet. Refused where a key was used, there or in an earlier line, for another
    movement."""
    # All at once, in the one order: what is fresh is recorded next, and of two who say it at once one is the second.
    shelves.lock(session, {entry.shelf for line in lines for entry in line})
    stands = _standing(session, [entry.key for line in lines for entry in line if entry.key])
    _refuse_others(lines, stands)
    return [entry for line in lines if line[0].key not in stands for entry in line]


def _standing(session: Session, keys: Sequence[str]) -> Mapping[str, _Meant]:
    return {row.key: _Meant(*row[1:]) for row in session.execute(_NAMED, {"keys": keys})}


def _refuse_others(lines: Sequence[Sequence[Entry]], stands: Mapping[str, _Meant]) -> None:
    meant = dict(stands)
    errors = []
    for number, line in enumerate(lines):
        wishes = [
            (entry.key or "", _Meant(entry.kind.value, entry.sku, entry.location, entry.quantity)) for entry in line
        ]
        others = [first for key, wish in wishes if (first := meant.setdefault(key, wish)) != wish]
        errors += [
            {"field": f"movements.{number}.key", "message": f"was used for another movement: {first}"}
            for first in others[:1]
        ]
    if errors:
        raise Refused(
            "The key of a movement was used for another one; nothing was written down.",
            code="idempotency-key-reused", status=422, errors=errors,
        )  # fmt: skip
