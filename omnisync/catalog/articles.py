"""What is sold: finding articles by SKU or barcode, taking bundles apart, and writing what changed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog import gtin, then
from omnisync.catalog.batches import batches
from omnisync.catalog.tables import Article, Barcode, Component
from omnisync.errors import Conflict, InvalidRequest, NeedsAttention

MAX_DEPTH = 8
"""Bundles of bundles of bundles: nobody needs more, and a cycle that slipped in must not run for ever."""

_ARTICLE, _BARCODE, _COMPONENT = db.table(Article), db.table(Barcode), db.table(Component)
FIELDS = tuple(name for name in _ARTICLE.c.keys() if name not in ("sku", "changed_at"))  # noqa: SIM118
"""Columns of an article that somebody may change. `group_name` is the column, `group` the attribute."""


class ArticleInfo(NamedTuple):
    """What other parts ask about an article most often."""

    sku: str
    title: str
    stocked: bool
    is_bundle: bool
    unit: str
    shelf: str | None
    min_age: int | None


@dataclass(frozen=True, slots=True)
class ArticleState:
    """An article as it stands: its columns, barcodes in order, and what it holds if it is a bundle."""

    fields: Mapping[str, Any]
    barcodes: tuple[str, ...] = ()
    components: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArticleChange:
    """What shall stand: the named columns, and all barcodes or components where they are given (None leaves them)."""

    sku: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    barcodes: Sequence[str] | None = None
    components: Mapping[str, int] | None = None


# ---------------------------------------------------------------- finding


def known(session: Session, skus: Iterable[str]) -> dict[str, ArticleInfo]:
    """What we know of these SKUs; those we do not know are left out."""
    infos: dict[str, ArticleInfo] = {}
    for batch in batches(dict.fromkeys(skus)):
        infos |= {row[0]: ArticleInfo._make(row) for row in session.execute(_KNOWN, {"skus": batch}).all()}
    return infos


_KNOWN = sa.select(
    _ARTICLE.c.sku, _ARTICLE.c.title, _ARTICLE.c.stocked, sa.exists().where(_COMPONENT.c.bundle == _ARTICLE.c.sku),
    _ARTICLE.c.unit, _ARTICLE.c.shelf, _ARTICLE.c.min_age,
).where(db.among(_ARTICLE.c.sku, sa.bindparam("skus", type_=db.Many())))  # fmt: skip


def unstocked(session: Session, skus: Iterable[str]) -> set[str]:
    """Those of these SKUs that are no goods: deposit, shipping, gift wrap, vouchers, services."""
    return set(session.execute(_UNSTOCKED, {"skus": list(skus)}).scalars())


_UNSTOCKED = sa.select(_ARTICLE.c.sku).where(
    db.among(_ARTICLE.c.sku, sa.bindparam("skus", type_=db.Many())), ~_ARTICLE.c.stocked
)


def b_ware_of(session: Session, sku: str) -> str | None:
    """The SKU under which pieces of this one are sold that are not quite new; None where there is none that has stock."""
    query = sa.select(_ARTICLE.c.b_ware).where(_ARTICLE.c.sku == sku)
    other = session.execute(query).scalar_one_or_none()
    info = known(session, [other]).get(other) if other else None
    return other if info is not None and info.stocked and not info.is_bundle and other != sku else None


def by_barcode(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """Barcode -> SKU for those we know; a GTIN is also found with more or fewer leading zeros."""
    wanted = {code: gtin.spellings(code) for code in codes}
    owners = barcode_owners(session, {spelling for spellings in wanted.values() for spelling in spellings})
    found = {code: [owners[one] for one in spellings if one in owners] for code, spellings in wanted.items()}
    return {code: skus[0] for code, skus in found.items() if skus}


def barcode_owners(session: Session, codes: Iterable[str]) -> dict[str, str]:
    """Barcode -> SKU for exactly these codes."""
    return {
        code: sku for batch in batches(dict.fromkeys(codes)) for code, sku in session.execute(_OWNERS, {"codes": batch})
    }


_OWNERS = sa.select(_BARCODE.c.code, _BARCODE.c.sku).where(db.among(_BARCODE.c.code, db.many("codes")))


def states(session: Session, skus: Iterable[str]) -> dict[str, ArticleState]:
    """These articles as they stand, whole; unknown ones are left out."""
    found: dict[str, ArticleState] = {}
    for batch in batches(dict.fromkeys(skus)):
        barcodes = _barcodes_of(session, batch)
        components = _components_of(session, batch)
        for row in session.execute(sa.select(_ARTICLE).where(_ARTICLE.c.sku.in_(batch))):
            columns = {name: row._mapping[_ARTICLE.c[name]] for name in FIELDS}
            found[row.sku] = ArticleState(columns, tuple(barcodes[row.sku]), components.get(row.sku, {}))
    return found


def _barcodes_of(session: Session, skus: Sequence[str]) -> dict[str, list[str]]:
    query = sa.select(_BARCODE.c.sku, _BARCODE.c.code).where(_BARCODE.c.sku.in_(skus)).order_by(_BARCODE.c.code)
    found: dict[str, list[str]] = defaultdict(list)
    for row in session.execute(query):
        found[row.sku].append(row.code)
    return found


def _components_of(session: Session, bundles: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for bundle, sku, quantity in session.execute(_CONTENTS, {"bundles": bundles}):
        found[bundle][sku] = quantity
    return dict(found)


_CONTENTS = (
    sa.select(_COMPONENT.c.bundle, _COMPONENT.c.sku, _COMPONENT.c.quantity)
    .where(db.among(_COMPONENT.c.bundle, db.many("bundles")))
    .order_by(_COMPONENT.c.sku)
)


# ---------------------------------------------------------------- bundles


def explode(session: Session, lines: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The lines with every bundle replaced by what it holds, equal SKUs summed. One query a level, whatever the number."""
    pieces: Counter[str] = Counter()
    level: Counter[str] = Counter()
    for sku, quantity in lines:
        level[sku] += quantity
    for _ in range(MAX_DEPTH + 1):
        contents = _contents(session, level)
        below: Counter[str] = Counter()
        for sku, quantity in level.items():
            if sku not in contents:
                pieces[sku] += quantity
            for component, each in contents.get(sku, {}).items():
                below[component] += quantity * each
        if not below:
            return dict(pieces)
        level = below
    raise NeedsAttention(
        f"The bundles of {min(level)} hold each other or are nested more than {MAX_DEPTH} deep.",
        action="Correct the components of these bundles and import the catalogue again.",
        code="bundle-cycle",
    )


