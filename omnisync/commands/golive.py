"""`omnisync plan`, `golive` and `handback`: the way in, which writes nothing until you say so, and the way out."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from omnisync.commands import tongue
from omnisync.commands.serve import put_together
from omnisync.commands.sync import check_name
from omnisync.commands.tongue import Say
from omnisync.commands.world import AsJson, Config, World, open_engine, world_of
from omnisync.imports.export import write_csv
from omnisync.sync import golive as gate
from omnisync.sync import guests, health, offers
from omnisync.sync import plan as plans
from omnisync.sync.context import Channel, Context
from omnisync.sync.golive import Question
from omnisync.sync.patience import patient
from omnisync.sync.plan import WORDS, Difference, Kind, Plan

CATALOG = ("sku", "title", "barcode", "price", "currency")
SHOWN_AT_MOST = 10
NOT_READY = 1

Name = Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel's name in the settings.")]
Result = TypeVar("Result")


def plan(
    context: typer.Context,
    channel: Name,
    catalog: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write what it offers as a file for `omnisync import catalog`."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Name every listing, not only the worst of each kind.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Say what a channel shows wrongly now and what omnisync would change there. Nothing is written there."""
    world = world_of(context)
    say = tongue.of(world.environ)
    if catalog is not None:
        rows = _with(world, config, channel, _offered)
        written = write_csv(catalog, CATALOG, rows)
        typer.echo(say(f"{catalog}: {written} articles. Fill in what is missing, then import it."))
        return
    drawn = _with(world, config, channel, _draw)
    for line in [json.dumps(_plain(drawn), ensure_ascii=False)] if as_json else _told(drawn, say, every=every):
        typer.echo(line)


def golive(
    context: typer.Context,
    channel: Name,
    check: Annotated[bool, typer.Option("--check", help="Only ask; change nothing.")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="Go live although not all is as it should be.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Ask whether a channel is ready, and from then on write its numbers."""
    world = world_of(context)
    asked = _with(world, config, channel, lambda all_, found: _ask(all_, found, check=check, anyway=anyway))
    ready = all(one.ok for one in asked)
    live = not check and (ready or anyway)
    if as_json:
        typer.echo(
            json.dumps({"channel": channel, "ready": ready, "live": live, "checks": [asdict(one) for one in asked]})
        )
    else:
        say = tongue.of(world.environ)
        for line in _answered(asked, say, tongue.named(world.environ)):
            typer.echo(line)
        is_live, is_not = f"{channel} is live: omnisync writes its numbers from now on.", f"{channel} is not live."
        typer.echo(say(is_live if live else is_not))
    if not (ready or live):
        raise typer.Exit(NOT_READY)


def handback(
    context: typer.Context,
    channel: Name,
    file: Annotated[
        Path | None, typer.Option("--to", metavar="FILE.csv", help="Where the last numbers go; else CHANNEL.csv.")
    ] = None,
    config: Config = None,
) -> None:
    """Write nothing to a channel any more, and put the last numbers into a file. Its orders are still read."""
    target = file or Path(f"{channel}.csv")
    world = world_of(context)
    written = write_csv(target, gate.LAST_VALUES, _with(world, config, channel, _hand_back))
    said = f"{channel} is handed back: omnisync writes nothing there. {target}: {written} rows."
    typer.echo(tongue.of(world.environ)(said))


async def _offered(context: Context, channel: Channel) -> list[dict[str, Any]]:
    async with guests.visiting(context, channel) as visited:
        return await offers.catalogue(patient(visited.shadow(), context.clock))


async def _draw(context: Context, channel: Channel) -> Plan:
    async with guests.visiting(context, channel) as visited:
        return await plans.draw(context, visited)


async def _ask(context: Context, channel: Channel, *, check: bool, anyway: bool) -> list[Question]:
    drawn, now = await _draw(context, channel), context.clock.now()
    asked = await context.store.read(lambda session: gate.questions(session, channel, drawn, now=now))
    if not check and (anyway or all(one.ok for one in asked)):
        await context.store.write(lambda session: health.go_live(session, channel.name, now=now))
    return asked


async def _hand_back(context: Context, channel: Channel) -> list[dict[str, Any]]:
    now = context.clock.now()
    await context.store.write(lambda session: health.hand_back(session, channel.name, now=now))
    return await context.store.read(lambda session: list(gate.last_values(session, channel.name)))


def _with(
    world: World, config: Path | None, name: str, work: Callable[[Context, Channel], Coroutine[Any, Any, Result]]
) -> Result:
    """Do this with the channel of that name, its connection closed afterwards."""
    found = world.settings(config)
    check_name(found, name)

    async def run() -> Result:
        with open_engine(found) as engine:
            _, context = put_together(world, found, engine)
            try:
                return await work(context, context.channel(name))
            finally:
                for adapter in context.adapters.values():
                    await adapter.close()

    return asyncio.run(run())


# ---------------------------------------------------------------- in words


def _plain(drawn: Plan) -> dict[str, Any]:
    counted = Counter(one.kind for one in drawn.differences)
    return {
        "channel": drawn.channel, "listings": drawn.listings, "mapped": drawn.mapped, "compared": drawn.compared,
        "counts": {kind.value: counted[kind] for kind in Kind},
        "differences": [_as_data(one) for one in drawn.differences],
    }  # fmt: skip


def _as_data(one: Difference) -> dict[str, Any]:
    prices = {
        name: price and {"amount": price.minor, "currency": price.currency} for name, price in _prices(one).items()
    }
    return one._asdict() | prices


def _prices(one: Difference) -> dict[str, Any]:
    return {"shown_price": one.shown_price, "should_price": one.should_price}


def _answered(asked: Sequence[Question], say: Say, named: Say) -> Iterator[str]:
    wide = len(named("NOT"))
    for one in asked:
        yield f"{named('ok' if one.ok else 'NOT'):{wide}} {named(one.name)}: {say(one.detail)}"
        if not one.ok:
            yield f"{' ' * (wide + 3)}{say(one.mend)}"


def _told(drawn: Plan, say: Say, *, every: bool) -> Iterator[str]:
    yield say(
        f"{drawn.channel}: {drawn.mapped} of {drawn.listings} listings are articles of ours, {drawn.compared} numbers compared."
    )
    for kind in Kind:
        found = drawn.of(kind)
        if not found:
            continue
        pieces = sum(one.pieces for one in found)
        many = f"{pieces} {'piece' if pieces == 1 else 'pieces'}"
        yield f"{len(found):6}  {say(WORDS[kind])}{f' ({say(many)})' if pieces else ''}"
        for one in found if every else found[:SHOWN_AT_MOST]:
            yield f"          {_line(one, say)}"
        if len(found) > SHOWN_AT_MOST and not every:
            yield f"          {say(f'and {len(found) - SHOWN_AT_MOST} more')} (--all)"
    if not drawn.differences:
        yield say("It shows what it should: going live changes nothing.")


def _line(one: Difference, say: Say) -> str:
    name = f"{one.sku or one.external_id} {one.title}".strip() + (f" {say('at')} {one.place}" if one.place else "")
    if one.kind is Kind.PRICE:
        return f"{name}: {_money(one.shown_price)} -> {_money(one.should_price)}"
    return f"{name}: {one.shows} -> {one.should}" if one.shows is not None and one.should is not None else name


def _money(price: Any) -> str:
    return f"{price.decimal()} {price.currency}"
