"""A made-up day of one store: something to pick, something ready, something done; people and customers who are nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlmodel import Session

from omnisync import access
from omnisync.access import Role, people
from omnisync.access.tables import BrowserSession, Device
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.orders import handing, picking, placing
from omnisync.orders.customers import Person
from omnisync.orders.handing import Reason, WithoutCode
from omnisync.orders.pickup import Actor, Desk
from omnisync.pages.logins import Login
from omnisync.settings import Settings
from omnisync.stock import ledger, policies
from omnisync.stock.ledger import Entry
from omnisync.values import Kind, Money

PIN = "4719"
STAFF = (("Kim Übung", "KÜ"), ("Toni Übung", "TÜ"))
"""Who can be tapped at an enrolled device."""
EUR = "EUR"
ARTICLES = (
    ArticleChange("UEBUNG-JACKE", {"title": "Jacke Nordwind", "size": "M", "colour": "nachtblau", "shelf": "A 12"}, ("4000000000013",)),
    ArticleChange("UEBUNG-SCHUH", {"title": "Sneaker Kiel", "size": "42", "colour": "navy", "shelf": "B 3"}, ("4000000000020",)),
    ArticleChange("UEBUNG-HEMD", {"title": "Hemd Alster", "size": "M", "colour": "hellblau", "shelf": "A 4"}, ("4000000000037",)),
    ArticleChange("UEBUNG-WEIN", {"title": "Riesling 2024", "shelf": "C 1", "min_age": 16}, ("4000000000044",)),
)  # fmt: skip
PRICES = {"UEBUNG-JACKE": 12990, "UEBUNG-SCHUH": 9995, "UEBUNG-HEMD": 5995, "UEBUNG-WEIN": 1195}
PIECES = 9


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody made up has ordered, and how far it is."""

    customer: str
    lines: dict[str, int]
    minutes_ago: int
    paid: bool = False
    gift: bool = False
    note: str = ""
    shelf: str = ""
    """Where it is put aside; empty: it is to be picked."""
    collected: bool = False


ORDERS = (
    Order("Paula Probe", {"UEBUNG-JACKE": 1, "UEBUNG-SCHUH": 1}, 20),
    Order("Max Muster", {"UEBUNG-HEMD": 2}, 5, paid=True, gift=True, note="Ohne Karton, bitte"),
    Order("Erika Beispiel", {"UEBUNG-SCHUH": 1}, 150, paid=True, shelf="12"),
    Order("Theo Test", {"UEBUNG-WEIN": 2, "UEBUNG-HEMD": 1}, 200, shelf="7"),
    Order("Vera Vorlage", {"UEBUNG-JACKE": 1}, 300, paid=True, shelf="3", collected=True),
)
CODED = "Erika Beispiel"
"""Whose code is told, so that a hand-over by code can be tried."""


def play(session: Session, desk: Desk, settings: Settings, login: Login, *, now: datetime) -> str:
    """Fill an empty database with the day of the store where this person stands; the code of CODED."""
    policies.load(session, settings, now=now - timedelta(days=1))
    _people(session, login, now)
    _shelves(session, settings, now)
    codes = [_order(session, desk, one, login.store, now) for one in ORDERS]
    return codes[[one.customer for one in ORDERS].index(CODED)]


def _people(session: Session, login: Login, now: datetime) -> None:
    """Whoever practises comes in by the cookie there is, as the same device or person."""
    here = login.here
    for name, initials in STAFF:
        access.create_user(session, name, None, Role.STAFF, location=login.store, now=now).pin_hash = _hashed_pin()
        people.set_initials(session, name, initials)
    if here.device_id is not None:
        session.add(Device(id=here.device_id, name="", location=login.store, code_hash="", invited_at=now, invited_by="", enrolled_at=now))  # fmt: skip
    else:
        access.create_user(session, login.user, None, Role.STAFF, location=login.store, now=now)
    user = None if here.device_id else login.user
    until = now + timedelta(days=1)
    session.add(BrowserSession(id=here.session_id, user_name=user, device_id=here.device_id, created_at=now, seen_at=now, until=until))  # fmt: skip
    session.flush()


@cache
def _hashed_pin() -> str:
    """Hashed once: that is slow as it should be, but this PIN is told to everybody who practises."""
    return access.hasher().hash(PIN)


def _shelves(session: Session, settings: Settings, now: datetime) -> None:
    opened = now - timedelta(hours=10)
    articles.put(session, ARTICLES, now=opened)
    stores = [one.code for one in settings.locations]
    opening = [Entry(Kind.OPENING, one.sku, store, PIECES, "practice", opened) for one in ARTICLES for store in stores]
    ledger.record(session, opening, now=opened)


def _order(session: Session, desk: Desk, order: Order, store: str, now: datetime) -> str:
    """Place it and bring it as far as it is; its code."""
    office, at = Actor("omnisync"), now - timedelta(minutes=order.minutes_ago)
    lines = tuple(placing.Line(sku, n, Money(PRICES[sku], EUR)) for sku, n in order.lines.items())
    wanted = placing.Wanted(store, Person(order.customer), lines, paid=order.paid, gift=order.gift, note=order.note)
    placed = placing.place(session, desk, wanted, now=at)
    if order.shelf:
        at += timedelta(minutes=30)
        picking.ready(session, desk, placed.pickup.id, order.shelf, actor=office, now=at)
    if order.collected:
        at += timedelta(minutes=30)
        handing.collect(session, desk, placed.pickup.id, WithoutCode(Reason.KNOWN, ""), actor=office, now=at)
    return placed.code
