"""What a store has to do besides its pickups: customers to call, goods that go and come, bags to put back, shelves to count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmodel import Session, col, select

from omnisync.catalog import articles
from omnisync.errors import NotFound
from omnisync.orders import accepting, parcels, pickup, tasks
from omnisync.orders.tables import ChannelOrder, Pickup, Task
from omnisync.orders.tasks import Job
from omnisync.pages import staff_work_goods, staff_work_pause
from omnisync.pages.staff_view import Eyes, due_text
from omnisync.pages.staff_work_goods import Goods
from omnisync.pages.staff_work_pause import PauseShown
from omnisync.pages.words import later
from omnisync.settings import LEDGER
from omnisync.stock import came_back, recounts, transfers
from omnisync.stock.tables import GoodsReturn, Transfer, TransferLine

CALLS = {Job.OVERDUE.value: later("Paid, not collected"), Job.ASK.value: later("Something is missing")}
REASONS = {
    "not_found": later("was not found"),
    "stock_error": later("cannot be right"),
    "late_facts": later("something was told late"),
    "large_difference": later("the last count differed a lot"),
}
SHOWN_AT_MOST = 200
RECOUNTS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Piece:
    """So many pieces of an article."""

    goods: Goods
    n: int


@dataclass(frozen=True, slots=True)
class Chore:
    """One task, with the pickup it comes from."""

    id: str
    text: str
    number: str
    pickup_id: str
    """Empty where the pickup is another store's by now."""
    shelf: str
    other: str
    """The location that goods go to."""
    transfer_id: str
    pieces: tuple[Piece, ...]
    since: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Goods for this store that are asked for or on their way."""

    id: str
    source: str
    number: str
    is_sent: bool
    due: str
    urgency: str
    pieces: tuple[Piece, ...]

    @property
    def n(self) -> int:
        return sum(one.n for one in self.pieces)


@dataclass(frozen=True, slots=True)
class ToSend:
    """What of a channel's order is sent from here."""

    id: str
    channel: str
    reference: str
    placed: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class JustSent:
    """A parcel that one tap takes back."""

    id: str
    reference: str
    seconds_left: int


@dataclass(frozen=True, slots=True)
class ToCount:
    """A shelf to be counted; what is expected there is not said."""

    goods: Goods
    why: str


@dataclass(frozen=True, slots=True)
class CameBack:
    """Pieces that somebody has to look at."""

    id: int
    goods: Goods
    n: int
    order: str
    came: str
    has_b_ware: bool = False
    """There is a SKU under which it can be sold for less."""


@dataclass(frozen=True, slots=True)
class Work:
    """The whole page."""

    calls: tuple[Chore, ...]
    parcels: tuple[ToSend, ...]
    sends: tuple[Chore, ...]
    arrivals: tuple[Arrival, ...]
    put_backs: tuple[Chore, ...]
    counts: tuple[ToCount, ...]
    returns: tuple[CameBack, ...]
    to_do: int
    left: int
    """Tasks that come up when some of these are done."""
    ringing: int
    at: str
    pause: PauseShown | None

    @property
    def is_empty(self) -> bool:
        return not any((self.calls, self.parcels, self.sends, self.arrivals, self.put_backs, self.counts, self.returns))


def to_do(session: Session, location: str) -> int:
    """How much waits for somebody in this store, without what is only to be counted again some day."""
    return (
        tasks.count_open(session, location)
        + came_back.count_to_check(session, location)
        + parcels.count(session, location)
    )


def work(session: Session, eyes: Eyes, titles: Mapping[str, str]) -> Work:
    """Everything of this store; `titles` is what people call the channels."""
    code, say = eyes.location.code, eyes.say
    found = tasks.list_open(session, code, limit=SHOWN_AT_MOST)
    by_kind = {job: [one for one in found if one.kind == job] for job in Job}
    coming = _coming(session, code)
    known = _Known.of(session, eyes, found, coming)
    returned = came_back.page(session, code, to_check=True, limit=SHOWN_AT_MOST)
    goods = staff_work_goods.of(session, eyes, {one.sku for one in returned})
    waiting = tasks.count_open(session, code)
    return Work(
        calls=tuple(_chores([*by_kind[Job.OVERDUE], *by_kind[Job.ASK]], known, eyes)),
        parcels=tuple(_parcels(session, eyes, titles)),
        sends=tuple(_chores(by_kind[Job.SEND], known, eyes)),
        arrivals=tuple(_arrival(one, lines, known, eyes) for one, lines in coming),
        put_backs=tuple(_chores(by_kind[Job.PUT_BACK], known, eyes)),
        counts=tuple(_counts(session, by_kind[Job.COUNT], eyes)),
        returns=tuple(_came_back(one, goods[one.sku], eyes) for one in returned),
        to_do=to_do(session, code),
        left=max(0, waiting - len(found)),
        ringing=accepting.ringing(session, code),
        at=say.time(eyes.now, eyes.zone, seconds=True),
        pause=staff_work_pause.shown(session, eyes),
    )


def arrival(session: Session, eyes: Eyes, transfer_id: str) -> Arrival:
    """One transfer to this store of which something is still to come. NotFound for any other."""
    found = next((one for one in _coming(session, eyes.location.code) if one[0].id == transfer_id), None)
    if found is None:
        raise NotFound("Nothing of this transfer is to come here.")
    return _arrival(*found, _Known.of(session, eyes, [], [found]), eyes)


def returned(session: Session, eyes: Eyes, number: int) -> CameBack:
    """One return of this store that nobody has decided about. NotFound for any other."""
    found = session.get(GoodsReturn, number)
    if found is None or found.location != eyes.location.code or found.decided_at is not None:
        raise NotFound("There is no such return to be checked here.")
    shown = _came_back(found, staff_work_goods.of(session, eyes, [found.sku])[found.sku], eyes)
    return replace(shown, has_b_ware=articles.b_ware_of(session, found.sku) is not None)


