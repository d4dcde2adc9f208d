"""What the staff page shows: pickups as German words, times of the store, and how urgent they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from babel.dates import format_date
from babel.numbers import format_currency
from sqlmodel import Session, col, select

from omnisync.catalog.tables import Article
from omnisync.orders import customers, handover, pickup, tasks, views
from omnisync.orders.states import State
from omnisync.orders.tables import Customer, Pickup, PickupLine, Task
from omnisync.settings import LocationSettings
from omnisync.stock import availability
from omnisync.values import Money

TABS = {
    "packen": ("Packen", (State.PLACED, State.PICKING)),
    "bereit": ("Bereit", (State.READY,)),
    "erledigt": ("Erledigt", (State.COLLECTED, State.EXPIRED, State.CANCELLED)),
}
STATES = {
    State.PLACED: "Neu",
    State.PICKING: "Wird gepackt",
    State.READY: "Bereit",
    State.COLLECTED: "Abgeholt",
    State.EXPIRED: "Nicht abgeholt",
    State.CANCELLED: "Storniert",
}
HOW = {
    "code": "mit Abholcode",
    "order_number_and_name": "mit Nummer und Name",
    "id_seen": "mit Ausweis",
    "known": "persönlich bekannt",
    "proxy": "durch andere Person",
}
TASKS = {
    "put_back": "Zurücklegen",
    "count": "Nachzählen: wurde nicht gefunden",
    "overdue": "Bezahlt, aber nicht abgeholt: Kunde anrufen",
    "send": "An eine andere Filiale schicken",
    "receive": "Ware aus anderer Filiale angekommen: annehmen",
}
SOON = timedelta(minutes=30)
DONE_SINCE = timedelta(days=1)
SHOWN_AT_MOST = 100


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
    quantity: int
    open: int
    picked: int
    rejected: int
    collected: int
    price: str
    elsewhere: tuple[tuple[str, str, int], ...] = ()
    """(location code, its name, pieces) where a rejected piece could come from."""


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
    lines: tuple[LineShown, ...]

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
    def meta(self) -> str:
        """What a packer wants to know at a glance."""
        picked = sum(line.picked for line in self.lines)
        where = f"{picked} gepackt" if picked else next((line.shelf for line in self.lines if line.shelf), "")
        return " · ".join(part for part in (f"{self.pieces} Artikel", where) if part)


@dataclass(frozen=True, slots=True)
class TaskShown:
    """Something to do."""

    id: str
    text: str
    what: str


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything the list shows."""

    tab: str
    counts: dict[str, int]
    cards: tuple[Card, ...]
    tasks: tuple[TaskShown, ...]
    not_rung_up: int
    newest: str
    """The newest pickup's id: the page makes a sound when it grows."""
    at: str


def screen(
    session: Session, location: LocationSettings, locations: Sequence[LocationSettings], tab: str, now: datetime
) -> Screen:
    """The list of one store."""
    zone = ZoneInfo(location.timezone)
    found = _of_tab(session, location.code, tab, now)
    newest = select(sa.func.max(Pickup.id)).where(col(Pickup.location) == location.code)
    return Screen(
        tab=tab,
        counts={name: _count(session, location.code, name, now) for name in TABS},
        cards=tuple(cards(session, found, location, locations, now)),
        tasks=tuple(_tasks(session, location.code)),
        not_rung_up=len(handover.not_rung_up(session, location.code)),
        newest=session.exec(newest).one() or "",
        at=f"{now.astimezone(zone):%H:%M:%S}",
    )


def cards(
    session: Session,
    found: Sequence[Pickup],
    location: LocationSettings,
    locations: Sequence[LocationSettings],
    now: datetime,
) -> Iterable[Card]:
    """Pickups with their people, articles and other stores that could help."""
    lines = pickup.lines_of(session, [one.id for one in found])
    people = customers.by_id(session, [one.customer_id for one in found])
    skus = sorted({line.sku for one in lines.values() for line in one})
    articles = {one.sku: one for one in session.exec(select(Article).where(col(Article.sku).in_(skus)))}
    rejected = sorted({line.sku for one in lines.values() for line in one if line.rejected})
    help_ = _elsewhere(session, rejected, location, locations)
    zone = ZoneInfo(location.timezone)
    return [_card(one, lines[one.id], people.get(one.customer_id), articles, help_, zone, now) for one in found]


