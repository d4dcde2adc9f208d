"""Stocktakes over HTTP, blind: what is expected of a shelf is told to who has counted it. And which shelves to count again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field, StrictInt
from sqlmodel import Session

from omnisync import db
from omnisync.access import Access, Role, acts
from omnisync.access.acts import Door
from omnisync.errors import Forbidden, InvalidRequest
from omnisync.http import Body, Code, Moment, Services, Sku, Text, json_response, router
from omnisync.settings import LEDGER
from omnisync.stock import answers, recounts, stocktakes
from omnisync.stock.api import check_articles, check_locations
from omnisync.stock.stocktakes import Count, Line, Summary
from omnisync.stock.tables import Stocktake
from omnisync.values import MAX_QUANTITY, format_time, from_cursor, to_cursor

MAX_COUNTS = 1000
SKEW = timedelta(minutes=5)
"""How far a phone's clock may be ahead of ours."""
Limit = Annotated[int, Query(ge=1, le=1000)]
Result = TypeVar("Result")


class StocktakeBody(Body):
    """Where everything is to be counted."""

    location: Code = Field(examples=["linden"])


class CountLine(Body):
    """So many pieces lay there at that moment; without one, now."""

    sku: Sku = Field(examples=["JACKE-NORDWIND-42"])
    quantity: Annotated[StrictInt, Field(ge=0, le=MAX_QUANTITY)] = Field(examples=[7])
    counted_at: Moment | None = None


class CountsBody(Body):
    """What somebody counted. Of two counts of a SKU the later one holds."""

    counts: list[CountLine] = Field(min_length=1, max_length=MAX_COUNTS)


def routes(services: Services) -> APIRouter:
    """The endpoints of stocktakes over these services."""
    api = router("stock", answers.STOCKTAKES)
    staff, ops = services.allow(Role.STAFF, Role.OPS), services.allow(Role.OPS)
    locations = {location.code for location in services.settings.locations}
    elsewhere = [location.code for location in services.settings.locations if location.stock_owner != LEDGER]

    async def write(work: Callable[[Session, datetime], Result]) -> Result:
        return await services.write.run(lambda session: work(session, db.now(session, services.clock)))

    @api.post("/stocktakes", operation_id="openStocktake", status_code=201)
    async def open_stocktake(body: StocktakeBody, asker: Access = Depends(ops)) -> Response:
        """The cut-off. Until it ends, nobody can order a pickup at this location; sales go on."""
        check_locations([("location", body.location)], locations)

        def work(session: Session, now: datetime) -> dict[str, Any]:
            made = stocktakes.open_one(session, services.ids, body.location, by=asker.name, now=now)
            acts.keep(session, Door.KEY, asker.name, ("stocktakes", "open"), body.location, now=now)
            return _view(made, stocktakes.summary(session, made))

        return json_response(await write(work), 201)

    @api.get("/stocktakes", operation_id="listStocktakes")
    async def list_stocktakes(
        location: Code | None = None, limit: Limit = 100, cursor: Text | None = None, asker: Access = Depends(staff)
    ) -> Response:
        """Stocktakes, oldest first."""
        where = _where(asker, location)
        return json_response(await services.read.run(lambda session: _page(session, where, limit, cursor)))

    @api.get("/stocktakes/{stocktake_id}", operation_id="getStocktake")
    async def get_stocktake(stocktake_id: Code, asker: Access = Depends(ops)) -> Response:
        """How far it is, and what booking it would change."""

        def read(session: Session) -> dict[str, Any]:
            found = stocktakes.load(session, stocktake_id)
            return _view(found, stocktakes.summary(session, found))

        return json_response(await services.report.run(read))

    @api.get("/stocktakes/{stocktake_id}/lines", operation_id="listStocktakeLines")
    async def list_lines(
        stocktake_id: Code, limit: Limit = 100, cursor: Text | None = None, asker: Access = Depends(staff)
    ) -> Response:
        """The cut-off list by SKU with what was counted. To staff it says what was expected of that only which has been counted."""
        after, blind = _cursor(cursor, 1)[0], not asker.may(Role.OPS)

        def read(session: Session) -> dict[str, Any]:
            found = stocktakes.load(session, stocktake_id, at=asker.location)
            rows = stocktakes.lines(session, found, after=after, limit=limit + 1)
            more = to_cursor(rows[limit - 1].sku) if len(rows) > limit else None
            return {"items": [_line(row, blind=blind) for row in rows[:limit]], "next_cursor": more}

        return json_response(await services.read.run(read))

    @api.post("/stocktakes/{stocktake_id}/counts", operation_id="countStocktake")
    async def count(stocktake_id: Code, body: CountsBody, asker: Access = Depends(staff)) -> Response:
        """Keep counts, without any effect yet. The answer says what was expected of these at their moment."""

        def work(session: Session, now: datetime) -> dict[str, Any]:
            check_articles(session, [one.sku for one in body.counts], "counts")
            counts = [Count(one.sku, one.quantity, _moment(one.counted_at, now)) for one in body.counts]
            lines = stocktakes.count(session, stocktake_id, counts, by=asker.name, at=asker.location, now=now)
            return {"items": [_line(one) for one in lines]}

        return json_response(await write(work))

    @api.post("/stocktakes/{stocktake_id}/book", operation_id="bookStocktake")
    async def book(stocktake_id: Code, asker: Access = Depends(ops)) -> Response:
        """All counts take effect together, each as of its moment."""
        return await end(stocktakes.book, "book", stocktake_id, asker)

    @api.post("/stocktakes/{stocktake_id}/abandon", operation_id="abandonStocktake")
    async def abandon(stocktake_id: Code, asker: Access = Depends(ops)) -> Response:
        """As if nobody had counted."""
        return await end(stocktakes.abandon, "abandon", stocktake_id, asker)

    async def end(how: Callable[..., Stocktake], step: str, stocktake_id: str, asker: Access) -> Response:
        def work(session: Session, now: datetime) -> dict[str, Any]:
            found = how(session, stocktake_id, by=asker.name, now=now)
            acts.keep(session, Door.KEY, asker.name, ("stocktakes", step), found.location, now=now)
            return _view(found, stocktakes.summary(session, found))

        return json_response(await write(work))

    @api.get("/stock/recounts", operation_id="listRecounts")
    async def list_recounts(
        request: Request,
        location: Code | None = None,
        limit: Limit = 100,
        cursor: Text | None = None,
        asker: Access = Depends(staff),
    ) -> Response:
        """Shelves that somebody should count again, and why; not what is expected there."""
        where, after = _where(asker, location), _cursor(cursor, 2)

        def read(session: Session) -> dict[str, Any]:
            rows = recounts.page(
                session,
                where,
                owned_elsewhere=elsewhere,
                after=(after[0], after[1]) if cursor else None,
                limit=limit + 1,
            )
            last = rows[limit - 1] if len(rows) > limit else None
            items = [{"sku": row.sku, "location": row.location, "reasons": list(row.reasons)} for row in rows[:limit]]
            return {"items": items, "next_cursor": last and to_cursor(last.location, last.sku)}

        return json_response(await services.report.run(read))

    return api


