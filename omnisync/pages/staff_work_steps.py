"""What each button of a store's other work does, in the transaction of its request, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlmodel import Session

from omnisync.access import acts
from omnisync.access.acts import Door
from omnisync.errors import InvalidRequest, NotFound
from omnisync.orders import aside, parcels, pauses, sending, unsendable
from omnisync.orders.customers import Person
from omnisync.orders.picking import Rejected, Why
from omnisync.orders.pickup import Actor, Desk
from omnisync.pages.staff_work_pause import UNTIL
from omnisync.stock import came_back, counts
from omnisync.stock.came_back import Verdict
from omnisync.values import MAX_QUANTITY, row_id

WORK = "/staff/work"
_KEY = re.compile(r"[0-9A-Z]{26}")
"""What a page names one press of its button by: a new id."""
LARGEST = min(MAX_QUANTITY, 999_999)


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed: in which store, with which fields, by whom. `owner` names them in the journal."""

    desk: Desk
    form: Mapping[str, str]
    actor: Actor
    owner: str
    store: str
    now: datetime

    @property
    def said(self) -> dict[str, Any]:
        """What every verb wants to know."""
        return {"actor": self.actor, "now": self.now}

    def text(self, name: str, longest: int = 80) -> str:
        """A field without what no name holds."""
        return "".join(letter for letter in self.form.get(name, "") if letter.isprintable()).strip()[:longest]


Says = Mapping[str, str]
"""What the page that comes next is asked."""


@dataclass(frozen=True, slots=True)
class Step:
    """One button. A refusal leads back to where it was pressed; `then` is where success leads."""

    work: Callable[[Session, Press], Says]
    back: Callable[[Mapping[str, str]], str] = lambda _: WORK
    then: Callable[[Mapping[str, str]], str] = lambda _: WORK
    takes_pin: Callable[[Mapping[str, str]], bool] = lambda _: False


_DONE: Says = {"m": "done"}


def _count(session: Session, press: Press) -> Says:
    key = press.form.get("key", "")
    if not _KEY.fullmatch(key):
        raise InvalidRequest.of("key", "A count comes from our own page.")
    kept = counts.count(
        session, press.store, press.form.get("sku", ""), number(press.form.get("quantity", "")),
        by=press.actor.name, owner=press.owner, key=key, now=press.now,
    )  # fmt: skip
    return {"done": key} if kept is None else {"m": "kept"}


def _receive(session: Session, press: Press) -> Says:
    """As many of each as were typed; the rest stays on its way, or is written off."""
    rest: sending.Rest = "lost" if press.form.get("rest") == "lost" else "keep"
    part = numbers(press.form, "came.")
    if not part and rest == "keep":
        raise InvalidRequest.of("lines", "Nothing has come.")
    sending.receive(session, press.desk, press.form.get("id", ""), part, rest=rest, **press.said)
    return {"m": "received"}


def _missing(session: Session, press: Press) -> Says:
    """Not to be found here, so it cannot be sent."""
    quantity = number(press.form.get("quantity", "1"))
    gone = [Rejected(press.form.get("sku", ""), quantity, _why(press.form))]
    unsendable.cannot_send(session, press.desk, press.form.get("id", ""), gone, **press.said)
    return _DONE


def _decide(session: Session, press: Press) -> Says:
    found = {name: number(press.form.get(name) or "0") for name in ("sellable", "b_ware", "scrap")}
    came_back.decide(session, _row(press.form), Verdict(**found), by=press.actor.name, at=press.store, now=press.now)
    return _DONE


def _put_aside(session: Session, press: Press) -> Says:
    key = press.form.get("key", "")
    if not _KEY.fullmatch(key):
        raise InvalidRequest.of("key", "This comes from our own page.")
    customer = Person(press.text("name"), phone=press.text("phone", 40) or None)
    lines = {press.form.get("sku", ""): number(press.form.get("quantity", ""))}
    aside.put_aside(
        session, press.desk, press.store, lines, customer, press.text("shelf", 40), name=key, **press.said
    )  # fmt: skip
    return {"tab": "bereit", "m": "set-aside"}


def _pause(session: Session, press: Press) -> Says:
    _, until = UNTIL.get(press.form.get("until", ""), (None, None))
    moment = until(press.desk.location(press.store), press.now) if until else None
    if moment is None:
        raise InvalidRequest.of("until", "Say for how long.")
    pauses.begin(session, press.desk, press.store, moment, **press.said)
    _noted(session, "pause", press)
    return {"m": "paused"}


def _resume(session: Session, press: Press) -> Says:
    if pauses.end(session, press.desk, press.store, **press.said):
        _noted(session, "resume", press)
    return {"m": "resumed"}


def _noted(session: Session, step: str, press: Press) -> None:
    """What changes more than stock stands in the office's log."""
    acts.keep(session, Door.DESK, press.actor.name, ("stores", step), press.store, now=press.now)


def _parcel(session: Session, press: Press) -> Says:
    order = press.form.get("id", "")[:200]
    parcels.send(session, press.store, order, owner=press.owner, now=press.now)
    return {"sent": order, "m": "done"}


def _not_sent(session: Session, press: Press) -> Says:
    parcels.take_back(session, press.store, press.form.get("id", "")[:200], owner=press.owner, now=press.now)
    return {"m": "not-sent"}


def _task(session: Session, press: Press) -> Says:
    sending.finish(session, press.desk, press.form.get("id", ""), **press.said)
    return _DONE


def _to(path: str, *names: str) -> Callable[[Mapping[str, str]], str]:
    """That page, with these fields of the form in its address."""

    def where(form: Mapping[str, str]) -> str:
        asked = {name: form[name][:80] for name in names if form.get(name)}
        return f"{WORK}/{path}?{urlencode(asked)}" if asked else f"{WORK}/{path}"

    return where


STEPS: Mapping[str, Step] = {
    "count": Step(_count, _to("count", "sku"), _to("count")),
    "receive": Step(_receive, _to("transfer", "id"), takes_pin=lambda form: form.get("rest") == "lost"),
    "missing": Step(_missing),
    "decide": Step(_decide, _to("return", "id")),
    "sent": Step(_parcel),
    "not-sent": Step(_not_sent),
    "put-aside": Step(_put_aside, _to("article", "sku"), lambda _: "/staff"),
    "pause": Step(_pause, _to("pause"), takes_pin=lambda _: True),
    "resume": Step(_resume),
    "done": Step(_task),
}


def _row(form: Mapping[str, str]) -> int:
    try:
        return row_id(form.get("id", ""))
    except ValueError:
        raise NotFound("There is no such return.") from None


def _why(form: Mapping[str, str]) -> Why:
    try:
        return Why(form.get("why", ""))
    except ValueError:
        raise InvalidRequest.of("why", "Choose a reason.") from None


def numbers(form: Mapping[str, str], prefix: str) -> dict[str, int]:
    """SKU -> pieces of the fields that begin so; zeros are left out."""
    found = {name.removeprefix(prefix): number(value or "0") for name, value in form.items() if name.startswith(prefix)}
    return {sku: n for sku, n in found.items() if n}


def number(text: str) -> int:
    """Pieces as somebody typed them. InvalidRequest for anything else."""
    typed = text.strip()
    if not typed.isascii() or not typed.isdigit() or len(typed) > 6 or int(typed) > LARGEST:
        raise InvalidRequest.of("quantity", f"{typed!r} is no number of pieces.")
    return int(typed)
