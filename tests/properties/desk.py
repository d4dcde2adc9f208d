"""What may happen at the pickup desks, on top of everything else: a pickup is a hold that only its desk ends."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy.engine import Engine
from sqlmodel import Session, col, select

from omnisync.errors import Refused
from omnisync.orders import breaking, ending, handing, picking, placing, sending, supply, transfer, unsendable
from omnisync.orders.tables import Pickup
from omnisync.stock import transfers
from omnisync.stock.tables import Transfer
from omnisync.values import Shelf
from tests.orders import counter
from tests.properties.machine import LOCATIONS, OF_ITS_OWN, SETS, SHELVES, SKUS, Ledger, pieces, references, some
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
    coming: dict[str, int] = field(default_factory=dict)
    """Of the open ones, those that another store has sent."""
    packed: bool = False

    @property
    def here(self) -> dict[str, int]:
        return {sku: n - self.coming.get(sku, 0) for sku, n in self.open.items() if n > self.coming.get(sku, 0)}


@dataclass
class Lorry:
    """Goods that are asked for or on their way; `bag` is the pickup that they are meant for."""

    source: str
    target: str
    left: dict[str, int]
    bag: str | None = None
    hold: str = ""
    """Of what lies at its source until somebody sends it."""
    unsent: dict[str, int] = field(default_factory=dict)


class Town(Ledger):
    """Stores with pickup desks, on the same ledger."""

    def __init__(self, engine: Engine, *, thorough: bool = True, tally: Counter[str] | None = None) -> None:
        super().__init__(engine, thorough=thorough, tally=tally)
        self.bags: dict[str, Bag] = {}
        self.lorries: dict[str, Lorry] = {}

    @rule(wanted=wishes, place=st.sampled_from(LOCATIONS), reference=references, takes=st.one_of(st.none(), some))
    def a_pickup_is_placed(
        self, wanted: list[tuple[str, int]], place: str, reference: str | None, takes: int | None
    ) -> None:
        earlier = self._pick(self._named_holds, takes)
        details = {"location": place, "reference": reference, "channel": CHANNEL if reference else None}
        order = counter.wanted(*wanted, reservation=earlier, owner=SHOP, **details)
        [placed] = self._at_desk(
            lambda session: placing.place_batch(session, self.real.desk, [order], now=self._moment)
        )
        if place in self.real.stocktakes:
            assert placed.code == "no-pickup"
            return
        granted = None if isinstance(placed, Refused) else placed.pickup
        hold = granted.reservation_id if granted else "-"
        said = self.books.hold(
            hold, [(sku, place, n) for sku, n in wanted], self.now, None,
            reference=reference, owner=SHOP, takes=earlier, of_pickup=True, there=True,
        )  # fmt: skip
        assert (placed.code if isinstance(placed, Refused) else "confirmed") == said
        if granted:
            lines = {sku: sum(n for one, n in wanted if one == sku) for sku, _ in wanted}
            self.bags[granted.id] = Bag(hold, place, reference, lines)

    @precondition(lambda town: town.bags or town.lorries)
    @rule(number=st.integers(0, 1 << 30))
    def the_desks_work(self, number: int) -> None:
        """One thing after the other: where each was a rule of its own, hardly any pickup saw two of them."""
        chance = random.Random(number)
        for deed in chance.choices(list(DEEDS), list(DEEDS.values()), k=chance.randint(2, 6)):
            deed(self, chance)
            self.both_say_the_same()
        self.nobody_breaks_what_is_packed()

    def nobody_breaks_what_is_packed(self) -> None:
        """Whose promise breaks where pieces are short is asked of all promises of a shelf, and never of a bag that is packed."""
        for at in SHELVES:
            promised = self._at_desk(lambda session, at=at: breaking.promised_from(session, at, now=self._moment))
            assert sum(one.pieces for one in promised) == self.books.reserved(at), promised
            packed = {one.of: one.packed for one in promised}
            for name, bag in self.bags.items():
                kept = self.books.holds[bag.hold].left.get(at, 0)
                assert not bag.packed or packed.get(name, 0) == kept, f"{name}: {kept} of {at} are packed"

    def a_bag_is_packed(self, chance: random.Random) -> None:
        name, bag = self._bag(chance)
        if bag is not None and bag.open and not bag.coming:
            self._at_desk(lambda session: self._pack(session, name))
            bag.packed = True

    def _pack(self, session: Session, name: str) -> None:
        if session.get_one(Pickup, name).state != "ready":
            picking.ready(session, self.real.desk, name, "12", actor=counter.OFFICE, now=self._moment)

    def somebody_collects(self, chance: random.Random) -> None:
        name, bag = self._bag(chance)
        part, keep = chance.choice((None, 1, 2)), chance.random() < 0.5
        if bag is None or bag.coming or not bag.open:
            return
        taken = dict(bag.open) if part is None else self._some_of(bag, part)
        rest = "keep" if keep else "release"

        def hand_over(session: Session) -> Pickup:
            self._pack(session, name)
            return handing.collect(
                session, self.real.desk, name, WITH_REASON,
                actor=counter.OFFICE, now=self._moment, part=taken, rest=rest,
            )  # fmt: skip

        state = self._at_desk(hand_over).state
        self.books.finish(
            bag.hold, "collect", self.now, self._unpack(bag.place, taken), keep_rest=keep and taken != bag.open
        )
        self._take_out(bag, taken)
        bag.packed = True
        done = not keep or not bag.open
        assert state == ("collected" if done else "ready")
        if done:
            del self.bags[name]

    def a_pickup_is_cancelled(self, chance: random.Random) -> None:
        name, bag = self._bag(chance)
        if bag is not None:
            self._at_desk(
                lambda session: ending.cancel(session, self.real.desk, name, actor=counter.OFFICE, now=self._moment)
            )
            self._give_back(name)

    def something_is_not_found(self, chance: random.Random) -> None:
        name, bag = self._bag(chance)
        if bag is None or not bag.here:
            return
        lost = self._some_of(bag, chance.randint(1, 2))
        rejected = [picking.Rejected(sku, n, picking.Why.NOT_FOUND) for sku, n in lost.items()]
        self._at_desk(
            lambda session: picking.reject(
                session, self.real.desk, name, rejected, actor=counter.OFFICE, now=self._moment
            )
        )
        gone = self._unpack(bag.place, lost)
        self.books.finish(bag.hold, "release", self.now, gone, keep_rest=True)
        for at, missing in gone.items():
            self.books.happens(at, -missing, self.now)
            self.books.off_sale[at] = self.now
        self._take_out(bag, lost)
        for sku, missing in lost.items():
            bag.rejected[sku] = bag.rejected.get(sku, 0) + missing
        if not bag.open:
            del self.bags[name]

    def a_pickup_changes_places(self, chance: random.Random) -> None:
        """Goods that come are sent at once, or nobody there can find them."""
        name, bag = self._bag(chance)
        ways: tuple[transfer.Way, ...] = ("customer_goes", "goods_come", "goods_come")
        how, found = chance.choice(ways), chance.random() < 0.8
        if bag is None:
            return
        other = next(location for location in LOCATIONS if location != bag.place)
        before = deepcopy(self.books)
        moved = self.real.step(
            lambda session: transfer.transfer(
                session, self.real.desk, name, other, how, actor=counter.OFFICE, now=self._moment,
                agreed="phone" if how == "customer_goes" else None,
            )
        )  # fmt: skip
        if how == "customer_goes" and other in self.real.stocktakes:
            assert moved == "no-pickup"
            return
        hold = moved.reservation_id if isinstance(moved, Pickup) and how == "customer_goes" else self._name(OF_ITS_OWN)
        said = (
            self._customer_goes(bag, other, hold)
            if how == "customer_goes"
            else self._goods_come(name, other, hold, found)
        )
        assert said == (moved if isinstance(moved, str) else "confirmed")
        if isinstance(moved, str):
            self.books = before
            return
        bag.packed = False
        if chance.random() < 0.5:
            self.a_lorry_arrives(chance)

    def _customer_goes(self, bag: Bag, other: str, hold: str) -> str:
        """With what was missing here."""
        wanted = dict(Counter(bag.open) + Counter(bag.rejected))
        said = self._hold_for(bag, other, wanted, hold)
        if said == "confirmed":
            self.books.finish(bag.hold, "release", self.now)
            bag.hold, bag.place, bag.open, bag.rejected, bag.coming = hold, other, wanted, {}, {}
        return said

    def _goods_come(self, name: str, other: str, hold: str, found: bool) -> str:
        bag = self.bags[name]
        wanted = dict(bag.rejected or bag.here)
        if not wanted:
            return "goods-coming"
        # What another store sends is nobody's order: it takes over nothing, whatever the pickup's own order still waits for.
        lines = [(sku, other, n) for sku, n in wanted.items()]
        said = self.books.hold(hold, lines, self.now, None, of_pickup=True, there=True)
        if said != "confirmed":
            return said
        [lorry] = self.real.step(_on_their_way) - self.lorries.keys()
        if not found:
            self._nobody_can_send(bag, lorry, wanted, hold)
            return said
        self._at_desk(lambda session: transfers.send(session, lorry, now=self._moment))
        self.lorries[lorry] = Lorry(other, bag.place, wanted, name if bag.rejected else None, hold)
        self._leave(self.lorries[lorry], wanted)
        for sku, n in bag.rejected.items():
            bag.open[sku] = bag.open.get(sku, 0) + n
            bag.coming[sku] = bag.coming.get(sku, 0) + n
        bag.rejected = {}
        return said

    def _nobody_can_send(self, bag: Bag, lorry: str, wanted: dict[str, int], hold: str) -> None:
        missing = [picking.Rejected(sku, n, picking.Why.NOT_FOUND) for sku, n in wanted.items()]
        self._at_desk(
            lambda session: unsendable.cannot_send(
                session, self.real.desk, lorry, missing, actor=counter.OFFICE, now=self._moment
            )
        )
        for at, n in self.books.holds[hold].granted.items():
            self.books.happens(at, -n, self.now)
            self.books.off_sale[at] = self.now
        self.books.finish(hold, "release", self.now)
        self._end_empty(bag)

    @rule(number=st.integers(0, 1 << 30))
    def a_store_needs_goods(self, number: int) -> None:
        chance = random.Random(number)
        deeds = Town.a_store_is_filled_up, Town.it_is_sent_or_called_off, Town.a_lorry_arrives
        for deed in deeds[: chance.choice((1, 3, 3))]:
            deed(self, chance)
            self.both_say_the_same()

    def a_store_is_filled_up(self, chance: random.Random) -> None:
        """With what is held there until somebody sends it, or has left already."""
        source, target = chance.sample(LOCATIONS, 2)
        lines = {sku: chance.randint(1, 2) for sku in chance.sample((*SKUS, *SETS), chance.randint(1, 2))}
        sent, hold, before = chance.random() < 0.3, self._name(OF_ITS_OWN), deepcopy(self.books)
        wanted = supply.Wanted(source, target, lines, sent=sent)
        asked = self.real.step(
            lambda session: supply.ask(session, self.real.desk, wanted, actor=counter.OFFICE, now=self._moment)
        )
        if not sent:
            there = [(sku, source, n) for sku, n in lines.items()]
            said = self.books.hold(hold, there, self.now, None, of_pickup=True, there=True)
            assert said == (asked if isinstance(asked, str) else "confirmed")
        if isinstance(asked, str):
            self.books = before
            return
        lorry = self.lorries[asked.id] = Lorry(source, target, lines, hold="" if sent else hold, unsent=dict(lines))
        if sent:
            self._leave(lorry, lines)

    def it_is_sent_or_called_off(self, chance: random.Random) -> None:
        name = self._pick(sorted(name for name, lorry in self.lorries.items() if lorry.unsent), chance.randrange(10))
        if name is None:
            return
        lorry, how = self.lorries[name], chance.choice((supply.send, supply.send, supply.call_off))
        self._at_desk(lambda session: how(session, name, actor=counter.OFFICE, now=self._moment))
        if how is supply.send:
            self._leave(lorry, lorry.unsent)
        else:
            self._stay(name, lorry)

    def _leave(self, lorry: Lorry, lines: dict[str, int]) -> None:
        gone = self._unpack(lorry.source, lines)
        if lorry.hold:
            self.books.finish(lorry.hold, "release", self.now, gone, keep_rest=True)
        for at, n in gone.items():
            self.books.happens(at, -n, self.now)
            self.books.incoming[Shelf(lorry.target, at.sku)] += n
        lorry.unsent = {sku: n for sku, n in lorry.unsent.items() if sku not in lines}

    def _stay(self, name: str, lorry: Lorry) -> None:
        self.books.finish(lorry.hold, "release", self.now)
        lorry.left = {sku: left for sku, n in lorry.left.items() if (left := n - lorry.unsent.get(sku, 0))}
        lorry.unsent = {}
        if not lorry.left:
            del self.lorries[name]

    def a_lorry_arrives(self, chance: random.Random) -> None:
        name = self._pick(sorted(self.lorries), chance.randrange(10))
        if name is None:
            return
        n, rest = chance.randint(1, 3), chance.choice(("all", "keep", "lost"))
        lorry = self.lorries[name]
        sku = min(lorry.left)
        came = dict(lorry.left) if rest == "all" else {sku: min(n, lorry.left[sku])}
        self._at_desk(
            lambda session: sending.receive(
                session, self.real.desk, name, came,
                rest="lost" if rest == "lost" else "keep", actor=counter.OFFICE, now=self._moment,
            )
        )  # fmt: skip
        self._leave(lorry, {sku: n for sku, n in lorry.unsent.items() if sku in came})
        if rest == "lost" and lorry.unsent:
            self._stay(name, lorry)
        lost = {sku: left - came.get(sku, 0) for sku, left in lorry.left.items()} if rest == "lost" else {}
        lorry.left = {sku: left for sku, n in lorry.left.items() if (left := n - came.get(sku, 0) - lost.get(sku, 0))}
        for at, n in self._unpack(lorry.target, came).items():
            self.books.happens(at, n, self.now)
        for part in (came, lost):
            for at, n in self._unpack(lorry.target, part).items():
                self.books.incoming[at] -= n
        if not lorry.left:
            del self.lorries[name]
        bag = self.bags.get(lorry.bag or "")
        if bag is not None and bag.place == lorry.target:
            self._put_into(bag, came, lost)

    def _put_into(self, bag: Bag, came: dict[str, int], lost: dict[str, int]) -> None:
        """What the pickup still expects is held for it, unless the shelf owes it to others; what is lost is missing again."""
        for sku, n in sorted(came.items()):
            n = self._expected(bag, sku, n)
            if n and not self._add(bag, sku, n):
                self._lack(bag, sku, n)
        for sku, n in sorted(lost.items()):
            if n := self._expected(bag, sku, n):
                self._lack(bag, sku, n)
        self._end_empty(bag)

    def _end_empty(self, bag: Bag) -> None:
        hold = self.books.holds[bag.hold]
        if hold.state == "confirmed" and not any(hold.left.values()) and not bag.coming:
            self.books.finish(bag.hold, "release", self.now)

    def _expected(self, bag: Bag, sku: str, n: int) -> int:
        n = min(n, bag.coming.get(sku, 0))
        bag.coming = {one: left for one, m in bag.coming.items() if (left := m - (n if one == sku else 0))}
        return n

    def _lack(self, bag: Bag, sku: str, n: int) -> None:
        bag.open = {one: left for one, m in bag.open.items() if (left := m - (n if one == sku else 0))}
        bag.rejected[sku] = bag.rejected.get(sku, 0) + n

    def _add(self, bag: Bag, sku: str, n: int) -> bool:
        hold, arrived = self.books.holds[bag.hold], self._unpack(bag.place, {sku: n})
        if hold.state != "confirmed":
            before, name = deepcopy(self.books), self._name(OF_ITS_OWN)
            if self._hold_for(bag, bag.place, {sku: n}, name, there=False) == "confirmed":
                bag.hold = name
                return True
            self.books = before
            return False
        if any(self.books.free(at) + self.books.allowed(at) < n for at, n in arrived.items()):
            return False
        for at, n in arrived.items():
            hold.left[at] = hold.left.get(at, 0) + n
        return True

    @precondition(lambda town: town.bags)
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

    def _hold_for(self, bag: Bag, place: str, lines: dict[str, int], hold: str, *, there: bool = True) -> str:
        wanted = [(sku, place, n) for sku, n in lines.items()]
        return self.books.hold(
            hold, wanted, self.now, None, reference=bag.reference, owner=SHOP, of_pickup=True, there=there, again=True
        )

    def _bag(self, chance: random.Random) -> tuple[str, Bag | None]:
        name = self._pick(list(self.bags), chance.randrange(10)) or ""
        return name, self.bags.get(name)

    def _some_of(self, bag: Bag, n: int) -> dict[str, int]:
        sku = min(bag.here)
        return {sku: min(n, bag.here[sku])}

    def _unpack(self, place: str, lines: dict[str, int]) -> dict[Shelf, int]:
        return {at: n for at, n in self.books.unpack((sku, place, n) for sku, n in lines.items()).items() if n}

    def _take_out(self, bag: Bag, lines: dict[str, int]) -> None:
        left = {sku: n - lines.get(sku, 0) for sku, n in bag.open.items()}
        bag.open = {sku: n for sku, n in left.items() if n}

    @property
    def _moment(self) -> Any:
        return moment(self.now)


DEEDS: Mapping[Callable[[Town, random.Random], None], int] = {
    Town.a_bag_is_packed: 2,
    Town.somebody_collects: 4,
    Town.a_pickup_is_cancelled: 1,
    Town.something_is_not_found: 3,
    Town.a_pickup_changes_places: 5,
    Town.a_lorry_arrives: 5,
}
"""What happens at a desk, and how often."""


def _on_their_way(session: Session) -> set[str]:
    return set(session.exec(select(Transfer.id).where(col(Transfer.received_at).is_(None))))
