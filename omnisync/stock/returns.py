"""Goods that came back to a shelf and are told twice: by themselves, and with the order they were sold with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync.stock import known
from omnisync.values import Kind, Shelf

_RECEIPT = "/receipt/"


def key_with_receipt(loose: str, line: str, sku: str) -> str:
    """The name of goods that came back with their receipt; `loose` names them where they are told without it."""
    return f"{loose}{_RECEIPT}{line}/{sku}"


def came_loose(session: Session, loose: str, skus: Collection[str]) -> bool:
    """Whether they were booked without their receipt: all of them then, in one booking."""
    keys = [loose, *(f"{loose}/{sku}" for sku in skus)]
    return session.execute(known.effects(("key",), lambda one: one.key.in_(keys)).limit(1)).first() is not None


def came_with_receipt(session: Session, loose: str, shelf: Shelf) -> int:
    """Pieces of them that their receipt has brought back to this shelf already."""

    def here(effect: known.Columns) -> sa.ColumnElement[bool]:
        return sa.and_(_with_receipt(effect, loose), effect.location == shelf.location, effect.sku == shelf.sku)

    return sum(int(n) for n in session.execute(known.effects(("quantity",), here)).scalars())


def shelves_with_receipt(session: Session, loose: str) -> set[Shelf]:
    """Where their receipt has brought them back to."""
    rows = session.execute(known.effects(("location", "sku"), lambda effect: _with_receipt(effect, loose)))
    return {Shelf(*row) for row in rows}


def _with_receipt(effect: known.Columns, loose: str) -> sa.ColumnElement[bool]:
    # A range of keys, which the index of keys finds; "0" is the character after "/".
    first, beyond = f"{loose}{_RECEIPT}", f"{loose}{_RECEIPT[:-1]}0"
    return sa.and_(effect.key >= first, effect.key < beyond, effect.kind == Kind.RETURNED.value)


def name_without_receipt(row: Any) -> str:
    """By which the goods of this journal row are known where they are told by themselves."""
    return str(row.key).partition(_RECEIPT)[0]


def is_with_receipt(row: Any) -> bool:
    """Whether this journal row came with the order the goods were sold with."""
    return _RECEIPT in str(row.key)
