"""Hand-overs that a device noted while it had no network: facts that come late. Each is heard once, and of two for the same
bag exactly one is booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from omnisync.errors import Conflict, InvalidRequest, NotFound
from omnisync.orders import acts, handing, pickup
from omnisync.orders.acts import Act
from omnisync.orders.handing import Offline
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.states import OPEN, State
from omnisync.orders.tables import Pickup

ENDED = (State.EXPIRED, State.CANCELLED)


class Became(StrEnum):
    """What a hand-over that comes late became."""

    BOOKED = "booked"
    """As it happened, and nobody need do anything."""
    AFTER_END = "after_end"
    """Booked, though the pickup had been cancelled or had expired: the pieces are gone."""
    TWICE = "twice"
    """Somebody else had handed it over before, or sent the pickup elsewhere: what was open is booked, the rest moved nothing."""
    AGAIN = "again"
    """The same device had said so before, with a network: it is the same bag."""


NEEDS_SOMEBODY = (Became.AFTER_END, Became.TWICE)


@dataclass(frozen=True, slots=True)
class Deed:
    """What a device noted. `name` is its idempotency key, `noted_at` what its own clock said, `at` when that was by ours."""

    name: str
    lines: Mapping[str, int]
    noted_at: str
    at: datetime
    age_checked: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of it."""

    became: Became
    found: Pickup
    was: str
    """The state of the pickup when this was heard."""
    at: datetime
    over: Mapping[str, int]
    """Pieces that were said to be handed over and moved no stock."""
    first: Act | None
    """The hand-over that had come before."""
    repeated: bool
    """It was heard before, and this is the same answer."""


def hear(session: Session, desk: Desk, pickup_id: str, deed: Deed, *, actor: Actor, now: datetime) -> Heard:
    """Book a hand-over that happened at `deed.at` at the actor's device, where the right code was shown.

    Conflict `deed-differs` where its name was used for another one. What cannot be booked any more moves nothing and says why.
    """
    found = session.get(Pickup, pickup_id, populate_existing=True, with_for_update=True)
    if found is None:
        raise NotFound(f"There is no pickup {pickup_id}.")
    if not deed.lines:
        raise InvalidRequest.of("lines", "Name at least one line.")
    story = acts.of(session, pickup_id)
    known = next((number for number, act in enumerate(story) if act.details.get("deed") == deed.name), None)
    if known is not None:
        return _repeated(found, story[known], _handed_over(story[:known]), deed, actor)
    first = _handed_over(story)
    taken = _possible(session, found, deed, actor)
    became, at = _became(found, taken, deed, first, actor), _moment(found, deed, now)
    over = handing.less(deed.lines, taken)
    kept = {
        "deed": deed.name, "noted_at": deed.noted_at, "became": became.value, "was": found.state, "over": over,
        "said": dict(deed.lines), "heard_at": now.isoformat(), **_age(session, taken, deed),
    }  # fmt: skip
    was = found.state
    moved = _book(session, desk, found, Offline(at, deed.name), became, taken, actor=actor, now=now, more=kept)
    return Heard(became, moved, was, at, over, first, repeated=False)


def _book(
    session: Session,
    desk: Desk,
    found: Pickup,
    proof: Offline,
    became: Became,
    taken: Mapping[str, int],
    *,
    actor: Actor,
    now: datetime,
    more: Mapping[str, Any],
) -> Pickup:
    told: dict[str, Any] = {"actor": actor, "now": now, "more": more}
    if became is Became.AFTER_END:
        return handing.hear_after_end(session, desk, found, proof, taken, **told)
    if taken:
        return handing.hear_offline(session, desk, found, proof, taken, **told)
    acts.note(session, found.id, acts.HEARD_AGAIN, actor.name, actor.device, proof.at, more)
    return found


def _possible(session: Session, found: Pickup, deed: Deed, actor: Actor) -> dict[str, int]:
    """What of it can still be booked: pieces that are open, in the store where that device stands."""
    if found.location != actor.location or found.state not in (*OPEN, *ENDED):
        return {}
    still_open = pickup.open_lines(session, found.id)
    wanted = {sku: min(n, still_open.get(sku, 0)) for sku, n in deed.lines.items()}
    return {sku: n for sku, n in wanted.items() if n}


def _became(found: Pickup, taken: Mapping[str, int], deed: Deed, first: Act | None, actor: Actor) -> Became:
    mine = first is not None and first.device is not None and first.device == actor.device
    if not taken:
        return Became.AGAIN if mine else Became.TWICE
    if found.state in ENDED:
        return Became.AFTER_END
    return Became.BOOKED if mine or taken == dict(deed.lines) else Became.TWICE


def _moment(found: Pickup, deed: Deed, now: datetime) -> datetime:
    """No bag is handed over before it lies ready, nor in the future, whatever a device's clock says."""
    return min(now, max(deed.at, found.ready_at or found.placed_at))


def _age(session: Session, taken: Mapping[str, int], deed: Deed) -> dict[str, int]:
    years = handing.min_age(session, taken) if deed.age_checked else None
    return {"age_checked": years} if years else {}


def _handed_over(story: Sequence[Act]) -> Act | None:
    return next((act for act in reversed(story) if act.what == "collected"), None)


def _repeated(found: Pickup, before: Act, first: Act | None, deed: Deed, actor: Actor) -> Heard:
    kept = before.details
    same = kept["said"] == dict(deed.lines) and kept["noted_at"] == deed.noted_at and before.device == actor.device
    if not same:
        raise Conflict("This name was used for another hand-over.", code="deed-differs")
    return Heard(Became(kept["became"]), found, kept["was"], before.at, kept["over"], first, repeated=True)
