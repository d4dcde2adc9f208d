"""`GET /v1/mappings` and `POST /v1/mappings/{id}/answer`: what is unclear about articles and places, and one call to clear it up."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, StrictBool

from omnisync.access import Access, Role, acts
from omnisync.errors import InvalidRequest
from omnisync.http import Body, Code, Services, ShortText, Sku, Text, json_response, router
from omnisync.sync import answering, question_answers, questions
from omnisync.sync.answering import Said
from omnisync.sync.context import Context
from omnisync.sync.questions import Key, Kind, Question
from omnisync.values import format_time

Limit = Annotated[int, Query(ge=1, le=1000)]


class AnswerBody(Body):
    """Just one of these; `answers` of the question says which."""

    sku: Sku | None = Field(default=None, examples=["JACKE-NORDWIND-42"])
    location: Code | None = None
    only: ShortText | None = None
    keep: StrictBool = False


def routes(services: Services, context: Context) -> APIRouter:
    """The endpoints over these services."""
    api = router("channels", question_answers.MAPPINGS)
    ops = services.allow(Role.OPS)

    @api.get("/mappings", operation_id="listQuestions", dependencies=[Depends(ops)])
    async def list_questions(
        channel: Code | None = None, kind: Kind | None = None, limit: Limit = 100, cursor: Text | None = None
    ) -> Response:
        """What waits to be mapped: unknown articles, several listings of one, changed barcodes, places without a location."""
        channels = [context.channel(channel)] if channel else list(context.channels.values())
        after = None if cursor is None else _key(cursor)
        found, counts = await services.report.run(
            lambda session: questions.page(session, channels, kind=kind, after=after, limit=limit + 1)
        )
        more = found[limit - 1].key.id if len(found) > limit else None
        return json_response({"items": [_shown(one) for one in found[:limit]], "counts": counts, "next_cursor": more})

    @api.post("/mappings/{question_id}/answer", operation_id="answerQuestion")
    async def answer(question_id: Text, body: AnswerBody, asker: Access = Depends(ops)) -> Response:
        """Say what it is: what waited for that is booked in the same moment."""
        said, now = Said(body.sku, body.location, body.only, body.keep), services.clock.now()
        released = await services.write.run(
            acts.of_key(
                asker, ("mappings", "answer"), question_id, now,
                lambda session: answering.answer(session, context, question_id, said, by=asker.name, now=now),
            )
        )  # fmt: skip
        services.changed()
        return json_response({"released": released})

    return api


def _key(cursor: str) -> Key:
    try:
        return questions.key_of(cursor)
    except ValueError as error:
        raise InvalidRequest.of("cursor", str(error)) from None


def _shown(one: Question) -> dict[str, Any]:
    return {
        "id": one.key.id, "channel": one.key.channel, "kind": one.key.kind, "about": one.key.about, "title": one.title,
        "named": one.named, "barcode": one.barcode, "sku": one.sku, "listings": list(one.listings), "waiting": one.waiting,
        "since": None if one.since is None else format_time(one.since),
        "proposals": [{"sku": each.sku, "title": each.title, "why": each.why} for each in one.proposals],
        "answers": list(answering.ANSWERS[one.key.kind]),
    }  # fmt: skip
