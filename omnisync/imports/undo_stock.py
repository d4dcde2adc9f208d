"""Undoing a count: counter-movements for what it changed, and the place, safety stock and moment of counting as before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.batches import batches
from omnisync.catalog.tables import ImportChange
from omnisync.errors import Conflict
from omnisync.stock import ledger, shelves
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import ArchivedKey, Balance, Movement
from omnisync.values import Kind, Shelf, parse_time

_MOVEMENT, _BALANCE, _CHANGE = db.table(Movement), db.table(Balance), db.table(ImportChange)
_KEY = db.table(ArchivedKey)
_SHELVES = 500
_WHY = {
    Kind.COUNT.value: "was counted again ({cause})",
    Kind.COUNTED_ALREADY.value: "has a late fact that this count included ({cause})",
    Kind.SAFETY.value: "got another safety stock ({cause})",
}


@dataclass(frozen=True, slots=True)
class _Effect:
    """What the import did to one shelf: by the journal, and by what it kept beside it."""

    on_hand: int = 0
    safety: int = 0
    counted: bool = False
    last_id: int = 0
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None

    @property
    def moved(self) -> bool:
        """Whether it gave the shelf another place."""
        return self.after is not None and "shelf" in self.after


def undo(session: Session, run: Any, *, now: datetime) -> tuple[int, list[str]]:
    """How many shelves are as before, and in words those that were left because of what happened since."""
    _check_reach(session, run)
    effects = _effects(session, run.id)
    restored, left = 0, []
    for batch in batches(sorted(effects), _SHELVES):
        mine = {shelf: effects[shelf] for shelf in batch}
        shelves.lock(session, batch)
        standing = _balances(session, batch)
        since = {**_moved_since(mine, standing), **_changed_since(session, run, mine)}
        free = {shelf: effect for shelf, effect in mine.items() if shelf not in since}
        ledger.record(session, list(_counter_entries(run, free, standing, now)), now=now)
        _put_back(session, run, free, standing, now)
        restored += len(free)
        left += [f"{shelf.sku} at {shelf.location} {why}" for shelf, why in sorted(since.items())]
    return restored, left


def _check_reach(session: Session, run: Any) -> None:
    """Conflict when what it counted has left the journal."""
    if session.execute(sa.select(_KEY.c.key).where(*_of_run(_KEY, run.id)).limit(1)).first() is not None:
        raise Conflict(f"What import {run.id} counted has been archived: count the shelves again.", code="archived")


def _of_run(table: sa.Table, run_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    # "0" follows "/": these are all keys that begin with import:<id>/, found by the index.
    return (table.c.key >= f"import:{run_id}/", table.c.key < f"import:{run_id}0")


def _effects(session: Session, run_id: str) -> dict[Shelf, _Effect]:
    kept = _kept(session, run_id)
    effects = {shelf: _Effect(before=row.before, after=row.after) for shelf, row in kept.items()}
    for row in session.execute(_sums(run_id)):
        shelf = Shelf(row.location, row.sku)
        beside = effects.get(shelf, _Effect())
        numbers = (int(row.on_hand), int(row.safety), bool(row.counted), row.last_id)
        effects[shelf] = _Effect(*numbers, beside.before, beside.after)
    return effects


def _kept(session: Session, run_id: str) -> dict[Shelf, Any]:
    query = sa.select(_CHANGE).where(_CHANGE.c.run_id == run_id, _CHANGE.c.subject == "shelf")
    return {Shelf(*row.key.split("/", 1)): row for row in session.execute(query)}


def _sums(run_id: str) -> sa.Select[Any]:
    return (
        sa.select(
            _MOVEMENT.c.location,
            _MOVEMENT.c.sku,
            sa.func.sum(_MOVEMENT.c.on_hand).label("on_hand"),
            sa.func.sum(_MOVEMENT.c.safety).label("safety"),
            sa.func.max(sa.case((_MOVEMENT.c.kind == Kind.COUNT.value, 1), else_=0)).label("counted"),
            sa.func.max(_MOVEMENT.c.id).label("last_id"),
        )
        .where(*_of_run(_MOVEMENT, run_id))
        .group_by(_MOVEMENT.c.location, _MOVEMENT.c.sku)
    )


def _balances(session: Session, wanted: Sequence[Shelf]) -> dict[Shelf, Any]:
    query = sa.select(_BALANCE).where(db.in_pairs(_BALANCE.c.location, _BALANCE.c.sku, wanted))
    return {Shelf(row.location, row.sku): row for row in session.execute(query)}


def _moved_since(mine: Mapping[Shelf, _Effect], standing: Mapping[Shelf, Any]) -> dict[Shelf, str]:
    return {
        shelf: "was given another place"
        for shelf, effect in mine.items()
        if effect.after is not None and effect.moved and standing[shelf].shelf != effect.after["shelf"]
    }


def _changed_since(session: Session, run: Any, mine: Mapping[Shelf, _Effect]) -> dict[Shelf, str]:
    """Shelves on which a counter-movement would be wrong, for a level was set after the import."""
    columns = (_MOVEMENT.c[name] for name in ("id", "location", "sku", "kind", "cause"))
    query = sa.select(*columns).where(
        db.in_pairs(_MOVEMENT.c.location, _MOVEMENT.c.sku, list(mine)),
        _MOVEMENT.c.kind.in_(list(_WHY)),
        _MOVEMENT.c.id > min(effect.last_id for effect in mine.values()),
        _MOVEMENT.c.cause != _cause(run),
    )
    since: dict[Shelf, str] = {}
    for row in session.execute(query):
        effect = mine[Shelf(row.location, row.sku)]
        concerned = effect.safety if row.kind == Kind.SAFETY.value else effect.counted
        if concerned and row.id > effect.last_id:
            since[Shelf(row.location, row.sku)] = _WHY[row.kind].format(cause=row.cause)
    return since


def _cause(run: Any) -> str:
    return f"import:{run.id}"


def _counter_entries(
    run: Any, free: Mapping[Shelf, _Effect], standing: Mapping[Shelf, Any], now: datetime
) -> Iterable[Entry]:
    cause = f"undo:{run.id}"
    for (location, sku), effect in free.items():
        key = f"{cause}/{location}/{sku}"
        if effect.on_hand:
            kind = Kind.MISSING if effect.on_hand > 0 else Kind.FOUND
            yield Entry(kind, sku, location, abs(effect.on_hand), cause, now, key, "import undone")
        if effect.safety:
            level = standing[Shelf(location, sku)].safety - effect.safety
            yield Entry(Kind.SAFETY, sku, location, level, cause, now, f"{key}/safety", "import undone")


def _put_back(
    session: Session, run: Any, free: Mapping[Shelf, _Effect], standing: Mapping[Shelf, Any], now: datetime
) -> None:
    rows = [_earlier(run, shelf, effect, standing[shelf], now) for shelf, effect in free.items()]
    if rows:
        session.connection().execute(_PUT_BACK, rows)


def _earlier(run: Any, shelf: Shelf, effect: _Effect, balance: Any, now: datetime) -> dict[str, Any]:
    before = effect.before or {}
    ours = effect.counted and balance.counted_at == (run.counted_at or run.at)
    counted_at = before.get("counted_at") and parse_time(before["counted_at"])
    return {
        "at_location": shelf.location,
        "at_sku": shelf.sku,
        "place": before.get("shelf") if effect.moved else balance.shelf,
        "counted": counted_at if ours else balance.counted_at,
        "off": balance.off_sale or bool(effect.counted and before.get("off_sale")),
        "now": now,
    }


_PUT_BACK = (
    sa.update(_BALANCE)
    .where(_BALANCE.c.location == sa.bindparam("at_location"), _BALANCE.c.sku == sa.bindparam("at_sku"))
    .values(
        shelf=sa.bindparam("place"),
        counted_at=sa.bindparam("counted"),
        off_sale=sa.bindparam("off"),
        changed_at=sa.bindparam("now"),
    )
)