# ---------------------------------------------------------------- what the tasks are about

_Coming = Sequence[tuple[Transfer, Sequence[TransferLine]]]


def _coming(session: Session, code: str) -> list[tuple[Transfer, Sequence[TransferLine]]]:
    found = transfers.page(session, code, on_the_way=True, limit=SHOWN_AT_MOST)
    here = [one for one in found if one.to_location == code]
    lines = transfers.lines_of(session, [one.id for one in here])
    return [(one, [line for line in lines[one.id] if line.to_come]) for one in here]


@dataclass(frozen=True, slots=True)
class _Known:
    """Pickups, transfers and articles behind tasks."""

    pickups: dict[str, Pickup]
    targets: dict[str, str]
    """Transfer -> the name of where it goes."""
    names: dict[str, str]
    bags: dict[str, dict[str, int]]
    goods: dict[str, Goods]

    @classmethod
    def of(cls, session: Session, eyes: Eyes, found: Sequence[Task], coming: _Coming) -> _Known:
        names = {one.code: one.name for one in eyes.locations}
        ids = {one.pickup_id for one in found if one.pickup_id} | {one.pickup_id for one, _ in coming if one.pickup_id}
        pickups = {one.id: one for one in session.exec(select(Pickup).where(col(Pickup.id).in_(ids)))}
        wanted = [one.transfer_id for one in found if one.transfer_id]
        moved = session.exec(select(Transfer).where(col(Transfer.id).in_(wanted)))
        targets = {one.id: names.get(one.to_location, one.to_location) for one in moved}
        lines = pickup.lines_of(session, [one.pickup_id for one in found if one.pickup_id and one.kind == Job.PUT_BACK])
        bags = {
            name: {one.sku: left for one in some if (left := one.quantity - one.rejected - one.collected)}
            for name, some in lines.items()
        }
        skus = {one.sku for one in found if one.sku} | {sku for bag in bags.values() for sku in bag}
        skus |= {line.sku for _, some in coming for line in some}
        return cls(pickups, targets, names, bags, staff_work_goods.of(session, eyes, skus))


def _chores(found: Iterable[Task], known: _Known, eyes: Eyes) -> Iterable[Chore]:
    for one in found:
        behind = known.pickups.get(one.pickup_id or "")
        pieces = {one.sku: one.quantity or 0} if one.sku else known.bags.get(one.pickup_id or "", {})
        yield Chore(
            id=one.id,
            text=eyes.say(CALLS[one.kind]) if one.kind in CALLS else "",
            number=behind.number if behind else "",
            pickup_id=behind.id if behind and behind.location == eyes.location.code else "",
            shelf=one.shelf or "",
            other=known.targets.get(one.transfer_id or "", ""),
            transfer_id=one.transfer_id or "",
            pieces=tuple(Piece(known.goods[sku], n) for sku, n in sorted(pieces.items())),
            since=eyes.when(one.created_at),
        )


def _parcels(session: Session, eyes: Eyes, titles: Mapping[str, str]) -> Iterable[ToSend]:
    found = parcels.waiting(session, eyes.location.code, limit=SHOWN_AT_MOST)
    goods = staff_work_goods.of(session, eyes, {sku for one in found for sku in one.pieces})
    for one in found:
        pieces = tuple(Piece(goods[sku], n) for sku, n in sorted(one.pieces.items()))
        channel = titles.get(one.channel, one.channel)
        yield ToSend(one.order_id, channel, one.reference, eyes.when(one.placed_at), pieces)


def _arrival(found: Transfer, lines: Sequence[TransferLine], known: _Known, eyes: Eyes) -> Arrival:
    behind, due = known.pickups.get(found.pickup_id or ""), due_text(found.due_at, eyes)
    return Arrival(
        id=found.id,
        source=known.names.get(found.from_location, found.from_location),
        number=behind.number if behind else "",
        is_sent=found.sent_at is not None,
        due=due.text,
        urgency=due.urgency,
        pieces=tuple(Piece(known.goods[line.sku], line.to_come) for line in lines),
    )


def _counts(session: Session, asked: Sequence[Task], eyes: Eyes) -> Iterable[ToCount]:
    """What a pickup asked to be counted first, then what else should be counted again; each article once."""
    owned = [one.code for one in eyes.locations if one.stock_owner != LEDGER]
    listed = recounts.page(session, eyes.location.code, owned_elsewhere=owned, limit=RECOUNTS_AT_MOST)
    why = {one.sku: eyes.say("was not found for a pickup") for one in asked if one.sku}
    for one in listed:
        why.setdefault(one.sku, ", ".join(eyes.say(REASONS[reason]) for reason in one.reasons))
    goods = staff_work_goods.of(session, eyes, why)
    return [ToCount(goods[sku], text) for sku, text in why.items()]


def _came_back(found: GoodsReturn, goods: Goods, eyes: Eyes) -> CameBack:
    return CameBack(found.id or 0, goods, found.quantity, found.reference or "", eyes.when(found.came_at))


def just_sent(session: Session, eyes: Eyes, order_id: str) -> JustSent | None:
    """The order that somebody of this store has just called sent, as long as one tap takes it back."""
    order = session.get(ChannelOrder, order_id) if order_id else None
    sent = parcels.sent_just_now(session, eyes.location.code, order_id, now=eyes.now) if order else None
    if order is None or sent is None:
        return None
    left = max(timedelta(), sent + parcels.AT_ONCE - eyes.now)
    return JustSent(order.id, order.reference, -(-left // timedelta(seconds=1)))
