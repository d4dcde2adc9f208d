"""`omnisync explain`: why a number is what it is, or was, as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from omnisync import app, db
from omnisync.clock import Clock
from omnisync.commands.world import AsJson, Config, World, check_schema, open_engine, world_of
from omnisync.errors import InvalidRequest
from omnisync.settings import Settings
from omnisync.sync.context import Context, Inline
from omnisync.sync.explain import Question
from omnisync.sync.explain import explain as account
from omnisync.values import parse_time

_WORDS = {
    "on_hand": "on hand",
    "off_sale": "not found, until it is counted",
    "never_below_zero": "never shown below zero",
    "unseen": "gone from a channel's level, order not yet seen",
    "buffer": "buffer",
    "stop_at": "so few are shown as none",
    "max_listed": "no more are listed",
}


def explain(
    context: typer.Context,
    sku: Annotated[str, typer.Argument(help="The article.")],
    location: Annotated[str | None, typer.Option(metavar="CODE", help="Only this location.")] = None,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="The number as this channel is shown it.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="As it was then, such as 2026-11-21T10:00:00Z.")
    ] = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say why a number is what it is, or was: each term with its causes, and what was sent to the channel."""
    world = world_of(context)
    found = world.settings(config)
    with open_engine(found) as engine:
        check_schema(engine)
        with db.reading(engine) as session:
            moment = _moment(at, db.now(session, world.clock))
            told = account(session, _context(world, found, Inline(engine)), Question(sku, location, channel, moment))
    for line in [json.dumps(told, ensure_ascii=False)] if as_json else _lines(told):
        typer.echo(line)


def _context(world: World, found: Settings, store: Inline) -> Context:
    clock: Clock = world.clock
    return Context(store, found, clock, world.ids, app.adapters_for(found, world.tools, world.factory))


def _moment(at: str | None, now: datetime) -> datetime:
    if at is None:
        return now
    try:
        moment = parse_time(at)
    except ValueError as error:
        raise InvalidRequest.of("--at", str(error)) from None
    if moment > now:
        raise InvalidRequest.of("--at", "is not in the future")
    return moment


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    shown = told["channel"]
    yield f"{told['sku']} at {told['at']}: {told['available']} available"
    for location in told["locations"]:
        yield f"  {location['location']}: {location['pieces']}"
        yield from _terms(location["terms"], "    ")
        for part in location["parts"]:
            scarcest = ", the scarcest part" if part["scarcest"] else ""
            yield f"    {part['each']} x {part['sku']}: {part['pieces']} there make {part['makes']}{scarcest}"
            yield from _terms(part["terms"], "      ")
    if shown:
        yield f"  {shown['channel']}, by its settings of {shown['policy']['since']}:"
        for place in shown["places"]:
            yield from _place(place)


def _terms(terms: Iterable[Mapping[str, Any]], indent: str) -> Iterator[str]:
    for term in terms:
        yield f"{indent}{term['pieces']:+d} {_WORDS.get(term['term'], term['term'])}"
        for reason, pieces in term.get("reasons", {}).items():
            yield f"{indent}    {pieces} {reason or 'without a reason'}"
        for cause in term["causes"]:
            yield f"{indent}    {cause['pieces']:+d} {cause['kind']} {cause['recorded_at']} {cause['cause']}"


def _place(place: Mapping[str, Any]) -> Iterator[str]:
    yield f"    shows {place['pieces']}" + (f" at {place['place']}" if place["place"] else "")
    for term in place["terms"]:
        yield f"      {term['pieces']:+d} {term.get('location') or _WORDS[term['term']]}"
    for one in place["sent"]:
        outcome = f"applied {one['applied_at']}" if one["applied_at"] else one["outcome"] or "not yet answered"
        yield f"      sent {one['quantity']} at {one['sent_at']}: {outcome}"
