"""Which SKUs are bundles: asked for every batch of reservations, so it is one small query."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Component

component = db.table(Component)
_AMONG = (
    sa.select(component.c.bundle).where(db.among(component.c.bundle, sa.bindparam("skus", type_=db.Many()))).distinct()
)


def among(session: Session, skus: Collection[str]) -> set[str]:
    """Those of the SKUs that are bundles."""
    if not skus:
        return set()
    return set(session.execute(_AMONG, {"skus": list(skus)}).scalars())
