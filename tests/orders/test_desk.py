import random
from datetime import timedelta

import sqlalchemy as sa

from omnisync import db
from omnisync.announce import EventPending
from omnisync.clock import Ids
from omnisync.orders import customers, desk
from omnisync.orders.pickup import load
from omnisync.orders.tables import Customer
from tests.orders.counter import COLLECT_BY, OFFICE, a_desk, place
from tests.stock.shop import shelf


def test_the_worker_is_told_what_to_do_and_everybody_who_listens_hears_of_it(session, clock):
    opened = desk.open_desk(a_desk().settings, bytes(range(32)), Ids(clock, random.Random(1)), clock)
    shelf(session, "LAMP", pieces=1)
    placed = place(session, opened, ("LAMP", 1), reference="#1001", channel="webshop")

    for chore in desk.chores(opened):
        chore(session, COLLECT_BY)
    for chore in desk.chores(opened):
        chore(session, COLLECT_BY + customers.RETENTION + timedelta(seconds=1))

    assert load(session, placed.pickup.id, OFFICE).state == "expired"
    assert session.get(Customer, placed.pickup.customer_id, populate_existing=True).name == ""
    pending = db.table(EventPending)
    rows = session.execute(sa.select(pending.c.kind, pending.c.body).order_by(pending.c.id)).all()
    pickups = [row.kind for row in rows if row.kind.startswith("pickup.")]
    assert pickups == ["pickup.placed", "pickup.expired"]
    assert "Schubert" not in str(rows)
