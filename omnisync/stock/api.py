"""Stock over HTTP: levels, the journal, what happened, safety."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StrictInt, field_validator
from sqlmodel import Session

from omnisync import db
from omnisync.access import Access, Role, acts
from omnisync.catalog import articles, backorder
from omnisync.catalog.backorder import Backorder
from omnisync.errors import Forbidden, InvalidRequest, Refused
from omnisync.http import Body, Code, Moment, Services, ShortText, Sku, Text, json_response, router
from omnisync.stock import answers, archives, availability, backorders, blocked, called_off, ledger, repeats
from omnisync.stock.blocked import Why
from omnisync.stock.effects import QUANTITIES
from omnisync.stock.ledger import Entry
from omnisync.stock.tables import Balance, Movement
from omnisync.values import MAX_QUANTITY, Kind, format_time, from_cursor, row_id, to_cursor

MAX_LINES = 1000
OLDEST = timedelta(days=90)
balance, journal = db.table(Balance), db.table(Movement)

SaidKind = Literal[
    "sold",
    "returned",
    "received",
    "awaited",
    "called_off",
    "found",
    "missing",
    "damaged",
    "blocked",
    "unblocked",
    "count",
    "transfer",
]
_BLOCKS = {"blocked", "unblocked"}
_DATED = {"awaited", "called_off"}
_STAFF_KINDS = {"count", "found", "missing", "damaged"}
Limit = Annotated[int, Query(ge=1, le=1000)]


class MovementBody(Body):
    """Something that happened on a shelf. `quantity` is pieces, or what was counted."""

    key: ShortText = Field(min_length=1, examples=["delivery-77/1"])
    kind: SaidKind = Field(examples=["received"])
    sku: Sku = Field(examples=["JACKE-NORDWIND-42"])
    location: Code = Field(examples=["linden"])
    quantity: Annotated[StrictInt, Field(ge=0, le=MAX_QUANTITY)] = Field(examples=[5])
    to_location: Code | None = None
    reason: ShortText | None = None
    due_at: Moment | None = Field(
        default=None,
        description="When what is awaited is expected; or which of it is called off, the oldest if not said.",
    )
    occurred_at: Moment | None = None


class MovementsBody(Body):
    """1 to 1,000 movements, all or nothing."""

    movements: list[MovementBody] = Field(min_length=1, max_length=MAX_LINES)


class SafetyLine(Body):
    """How many pieces of a shelf are never promised."""

    sku: Sku
    location: Code
    safety: Annotated[StrictInt, Field(ge=0, le=MAX_QUANTITY)]


class SafetyBody(Body):
    """Safety of 1 to 1,000 shelves."""

    lines: list[SafetyLine] = Field(min_length=1, max_length=MAX_LINES)


class BackorderLine(Body):
    """How far an article may be promised beyond what is there."""

    sku: Sku
    backorder: Annotated[str, Field(pattern=r"^(none|\d{1,7}|\d{4}-\d{2}-\d{2})$")] = Field(
        description="`none`; so many pieces at each location that keeps it; or the day from which what is awaited there can be had.",
        examples=["2026-12-01"],
    )

    @field_validator("backorder")
    @classmethod
    def _can_be_read(cls, said: str) -> str:
        backorder.parse(said)
        return said


class BackorderBody(Body):
    """Backorders of 1 to 1,000 articles."""

    lines: list[BackorderLine] = Field(min_length=1, max_length=MAX_LINES)


def routes(services: Services) -> APIRouter:
    """The stock endpoints over these services."""
    api = router("stock", answers.SAYS)
    ops = services.allow(Role.OPS)
    staff = services.allow(Role.STAFF, Role.OPS)
    locations = {location.code for location in services.settings.locations}

    async def write(asker: Access, step: str, about: str, work: Callable[[Session], None]) -> None:
        await services.write.run(acts.of_key(asker, ("stock", step), about, services.clock.now(), work))

    @api.get("/stock", operation_id="listStock", dependencies=[Depends(ops)])
    async def stock(
        sku: Annotated[list[Sku] | None, Query()] = None,
        location: Code | None = None,
        overdue: bool = False,
        limit: Limit = 100,
        cursor: Text | None = None,
    ) -> Response:
        """What is on each shelf, a page at a time; with `overdue`, only where awaited goods should have come by now."""
        late_at = services.clock.now() if overdue else None
        return json_response(
            await services.read.run(lambda session: _levels(session, sku, location, late_at, limit, cursor))
        )

    @api.get("/stock/blocked", operation_id="listBlocked")
    async def list_blocked(
        location: Code | None = None, limit: Limit = 100, cursor: Text | None = None, asker: Access = Depends(staff)
    ) -> Response:
        """What is there and not for sale, by its reason."""
        if location is not None and not asker.may_at(location):
            raise Forbidden("This belongs to another store.")
        where = asker.location or location
        return json_response(await services.read.run(lambda session: _blocked(session, where, limit, cursor)))

    @api.get("/stock/movements", operation_id="listMovements", dependencies=[Depends(ops)])
    async def movements(
        sku: Sku | None = None,
        location: Code | None = None,
        since: Moment | None = None,
        limit: Limit = 100,
        cursor: Text | None = None,
    ) -> Response:
        """The journal, oldest first; months that were archived as what they were carried forward as."""
        return json_response(
            await services.read.run(lambda session: _journal(session, sku, location, since, limit, cursor))
        )

    @api.post("/stock/movements", operation_id="recordMovements")
    async def record(body: MovementsBody, request: Request, asker: Access = Depends(staff)) -> Response:
        """Write down what happened; the same key twice is the same movement."""
        _check(body.movements, locations, services.clock.now(), asker)
        recorded = await services.write.run(lambda session: _record(session, body.movements, asker, services))
        return json_response({"movements": recorded}, 200)

    @api.put("/stock/safety", operation_id="setSafety")
    async def safety(body: SafetyBody, asker: Access = Depends(ops)) -> Response:
        """Set how many pieces of a shelf are never promised."""
        check_locations([(f"lines.{n}.location", line.location) for n, line in enumerate(body.lines)], locations)
        about = acts.named([f"{line.sku}@{line.location}" for line in body.lines])
        await write(asker, "safety", about, lambda session: _set_safety(session, body.lines, asker, services))
        return json_response({"lines": [line.model_dump() for line in body.lines]})

    @api.put("/stock/backorder", operation_id="setBackorder")
    async def set_backorder(body: BackorderBody, asker: Access = Depends(ops)) -> Response:
        """Say how far articles may be promised beyond what is there. Within it a promise opens no shortage."""
        said = {line.sku: backorder.parse(line.backorder) for line in body.lines}
        await write(
            asker, "backorder", acts.named(said), lambda session: _set_backorder(session, said, asker, services)
        )
        return json_response({"lines": [{"sku": sku, "backorder": one.kept or "none"} for sku, one in said.items()]})

    return api


# ---------------------------------------------------------------- what happened


def _check(lines: Sequence[MovementBody], locations: set[str], now: datetime, asker: Access) -> None:
    places = [(f"movements.{n}.location", line.location) for n, line in enumerate(lines)]
    places += [(f"movements.{n}.to_location", line.to_location) for n, line in enumerate(lines) if line.to_location]
    check_locations(places, locations)
    errors = [error for n, line in enumerate(lines) for error in _faults(f"movements.{n}", line, now)]
    if errors:
        raise InvalidRequest(errors)
    for line in lines:
        if not asker.may(Role.OPS) and (line.kind not in _STAFF_KINDS or not asker.may_at(line.location)):
            raise Forbidden("Staff count, find, miss and damage pieces in their own store only.")


def _faults(at: str, line: MovementBody, now: datetime) -> list[dict[str, str]]:
    rules = {
        "quantity": (line.quantity == 0 and line.kind != "count", "is at least 1, except in a count"),
        "to_location": (
            (line.to_location is not None) != (line.kind == "transfer"),
            "belongs to transfers, and only there",
        ),
        "due_at": (line.due_at is not None and line.kind not in _DATED, "belongs to what is awaited or called off"),
        "reason": (
            line.kind in _BLOCKS and line.reason not in set(Why),
            f"says why it is not for sale: {', '.join(Why)}",
        ),
        "occurred_at": (
            line.occurred_at is not None and not now - OLDEST <= line.occurred_at <= now + timedelta(minutes=5),
            "is not in the future and not older than 90 days",
        ),
    }
    if line.to_location is not None and line.to_location == line.location:
        rules["to_location"] = (True, "is another location")
    return [{"field": f"{at}.{name}", "message": message} for name, (wrong, message) in rules.items() if wrong]


def check_locations(places: Sequence[tuple[str, str]], locations: set[str]) -> None:
    """InvalidRequest naming every field whose location there is not."""
    errors = [
        {"field": field, "message": f"There is no location {code!r}; there are {', '.join(sorted(locations))}."}
        for field, code in places
        if code not in locations
    ]
    if errors:
        raise InvalidRequest(errors)


def check_articles(session: Session, skus: Sequence[str], field: str) -> None:
    """InvalidRequest naming every line whose article has no shelf of its own."""
    known = articles.known(session, skus)
    errors = [
        {"field": f"{field}.{n}.sku", "message": _why_not(sku, known.get(sku))}
        for n, sku in enumerate(skus)
        if sku not in known or not known[sku].stocked or known[sku].is_bundle
    ]
    if errors:
        raise InvalidRequest(errors)


def _why_not(sku: str, info: articles.ArticleInfo | None) -> str:
    if info is None:
        return f"There is no article {sku}."
    return f"{sku} is a bundle: name what it holds." if info.is_bundle else f"{sku} is not stocked."


def _record(session: Session, lines: Sequence[MovementBody], asker: Access, services: Services) -> list[dict[str, Any]]:
    check_articles(session, [line.sku for line in lines], "movements")
    now = db.now(session, services.clock)
    entries = repeats.fresh(session, [_entries(line, asker, now) for line in lines])
    blocked.check(session, entries)
    called_off.check(session, entries)
    outcomes = ledger.record(session, entries, now=now)
    fresh = {entry.key for entry, outcome in zip(entries, outcomes, strict=True) if not outcome.duplicate}
    return [{"key": line.key, "duplicate": _key(line, asker) not in fresh} for line in lines]


def _key(line: MovementBody, asker: Access) -> str:
    return repeats.key_of(asker.owner, line.key)


def _entries(line: MovementBody, asker: Access, now: datetime) -> list[Entry]:
    at, cause, key = line.occurred_at or now, f"api:{asker.owner}", _key(line, asker)
    if line.to_location is None:
        return [
            Entry(
                Kind(line.kind), line.sku, line.location, line.quantity, cause, at, key, line.reason, due_at=line.due_at
            )
        ]
    arrival = repeats.arrival_key(asker.owner, line.key)
    return [
        Entry(Kind.TRANSFER_OUT, line.sku, line.location, line.quantity, f"transfer:{key}", at, key, line.reason),
        Entry(Kind.TRANSFER_IN, line.sku, line.to_location, line.quantity, f"transfer:{key}", at, arrival, line.reason),
    ]  # fmt: skip


def _set_safety(session: Session, lines: Sequence[SafetyLine], asker: Access, services: Services) -> None:
    check_articles(session, [line.sku for line in lines], "lines")
    now = db.now(session, services.clock)
    cause = f"api:{asker.owner}"
    ledger.record(
        session, [Entry(Kind.SAFETY, line.sku, line.location, line.safety, cause, now) for line in lines], now=now
    )


def _set_backorder(session: Session, said: Mapping[str, Backorder], asker: Access, services: Services) -> None:
    check_articles(session, list(said), "lines")
    backorders.put(session, said, cause=f"api:{asker.owner}", now=db.now(session, services.clock))


# ---------------------------------------------------------------- reading


def _levels(
    session: Session,
    skus: list[str] | None,
    location: str | None,
    late_at: datetime | None,
    limit: int,
    cursor: str | None,
) -> dict[str, Any]:
    statement = sa.select(balance).order_by(balance.c.location, balance.c.sku).limit(limit + 1)
    if skus:
        statement = statement.where(balance.c.sku.in_(skus))
    if location:
        statement = statement.where(balance.c.location == location)
    if late_at:
        statement = statement.where(balance.c.due_at < late_at)
    if cursor:
        last = _cursor(cursor, 2)
        statement = statement.where(sa.tuple_(balance.c.location, balance.c.sku) > sa.tuple_(*last))
    rows = list(session.execute(statement))
    items = [_level(row) for row in rows[:limit]]
    last_row = rows[limit - 1] if len(rows) > limit else None
    return {"items": items, "next_cursor": last_row and to_cursor(last_row.location, last_row.sku)}


def _level(row: Any) -> dict[str, Any]:
    names = ("sku", "location", "on_hand", "reserved", "blocked", "safety", "incoming", "backorder", "off_sale")
    due_at = row.due_at and format_time(row.due_at)
    return {name: getattr(row, name) for name in names} | {"due_at": due_at, "available": availability.available(row)}


def _blocked(session: Session, location: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    after = tuple(_cursor(cursor, 3)) if cursor else None
    rows = blocked.page(session, location, after=after, limit=limit + 1)  # type: ignore[arg-type]
    last = rows[limit - 1] if len(rows) > limit else None
    return {
        "items": [
            {"sku": row.sku, "location": row.location, "reason": row.reason, "quantity": int(row.pieces)}
            for row in rows[:limit]
        ],
        "next_cursor": last and to_cursor(last.location, last.sku, last.reason),
    }


def _journal(
    session: Session, sku: str | None, location: str | None, since: datetime | None, limit: int, cursor: str | None
) -> dict[str, Any]:
    statement = sa.select(journal).order_by(journal.c.id).limit(limit + 1)
    for column, value in ((journal.c.sku, sku), (journal.c.location, location)):
        if value is not None:
            statement = statement.where(column == value)
    if since is not None:
        archives.check_reach(session, since)
        statement = statement.where(journal.c.recorded_at >= since)
    before = archives.newest(session)
    if cursor:
        after, of_then = _row_cursor(cursor)
        if before is not None and of_then != before.id and after <= before.last_id:
            raise Refused(
                "The journal was archived while it was read: read it from its beginning.",
                code="archived", status=410, file=before.file, begins=format_time(before.until),
            )  # fmt: skip
        statement = statement.where(journal.c.id > after)
    rows = list(session.execute(statement))
    return {
        "items": [_movement(row) for row in rows[:limit]],
        "next_cursor": to_cursor(rows[limit - 1].id, before.id if before else 0) if len(rows) > limit else None,
    }


def _movement(row: Any) -> dict[str, Any]:
    changes = {name: getattr(row, name) for name in QUANTITIES}
    return {
        "id": row.id, "kind": row.kind, "sku": row.sku, "location": row.location, "quantity": row.quantity,
        "changes": {name: change for name, change in changes.items() if change}, "cause": row.cause,
        "promise": row.promise, "reason": row.reason, "due_at": row.due_at and format_time(row.due_at), "occurred_at": format_time(row.occurred_at),
        "recorded_at": format_time(row.recorded_at),
    }  # fmt: skip


def _cursor(cursor: str, parts: int) -> list[str]:
    try:
        return from_cursor(cursor, parts)
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None


def _row_cursor(cursor: str) -> tuple[int, int]:
    """The last row, and how many months had been archived when it was read."""
    try:
        row, archived = from_cursor(cursor, 2)
        return row_id(row), row_id(archived)
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None
