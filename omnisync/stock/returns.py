"""Goods that came back to a shelf and are told twice: by themselves, and with the order they were sold with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.stock.tables import Movement
from omnisync.values import Kind, Shelf

movement = db.table(Movement)
_RECEIPT = "/receipt/"


def key_with_receipt(loose: str, line: str, sku: str) -> str:
    """The name of goods that came back with their receipt; `loose` names them where they are told without it."""
    return f"{loose}{_RECEIPT}{line}/{sku}"


def came_loose(session: Session, loose: str, skus: Collection[str]) -> bool:
    """Whether they stand in the journal without their receipt: all of them then, in one booking."""
    keys = [loose, *(f"{loose}/{sku}" for sku in skus)]
    return session.execute(sa.select(movement.c.id).where(movement.c.key.in_(keys)).limit(1)).first() is not None


def came_with_receipt(session: Session, loose: str, shelf: Shelf) -> int:
    """Pieces of them that their receipt has brought back to this shelf already."""
    here = (movement.c.location == shelf.location, movement.c.sku == shelf.sku)
    pieces = sa.select(sa.func.coalesce(sa.func.sum(movement.c.quantity), 0)).where(*_with_receipt(loose), *here)
    return int(session.execute(pieces).scalar_one())


def shelves_with_receipt(session: Session, loose: str) -> set[Shelf]:
    """Where their receipt has brought them back to."""
    rows = session.execute(sa.select(movement.c.location, movement.c.sku).where(*_with_receipt(loose)))
    return {Shelf(*row) for row in rows}


def _with_receipt(loose: str) -> tuple[sa.ColumnElement[bool], ...]:
    # A range of keys, which the index of keys finds; "0" is the character after "/".
    first, beyond = f"{loose}{_RECEIPT}", f"{loose}{_RECEIPT[:-1]}0"
    return (movement.c.key >= first, movement.c.key < beyond, movement.c.kind == Kind.RETURNED.value)


def name_without_receipt(row: Any) -> str:
    """By which the goods of this journal row are known where they are told by themselves."""
    return str(row.key).partition(_RECEIPT)[0]


def is_with_receipt(row: Any) -> bool:
    """Whether this journal row came with the order the goods were sold with."""
    return _RECEIPT in str(row.key)
