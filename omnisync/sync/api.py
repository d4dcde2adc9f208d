"""Channels over HTTP: hooks, health, listings, mappings, cases, dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from sqlmodel import Session, col, select

from omnisync.access import Access, Role, acts
from omnisync.adapters.base import Hook
from omnisync.errors import InvalidRequest
from omnisync.http import Body, Code, Services, ShortText, Sku, Text, json_response, router
from omnisync.lanes import Call, Lanes, Plain, Prepare
from omnisync.sync import answers, behind, cases, deadletters, health, inbox, mappings, replay, truth
from omnisync.sync.context import Channel, Context
from omnisync.sync.tables import PRICE_PLACE, Case, ChannelListing, DeadLetter, ShownState
from omnisync.values import format_time, from_cursor, to_cursor

Limit = Annotated[int, Query(ge=1, le=1000)]
Row = TypeVar("Row", Case, DeadLetter, ChannelListing)


class MappingBody(Body):
    """One listing of the channel and the article it is; null takes the mapping away."""

    external_id: ShortText = Field(min_length=1, examples=["gid://shopify/ProductVariant/1"])
    sku: Sku | None = Field(examples=["JACKE-NORDWIND-42"])


class MappingsBody(Body):
    """1 to 1,000 mappings, all or nothing."""

    mappings: list[MappingBody] = Field(min_length=1, max_length=1000)


def routes(services: Services, context: Context) -> APIRouter:
    """The channel endpoints over these services."""
    api = router("channels", answers.CHANNELS)
    _hooks(api, services.lanes, context)
    _channels(api, services, context)
    _mappings(api, services, context)
    _cases(api, services, context)
    _dead_letters(api, services, context)
    return api


def _hooks(api: APIRouter, lanes: Lanes, context: Context) -> None:
    @api.post("/hooks/{channel}", operation_id="receiveHook", response_class=Response)
    @api.get("/hooks/{channel}", operation_id="answerChallenge", response_class=Response)
    async def receive(channel: Code, request: Request) -> Response:
        """What channels call: 2xx means that the message is stored, and nothing more yet."""
        hook = await hook_of(request, context.settings.server.public_url)
        answer = await inbox.receive(context, context.channel(channel), hook)
        return Response(answer.body, answer.status, media_type=answer.media_type)

    def plain(channel: str) -> Prepare:
        async def call(asked: Plain) -> Call:
            return partial(receive, channel, asked)

        return call

    for name in context.channels:
        lanes.add("POST", f"/v1/hooks/{name}", plain(name), route="/v1/hooks/{channel}")


async def hook_of(request: Request, public_url: str) -> Hook:
    """The request untouched, under the public address that its sender signed."""
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    url = public_url.rstrip("/") + path if public_url else str(request.url)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Hook(request.method, url, headers, dict(request.query_params), await request.body())


def _channels(api: APIRouter, services: Services, context: Context) -> None:
    ops = services.allow(Role.OPS)

    async def change(
        asker: Access, step: str, channel: Channel, work: Callable[[Session, str, datetime], None]
    ) -> Response:
        now = services.clock.now()

        def unit(session: Session) -> health.Health:
            work(session, channel.name, now)
            session.flush()
            return health.of(session, channel, now=now)

        answer = await services.write.run(acts.of_key(asker, ("channels", step), channel.name, now, unit))
        services.changed()
        return json_response(_health(answer), 202)

    @api.get("/channels", operation_id="listChannels", dependencies=[Depends(ops)])
    async def list_channels() -> Response:
        """How each channel is doing, and why."""
        now, channels = services.clock.now(), list(context.channels.values())
        found = await services.read.run(lambda session: health.of_all(session, channels, now=now))
        return json_response({"items": [_health(one) for one in found]})

    @api.get("/channels/{name}/listings", operation_id="listListings", dependencies=[Depends(ops)])
    async def listings(name: Code, limit: Limit = 100, cursor: Text | None = None) -> Response:
        """What the channel offers: what each listing should show, and what it does."""
        channel = context.channel(name)
        return json_response(
            await services.read.run(
                lambda session: _page(
                    lambda after: mappings.list_of(session, channel.name, after=after, limit=limit + 1),
                    cursor, limit, lambda row: row.external_id, lambda rows: _listings(session, channel.name, rows),
                )
            )
        )  # fmt: skip

    @api.post("/channels/{name}/sync", operation_id="syncChannel", status_code=202)
    async def sync(name: Code, asker: Access = Depends(ops)) -> Response:
        """Read everything back and compare it now, whatever the schedule says."""
        channel = context.channel(name)
        return await change(
            asker, "sync", channel, lambda session, _, now: behind.compare_all(session, channel, now=now)
        )

    @api.post("/channels/{name}/pause", operation_id="pauseChannel", status_code=202)
    async def pause(name: Code, asker: Access = Depends(ops)) -> Response:
        """Write nothing there any more; its orders are still read."""
        return await change(
            asker, "pause", context.channel(name), lambda session, known, now: health.pause(session, known, now=now)
        )

    @api.post("/channels/{name}/resume", operation_id="resumeChannel", status_code=202)
    async def resume(name: Code, asker: Access = Depends(ops)) -> Response:
        """Write again, beginning with what is behind."""
        return await change(
            asker, "resume", context.channel(name), lambda session, known, now: health.resume(session, known, now=now)
        )


def _mappings(api: APIRouter, services: Services, context: Context) -> None:
    ops = services.allow(Role.OPS)

    @api.get("/channels/{name}/mappings", operation_id="listMappings", dependencies=[Depends(ops)])
    async def list_mappings(
        name: Code, unmapped: bool = False, limit: Limit = 100, cursor: Text | None = None
    ) -> Response:
        """Which listing is which article."""
        channel = context.channel(name)
        return json_response(
            await services.read.run(
                lambda session: _page(
                    lambda after: mappings.list_of(
                        session, channel.name, after=after, limit=limit + 1, unmapped=unmapped
                    ),
                    cursor, limit, lambda row: row.external_id, lambda rows: [_mapping(row) for row in rows],
                )
            )
        )  # fmt: skip

    @api.put("/channels/{name}/mappings", operation_id="putMappings")
    async def put_mappings(name: Code, body: MappingsBody, asker: Access = Depends(ops)) -> Response:
        """Map listings to articles; what waited for that is booked in the same moment."""
        channel, now = context.channel(name), services.clock.now()
        wanted = {one.external_id: one.sku for one in body.mappings}
        released = await services.write.run(
            acts.of_key(
                asker, ("mappings", "put"), acts.named([f"{channel.name}: {one}" for one in wanted]), now,
                lambda session: mappings.put(session, context, channel, wanted, now=now),
            )
        )  # fmt: skip
        services.changed()
        return json_response({"mapped": len(wanted), "released": released})


def _cases(api: APIRouter, services: Services, context: Context) -> None:
    ops = services.allow(Role.OPS)

    @api.get("/cases", operation_id="listCases", dependencies=[Depends(ops)])
    async def list_cases(channel: Code | None = None, limit: Limit = 100, cursor: Text | None = None) -> Response:
        """What waits for a decision: blast guard, drift, conflicts."""
        return json_response(
            await services.read.run(
                lambda session: _page(
                    lambda after: cases.list_open(session, channel=channel, after=after, limit=limit + 1),
                    cursor, limit, lambda row: row.id, lambda rows: [_case(row) for row in rows],
                )
            )
        )  # fmt: skip

    @api.post("/cases/{case_id}/apply", operation_id="applyCase")
    async def apply(case_id: Code, asker: Access = Depends(ops)) -> Response:
        """Do what the case holds back: exactly those numbers."""
        now = services.clock.now()
        decided = await services.write.run(
            acts.of_key(
                asker, ("cases", "apply"), case_id, now,
                lambda session: _case(cases.apply(session, case_id, by=asker.name, now=now)),
            )
        )  # fmt: skip
        services.changed()
        return json_response(decided)

    @api.post("/cases/{case_id}/dismiss", operation_id="dismissCase")
    async def dismiss(case_id: Code, asker: Access = Depends(ops)) -> Response:
        """Leave things as they are."""
        now = services.clock.now()
        return json_response(
            await services.write.run(
                acts.of_key(
                    asker, ("cases", "dismiss"), case_id, now,
                    lambda session: _case(cases.dismiss(session, case_id, by=asker.name, now=now)),
                )
            )
        )  # fmt: skip


def _dead_letters(api: APIRouter, services: Services, context: Context) -> None:
    ops = services.allow(Role.OPS)

    @api.get("/dead-letters", operation_id="listDeadLetters", dependencies=[Depends(ops)])
    async def list_letters(channel: Code | None = None, limit: Limit = 100, cursor: Text | None = None) -> Response:
        """What could not be done, and the action that mends it."""
        return json_response(
            await services.read.run(
                lambda session: _page(
                    lambda after: deadletters.list_open(session, channel=channel, after=after, limit=limit + 1),
                    cursor, limit, lambda row: row.id, lambda rows: [_letter(row) for row in rows],
                )
            )
        )  # fmt: skip

    @api.post("/dead-letters/{letter_id}/replay", operation_id="replayDeadLetter")
    async def again(letter_id: Code, asker: Access = Depends(ops)) -> Response:
        """Try it again; it stays open if it fails again."""
        now = services.clock.now()
        answer = await services.write.run(
            acts.of_key(
                asker, ("letters", "replay"), letter_id, now,
                lambda session: _letter(replay.replay(session, context, letter_id, now=now)),
            )
        )  # fmt: skip
        services.changed()
        return json_response(answer)

    @api.post("/dead-letters/{letter_id}/discard", operation_id="discardDeadLetter")
    async def discard(letter_id: Code, asker: Access = Depends(ops)) -> Response:
        """Decide that it is not to be done."""
        now = services.clock.now()
        return json_response(
            await services.write.run(
                acts.of_key(
                    asker, ("letters", "discard"), letter_id, now,
                    lambda session: _letter(replay.discard(session, letter_id, now=now)),
                )
            )
        )  # fmt: skip


# ---------------------------------------------------------------- as JSON


def _page(
    read: Callable[[str], Sequence[Row]],
    cursor: str | None,
    limit: int,
    name: Callable[[Row], str],
    show: Callable[[Sequence[Row]], list[dict[str, Any]]],
) -> dict[str, Any]:
    rows = read(_after(cursor))
    more = len(rows) > limit
    return {"items": show(rows[:limit]), "next_cursor": to_cursor(name(rows[limit - 1])) if more else None}


def _after(cursor: str | None) -> str:
    try:
        return from_cursor(cursor, 1)[0] if cursor else ""
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)


def _health(one: health.Health) -> dict[str, Any]:
    return asdict(one) | {
        "last_success_at": _time(one.last_success_at),
        "subscribed_at": _time(one.subscribed_at),
        "silent": [{"location": each.location, "since": _time(each.since)} for each in one.silent],
    }


def _case(case: Case) -> dict[str, Any]:
    return {
        "id": case.id, "channel": case.channel, "kind": case.kind, "title": case.title, "cause": case.cause,
        "proposal": case.proposal, "details": case.details, "opened_at": _time(case.opened_at),
        "closed_at": _time(case.closed_at), "closed_how": case.closed_how,
    }  # fmt: skip


def _letter(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id, "channel": letter.channel, "kind": letter.kind, "title": letter.title,
        "reason": letter.reason, "action": letter.action, "attempts": letter.attempts,
        "opened_at": _time(letter.opened_at), "last_at": _time(letter.last_at), "closed_at": _time(letter.closed_at),
        "closed_how": letter.closed_how,
    }  # fmt: skip


def _mapping(row: ChannelListing) -> dict[str, Any]:
    return {
        "external_id": row.external_id, "sku": row.sku, "title": row.title, "barcode": row.barcode,
        "managed": row.managed,
    }  # fmt: skip


def _listings(session: Session, channel: str, rows: Sequence[ChannelListing]) -> list[dict[str, Any]]:
    names = [row.external_id for row in rows]
    states: dict[str, list[dict[str, Any]]] = {}
    here = (ShownState.channel == channel, col(ShownState.external_id).in_(names))
    statement = select(ShownState, truth.states()).where(*here).order_by(col(ShownState.place))
    for state, write in session.exec(statement):
        states.setdefault(state.external_id, []).append(_shown(state) | {"write": write})
    return [_mapping(row) | {"gone_at": _time(row.gone_at), "shown": states.get(row.external_id, [])} for row in rows]


def _shown(state: ShownState) -> dict[str, Any]:
    return {
        "place": None if state.place in ("", PRICE_PLACE) else state.place, "should_show": state.wanted,
        "shows": state.believed, "provisional": state.provisional, "price_minor": state.price_minor,
        "should_cost_minor": state.wanted_price_minor, "behind_since": _time(state.behind_since),
        "applied_at": _time(state.applied_at), "seen_at": _time(state.seen_at),
        "waits": state.guard_decision or state.blocked_reason,
    }  # fmt: skip
