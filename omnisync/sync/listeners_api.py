"""Who is told of events by webhook: `/v1/subscriptions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field
from sqlmodel import Session, col, select

from omnisync.access import Access, Role, acts
from omnisync.errors import InvalidRequest, NotFound
from omnisync.http import Body, Code, Services, Text, json_response, router
from omnisync.sync import event_answers, listeners
from omnisync.sync.subscribing import LOOPBACK
from omnisync.sync.tables import EventSubscription
from omnisync.values import format_time, from_cursor, to_cursor

Result = TypeVar("Result")
Pattern = Annotated[
    str,
    Field(pattern=r"^(\*|[a-z_]{1,32}\.(\*|[a-z_]{1,32}))$", examples=["pickup.*"]),
]


class SubscriptionBody(Body):
    """Where events go, and which."""

    url: str = Field(
        min_length=8, max_length=2000, examples=["https://shop.example.org/omnisync"],
        description="https, or http on this machine. Name and password in it are refused: check the signature instead.",
    )  # fmt: skip
    events: list[Pattern] = Field(
        default=["*"],
        min_length=1,
        max_length=50,
        description="Kinds such as `pickup.ready`; `*` stands for all after the dot.",
    )


def routes(services: Services) -> APIRouter:
    """The endpoints over these services."""
    api = router("events", event_answers.SUBSCRIPTIONS)
    who = services.allow(Role.OPS)
    ops = [Depends(who)]

    async def write(asker: Access, step: str, about: str, work: Callable[[Session], Result]) -> Result:
        return await services.write.run(acts.of_key(asker, ("subscriptions", step), about, services.clock.now(), work))

    @api.post("/subscriptions", operation_id="createSubscription", status_code=201)
    async def create(body: SubscriptionBody, asker: Access = Depends(who)) -> Response:
        """Push every event of these kinds from now on, signed as Standard Webhooks say. The secret is told here only."""
        _check(body.url)
        name, now = services.ids.new(), services.clock.now()
        made = await write(
            asker,
            "create",
            name,
            lambda session: _plain(listeners.subscribe(session, name, body.url, body.events, now=now)),
        )
        return json_response(made | {"secret": listeners.secret_of(services.secret, name)}, status=201)

    @api.get("/subscriptions", operation_id="listSubscriptions", dependencies=ops)
    async def list_all(limit: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: Text | None = None) -> Response:
        """Who listens, and how that goes."""
        return json_response(await services.read.run(lambda session: _page(session, cursor, limit)))

    @api.post("/subscriptions/{name}/resume", operation_id="resumeSubscription")
    async def resume(name: Code, asker: Access = Depends(who)) -> Response:
        """Try again at once, also what was switched off; events older than seven days are told as one `resync`."""
        found = await write(asker, "resume", name, lambda session: _resumed(session, name))
        services.changed()
        return json_response(found)

    @api.delete("/subscriptions/{name}", operation_id="deleteSubscription", status_code=204)
    async def delete(name: Code, asker: Access = Depends(who)) -> Response:
        """Tell nothing more there."""
        await write(asker, "delete", name, lambda session: _forget(session, name))
        return Response(status_code=204)

    return api


def _check(url: str) -> None:
    try:
        address = urlsplit(url)
        good = address.hostname is not None and address.port != 0 and url.isascii() and url.isprintable()
    except ValueError:
        raise InvalidRequest.of("url", "this is no address") from None
    if not good or " " in url:
        raise InvalidRequest.of("url", "this is no address")
    if address.username is not None or address.password is not None:
        raise InvalidRequest.of("url", "leave name and password out: whoever receives checks the signature")
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK):
        raise InvalidRequest.of("url", "it must begin with https://, or be on this machine")


def _page(session: Session, cursor: str | None, limit: int) -> dict[str, Any]:
    statement = select(EventSubscription).order_by(col(EventSubscription.id)).limit(limit + 1)
    if cursor is not None:
        try:
            statement = statement.where(EventSubscription.id > from_cursor(cursor, 1)[0])
        except ValueError as error:
            raise InvalidRequest.of("cursor", str(error)) from None
    found = session.exec(statement).all()
    following = to_cursor(found[limit - 1].id) if len(found) > limit else None
    return {"items": [_plain(one) for one in found[:limit]], "next_cursor": following}


def _resumed(session: Session, name: str) -> dict[str, Any]:
    found = listeners.resume(session, name)
    if found is None:
        raise NotFound(f"There is no subscription {name!r}.")
    return _plain(found)


def _forget(session: Session, name: str) -> None:
    found = session.get(EventSubscription, name)
    if found is None:
        raise NotFound(f"There is no subscription {name!r}.")
    session.delete(found)


def _plain(one: EventSubscription) -> dict[str, Any]:
    moments = ("created_at", "delivered_at", "failing_since", "next_try_at", "disabled_at")
    return {
        "id": one.id, "url": one.url, "events": one.events, "state": _state(one), "failures": one.failures,
        "last_error": one.last_error,
        **{name: (at := getattr(one, name)) and format_time(at) for name in moments},
    }  # fmt: skip


def _state(one: EventSubscription) -> str:
    if one.disabled_at is not None:
        return "off"
    return "failing" if one.failures else "active"