def due_text(moment: datetime, now: datetime, zone: ZoneInfo) -> Due:
    """`noch 18 Min`, `bis 15:20`, `bis Mo, 23.11., 10:30`, `seit 5 Min fällig`."""
    left, local = moment - now, moment.astimezone(zone)
    minutes = -(-left // timedelta(minutes=1))
    if left < timedelta(0):
        return Due(f"seit {_span(-left)} fällig", "bad")
    if left <= SOON:
        return Due(f"noch {minutes} Min", "warn")
    if local.date() == now.astimezone(zone).date():
        return Due(f"bis {local:%H:%M}")
    return Due(f"bis {format_date(local, 'EEE, d.M.', locale='de')}, {local:%H:%M}")


def money(minor: int | None, currency: str | None) -> str:
    """`84,90 €`; empty where we do not know."""
    if minor is None or currency is None:
        return ""
    return str(format_currency(Money(minor, currency).decimal(), currency, locale="de"))


def _span(span: timedelta) -> str:
    minutes = span // timedelta(minutes=1)
    if minutes < 60:
        return f"{minutes} Min"
    return f"{minutes // 60} Std" if minutes < 24 * 60 else f"{minutes // (24 * 60)} Tagen"


def _of_tab(session: Session, location: str, tab: str, now: datetime) -> Sequence[Pickup]:
    order = {
        "packen": (col(Pickup.ready_by),),
        "bereit": (col(Pickup.collect_by),),
        "erledigt": (col(Pickup.ended_at).desc(),),
    }
    statement = select(Pickup).where(_in_tab(location, tab, now)).order_by(*order[tab], col(Pickup.id))
    return session.exec(statement.limit(SHOWN_AT_MOST)).all()


def _count(session: Session, location: str, tab: str, now: datetime) -> int:
    return session.exec(select(sa.func.count()).select_from(Pickup).where(_in_tab(location, tab, now))).one()


def _in_tab(location: str, tab: str, now: datetime) -> sa.ColumnElement[bool]:
    states = col(Pickup.state).in_([state.value for state in TABS[tab][1]])
    here = sa.and_(col(Pickup.location) == location, states)
    return sa.and_(here, col(Pickup.ended_at) >= now - DONE_SINCE) if tab == "erledigt" else here


def _elsewhere(
    session: Session, skus: Sequence[str], location: LocationSettings, locations: Sequence[LocationSettings]
) -> dict[str, tuple[tuple[str, str, int], ...]]:
    names = {one.code: one.name for one in locations if one.code != location.code}
    found: dict[str, list[tuple[str, str, int]]] = {}
    for shelf, level in sorted(availability.levels_of(session, skus).items()):
        if shelf.location in names and level.available:
            found.setdefault(shelf.sku, []).append((shelf.location, names[shelf.location], level.available))
    return {sku: tuple(places) for sku, places in found.items()}


def _card(
    one: Pickup,
    lines: Sequence[PickupLine],
    person: Customer | None,
    articles: dict[str, Article],
    help_: dict[str, tuple[tuple[str, str, int], ...]],
    zone: ZoneInfo,
    now: datetime,
) -> Card:
    owed = views.due(one, lines)
    how, _, note = (one.collected_how or "").partition(": ")
    is_ready = one.state == State.READY
    return Card(
        id=one.id,
        number=one.number,
        state=one.state,
        state_text=STATES[State(one.state)],
        version=one.version,
        who=(person.name if person else "") or "Name gelöscht",
        phone=(person.phone if person else None) or "",
        due=Due("überfällig", "bad")
        if one.overdue
        else due_text(one.collect_by if is_ready else one.ready_by, now, zone),
        placed=_when(one.placed_at, now, zone),
        shelf=one.shelf or "",
        paid=one.paid,
        to_pay="" if one.paid else money(owed["amount_minor"], owed["currency"]),
        note=one.note,
        gift=one.gift,
        overdue=one.overdue,
        ended=_when(one.ended_at, now, zone) if one.ended_at else "",
        how=" · ".join(part for part in (HOW.get(how, ""), note, one.handed_over_by or "") if part),
        lines=tuple(_line(line, articles.get(line.sku), help_.get(line.sku, ())) for line in lines),
    )


def _line(line: PickupLine, article: Article | None, help_: tuple[tuple[str, str, int], ...]) -> LineShown:
    traits = [f"Größe {article.size}" if article and article.size else "", (article and article.colour) or ""]
    return LineShown(
        sku=line.sku,
        title=article.title if article else line.sku,
        detail=" · ".join(trait for trait in traits if trait) or line.sku,
        shelf=(article and article.shelf) or "",
        tint=f"c{crc32(line.sku.encode()) % 5}",
        quantity=line.quantity,
        open=pickup.open_quantity(line),
        picked=line.picked,
        rejected=line.rejected,
        collected=line.collected,
        price=money(None if line.price_minor is None else line.price_minor * line.quantity, line.currency),
        elsewhere=help_,
    )


def _when(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"heute {local:%H:%M}"
    return f"{format_date(local, 'EEE, d.M.', locale='de')}, {local:%H:%M}"


def _tasks(session: Session, location: str) -> Iterable[TaskShown]:
    found = tasks.list_open(session, location)
    numbers = dict(
        session.exec(select(Pickup.id, Pickup.number).where(col(Pickup.id).in_([one.pickup_id for one in found]))).all()
    )
    titles = dict(
        session.exec(select(Article.sku, Article.title).where(col(Article.sku).in_([one.sku for one in found]))).all()
    )
    return [TaskShown(one.id, TASKS[one.kind], _what(one, numbers, titles)) for one in found]


def _what(one: Task, numbers: dict[str, str], titles: dict[str, str]) -> str:
    parts: list[Any] = [titles.get(one.sku, one.sku) if one.sku else numbers.get(one.pickup_id or "", "")]
    parts.append(f"Fach {one.shelf}" if one.shelf else "")
    return " · ".join(part for part in parts if part)
