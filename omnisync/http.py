"""What endpoints share: who asks, strict bodies, idempotency keys, errors as RFC 9457 problems."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, FastAPI, Header, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omnisync import access, db, problems, wrong
from omnisync.access import Access, Role
from omnisync.clock import Clock, Ids
from omnisync.contract import Says
from omnisync.errors import (
    Forbidden,
    InvalidRequest,
    NeedsAttention,
    Refused,
    TryLater,
    Unauthorized,
)
from omnisync.lanes import Lanes
from omnisync.meters import Meters
from omnisync.problems import problem
from omnisync.routes import Late
from omnisync.settings import Settings
from omnisync.settings.faults import nearest
from omnisync.stock.idempotency import Answer, Call, InFlight, Once
from omnisync.values import MAX_QUANTITY, MAX_ROW_ID, as_utc, clean_sku
from omnisync.writer import Batches

MAX_BODY = 1024 * 1024
IN_FLIGHT_TRIES = 20
IN_FLIGHT_PAUSE_SECONDS = 0.1
KEY_REMEMBERED_SECONDS = 5.0

log = structlog.get_logger(__name__)


# ---------------------------------------------------------------- what endpoints work with


@dataclass
class Services:
    """Everything an endpoint may need, put together once in `app`."""

    settings: Settings
    engine: Engine
    clock: Clock
    ids: Ids
    write: Batches
    read: Batches
    report: Batches
    """Long reads, which must not keep the short ones waiting."""
    secret: bytes
    """The server's key: pickup codes and the cookies of the pages are made from it."""
    changed: Callable[[], None] = lambda: None
    """Wakes the reconcilers after a commit that moved stock."""
    meters: Meters = field(default_factory=Meters)
    lanes: Lanes = field(default_factory=Lanes)
    _keys: dict[str, tuple[float, Access]] = field(default_factory=dict)

    def allow(self, *roles: Role) -> Callable[[Request], Awaitable[Access]]:
        """A dependency that lets these roles in, and answers 401 or 403 to everybody else."""

        async def who(request: Request) -> Access:
            found = await self.who_asks(request.headers.get("authorization", ""))
            if not found.may(*roles):
                raise Forbidden(f"A key with the role {found.role} may not do this; it takes {' or '.join(roles)}.")
            return found

        return who

    async def who_asks(self, authorization: str) -> Access:
        """Whose key this is; remembered for some seconds, so that a hot route needs no query for it."""
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer" or not text:
            raise Unauthorized("Send your API key as `Authorization: Bearer omni_...`.")
        until, known = self._keys.get(text, (0.0, None))
        if known is not None and until > self.clock.monotonic():
            return known
        found = await self.read.submit(_find_keys, text)
        if found is None:
            raise Unauthorized("This API key is not known, or was revoked.")
        if len(self._keys) > 10_000:
            self._keys.clear()
        self._keys[text] = (self.clock.monotonic() + KEY_REMEMBERED_SECONDS, found)
        return found


def _find_keys(session: Session, texts: Sequence[str]) -> list[Access | None]:
    return [access.find_key(session, text) for text in texts]


# ---------------------------------------------------------------- strict bodies


def _no_odd_characters(text: str) -> str:
    if "\x00" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise ValueError("NUL and lone surrogates are not text")
    return text


def _no_bare_number(told: Any) -> Any:
    if not isinstance(told, datetime) and not (isinstance(told, str) and "-" in told):
        raise ValueError("is written like 2026-11-21T09:00:00Z")
    return told


Text = Annotated[StrictStr, AfterValidator(_no_odd_characters)]
ShortText = Annotated[Text, Field(max_length=200)]
LongText = Annotated[Text, Field(max_length=4000)]
Sku = Annotated[StrictStr, AfterValidator(clean_sku), Field(max_length=64)]
Code = Annotated[Text, Field(min_length=1, max_length=64)]
RowId = Annotated[int, Field(ge=0, le=MAX_ROW_ID)]
Quantity = Annotated[StrictInt, Field(ge=1, le=MAX_QUANTITY)]
Moment = Annotated[AwareDatetime, BeforeValidator(_no_bare_number), AfterValidator(as_utc)]
"""With its zone, as UTC: one that no calendar knows in UTC is a fault of the request, and so is a number of seconds."""


