"""Why a number is what it is, or was: its terms with their causes, from the journal as it was recorded by then, the settings
that held then, and what was sent to the channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from omnisync import db
from omnisync.catalog import articles, then
from omnisync.errors import NotFound
from omnisync.settings import ChannelSettings
from omnisync.stock import past, policies
from omnisync.stock.effects import Level
from omnisync.stock.tables import Policy
from omnisync.sync import shown, wanted
from omnisync.sync.context import Channel, Context, Group
from omnisync.sync.tables import Sent, UnseenThen
from omnisync.sync.wanted import Gap, OnShelf, Stock, Unseen
from omnisync.values import Shelf, format_time

MOST_SENT = 5
_unseen = db.table(UnseenThen)
_COUNTED = {"on_hand": {"on_hand": +1}, "available": {"on_hand": +1, "blocked": -1, "reserved": -1, "safety": -1}}
"""The quantities that a number is made of, and how."""


@dataclass(frozen=True, slots=True)
class Question:
    """About which SKU, where, through whose eyes, and when."""

    sku: str
    location: str | None
    channel: str | None
    moment: datetime


@dataclass(frozen=True)
class _Then:
    """How everything stood at that moment."""

    session: Session
    moment: datetime
    sku: str
    contents: Mapping[str, Mapping[str, int]]
    levels: Mapping[Shelf, Level]
    gaps: Sequence[tuple[UnseenThen, Sequence[Unseen]]]
    """What was missing at listings, and which pieces of which shelves that makes."""

    @property
    def parts(self) -> Mapping[str, int]:
        return self.contents.get(self.sku, {self.sku: 1})

    def stock(self, shows: str) -> Stock:
        """What the numbers were made of, as those who publish them read it."""
        shelves: dict[str, dict[str, OnShelf]] = defaultdict(dict)
        for shelf, level in self.levels.items():
            shelves[shelf.sku][shelf.location] = OnShelf(_of_level(level, shows), self.moment)
        return Stock(self.contents, shelves, [one for _, unseen in self.gaps for one in unseen])

    def pieces_at(self, location: str, shows: str) -> int:
        """What one location gave to the number."""
        return wanted.there([location], self.sku, self.stock(shows))[0]

    def number(self, channel: Channel, group: Group) -> int:
        """What a place of the channel should have shown."""
        return shown.quantity(wanted.shown_of(channel, group, self.sku, self.stock(channel.shows))[0], channel.rule)


def _of_level(level: Level, shows: str) -> int:
    return level.available if shows == "available" else max(0, level.on_hand)


def explain(session: Session, context: Context, asked: Question) -> dict[str, Any]:
    """The account as data. NotFound for an article, channel or settings that nobody knows (or knew then)."""
    if asked.sku not in articles.known(session, [asked.sku]):
        raise NotFound(f"There is no article {asked.sku}.")
    policy = None if asked.channel is None else _policy(session, asked.channel, asked.moment)
    channel = None if policy is None else channel_of(session, context, policy, asked.moment)
    everywhere = [location.code for location in context.settings.locations]
    locations = list(channel.settings.locations) if channel else everywhere
    what = _read(session, context, asked, locations)
    shows = channel.shows if channel else "available"
    wished = [code for code in locations if asked.location in (None, code)]
    return {
        "sku": asked.sku,
        "at": format_time(asked.moment),
        "available": sum(what.pieces_at(code, "available") for code in wished),
        "locations": [_location(what, code, shows) for code in wished],
        "channel": channel and policy and _channel(what, channel, policy, asked.location),
    }


def number_at(session: Session, context: Context, channel: str, place: str, sku: str, moment: datetime) -> int:
    """What that place should have shown then."""
    of_then = channel_of(session, context, _policy(session, channel, moment), moment)
    what = _read(session, context, Question(sku, None, channel, moment), of_then.settings.locations)
    [group] = [group for group in of_then.groups if group.place == place]
    return what.number(of_then, group)


# ---------------------------------------------------------------- how it stood


def _policy(session: Session, channel: str, moment: datetime) -> Policy:
    found = policies.at(session, "channel", channel, moment)
    if found is None:
        raise NotFound(f"No settings of a channel {channel!r} are known from before {format_time(moment)}.")
    return found


def channel_of(session: Session, context: Context, policy: Policy, moment: datetime) -> Channel:
    """The channel under the settings that held then."""
    if policy.name not in context.adapters:
        raise NotFound(f"There is no channel {policy.name!r} any more.")
    places = policies.all_at(session, "location", moment)
    owned = frozenset(code for code, place in places.items() if place.body["stock_owner"] == policy.name)
    return Channel(ChannelSettings.model_validate(policy.body), context.adapters[policy.name], owned)


def _read(session: Session, context: Context, asked: Question, locations: Collection[str]) -> _Then:
    components = partial(then.contents, session, moment=asked.moment)
    contents = wanted.unpacked([asked.sku], components)
    parts = contents.get(asked.sku, {asked.sku: 1})
    levels = past.levels(session, [Shelf(code, part) for code in locations for part in parts], asked.moment)
    gaps = _gaps(session, then.holders(session, parts, asked.moment), asked.moment)
    held = wanted.unpacked({gap.sku for gap in gaps}, components)
    spread: list[tuple[UnseenThen, list[Unseen]]] = []
    for gap in gaps:
        policy = policies.at(session, "channel", gap.channel, asked.moment)
        of_then = (
            channel_of(session, context, policy, asked.moment) if policy and gap.channel in context.adapters else None
        )
        missing = Gap(gap.channel, gap.place, gap.sku, gap.pieces)
        spread.append((gap, list(wanted.spread(missing, held, of_then, parts.keys()))))
    return _Then(session, asked.moment, asked.sku, contents, levels, spread)


def _gaps(session: Session, skus: Collection[str], moment: datetime) -> list[UnseenThen]:
    """What was provisional then at the listings that were of these SKUs."""
    listing = _unseen.c.channel, _unseen.c.external_id, _unseen.c.place
    theirs = sa.tuple_(*listing).in_(sa.select(*listing).where(db.among(_unseen.c.sku, sorted(skus))))
    newest = sa.select(sa.func.max(_unseen.c.id)).where(_unseen.c.at <= moment, theirs).group_by(*listing)
    statement = select(UnseenThen).where(col(UnseenThen.id).in_(newest), col(UnseenThen.pieces) > 0)
    # Since then some may have been mapped to other articles.
    return [gap for gap in session.exec(statement.order_by(col(UnseenThen.id))) if gap.sku in skus]


# ---------------------------------------------------------------- locations


def _location(what: _Then, code: str, shows: str) -> dict[str, Any]:
    found: dict[str, Any] = {"location": code, "pieces": what.pieces_at(code, shows)}
    shelves = {part: what.levels.get(Shelf(code, part), Level()) for part in sorted(what.parts)}
    if what.sku not in what.contents:
        return found | {"terms": _terms(what, Shelf(code, what.sku), shelves[what.sku], shows), "parts": []}
    makes = {part: _of_level(level, shows) // what.parts[part] for part, level in shelves.items()}
    parts = [
        {
            "sku": part,
            "each": what.parts[part],
            "pieces": _of_level(level, shows),
            "makes": makes[part],
            "scarcest": makes[part] == min(makes.values()),
            "terms": _terms(what, Shelf(code, part), level, shows),
        }
        for part, level in shelves.items()
    ]
    return found | {"terms": [], "parts": parts}


def _terms(what: _Then, shelf: Shelf, level: Level, shows: str) -> list[dict[str, Any]]:
    signed = {name: sign * getattr(level, name) for name, sign in _COUNTED[shows].items()}
    terms = [_term(what, shelf, name, pieces) for name, pieces in signed.items() if pieces]
    rest = _of_level(level, shows) - sum(signed.values())
    if level.off_sale and shows == "available":
        terms.append(_term(what, shelf, "off_sale", rest))
    elif rest:
        terms.append({"term": "never_below_zero", "pieces": rest, "causes": []})
    return terms


def _term(what: _Then, shelf: Shelf, name: str, pieces: int) -> dict[str, Any]:
    sign = _COUNTED["available"].get(name, 0)
    causes = [_cause(one, sign) for one in past.causes(what.session, shelf, name, what.moment)]
    found = {"term": name, "pieces": pieces, "causes": causes}
    if name == "blocked":
        found["reasons"] = past.blocked_reasons(what.session, shelf, what.moment)
    return found


def _cause(cause: past.Cause, sign: int) -> dict[str, Any]:
    times = {name: format_time(getattr(cause, name)) for name in ("occurred_at", "recorded_at")}
    return asdict(cause) | times | {"pieces": sign * cause.pieces}


# ---------------------------------------------------------------- channels


def _channel(what: _Then, channel: Channel, policy: Policy, location: str | None) -> dict[str, Any]:
    rule = channel.policy
    return {
        "channel": channel.name,
        "policy": {
            "version": policy.id, "since": format_time(policy.valid_from), "shows": channel.shows,
            "buffer": rule.buffer, "stop_at": rule.stop_at, "max_listed": rule.max_listed,
            "locations": list(channel.settings.locations),
        },
        "places": [_place(what, channel, group) for group in channel.groups if location in (None, *group.locations)],
    }  # fmt: skip


def _place(what: _Then, channel: Channel, group: Group) -> dict[str, Any]:
    terms: list[dict[str, Any]] = [
        {"term": "location", "location": code, "pieces": what.pieces_at(code, channel.shows)}
        for code in group.locations
    ]
    unseen = wanted.unseen_of(channel, group, what.sku, what.stock(channel.shows))
    if unseen:
        terms.append({"term": "unseen", "pieces": -unseen, "listings": _lost_to(what, channel, group)})
    pieces = sum(term["pieces"] for term in terms)
    terms += [{"term": name, "pieces": change} for name, change in shown.steps(pieces, channel.rule).items()]
    return {
        "place": group.place or None,
        "pieces": what.number(channel, group),
        "terms": terms,
        "sent": [_written(row, what.moment) for row in what.session.exec(_sent(what, channel, group).limit(MOST_SENT))],
        "applied": _applied(what, channel, group),
    }


def _lost_to(what: _Then, channel: Channel, group: Group) -> list[dict[str, Any]]:
    """The listings whose missing pieces this place may not offer."""
    alone = ((gap, Stock(what.contents, {}, unseen)) for gap, unseen in what.gaps)
    return [_gap(gap) for gap, stock in alone if wanted.unseen_of(channel, group, what.sku, stock)]


def _gap(gap: UnseenThen) -> dict[str, Any]:
    return {
        "channel": gap.channel, "external_id": gap.external_id, "place": gap.place or None, "sku": gap.sku,
        "pieces": gap.pieces, "since": format_time(gap.at),
    }  # fmt: skip


def _applied(what: _Then, channel: Channel, group: Group) -> int | None:
    """The last number that it had taken by then."""
    taken = _sent(what, channel, group).where(col(Sent.applied_at) <= what.moment)
    row = what.session.exec(taken.limit(1)).first()
    return None if row is None else row.quantity


def _sent(what: _Then, channel: Channel, group: Group) -> SelectOfScalar[Sent]:
    """The numbers that were written there by then, the newest first."""
    statement = select(Sent).where(
        Sent.channel == channel.name, Sent.sku == what.sku, Sent.place == group.place,
        col(Sent.quantity).is_not(None), col(Sent.sent_at) <= what.moment,
    )  # fmt: skip
    return statement.order_by(col(Sent.sent_at).desc(), col(Sent.tag).desc())


def _written(row: Sent, moment: datetime) -> dict[str, Any]:
    """A write, as far as its answer had come."""
    applied = row.applied_at if row.applied_at is not None and row.applied_at <= moment else None
    waited = row.applied_at is not None and applied is None
    return {
        "external_id": row.external_id, "quantity": row.quantity, "sent_at": format_time(row.sent_at),
        "outcome": None if waited else row.outcome, "reason": row.reason,
        "applied_at": applied and format_time(applied),
    }  # fmt: skip
