"""What the web shop asks most: is it there, where, and by when could it be collected."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.catalog import articles, bundles
from omnisync.orders.offers import ReadyTimes
from omnisync.settings import ChannelSettings, Settings
from omnisync.stock import availability
from omnisync.sync import shown


@dataclass(frozen=True, slots=True)
class Question:
    """Which SKUs, where, and through whose eyes: with a channel the number that channel is shown."""

    skus: tuple[str, ...]
    locations: tuple[str, ...]
    channel: ChannelSettings | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """Everything that a batch of questions is answered from: one state of things."""

    pieces: Mapping[str, Mapping[str, int]]
    """SKU -> location -> available; a SKU that is known and nowhere has an empty one."""
    bundles: Collection[str] = ()
    """Those of them whose number is made of other SKUs' pieces."""

    def available(self, sku: str, locations: Collection[str]) -> dict[str, int] | None:
        """Per location; None when nobody knows this SKU."""
        found = self.pieces.get(sku)
        return None if found is None else {location: found.get(location, 0) for location in locations}


def look(session: Session, questions: Sequence[Question]) -> list[Stock]:
    """The stock all these questions need, read at once; the same for each of them."""
    skus = sorted({sku for question in questions for sku in question.skus})
    stock = _stock(session, skus)
    return [stock] * len(questions)


def _stock(session: Session, skus: Sequence[str]) -> Stock:
    sets = {sku: articles.explode(session, [(sku, 1)]) for sku in bundles.among(session, skus)}
    parts = {part for contents in sets.values() for part in contents}
    pieces = availability.pieces_of(session, {*skus, *parts} - sets.keys())
    unseen = [sku for sku in skus if sku not in pieces and sku not in sets]
    for sku in articles.known(session, unseen) if unseen else ():
        pieces[sku] = {}
    for sku, contents in sets.items():
        pieces[sku] = _of_bundle(contents, pieces)
    return Stock(pieces, sets.keys())


def _of_bundle(contents: Mapping[str, int], pieces: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """A bundle is where all its components are, as often as the scarcest allows."""
    locations = {location for part in contents for location in pieces.get(part, {})}
    return {
        location: shown.bundles((pieces.get(part, {}).get(location, 0), each) for part, each in contents.items())
        for location in locations
    }


def answer(
    question: Question,
    stock: Stock,
    settings: Settings,
    ready: ReadyTimes,
    *,
    now: datetime,
    public: bool = False,
    closed: Collection[str] = (),
) -> dict[str, Any]:
    """The body of the answer. To the public quantities are states. Where it is `closed` nothing can be ordered for pickup now."""
    times = {code: None if code in closed else ready.at(code, now) for code in question.locations}
    below = settings.server.limited_below
    return {"items": [_item(sku, question, stock, times, below, public) for sku in question.skus]}


def _item(
    sku: str, question: Question, stock: Stock, times: Mapping[str, str | None], limited_below: int, public: bool
) -> dict[str, Any]:
    pieces = stock.available(sku, question.locations)
    if pieces is None:
        return {"sku": sku, "state": "unknown", "available": 0, "locations": []}
    total = _shown(sum(pieces.values()), question.channel)
    state = _state(total, limited_below)
    locations = [_location(code, n, times[code] if n else None, limited_below, public) for code, n in pieces.items()]
    if public:
        return {"sku": sku, "state": state, "locations": locations}
    return {"sku": sku, "state": state, "available": total, "locations": locations}


def _location(code: str, pieces: int, ready_at: str | None, limited_below: int, public: bool) -> dict[str, Any]:
    pickup = ready_at is not None
    if public:
        return {"location": code, "state": _state(pieces, limited_below), "pickup": pickup, "ready_at": ready_at}
    return {"location": code, "available": pieces, "pickup": pickup, "ready_at": ready_at}


def _shown(pieces: int, channel: ChannelSettings | None) -> int:
    if channel is None:
        return pieces
    policy = channel.policy
    return shown.quantity(pieces, shown.Rule.of(policy.buffer, stop_at=policy.stop_at, max_listed=policy.max_listed))


def _state(pieces: int, limited_below: int) -> str:
    if pieces <= 0:
        return "out_of_stock"
    return "limited" if pieces <= limited_below else "in_stock"
