"""What may happen at the pickup desks, on top of everything else: a pickup is a hold that only its desk ends."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync.errors import Refused
from omnisync.orders import ending, handing, picking, placing, transfer
from omnisync.orders.tables import Pickup
from omnisync.values import Shelf
from tests.orders import counter
from tests.properties.machine import LOCATIONS, SETS, SKUS, Ledger, pieces, references, some
from tests.properties.reality import CHANNEL, moment

SHOP = "shop"
TEN_DAYS = 10 * 24 * 60
WITH_REASON = handing.WithoutCode(handing.Reason.KNOWN)
wishes = st.lists(st.tuples(st.sampled_from((*SKUS, *SETS)), pieces), min_size=1, max_size=2)


@dataclass
class Bag:
    """An open pickup in the shopkeeper's eyes."""

    hold: str
    place: str
    reference: str | None
    open: dict[str, int]
    rejected: dict[str, int] = field(default_factory=dict)


class Town(Ledger):
    """Stores with pickup desks, on the same ledger."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.bags: dict[str, Bag] = {}

    @rule(wanted=wishes, place=st.sampled_from(LOCATIONS), reference=references, takes=st.one_of(st.none(), some))
    def a_pickup_is_placed(
        self, wanted: list[tuple[str, int]], place: str, reference: str | None, takes: int | None
    ) -> None:
        earlier = self._pick(sorted(self.books.holds), takes)
        details = {"location": place, "reference": reference, "channel": CHANNEL if reference else None}
        order = counter.wanted(*wanted, reservation=earlier, owner=SHOP, **details)
        [placed] = self._at_desk(
            lambda session: placing.place_batch(session, self.real.desk, [order], now=self._moment)
        )
        granted = None if isinstance(placed, Refused) else placed.pickup
        hold = granted.reservation_id if granted else "-"
        said = self.books.hold(
            hold, [(sku, place, n) for sku, n in wanted], self.now, None,
            reference=reference, owner=SHOP, takes=earlier, of_pickup=True,
        )  # fmt: skip
        assert (placed.code if isinstance(placed, Refused) else "confirmed") == said
        if granted:
            lines = {sku: sum(n for one, n in wanted if one == sku) for sku, _ in wanted}
            self.bags[granted.id] = Bag(hold, place, reference, lines)

    @rule(which=some, part=st.one_of(st.none(), pieces), keep=st.booleans())
    def somebody_collects(self, which: int, part: int | None, keep: bool) -> None:
        name, bag = self._bag(which)
        if bag is None:
            return
        taken = dict(bag.open) if part is None else self._some_of(bag, part)
        rest = "keep" if keep else "release"

        def hand_over(session: Session) -> Pickup:
            found = session.get_one(Pickup, name)
            if found.state != "ready":
                picking.ready(session, self.real.desk, name, "12", actor=counter.OFFICE, now=self._moment)
            return handing.collect(
                session, self.real.desk, name, WITH_REASON,
                actor=counter.OFFICE, now=self._moment, part=taken, rest=rest,
            )  # fmt: skip

        state = self._at_desk(hand_over).state
        self.books.finish(bag.hold, "collect", self.now, self._unpack(bag, taken), keep_rest=keep and taken != bag.open)
        self._take_out(bag, taken)
        done = not keep or not bag.open
        assert state == ("collected" if done else "ready")
        if done:
            del self.bags[name]

    @rule(which=some)
    def a_pickup_is_cancelled(self, which: int) -> None:
        name, bag = self._bag(which)
        if bag is not None:
            self._at_desk(
                lambda session: ending.cancel(session, self.real.desk, name, actor=counter.OFFICE, now=self._moment)
            )
            self._give_back(name)

    @rule(which=some, n=pieces)
    def something_is_not_found(self, which: int, n: int) -> None:
        name, bag = self._bag(which)
        if bag is None:
            return
        lost = self._some_of(bag, n)
        rejected = [picking.Rejected(sku, n, picking.Why.NOT_FOUND) for sku, n in lost.items()]
        self._at_desk(
            lambda session: picking.reject(
                session, self.real.desk, name, rejected, actor=counter.OFFICE, now=self._moment
            )
        )
        gone = self._unpack(bag, lost)
        self.books.finish(bag.hold, "release", self.now, gone, keep_rest=True)
        for at, missing in gone.items():
            self.books.happens(at, -missing, self.now)
            self.books.off_sale.add(at)
        self._take_out(bag, lost)
        for sku, missing in lost.items():
            bag.rejected[sku] = bag.rejected.get(sku, 0) + missing
        if not bag.open:
            del self.bags[name]

    @rule(which=some, how=st.sampled_from(("customer_goes", "goods_come")))
    def a_pickup_changes_places(self, which: int, how: transfer.Way) -> None:
        name, bag = self._bag(which)
        if bag is None:
            return
        other = next(location for location in LOCATIONS if location != bag.place)
        before = deepcopy(self.books)
        moved = self.real.step(
            lambda session: transfer.transfer(
                session, self.real.desk, name, other, how, actor=counter.OFFICE, now=self._moment
            )
        )
        hold = moved.reservation_id if isinstance(moved, Pickup) and how == "customer_goes" else self._name("move")
        said = self._customer_goes(bag, other, hold) if how == "customer_goes" else self._goods_come(bag, other, hold)
        assert said == (moved if isinstance(moved, str) else "confirmed")
        if isinstance(moved, str):
            self.books = before

    def _customer_goes(self, bag: Bag, other: str, hold: str) -> str:
        said = self._hold_for(bag, other, bag.open, hold)
        if said == "confirmed":
            self.books.finish(bag.hold, "release", self.now)
            bag.hold, bag.place = hold, other
        return said

    def _goods_come(self, bag: Bag, other: str, hold: str) -> str:
        said = self._hold_for(bag, other, bag.rejected or bag.open, hold)
        if said != "confirmed":
            return said
        sent = self.books.holds[hold].granted
        self.books.finish(hold, "release", self.now)
        arrived = {Shelf(bag.place, at.sku): n for at, n in sent.items()}
        for way, moved in ((-1, sent), (+1, arrived)):
            for at, n in moved.items():
                self.books.happens(at, way * n, self.now)
        if not bag.rejected:
            return said
        if any(replace(self.books.level(at), off_sale=False).free < n for at, n in arrived.items()):
            return "out-of-stock"
        left = self.books.holds[bag.hold].left
        for at, n in arrived.items():
            left[at] = left.get(at, 0) + n
        for sku, n in bag.rejected.items():
            bag.open[sku] = bag.open.get(sku, 0) + n
        bag.rejected = {}
        return said

    @rule(really=st.integers(0, 4))
    def nobody_comes_for_ten_days(self, really: int) -> None:
        if really == 0:
            self.real.now += TEN_DAYS
            self._at_desk(lambda session: ending.expire_overdue(session, self.real.desk, now=self._moment))
            for name in list(self.bags):
                self._give_back(name)

    # ------------------------------------------------------------

    def _at_desk(self, work: Callable[[Session], Any]) -> Any:
        done = self.real.step(work)
        assert not isinstance(done, str), f"the desk was refused: {done}"
        return done

    def _give_back(self, name: str) -> None:
        self.books.finish(self.bags.pop(name).hold, "release", self.now)

    def _hold_for(self, bag: Bag, place: str, lines: dict[str, int], hold: str) -> str:
        wanted = [(sku, place, n) for sku, n in lines.items()]
        return self.books.hold(hold, wanted, self.now, None, reference=bag.reference, owner=SHOP, of_pickup=True)

    def _bag(self, which: int) -> tuple[str, Bag | None]:
        name = self._pick(list(self.bags), which) or ""
        return name, self.bags.get(name)

    def _some_of(self, bag: Bag, n: int) -> dict[str, int]:
        sku = min(bag.open)
        return {sku: min(n, bag.open[sku])}

    def _unpack(self, bag: Bag, lines: dict[str, int]) -> dict[Shelf, int]:
        return self.books.unpack((sku, bag.place, n) for sku, n in lines.items())

    def _take_out(self, bag: Bag, lines: dict[str, int]) -> None:
        left = {sku: n - lines.get(sku, 0) for sku, n in bag.open.items()}
        bag.open = {sku: n for sku, n in left.items() if n}

    @property
    def _moment(self) -> Any:
        return moment(self.now)
