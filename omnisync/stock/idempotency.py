"""One effect a key: the key's row is written in the transaction of its effect, and a repetition gets the same answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.clock import Clock
from omnisync.errors import Conflict, Refused
from omnisync.stock.tables import Idempotency

KEPT = timedelta(days=7)
idempotency = db.table(Idempotency)
_KEPT = ("scope", "key", "body_hash", "status", "answer")


@dataclass(frozen=True, slots=True)
class Call:
    """A request under its idempotency key. `scope` is the API key, method and path; `body_hash` tells another body apart."""

    scope: str
    key: str
    body_hash: bytes
    request: Any

    @property
    def name(self) -> tuple[str, str]:
        return self.scope, self.key


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent, byte for byte, also when it is asked again."""

    status: int
    body: bytes
    replayed: bool = False


class InFlight(Conflict):
    """The same key is being served by another node right now: ask again in a moment."""

    code = "idempotency-in-flight"


Serve = Callable[[Session, Sequence[Any], datetime], Sequence[Answer | Refused]]


@dataclass(frozen=True)
class Once:
    """A batch function that serves every key once. One instance a route, so that its calls are gathered together."""

    serve: Serve
    clock: Clock

    def __call__(self, session: Session, calls: Sequence[Call]) -> list[Answer | Refused]:
        """The answers in the order of the calls. Kept are 2xx and the domain's 409s; other refusals may be tried again."""
        now, free = db.claim_names(session, {"\x1f".join(call.name) for call in calls}, self.clock)
        answers = _kept(session, calls)
        fresh = [call for call in _first_of_each(calls) if call.name not in answers and "\x1f".join(call.name) in free]
        served = self.serve(session, [call.request for call in fresh], now) if fresh else ()
        made = {call.name: (call.body_hash, answer) for call, answer in zip(fresh, served, strict=True)}
        _keep(session, fresh, made, now)
        first = {id(call) for call in fresh}
        return [_answer(call, answers | made, replayed=id(call) not in first) for call in calls]


def forget(session: Session, *, now: datetime) -> int:
    """Delete keys older than 7 days; returns how many."""
    statement = sa.delete(idempotency).where(idempotency.c.at < now - KEPT)
    return cast("sa.CursorResult[Any]", session.execute(statement)).rowcount


Made = dict[tuple[str, str], tuple[bytes, Answer | Refused]]


def _answer(call: Call, answers: Made, *, replayed: bool) -> Answer | Refused:
    if call.name not in answers:
        return InFlight("The same request is being served right now.")
    body_hash, answer = answers[call.name]
    if body_hash != call.body_hash:
        return Refused("This Idempotency-Key was used with another body.", code="idempotency-key-reused", status=422)
    if isinstance(answer, Answer) and replayed:
        return Answer(answer.status, answer.body, replayed=True)
    return answer


def _kept(session: Session, calls: Sequence[Call]) -> Made:
    rows = db.look_up(session, idempotency, ("scope", "key"), {call.name for call in calls}, columns=_KEPT)
    return {(row.scope, row.key): (row.body_hash, Answer(row.status, row.answer)) for row in rows}


def _keep(session: Session, fresh: Sequence[Call], made: Made, now: datetime) -> None:
    rows = [
        {
            "scope": call.scope, "key": call.key, "body_hash": call.body_hash, "status": answer.status,
            "answer": answer.body, "at": now,
        }
        for call in fresh
        if isinstance(answer := made[call.name][1], Answer)
    ]  # fmt: skip
    db.insert_all(session, idempotency, rows)


def _first_of_each(calls: Sequence[Call]) -> list[Call]:
    return list({call.name: call for call in reversed(calls)}.values())[::-1]