class Body(BaseModel):
    """A request body: unknown fields are refused, numbers are JSON integers and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _StrictRequest(Request):
    async def json(self) -> Any:
        """Without NaN, lone surrogates, or text after the end."""
        return orjson.loads(await self.body())


_CHANNELS_CALL = {"receiveHook", "answerChallenge"}
"""Operations whose query is in a channel's words."""


class StrictRoute(Late):
    """A route whose JSON is read strictly, and whose query may name what it takes and nothing else."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()
        names = None if self.operation_id in _CHANNELS_CALL else set(_query_names(self.dependant))

        async def strict(request: Request) -> Response:
            if names is not None and request.scope["query_string"]:
                _refuse_unknown(request.query_params.keys(), names)
            response: Response = await handle(_StrictRequest(request.scope, request.receive))
            return response

        return strict


def _query_names(dependant: Dependant) -> Iterator[str]:
    """What an endpoint and all it depends on take from the query."""
    yield from (field.alias for field in dependant.query_params)
    for below in dependant.dependencies:
        yield from _query_names(below)


def _refuse_unknown(given: Iterable[str], names: Collection[str]) -> None:
    errors = [{"field": name, "message": _not_one_of(name, names)} for name in given if name not in names]
    if errors:
        raise InvalidRequest(errors)


def _not_one_of(name: str, names: Collection[str]) -> str:
    if not names:
        return "There is no such parameter: this takes none."
    near = nearest(name, names)
    hint = f" Did you mean {near}?" if near else ""
    return f"There is no such parameter.{hint} There are {', '.join(sorted(names))}."


class Router(APIRouter):
    """A router whose operations are described by a table; one that stands in no table cannot be added."""

    def __init__(self, tag: str, says: Mapping[str, Says], **more: Any) -> None:
        super().__init__(tags=[tag], **more)
        self._says = says

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().add_api_route(path, endpoint, **more | {"responses": self._says[more["operation_id"]]})


def router(tag: str, says: Mapping[str, Says]) -> Router:
    """A router under /v1 with strict bodies."""
    return Router(tag, says, prefix="/v1", route_class=StrictRoute)


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of plain data, fast."""
    return Response(orjson.dumps(content), status, headers=headers, media_type="application/json")


# ---------------------------------------------------------------- idempotency


LONGEST_KEY = 255
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key", max_length=LONGEST_KEY, description="The same key is the same request, for 7 days."
    ),
]


def body_hash(body: Any) -> bytes:
    """Tells another body apart, whatever its spelling."""
    plain = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).digest()


async def once(
    services: Services, serve: Once, asker: Access, request: Request, key: str | None, body: Any, work: Any
) -> Response:
    """Serve `work` under its idempotency key, in a batch with others, and answer after the commit."""
    if not key:
        raise Refused(
            "Send an Idempotency-Key header, so that a repetition has no second effect.", code="idempotency-key-missing"
        )
    call = Call(f"{asker.owner} {request.method} {request.scope['path']}", key, body_hash(body), work)
    answer = await _answer_of(services, serve, call)
    if not answer.replayed:
        services.meters.answered(request.scope["route"].path, answer.status)
    return respond(answer)


async def _answer_of(services: Services, serve: Once, call: Call) -> Answer:
    """What the call is answered; while another node serves the same key, ask again for up to two seconds."""
    for _ in range(IN_FLIGHT_TRIES):
        try:
            return await services.write.submit(serve, call)
        except InFlight:
            await services.clock.sleep(IN_FLIGHT_PAUSE_SECONDS)
    return await services.write.submit(serve, call)


def respond(answer: Answer) -> Response:
    """An answer as it was kept; problems keep their media type."""
    media_type = problems.MEDIA_TYPE if answer.status >= 400 else "application/json"
    return Response(answer.body, answer.status, media_type=media_type)


