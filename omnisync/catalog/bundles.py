"""Which SKUs are bundles: asked for every batch of reservations, so it is one small query."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.tables import Component

component = db.table(Component)


def among(session: Session, skus: Collection[str]) -> set[str]:
    """Those of the SKUs that are bundles."""
    if not skus:
        return set()
    return set(
        session.execute(sa.select(component.c.bundle).where(component.c.bundle.in_(sorted(skus))).distinct()).scalars()
    )
