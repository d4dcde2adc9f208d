"""What bundles held, and when: written down with every change, so that the past can be explained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.batches import batches
from omnisync.catalog.tables import ComponentThen

_then = db.table(ComponentThen)
Contents = Mapping[str, Mapping[str, int]]
"""Bundle -> component -> pieces of it in one bundle."""


def remember(session: Session, bundles: Contents, *, now: datetime) -> None:
    """From now on these bundles hold this."""
    for batch in batches(sorted(bundles)):
        standing = {(row.bundle, row.sku, row.quantity): row.id for row in session.execute(_standing(batch))}
        wanted = {(bundle, sku, n) for bundle in batch for sku, n in bundles[bundle].items()}
        over = [number for what, number in standing.items() if what not in wanted]
        if over:
            session.execute(sa.update(_then).where(_then.c.id.in_(over)).values(valid_to=now))
        new = sorted(wanted - standing.keys())
        db.insert_all(session, _then, [{"bundle": b, "sku": s, "quantity": n, "valid_from": now} for b, s, n in new])


def contents(session: Session, bundles: Collection[str], moment: datetime) -> dict[str, dict[str, int]]:
    """What those of these SKUs that were bundles then held, one level deep."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in session.execute(_at(moment).where(db.among(_then.c.bundle, sorted(bundles)))) if bundles else ():
        found[row.bundle][row.sku] = row.quantity
    return dict(found)


def holders(session: Session, skus: Iterable[str], moment: datetime) -> set[str]:
    """These SKUs, and all bundles that held any of them then, at whatever depth."""
    found: set[str] = set()
    level = set(skus)
    while level:
        found |= level
        rows = session.execute(_at(moment).where(db.among(_then.c.sku, sorted(level))))
        level = {row.bundle for row in rows} - found
    return found


def _standing(bundles: Collection[str]) -> sa.Select[tuple[ComponentThen]]:
    return sa.select(_then).where(_then.c.bundle.in_(bundles), _then.c.valid_to.is_(None))


def _at(moment: datetime) -> sa.Select[tuple[ComponentThen]]:
    still = sa.or_(_then.c.valid_to.is_(None), _then.c.valid_to > moment)
    return sa.select(_then).where(_then.c.valid_from <= moment, still)
