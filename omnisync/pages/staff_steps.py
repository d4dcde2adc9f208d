"""What each button of a pickup does, in the transaction of its request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.errors import Conflict, InvalidRequest
from omnisync.orders import ending, handing, picking, pickup, tasks, transfer, undoing
from omnisync.orders.handing import ByCode, Reason, WithoutCode, WrongCode
from omnisync.orders.picking import Rejected, Why
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.undoing import Wrong
from omnisync.pages.logins import Login, Vouchers


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed: of which pickup, with which fields, by whom."""

    desk: Desk
    vouchers: Vouchers
    pickup_id: str
    form: Mapping[str, str]
    login: Login
    actor: Actor
    now: datetime

    @property
    def said(self) -> dict[str, Any]:
        """What every verb of a pickup wants to know."""
        return {"actor": self.actor, "now": self.now}


Step = Callable[[Session, Press], Any]


def take(session: Session, step: Step, press: Press) -> Any:
    """Do it, if the pickup is still as the page showed it: a button pressed twice has one effect."""
    found = pickup.load(session, press.pickup_id, press.actor, lock=True)
    if str(found.version) != press.form.get("version"):
        raise Conflict("This pickup has changed since the page was shown.", state=found.state)
    return step(session, press)


def needs_pin(name: str, form: Mapping[str, str]) -> bool:
    """What somebody of the store answers for alone: at a device it takes more than a tap."""
    return (name == "collect" and not form.get("voucher")) or (name == "undo" and "why" in form)


def _pick(session: Session, press: Press) -> Any:
    return picking.pick(session, press.desk, press.pickup_id, **press.said)


def _ready(session: Session, press: Press) -> Any:
    shelf = press.form.get("shelf", "").strip()[:40]
    if not shelf:
        raise InvalidRequest.of("shelf", "Name the shelf.")
    return picking.ready(session, press.desk, press.pickup_id, shelf, **press.said)


def _collect(session: Session, press: Press) -> Any:
    rest: handing.Rest = "release" if press.form.get("rest") == "release" else "keep"
    part = numbers(press.form, "take.")
    told = {"part": part, "rest": rest, "age_checked": press.form.get("age") == "checked"}
    return handing.collect(session, press.desk, press.pickup_id, _proof(press), **told, **press.said)  # type: ignore[arg-type]


def _undo(session: Session, press: Press) -> Any:
    why = press.form.get("why")
    if why is not None and why not in set(Wrong):
        raise InvalidRequest.of("why", "Choose a reason.")
    return undoing.take_back(session, press.desk, press.pickup_id, why=Wrong(why) if why else None, **press.said)


def _reject(session: Session, press: Press) -> Any:
    rejected = [Rejected(press.form.get("sku", ""), _number(press.form.get("quantity", "1")), _why(press.form))]
    return picking.reject(session, press.desk, press.pickup_id, rejected, ask_first=True, **press.said)


def _tick(session: Session, press: Press) -> Any:
    picked = {press.form.get("sku", ""): _number(press.form.get("picked", ""))}
    return picking.pick(session, press.desk, press.pickup_id, picked=picked, **press.said)


def _scan(session: Session, press: Press) -> Any:
    return picking.scan(session, press.desk, press.pickup_id, press.form.get("code", "")[:200], **press.said)


def _ask(session: Session, press: Press) -> Any:
    tasks.ask(session, press.desk, pickup.load(session, press.pickup_id, press.actor), now=press.now)


def _cancel(session: Session, press: Press) -> Any:
    return ending.cancel(session, press.desk, press.pickup_id, reason="rejected", **press.said)


def _go(session: Session, press: Press) -> Any:
    agreed, location = AGREED.get(press.form.get("agreed", "")), press.form.get("location", "")
    if agreed is None:
        raise InvalidRequest.of("agreed", "Say how the customer agreed.")
    return transfer.transfer(
        session, press.desk, press.pickup_id, location, "customer_goes", agreed=agreed, **press.said
    )


def _bring(session: Session, press: Press) -> Any:
    location = press.form.get("location", "")
    return transfer.transfer(session, press.desk, press.pickup_id, location, "goods_come", **press.said)


AGREED: Mapping[str, transfer.Agreed] = {"phone": "phone", "in_store": "in_store"}
STEPS: Mapping[str, Step] = {
    "pick": _pick,
    "tick": _tick,
    "scan": _scan,
    "ready": _ready,
    "collect": _collect,
    "undo": _undo,
    "reject": _reject,
    "bring": _bring,
    "go": _go,
    "ask": _ask,
    "cancel": _cancel,
}


def _proof(press: Press) -> ByCode | WithoutCode:
    voucher = press.form.get("voucher", "")
    if voucher:
        if not press.vouchers.vouches(voucher, press.pickup_id, press.login):
            raise WrongCode("The code was shown too long ago.")
        return ByCode(press.desk.codes.of(press.pickup_id))
    try:
        return WithoutCode(Reason(press.form.get("reason", "")), press.form.get("note", "").strip()[:200])
    except ValueError:
        raise InvalidRequest.of("reason", "Choose a reason.") from None


def _why(form: Mapping[str, str]) -> Why:
    try:
        return Why(form.get("why", ""))
    except ValueError:
        raise InvalidRequest.of("why", "Choose a reason.") from None


def numbers(form: Mapping[str, str], prefix: str) -> dict[str, int]:
    """SKU -> pieces of the fields that begin so; zeros are left out."""
    found = {name.removeprefix(prefix): _number(value) for name, value in form.items() if name.startswith(prefix)}
    return {sku: n for sku, n in found.items() if n}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise InvalidRequest.of("quantity", f"{text!r} is no number of pieces.")
    return int(text)
