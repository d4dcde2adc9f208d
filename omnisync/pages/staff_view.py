"""What the staff page shows: pickups in words, times of the store, and how urgent they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from zlib import crc32
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from omnisync.catalog.tables import Article
from omnisync.orders import customers, hours, pickup, views
from omnisync.orders.states import State
from omnisync.orders.tables import Customer, Pickup, PickupLine
from omnisync.pages import staff_offers
from omnisync.pages.staff_offers import Helper, There
from omnisync.pages.words import Words, later
from omnisync.settings import LocationSettings
from omnisync.stock.tables import Balance

STATES = {
    State.PLACED: later("New"),
    State.PICKING: later("Being picked"),
    State.READY: later("Ready"),
    State.COLLECTED: later("Collected"),
    State.EXPIRED: later("Not collected"),
    State.CANCELLED: later("Cancelled"),
}
HOW = {
    "code": later("with the code"),
    "order_number_and_name": later("with number and name"),
    "id_seen": later("with an identity card"),
    "known": later("known personally"),
    "proxy": later("by somebody else"),
}
PICTURES = {
    ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".avif": "image/avif",
}  # fmt: skip
SOON, COUNTED_DOWN = timedelta(minutes=30), timedelta(minutes=60)
"""In minutes in which the store is open."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """For whom a screen is drawn: the reader's words, their store, and when they look."""

    say: Words
    location: LocationSettings
    locations: Sequence[LocationSettings]
    now: datetime
    pictures: bool = False
    """There is a folder with pictures of articles."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.location.timezone)

    def when(self, moment: datetime) -> str:
        """`today 14:21`, `Thu 19/11, 14:21`"""
        time = self.say.time(moment, self.zone)
        if moment.astimezone(self.zone).date() == self.now.astimezone(self.zone).date():
            return self.say("today %(time)s", time=time)
        return f"{self.say.day(moment, self.zone)}, {time}"


@dataclass(frozen=True, slots=True)
class Due:
    """A time limit in words; `urgency` is a class of the style sheet."""

    text: str
    urgency: str = ""


@dataclass(frozen=True, slots=True)
class LineShown:
    """One article of a pickup."""

    sku: str
    title: str
    detail: str
    shelf: str
    tint: str
    picture: str
    """The name of a file; empty where there is none."""
    quantity: int
    open: int
    picked: int
    rejected: int
    collected: int
    coming: int
    price: str
    stocked: bool = True
    elsewhere: tuple[There, ...] = ()
    """(location code, its name, pieces) where a rejected piece could come from."""

    @property
    def here(self) -> int:
        """Pieces that can be picked now."""
        return self.open - self.coming

    @property
    def next_picked(self) -> int:
        """What a tap makes of it: one more, and from the last one back to none."""
        return self.picked + 1 if self.picked < self.here else 0


@dataclass(frozen=True, slots=True)
class Card:
    """One pickup as the list and its own page show it."""

    id: str
    number: str
    state: str
    state_text: str
    version: int
    who: str
    phone: str
    due: Due
    placed: str
    shelf: str
    paid: bool
    to_pay: str
    note: str
    gift: bool
    overdue: bool
    ended: str
    how: str
    picker: str
    """Who accepted it; nobody yet where empty."""
    alarmed: bool
    reference: str
    ready_by: str
    """As a time of the clock."""
    lines: tuple[LineShown, ...]
    open_to: frozenset[str]
    """The stores where its customer could be sent now."""

    @property
    def pieces(self) -> int:
        """Pieces that are still the customer's."""
        return sum(line.quantity - line.rejected for line in self.lines)

    @property
    def open_lines(self) -> list[LineShown]:
        return [line for line in self.lines if line.open]

    @property
    def rejected_lines(self) -> list[LineShown]:
        return [line for line in self.lines if line.rejected]

    @property
    def picked(self) -> int:
        return sum(line.picked for line in self.lines)

    @property
    def to_accept(self) -> bool:
        """Nobody has said yet that they pick it."""
        return self.state == State.PLACED and not self.picker

    @property
    def all_picked(self) -> bool:
        return all(line.picked >= line.open for line in self.open_lines)

    @property
    def helpers(self) -> list[Helper]:
        """Who can help with what is missing."""
        return staff_offers.helpers(self.lines, self.open_to)

    @property
    def first_shelf(self) -> str:
        """Where to go first."""
        return next((line.shelf for line in self.lines if line.shelf), "")


@dataclass(frozen=True, slots=True)
class _Known:
    """What the cards of one screen need to know of their articles."""

    articles: dict[str, Article]
    places: dict[str, str]
    help: dict[str, tuple[There, ...]]
    open_to: frozenset[str]


def cards(session: Session, found: Sequence[Pickup], eyes: Eyes) -> Iterable[Card]:
    """Pickups with their people, articles and other stores that could help."""
    lines = pickup.lines_of(session, [one.id for one in found])
    people = customers.by_id(session, [one.customer_id for one in found])
    skus = sorted({line.sku for one in lines.values() for line in one})
    articles = {one.sku: one for one in session.exec(select(Article).where(col(Article.sku).in_(skus)))}
    open_to = staff_offers.open_to(session, eyes)
    lacking = {line.sku for one in lines.values() if any(line.rejected for line in one) for line in one}
    known = _Known(
        articles, places(session, eyes.location.code, skus), staff_offers.elsewhere(session, lacking, eyes), open_to
    )
    return [_card(one, lines[one.id], people.get(one.customer_id), known, eyes) for one in found]


