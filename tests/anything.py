"""One of everything that a path can name, new and open, so that whatever is sent reaches more than a 404."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from omnisync.clock import Ids
from omnisync.errors import Conflict
from omnisync.orders import placing
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Desk
from omnisync.orders.tables import Task
from omnisync.orders.tasks import Job
from omnisync.stock import came_back, ledger, reservations, shortages, stocktakes, transfers
from omnisync.stock.ledger import Entry
from omnisync.sync.tables import Case, DeadLetter
from omnisync.values import Kind
from tests.conftest import START

HERE, THERE = "linden", "markt"


def things(session: Session, desk: Desk, ids: Ids) -> dict[str, str]:
    """Their ids, by the names they have in paths."""
    _make_room(session)
    names = {name: ids.new() for name in ("reservation_id", "task_id", "case_id", "letter_id")}
    line = reservations.Line("LAMP", HERE, 1)
    reservations.reserve(
        session, [reservations.Request(names["reservation_id"], (line,), START + timedelta(days=1))], now=START
    )
    wanted = placing.Wanted(location=HERE, customer=Person("Anna Schubert"), lines=(placing.Line("LAMP", 1),))
    pickup = placing.place(session, desk, wanted, now=START).pickup
    transfer = transfers.ask(session, ids, transfers.Sending(THERE, HERE, {"LAMP": 1}, START), now=START)
    session.add(Task(id=names["task_id"], kind=Job.COUNT, location=HERE, sku="LAMP", created_at=START))
    session.add(Case(id=names["case_id"], channel="shopify", kind="drift", title="t", opened_at=START))
    letter = names["letter_id"]
    session.add(
        DeadLetter(
            id=letter, channel="shopify", kind="webhooks", key=letter, title="t", reason="r", action="a",
            opened_at=START, last_at=START,
        )
    )  # fmt: skip
    session.flush()
    return names | {
        "pickup_id": pickup.id, "transfer_id": transfer.id, "return_id": _returned(session, letter),
        "shortage_id": _short(session), "stocktake_id": _counted(session, ids), "name": "shopify",
    }  # fmt: skip


def _make_room(session: Session) -> None:
    """Whatever was done to the store before: nothing is being counted there, and there is enough of what is sold."""
    for one in stocktakes.page(session, HERE, limit=10_000):
        if one.ended_at is None:
            stocktakes.abandon(session, one.id, by="anybody", now=START)
    ledger.record(session, [Entry(Kind.COUNT, "LAMP", HERE, 100_000, "anybody", START)], now=START)


def _returned(session: Session, name: str) -> str:
    back = Entry(Kind.RETURNED, "LAMP", HERE, 1, f"order:{name}", START, key=f"back/{name}")
    came_back.book(session, back, came_back.Source("shopify", check=True, counter=False), now=START)
    return str(max(one.id or 0 for one in came_back.page(session, HERE, to_check=True, limit=10_000)))


def _short(session: Session) -> str:
    """Promised and sold all the same: more and more of it, whatever was mended in between."""
    sold = Entry(Kind.SOLD, "VASE", THERE, 1, "till", START)
    promised = Entry(Kind.ORDER, "VASE", THERE, 1, "order", START, promise="order:vase")
    ledger.record(session, [promised, sold], now=START)
    return str(shortages.list_open(session)[0].id)


def _counted(session: Session, ids: Ids) -> str:
    """The stocktake that is open; it is in another store than all else, where it would stop new pickups."""
    try:
        return stocktakes.open_one(session, ids, THERE, by="anybody", now=START).id
    except Conflict:
        return stocktakes.page(session, THERE, limit=10_000)[-1].id
