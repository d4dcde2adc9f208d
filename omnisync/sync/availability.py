"""What the web shop asks most: is it there, where, and by when could it be collected."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from sqlmodel import Session

from omnisync.catalog import articles, backorder
from omnisync.orders.offers import ReadyTimes
from omnisync.settings import ChannelSettings, Settings
from omnisync.stock import availability
from omnisync.stock.availability import Beyond, OnSale
from omnisync.sync import shown
from omnisync.sync.showing import Showing
from omnisync.values import format_time

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

    skus: Mapping[str, OnSale]
    """Those that are known."""
    bundles: Collection[str] = ()
    """Those of them whose number is made of other SKUs' pieces."""
    showing: Showing | None = None
    """What the numbers of the channel that was asked for are made of; None where none was, or none is connected."""

    def available(self, sku: str, locations: Collection[str]) -> dict[str, int] | None:
        """Per location; None when nobody knows this SKU."""
        found = self.skus.get(sku)
        return None if found is None else {location: found.pieces.get(location, 0) for location in locations}

    def number(self, sku: str, locations: Collection[str], channel: ChannelSettings | None) -> int:
        """What there is of a known SKU, in the eyes of the channel if there is one."""
        if self.showing is not None:
            return self.showing.number(sku, locations)
        pieces = sum(self.skus[sku].pieces.get(location, 0) for location in locations)
        return pieces if channel is None else shown.quantity(pieces, _rule(channel))

    def beyond(self, sku: str, locations: Collection[str]) -> Beyond | None:
        """What can be promised beyond that, and from when on it comes (None: nobody said)."""
        found = [at for location, at in self.skus[sku].beyond.items() if location in locations]
        if not found:
            return None
        said = [at.due_at for at in found if at.due_at is not None]
        return Beyond(sum(at.pieces for at in found), min(said, default=None))


def look(session: Session, questions: Sequence[Question]) -> list[Stock]:
    """The stock all these questions need, read at once; the same for each of them."""
    skus = sorted({sku for question in questions for sku in question.skus})
    stock = _stock(session, skus)
    return [stock] * len(questions)


def _stock(session: Session, skus: Sequence[str]) -> Stock:
    found, names = availability.on_sale(session, skus)
    sets = {sku: articles.explode(session, [(sku, 1)]) for sku in names}
    if parts := {part for contents in sets.values() for part in contents} - found.keys():
        found |= availability.on_sale(session, parts)[0]
    found = _dated(session, found)
    unseen = [sku for sku in skus if sku not in found and sku not in sets]
    for sku in articles.known(session, unseen) if unseen else ():
        found[sku] = OnSale({}, {})
    for sku, contents in sets.items():
        found[sku] = _of_bundle(contents, found)
    return Stock(found, sets.keys())


def _dated(session: Session, found: dict[str, OnSale]) -> dict[str, OnSale]:
    """What cannot be had before a day that its article names is not said to be there earlier."""
    rules = backorder.of(session, [sku for sku, one in found.items() if one.beyond])
    for sku, rule in rules.items():
        for location, (pieces, due_at) in found[sku].beyond.items() if rule.since else ():
            found[sku].beyond[location] = Beyond(pieces, max(filter(None, (due_at, rule.since))))
    return found