def _contents(session: Session, skus: Iterable[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for batch in batches(skus):
        found |= _components_of(session, batch)
    return found


def cycle(session: Session, bundles: Mapping[str, Mapping[str, int]]) -> list[str] | None:
    """A chain of bundles that ends where it began or is nested too deep, if these components were written."""
    contents: dict[str, Mapping[str, int]] = dict(bundles)
    level = {sku for components in bundles.values() for sku in components} - contents.keys()
    while level:
        below = _contents(session, level)
        contents |= {sku: below.get(sku, {}) for sku in level}
        level = {sku for components in below.values() for sku in components} - contents.keys()
    return next((chain for bundle in bundles if (chain := _chain(contents, [bundle]))), None)


def _chain(contents: Mapping[str, Mapping[str, int]], path: list[str]) -> list[str] | None:
    if path[-1] in path[:-1] or len(path) > MAX_DEPTH + 1:
        return path
    return next((chain for sku in contents.get(path[-1], {}) if (chain := _chain(contents, [*path, sku]))), None)


# ---------------------------------------------------------------- writing


def put(session: Session, changes: Sequence[ArticleChange], *, now: datetime) -> None:
    """Write these articles, new or known, all or none of them; each SKU at most once.

    InvalidRequest for components that do not exist or bundles that hold themselves, Conflict for a barcode of another SKU.
    """
    _put_articles(session, changes, now)
    _put_barcodes(session, [change for change in changes if change.barcodes is not None])
    bundles = {change.sku: change.components for change in changes if change.components is not None}
    _put_components(session, bundles)
    then.remember(session, bundles, now=now)


def _put_articles(session: Session, changes: Sequence[ArticleChange], now: datetime) -> None:
    before = states(session, (change.sku for change in changes))
    rows = [
        {**_row(before.get(change.sku)), **change.fields, "sku": change.sku, "changed_at": now}
        for change in changes
        if change.fields or change.sku not in before
    ]
    for batch in batches(rows):
        db.upsert(session, _ARTICLE, batch, key=["sku"], update=[*FIELDS, "changed_at"])


def _row(state: ArticleState | None) -> dict[str, Any]:
    if state:
        return dict(state.fields)
    return {**dict.fromkeys(FIELDS), "title": "", "unit": "piece", "stocked": True}


def _put_barcodes(session: Session, changes: Sequence[ArticleChange]) -> None:
    # All old ones go before any new one comes, so that a barcode can move between two articles of one call.
    for batch in batches(change.sku for change in changes):
        session.execute(sa.delete(_BARCODE).where(_BARCODE.c.sku.in_(batch)))
    rows = [{"code": code, "sku": change.sku} for change in changes for code in dict.fromkeys(change.barcodes or ())]
    for rows_now in batches(rows):
        new = db.insert_new(session, _BARCODE, rows_now, key=["code"], returning=["code", "sku"])
        written = {(row.code, row.sku) for row in new}
        taken = {row["code"]: row["sku"] for row in rows_now if (row["code"], row["sku"]) not in written}
        if taken:
            raise _taken(session, taken)


def _taken(session: Session, wanted: Mapping[str, str]) -> Conflict:
    code, sku = min(wanted.items())
    owner = barcode_owners(session, [code])[code]
    return Conflict(
        f"Barcode {code} belongs to {owner}, so {sku} cannot have it.",
        code="barcode-taken",
        barcode=code,
        sku=sku,
        owner=owner,
    )


def _put_components(session: Session, bundles: Mapping[str, Mapping[str, int]]) -> None:
    if not bundles:
        return
    _refuse_bad_components(session, bundles)
    for batch in batches(bundles):
        session.execute(sa.delete(_COMPONENT).where(_COMPONENT.c.bundle.in_(batch)))
    rows = [
        {"bundle": bundle, "sku": sku, "quantity": quantity}
        for bundle, components in bundles.items()
        for sku, quantity in components.items()
    ]
    for rows_now in batches(rows):
        session.execute(sa.insert(_COMPONENT), rows_now)


def _refuse_bad_components(session: Session, bundles: Mapping[str, Mapping[str, int]]) -> None:
    wanted = {sku for components in bundles.values() for sku in components}
    if missing := sorted(wanted - known(session, wanted).keys()):
        raise InvalidRequest.of("components", f"there is no article {missing[0]}")
    if any(quantity < 1 for components in bundles.values() for quantity in components.values()):
        raise InvalidRequest.of("components", "a bundle holds 1 piece or more of each component")
    if chain := cycle(session, bundles):
        raise InvalidRequest.of("components", f"a bundle may not hold itself: {' > '.join(chain)}")