def kept(outcome: Refused, **more: Any) -> Answer | Refused:
    """A domain's typed 409 is an answer like any other and kept under its key; other refusals are not."""
    if outcome.status != 409:
        return outcome
    return Answer(409, orjson.dumps(problem(outcome.code, 409, outcome.message, {**_public(outcome), **more})))


def _public(outcome: Refused) -> dict[str, Any]:
    return {name: value for name, value in outcome.details.items() if name != "lacks"}


# ---------------------------------------------------------------- errors


def problem_response(
    code: str, status: int, detail: str, more: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(problem(code, status, detail, more), default=str),
        status,
        headers=headers,
        media_type=problems.MEDIA_TYPE,
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    retry = error.details.get("retry_after_seconds")
    if retry is not None:
        headers = {"Retry-After": str(max(1, int(retry)))}
    return problem_response(error.code, error.status, error.message, _public(error), headers)


async def _try_later(request: Request, error: Exception) -> Response:
    assert isinstance(error, TryLater)
    wait = max(1, int(error.retry_after_seconds or 1))
    return problem_response("try-later", 503, error.message, None, {"Retry-After": str(wait)})


async def _needs_attention(request: Request, error: Exception) -> Response:
    assert isinstance(error, NeedsAttention)
    return problem_response(error.code, 409, error.message, {"action": error.action})


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await _refused(request, InvalidRequest(wrong.told(error.errors(), error.body)))


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not-found", 405: "method-not-allowed", 413: "too-large"}.get(error.status_code, "refused")
    by_framework = error.detail == HTTPStatus(error.status_code).phrase
    detail = _NOWHERE.get(error.status_code, str(error.detail)) if by_framework else str(error.detail)
    return problem_response(code, error.status_code, detail, None, error.headers)


_NOWHERE = {
    404: "There is no such address here; /openapi.json lists those that there are.",
    405: "This address does not take that method; the header Allow names those that it takes.",
}


async def _unforeseen(request: Request, error: Exception) -> Response:
    if db.is_unavailable(error) or db.is_transient(error):
        return problem_response("try-later", 503, "The database cannot be used just now.", None, {"Retry-After": "2"})
    log.error("unforeseen", path=request.url.path, exc_info=error)
    return problem_response("unforeseen", 500, "This is a fault of ours; it was written to the log.")


_ANSWERS = (
    (Refused, _refused),
    (TryLater, _try_later),
    (NeedsAttention, _needs_attention),
    (RequestValidationError, _invalid),
    (HTTPException, _http_exception),
    # Named beside Exception, whose answers Starlette follows with the error itself, and the server with a closed connection.
    (DBAPIError, _unforeseen),
    (Exception, _unforeseen),
)


def add_error_handlers(app: FastAPI) -> None:
    """Translate our errors, once, for all endpoints."""
    for kind, handler in _ANSWERS:
        app.add_exception_handler(kind, handler)


async def answer_to(request: Request, error: Exception) -> Response:
    """The same for one error."""
    return await next(handler for kind, handler in _ANSWERS if isinstance(error, kind))(request, error)


class Limits:
    """ASGI: a body larger than 1 MB is refused before anybody reads it whole."""

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY) -> None:
        self._app, self._max = app, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self._max:
            return await self._refuse(scope, receive, send)
        read = 0

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max:
                raise HTTPException(413, f"A body has at most {self._max} bytes.")
            return message

        await self._app(scope, counting, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem_response(
            "too-large", 413, f"A body has at most {self._max} bytes.", None, {"Connection": "close"}
        )
        await response(scope, receive, send)


class Measured:
    """ASGI: counts answers by route, never by path, so that no number of a pickup becomes a label."""

    def __init__(self, app: ASGIApp, meters: Meters, clock: Clock) -> None:
        self._app, self._meters, self._clock = app, meters, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        began = self._clock.monotonic()

        async def watching(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                self._meters.request(scope["method"], route, message["status"], self._clock.monotonic() - began)
            await send(message)

        await self._app(scope, receive, watching)
