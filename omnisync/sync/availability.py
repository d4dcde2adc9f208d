"""What the web shop asks most: is it there, where, and by when could it be collected."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlmodel import Session

from omnisync.catalog import articles, bundles
from omnisync.orders.offers import ReadyTimes
from omnisync.settings import ChannelSettings, Settings
from omnisync.stock import availability
from omnisync.sync import shown

MOST = 50_000
"""Items kept at once: some 20 MB."""


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


_Item = tuple[Mapping[str, int], bytes]
"""The pieces that were there, and what was said of them."""
_Said = dict[str, _Item]


@dataclass
class Answers:
    """Makes the body of an answer. What was said of a SKU is kept as bytes and said again while it is true: of the same pieces,
    through the same eyes, within the same minute (that is how long the ready times stand)."""

    settings: Settings
    ready: ReadyTimes
    most: int = MOST
    _minute: datetime | None = None
    _said: dict[Hashable, _Said] = field(default_factory=dict)
    _kept: int = 0

    def body(self, question: Question, stock: Stock, *, now: datetime, public: bool = False) -> bytes:
        """To the public quantities are states."""
        said = self._of(question, now, public)
        times = {code: self.ready.at(code, now) for code in question.locations}
        items = []
        for sku in question.skus:
            pieces, before = stock.pieces.get(sku), said.get(sku)
            if before is None or before[0] != pieces:
                item = orjson.dumps(_item(sku, question, stock, times, self.settings.server.limited_below, public))
                before = self._keep(said, sku, pieces, item)
            items.append(before[1])
        return b'{"items":[' + b",".join(items) + b"]}"

    def _keep(self, said: _Said, sku: str, pieces: Mapping[str, int] | None, item: bytes) -> _Item:
        found = (pieces or {}, item)
        if pieces is not None:  # whoever asks for what is unknown fills no memory
            said[sku] = found
            self._kept += 1
        return found

    def _of(self, question: Question, now: datetime, public: bool) -> _Said:
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute or self._kept > self.most:
            self._minute, self._kept, self._said = minute, 0, {}
        eyes = (question.locations, question.channel and question.channel.name, public)
        return self._said.setdefault(eyes, {})


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
