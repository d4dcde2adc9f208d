"""Hand-overs that came too late from a device without a network: somebody decides what they mean."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from omnisync.announce import announce
from omnisync.clock import Ids
from omnisync.orders import holding
from omnisync.orders.offline import Became, Heard
from omnisync.orders.pickup import Actor
from omnisync.stock import ledger
from omnisync.sync.tables import Case
from omnisync.values import Kind

CASE = "late_handover"
DESK = "#desk"
"""Where a case stands that is no channel's: no channel is in trouble because two colleagues were."""

_SAYS = {
    Became.TWICE: (
        "{number} was handed over twice",
        "Told by {by}, whose device had no network at the time.",
        "Nothing was booked for it. If it was one bag, dismiss; if other pieces left the store, apply: they are booked as missing.",
    ),
    Became.AFTER_END: (
        "{number} was handed over though it was {was}",
        "Told by {by}, whose device had no network at the time.",
        "The pieces are booked as gone. See whether they were paid for, or the money was given back.",
    ),
}
"""(title, cause, proposal)"""


def open_case(session: Session, ids: Ids, heard: Heard, *, actor: Actor, now: datetime) -> Case:
    """Somebody must look at it; `actor` handed over."""
    found, first = heard.found, heard.first
    told = {"number": found.number, "by": actor.name, "was": heard.was}
    title, cause, proposal = (text.format(**told) for text in _SAYS[heard.became])
    case = Case(
        id=ids.new(), channel=DESK, kind=CASE, title=title, cause=cause, proposal=proposal, opened_at=now,
        details=told | {
            "pickup": found.id, "location": actor.location, "became": heard.became.value, "at": heard.at.isoformat(),
            "over": dict(heard.over), "first_by": first.by if first else None,
        },
    )  # fmt: skip
    session.add(case)
    announce(session, "channel.case_opened", {"channel": DESK, "case": case.id, "kind": CASE}, now=now)
    session.flush()
    return case


def can_book(case: Case) -> bool:
    """Whether pieces may have left the store that nobody has booked."""
    return case.kind == CASE and (case.details or {}).get("became") == Became.TWICE


def book(session: Session, case: Case, *, now: datetime) -> None:
    """It was a second bag: its pieces are missing since then."""
    told = case.details
    at = datetime.fromisoformat(told["at"])
    entries = [
        ledger.Entry(
            Kind.MISSING, shelf.sku, shelf.location, n, f"case:{case.id}", at, f"case:{case.id}/{shelf.sku}",
            reason="handed over twice",
        )
        for shelf, n in holding.stocked(session, told["location"], told["over"]).items()
    ]  # fmt: skip
    ledger.record(session, entries, now=now)
