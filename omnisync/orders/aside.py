"""Putting aside for a customer who is here or on the phone: a pickup that is placed by the store and ready at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from omnisync import db
from omnisync.catalog import prices
from omnisync.errors import Conflict, InvalidRequest
from omnisync.orders import picking, placing
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor, Desk
from omnisync.orders.tables import Pickup


def put_aside(
    session: Session, desk: Desk, location: str, lines: Mapping[str, int], customer: Person, shelf: str, *,
    actor: Actor, now: datetime, name: str | None = None,
) -> Pickup:  # fmt: skip
    """These pieces lie on that shelf for this customer, to be paid when they are fetched, at today's price where there is one.

    OutOfStock where the store cannot keep them; nothing is put aside then. A pause of the store does not stop the store itself.
    `name` is the pickup's id: put aside under it once, a second time is Conflict `already-done`.
    """
    if not customer.name or not shelf or min(lines.values(), default=0) < 1:
        raise InvalidRequest.of("customer", "Name the customer, the shelf, and at least one piece.")
    if name is not None:
        db.lock_names(session, [f"aside:{name}"])
        if session.get(Pickup, name) is not None:
            raise Conflict("This is put aside already.", code="already-done")
    quotes = prices.price_at(session, [(sku, None) for sku in lines], now)
    told = tuple(
        placing.Line(sku, n, quotes[sku, None].price if (sku, None) in quotes else None) for sku, n in lines.items()
    )
    placed = placing.place(session, desk, placing.Wanted(location, customer, told, by=actor, id=name), now=now)
    return picking.ready(session, desk, placed.pickup.id, shelf, actor=actor, now=now)