def _of_bundle(contents: Mapping[str, int], found: Mapping[str, OnSale]) -> OnSale:
    """A bundle is where all its components are, as often as the scarcest allows; the rest when the last scarce one comes."""
    parts = [(found.get(part, _NOWHERE), each) for part, each in contents.items()]
    bundle = OnSale({}, {})
    for location in {location for part, _ in parts for location in part.pieces}:
        there = [(part.pieces.get(location, 0), each) for part, each in parts]
        later = [part.beyond.get(location, _NOTHING) for part, _ in parts]
        bundle.pieces[location] = shown.bundles(there)
        all_of_it = shown.bundles((n + more.pieces, each) for (n, each), more in zip(there, later, strict=True))
        if all_of_it > bundle.pieces[location]:
            scarce = [more.due_at for (n, each), more in zip(there, later, strict=True) if n // each < all_of_it]
            said = [due_at for due_at in scarce if due_at is not None]
            due_at = max(said) if len(said) == len(scarce) else None
            bundle.beyond[location] = Beyond(all_of_it - bundle.pieces[location], due_at)
    return bundle


_NOWHERE, _NOTHING = OnSale({}, {}), Beyond(0, None)
_Item = tuple[object, bytes]
"""What was there, and what was said of it."""
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

    def body(
        self,
        question: Question,
        stock: Stock,
        *,
        now: datetime,
        public: bool = False,
        closed: frozenset[str] = frozenset(),
        silent: frozenset[str] = frozenset(),
    ) -> bytes:
        """To the public quantities are states. Where it is `closed` nothing can be ordered for pickup now; what lies in a store
        whose till is `silent` may be sold: it is limited at most."""
        said = self._of(question, now, public, closed, silent)
        rule = _Rule(self.settings.server.limited_below, public, silent)
        times = {code: None if code in closed else self.ready.at(code, now) for code in question.locations}
        state_of = stock.skus.get if stock.showing is None else partial(_shown_there, question, stock, silent)
        items = []
        for sku in question.skus:
            there, before = state_of(sku), said.get(sku)
            if before is None or before[0] is not there:  # read again: mostly as it was
                same = before[1] if before is not None and before[0] == there else None
                before = self._keep(said, sku, there, same or _written(_item(sku, question, stock, times, rule)))
            items.append(before[1])
        return b'{"items":[' + b",".join(items) + b"]}"

    def _keep(self, said: _Said, sku: str, there: object, item: bytes) -> _Item:
        kept = (there, item)
        if there is not None:  # whoever asks for what is unknown fills no memory
            self._kept += sku not in said
            said[sku] = kept
        return kept

    def _of(
        self, question: Question, now: datetime, public: bool, closed: frozenset[str], silent: frozenset[str]
    ) -> _Said:
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute or self._kept > self.most:
            self._minute, self._kept, self._said = minute, 0, {}
        eyes = (question.locations, question.channel and question.channel.name, public, closed, silent)
        return self._said.setdefault(eyes, {})


def _written(item: Mapping[str, Any]) -> bytes:
    """As JSON, in as many bytes as it has: what orjson hands out keeps four kilobytes behind it for as long as it lives."""
    return bytes(memoryview(orjson.dumps(item)))


@dataclass(frozen=True, slots=True)
class _Rule:
    """How numbers become words."""

    limited_below: int
    public: bool
    silent: frozenset[str]

    def state(self, pieces: int, location: str | None = None) -> str:
        """in_stock | limited | out_of_stock"""
        if pieces <= 0:
            return "out_of_stock"
        return "limited" if pieces <= self.limited_below or location in self.silent else "in_stock"


def _item(sku: str, question: Question, stock: Stock, times: Mapping[str, str | None], rule: _Rule) -> dict[str, Any]:
    public, pieces = rule.public, stock.available(sku, question.locations)
    if pieces is None:
        return {"sku": sku, "state": "unknown", "available": 0, "locations": []}
    plain = question.channel is None and not rule.silent
    total, sure = (sum(pieces.values()),) * 2 if plain else _numbers(sku, question, stock, rule.silent)
    state = rule.state(total)
    if state == "in_stock" and rule.silent:  # only what lies where somebody is heard of is sure
        state = "in_stock" if rule.state(sure) == "in_stock" else "limited"
    locations = [_location(code, n, times[code] if n else None, rule) for code, n in pieces.items()]
    item: dict[str, Any] = {"sku": sku, "state": state} if public else {"sku": sku, "state": state, "available": total}
    if stock.skus[sku].beyond and (beyond := stock.beyond(sku, question.locations)):
        item["backorder"] = _backorder(beyond, public)
    return item | {"locations": locations}


def _backorder(beyond: Beyond, public: bool) -> dict[str, Any]:
    when = {"from": beyond.due_at and format_time(beyond.due_at)}
    return when if public else {"available": beyond.pieces} | when


def _location(code: str, pieces: int, ready_at: str | None, rule: _Rule) -> dict[str, Any]:
    pickup = ready_at is not None
    if rule.public:
        return {"location": code, "state": rule.state(pieces, code), "pickup": pickup, "ready_at": ready_at}
    return {"location": code, "available": pieces, "pickup": pickup, "ready_at": ready_at}


def _shown_there(question: Question, stock: Stock, silent: Collection[str], sku: str) -> object:
    """What there is, and what of it the channel is shown, which changes also with what other channels have not told."""
    found = stock.skus.get(sku)
    return found and (found, *_numbers(sku, question, stock, silent))


def _numbers(sku: str, question: Question, stock: Stock, silent: Collection[str]) -> tuple[int, int]:
    """All that there is, and what lies where somebody is heard of."""
    total = stock.number(sku, question.locations, question.channel)
    if not silent:
        return total, total
    heard = [code for code in question.locations if code not in silent]
    return total, stock.number(sku, heard, question.channel)


def _rule(channel: ChannelSettings) -> shown.Rule:
    policy = channel.policy
    return shown.Rule.of(policy.buffer, stop_at=policy.stop_at, max_listed=policy.max_listed)