def _where(asker: Access, location: str | None) -> str | None:
    if asker.location is not None and location not in (None, asker.location):
        raise Forbidden("This belongs to another store.")
    return asker.location or location


def _moment(told: datetime | None, now: datetime) -> datetime:
    """A clock that is slightly ahead means now."""
    at = told or now
    return now if now < at <= now + SKEW else at


def _page(session: Session, location: str | None, limit: int, cursor: str | None) -> dict[str, Any]:
    rows = stocktakes.page(session, location, after=_cursor(cursor, 1)[0], limit=limit + 1)
    more = to_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return {"items": [_head(row) for row in rows[:limit]], "next_cursor": more}


def _cursor(cursor: str | None, parts: int) -> Sequence[str]:
    try:
        return from_cursor(cursor, parts) if cursor else [""] * parts
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None


def _head(found: Stocktake) -> dict[str, Any]:
    return {
        "id": found.id, "state": found.ended_how or "open", "location": found.location,
        "opened_at": format_time(found.opened_at), "opened_by": found.opened_by,
        "ended_at": found.ended_at and format_time(found.ended_at), "ended_by": found.ended_by,
    }  # fmt: skip


def _view(found: Stocktake, told: Summary) -> dict[str, Any]:
    value = [{"currency": currency, "minor": minor} for currency, minor in told.value_minor.items()]
    return _head(found) | {
        "lines": told.lines, "counted": told.counted, "different": told.different, "missing": told.missing,
        "found": told.found, "value": value, "without_cost": told.without_cost,
    }  # fmt: skip


def _line(found: Line, *, blind: bool = False) -> dict[str, Any]:
    hidden = blind and found.counted is None
    return {
        "sku": found.sku, "expected": None if hidden else found.expected, "counted": found.counted,
        "counted_at": found.counted_at and format_time(found.counted_at), "counted_by": found.counted_by,
        "difference": None if found.counted is None else found.difference,
        "value_minor": None if found.counted is None else found.value_minor, "currency": found.currency,
    }  # fmt: skip