def due_text(moment: datetime, eyes: Eyes) -> Due:
    """`18 min left` while the doors are open, counting open minutes; `by 15:20`, `by Mon 23/11, 10:30`, `5 min late`."""
    if moment < eyes.now:
        return Due(_late(eyes.now - moment, eyes.say), "bad")
    left = hours.open_between(eyes.location, eyes.now, moment, at_most=COUNTED_DOWN)
    if left <= COUNTED_DOWN and hours.is_open(eyes.location, eyes.now):
        words = eyes.say("%(minutes)s min left", minutes=-(-left // timedelta(minutes=1)))
        return Due(words, "warn" if left <= SOON else "")
    return Due(by(moment, eyes))


def by(moment: datetime, eyes: Eyes) -> str:
    """The same as a time of the clock, for paper: it does not count down."""
    time = eyes.say.time(moment, eyes.zone)
    if moment.astimezone(eyes.zone).date() == eyes.now.astimezone(eyes.zone).date():
        return eyes.say("by %(time)s", time=time)
    return eyes.say("by %(time)s", time=f"{eyes.say.day(moment, eyes.zone)}, {time}")


def _late(span: timedelta, say: Words) -> str:
    minutes = span // timedelta(minutes=1)
    if minutes < 60:
        return say("%(minutes)s min late", minutes=minutes)
    if minutes < 24 * 60:
        return say("%(hours)s h late", hours=minutes // 60)
    return say.ngettext("%(num)s day late", "%(num)s days late", minutes // (24 * 60))


def _card(
    one: Pickup,
    lines: Sequence[PickupLine],
    person: Customer | None,
    known: _Known,
    eyes: Eyes,
) -> Card:
    owed, say = views.due(one, lines), eyes.say
    is_ready = one.state == State.READY
    return Card(
        id=one.id,
        number=one.number,
        state=one.state,
        state_text=say(STATES[State(one.state)]),
        version=one.version,
        who=(person.name if person else "") or say("Name erased"),
        phone=(person.phone if person else None) or "",
        due=Due(say("overdue"), "bad") if one.overdue else due_text(one.collect_by if is_ready else one.ready_by, eyes),
        placed=eyes.when(one.placed_at),
        shelf=one.shelf or "",
        paid=one.paid,
        to_pay="" if one.paid else say.money(owed["amount_minor"], owed["currency"]),
        note=one.note,
        gift=one.gift,
        overdue=one.overdue,
        ended=eyes.when(one.ended_at) if one.ended_at else "",
        how=_how(one, say),
        picker=one.accepted_by or "",
        alarmed=one.alarmed_at is not None,
        reference=one.reference or "",
        ready_by=by(one.ready_by, eyes),
        open_to=known.open_to,
        lines=tuple(sorted((_line(line, known, eyes) for line in lines), key=_walk)),
    )


def _how(one: Pickup, say: Words) -> str:
    """How it was handed over, and by whom."""
    how, _, note = (one.collected_how or "").partition(": ")
    return " · ".join(part for part in (say(HOW[how]) if how in HOW else "", note, one.handed_over_by or "") if part)


def _line(line: PickupLine, known: _Known, eyes: Eyes) -> LineShown:
    article, say = known.articles.get(line.sku), eyes.say
    image = (article and article.image) or ""
    size = say("Size %(size)s", size=article.size) if article and article.size else ""
    traits = [size, (article and article.colour) or ""]
    return LineShown(
        sku=line.sku,
        title=article.title if article else line.sku,
        detail=" · ".join(trait for trait in traits if trait) or line.sku,
        shelf=known.places.get(line.sku) or (article and article.shelf) or "",
        tint=f"c{crc32(line.sku.encode()) % 5}",
        picture=image if eyes.pictures and is_picture(image) else "",
        quantity=line.quantity,
        open=pickup.open_quantity(line),
        picked=line.picked,
        rejected=line.rejected,
        collected=line.collected,
        coming=line.coming,
        price=say.money(None if line.price_minor is None else line.price_minor * line.quantity, line.currency),
        stocked=article is None or article.stocked,
        elsewhere=known.help.get(line.sku, ()),
    )


def is_picture(image: str) -> bool:
    """Whether an article's `image` is the name of a file below the folder of pictures: no address, no way out of it."""
    path = PurePosixPath(image)
    return path.suffix.lower() in PICTURES and not path.is_absolute() and ".." not in path.parts and ":" not in image


def _walk(line: LineShown) -> tuple[bool, list[tuple[bool, int, str]], str]:
    """In the order of a walk past the shelves: A2 before A10, what has no place last."""
    parts = re.findall(r"\d+|\D+", line.shelf.casefold())
    return not line.shelf, [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts], line.title


def places(session: Session, location: str, skus: Sequence[str]) -> dict[str, str]:
    """SKU -> where it lies in this store, as far as somebody said."""
    statement = select(Balance.sku, Balance.shelf).where(
        col(Balance.location) == location, col(Balance.sku).in_(skus), col(Balance.shelf).is_not(None)
    )
    return {sku: shelf for sku, shelf in session.exec(statement) if shelf}
