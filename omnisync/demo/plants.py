"""Bugs that the demo can plant into its own server, to show that its proof would notice. Nothing else imports this."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from omnisync.orders import binding, intake
from omnisync.stock import promises, reservations, shelves
from omnisync.stock.effects import Level
from omnisync.sync import levels
from omnisync.sync.levels import Verdict, View
from omnisync.values import Shelf

ENVIRONMENT = "OMNISYNC_DEMO_PLANT"


def remove_the_guard() -> None:
    """Every hold is granted, whatever lies on the shelf."""

    def grant_all(wishes: Sequence[Any], free: Mapping[Shelf, int], off_sale: Collection[Shelf]) -> list[Any]:
        return [() for _ in wishes]

    def hold(session: Session, pieces: Mapping[Shelf, int], *, now: datetime) -> None:
        shelves.write(session, {shelf: Level(reserved=n) for shelf, n in pieces.items()}, now=now)

    put(reservations, "decide", grant_all)
    put(shelves, "hold", hold)


def forget_what_was_counted() -> None:
    """Each time an order is told again it counts again: no message is recognised as one we had."""

    def never(cls: type, line: Any) -> Any:
        return cls()

    put(intake._Done, "of", classmethod(never))
    put(promises, "open_of_order", lambda session, order_id: {})


def count_order_and_hold() -> None:
    """An order and the reservation of the same purchase do not find each other, so both count."""

    def nothing(session: Session, channel: str, reference: str) -> binding.Cover:
        return binding.Cover({}, (), False)

    put(binding, "find", nothing)
    put(promises, "of_references", lambda session, references: {})


def take_every_level_for_an_echo() -> None:
    """Whatever a channel shows is believed to be our own write coming back, so edits made there stay."""

    def see(view: View, shown: int) -> Verdict:
        if view.submitted is not None:
            return Verdict(replace(view, believed=view.submitted, submitted=None), arrived=True)
        return Verdict(view if view.believed is not None else View(shown))

    put(levels, "see", see)


PLANTS: Mapping[str, Callable[[], None]] = {
    "guard": remove_the_guard,
    "dedupe": forget_what_was_counted,
    "binding": count_order_and_hold,
    "echo": take_every_level_for_an_echo,
}


def put(owner: Any, name: str, bug: Any) -> None:
    """Replace it, if it is still there: a bug that no longer fits must not look harmless."""
    if not hasattr(owner, name):
        raise AttributeError(f"{owner.__name__} has no {name} to plant a bug in")
    setattr(owner, name, bug)
