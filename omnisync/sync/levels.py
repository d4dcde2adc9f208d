"""What a level that a channel shows tells us: our own write, an order we know, a sale not yet seen, or somebody's edit.

The channel lowers its own number when it sells, and we hear of the order before or after we see the number. Both are
booked against what we believe is shown, so that it does not matter which comes first:

    an order of q pieces     settles what is provisional first; the rest lowers what we believe
    one cancelled before     settles what is provisional; where a channel may keep what was cancelled, the next look tells the rest
    a level lower than that  the gap is provisional: a sale not yet seen, offered nowhere until it is explained
    a level higher           settles what is provisional first; the rest is drift
    the level from before    contradicts the write that the channel says it applied
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from omnisync.announce import touch
from omnisync.sync.tables import ShownState, UnseenThen


@dataclass(frozen=True, slots=True)
class View:
    """What we believe about one listing at one place."""

    believed: int | None = None
    provisional: int = 0
    submitted: int | None = None
    """A write whose effect we do not know yet."""
    ordered: int = 0
    """Pieces of the channel's own orders that became known since then: if the write arrived before them, so much less is shown."""
    before: int | None = None
    """What is shown if the last write that it took was dropped; None: it was read back, or nothing tells."""
    perhaps: int = 0
    """Pieces of orders that were cancelled before we heard of them: so many fewer may be shown."""

    @property
    def arriving(self) -> set[int]:
        """What the channel may show if the write arrived: after those orders, which it then overwrote, or before them."""
        return set() if self.submitted is None else {self.submitted, self.submitted - self.ordered}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The view after a level was seen."""

    view: View
    drift: int = 0
    """Pieces it shows beyond what anything explains."""
    arrived: bool = False
    """The submitted write is what is shown."""


def see(view: View, shown: int) -> Verdict:
    """Judge a level that was read after everything in `view` happened. Pure."""
    if shown in view.arriving:
        return Verdict(View(shown, view.provisional), arrived=True)
    if view.believed is None:
        return Verdict(View(shown, view.provisional))
    gap = _nearest_above(view, shown) - shown
    if gap >= 0:
        return Verdict(View(shown, view.provisional + max(0, gap - view.perhaps)))
    # An order that was overwritten before we knew it leaves a belief below zero, which no channel needs to share.
    raised = -gap + min(0, view.believed) if shown >= 0 else -gap
    settled = min(view.provisional, max(0, raised))
    return Verdict(View(shown, view.provisional - settled), drift=max(0, raised) - settled)


def contradicts(view: View, shown: int) -> bool:
    """Whether this is just what a channel shows that said it applied a number and dropped it. Pure."""
    if shown != view.before or shown in view.arriving:
        return False
    return shown != view.believed or view.submitted is not None


def order(view: View, quantity: int, cancelled: int = 0, *, relists: bool = True) -> View:
    """The channel's own order of `quantity` pieces became known, and of `cancelled` more that had been taken back by then. Pure.

    Unless the channel `relists` them in any case they may be missing there still.
    """
    settled = min(view.provisional, quantity + cancelled)
    perhaps = 0 if relists else min(cancelled, quantity + cancelled - settled)
    lower = max(0, quantity - settled)
    believed = None if view.believed is None else view.believed - lower
    ordered = view.ordered if view.submitted is None else view.ordered + lower
    before = None if view.before is None else view.before - lower
    return View(
        believed,
        view.provisional - settled,
        view.submitted,
        ordered=ordered,
        before=before,
        perhaps=view.perhaps + perhaps,
    )


def _nearest_above(view: View, shown: int) -> int:
    # The unknown write may have arrived or not. The smallest number that explains what we see makes the fewest pieces provisional.
    candidates = sorted(view.arriving | ({view.believed} if view.believed is not None else set()))
    return next((number for number in candidates if number >= shown), candidates[-1])


def view_of(state: ShownState) -> View:
    """What a row believes. Of a write that was not settled nobody knows whether it arrived, also when its worker is gone."""
    unknown = state.unsettled or state.in_flight_until is not None
    if not unknown or state.submitted is None:
        return View(state.believed, state.provisional, before=state.before, perhaps=state.perhaps)
    # While nobody knows what became of a write, only orders lower what was believed when it was submitted.
    ordered = 0 if None in (state.compare, state.believed) else max(0, (state.compare or 0) - (state.believed or 0))
    before = state.believed if state.unsettled == "accepted" else state.before
    return View(state.believed, state.provisional, state.submitted, ordered, before, state.perhaps)


def put(session: Session, state: ShownState, view: View, *, now: datetime) -> None:
    """Write a view back into its row."""
    state.believed, state.before, state.perhaps = view.believed, view.before, view.perhaps
    if view.provisional < state.provisional:
        state.doubted = None  # something has explained it
    if view.provisional != state.provisional:
        set_provisional(session, state, view.provisional, now=now)


def set_provisional(session: Session, state: ShownState, pieces: int, *, now: datetime) -> None:
    """Others must not offer what seems to be gone here; what was thought when stays known."""
    state.provisional, state.provisional_at = pieces, now
    touch(session, skus=[state.sku])
    session.add(
        UnseenThen(
            channel=state.channel, external_id=state.external_id, place=state.place, sku=state.sku, pieces=pieces, at=now
        )
    )  # fmt: skip


def is_now_of(session: Session, state: ShownState, sku: str, *, now: datetime) -> None:
    """Its listing was mapped to another article: what is missing there is missing of that one."""
    before, state.sku = state.sku, sku
    if state.provisional:
        touch(session, skus=[before])
        set_provisional(session, state, state.provisional, now=now)
