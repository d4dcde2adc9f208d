"""What a shopkeeper expects of the ledger, in dicts and integers: the pure model that `test_ledger_model` holds it against.

Nothing here is kept in step: what is on a shelf is told anew from everything that happened there, and what is reserved is
counted over the promises that are open. Times are whole minutes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from omnisync.stock.effects import Level
from omnisync.values import Shelf

Pieces = dict[Shelf, int]
OPEN = ("held", "confirmed")


@dataclass
class Hold:
    """Our word to a customer."""

    granted: Pieces
    left: Pieces
    until: int | None
    reference: str | None = None
    owner: str | None = None
    state: str = "held"
    taken: bool = False
    """A pickup or another hold has it now."""
    of_pickup: bool = False
    turn: int = 0

    def overdue(self, now: int) -> bool:
        return self.state == "held" and self.until is not None and self.until <= now

    def state_at(self, now: int) -> str:
        return "expired" if self.overdue(now) else self.state


@dataclass
class Waiting:
    """Pieces that wait on a shelf for an order."""

    at: Shelf
    left: int
    turn: int


@dataclass
class OrderLine:
    """A line of a channel's order, as it was told last; `promised` is what waits on the shelves for it, oldest first."""

    sku: str
    quantity: int
    place: str | None = None
    cancelled: int = 0
    shipped: int = 0
    restocks: dict[str, int] = field(default_factory=dict)
    promised: list[Waiting] = field(default_factory=list)


@dataclass
class Shop:
    """The books of a careful shopkeeper."""

    locations: tuple[str, ...]
    sets: Mapping[str, Mapping[str, int]]
    happened: dict[Shelf, list[tuple[int, bool, int]]] = field(default_factory=lambda: defaultdict(list))
    """(minute, whether it was a count, pieces) in the order in which we heard of it."""
    blocked: Counter[Shelf] = field(default_factory=Counter)
    checking: Counter[Shelf] = field(default_factory=Counter)
    """Came back, and nobody has looked at it yet."""
    incoming: Counter[Shelf] = field(default_factory=Counter)
    owed: Counter[Shelf] = field(default_factory=Counter)
    """What suppliers owe of it."""
    safety: Counter[Shelf] = field(default_factory=Counter)
    backorders: dict[str, int | None] = field(default_factory=dict)
    """So many at each place beyond what is there; None: what suppliers owe."""
    counted: dict[Shelf, tuple[int, int]] = field(default_factory=dict)
    """Of the stocktake that is open: pieces and minute."""
    off_sale: dict[Shelf, int] = field(default_factory=dict)
    """Since when nobody finds it."""
    holds: dict[str, Hold] = field(default_factory=dict)
    orders: dict[str, dict[str, OrderLine]] = field(default_factory=dict)
    turns: int = 0
    """How many promises there have been: who came first has what is there."""

    # ------------------------------------------------------------ what is there

    def on_hand(self, shelf: Shelf) -> int:
        """A count says what lies there at its minute; everything else adds to it or takes from it."""
        pieces = 0
        for _, counted, n in sorted(self.happened[shelf], key=lambda one: one[0]):
            pieces = n if counted else pieces + n
        return pieces

    def reserved(self, shelf: Shelf) -> int:
        held = sum(hold.left.get(shelf, 0) for hold in self.holds.values())
        return held + sum(one.left for one in self._waiting(shelf))

    def _waiting(self, shelf: Shelf) -> list[Waiting]:
        lines = (line for order in self.orders.values() for line in order.values())
        return [one for line in lines for one in line.promised if one.at == shelf]

    def level(self, shelf: Shelf) -> Level:
        return Level(
            self.on_hand(shelf),
            self.reserved(shelf),
            self.blocked[shelf] + self.checking[shelf],
            self.incoming[shelf],
            self.safety[shelf],
            self.allowed(shelf),
            shelf in self.off_sale,
        )

    def free(self, shelf: Shelf) -> int:
        """What nobody was promised and nobody keeps back; below zero where facts took what was promised."""
        level = self.level(shelf)
        return level.on_hand - level.blocked - level.reserved - level.safety

    def available(self, shelf: Shelf) -> int:
        return 0 if shelf in self.off_sale else max(0, self.free(shelf))

    def allowed(self, shelf: Shelf) -> int:
        """What may be promised beyond what is there."""
        said = self.backorders.get(shelf.sku, 0)
        return self.owed[shelf] if said is None else said

    def promisable(self, shelf: Shelf) -> int:
        return 0 if shelf in self.off_sale else max(0, self.free(shelf) + self.allowed(shelf))

    def happens(self, shelf: Shelf, pieces: int, at: int) -> None:
        self.happened[shelf].append((at, False, pieces))

    def count(self, shelf: Shelf, pieces: int, at: int) -> None:
        last = all(at >= then for then, counted, _ in self.happened[shelf] if counted)
        if last and self.off_sale.get(shelf, at) <= at:
            self.off_sale.pop(shelf, None)
        self.happened[shelf].append((at, True, pieces))

    def book_stocktake(self) -> None:
        """All counts take effect, each as of its minute."""
        for shelf, (pieces, at) in self.counted.items():
            self.count(shelf, pieces, at)
        self.counted = {}

    def unpack(self, lines: Iterable[tuple[str, str, int]]) -> Pieces:
        """Sets as what they hold, equal pieces together: (SKU, location, quantity)."""
        pieces: Pieces = Counter()
        for sku, location, n in lines:
            for part, each in self.sets.get(sku, {sku: 1}).items():
                pieces[Shelf(location, part)] += n * each
        return dict(sorted(pieces.items()))

    # ------------------------------------------------------------ our own promises

    def hold(
        self, name: str, lines: Iterable[tuple[str, str, int]], now: int, until: int | None, *,
        reference: str | None = None, owner: str | None = None, takes: str | None = None, of_pickup: bool = False,
        there: bool = False, again: bool = False,
    ) -> str:  # fmt: skip
        """Granted whole, or refused with the reason. What is taken over from an earlier promise needs no new room; what is to be
        `there` does not wait for what is awaited, and takes over what has come. One that stands for an earlier one `again` leaves
        the rest of its order alone."""
        wanted = self.unpack(lines)
        self.expire(now, wanted)
        if takes and (reason := self._why_not_taken(self.holds.get(takes), owner, wanted, now)):
            return reason
        earlier = self.holds[takes].left if takes else {}
        ordered = [] if again else self._ordered(reference, wanted)
        credit = Counter(earlier)
        for n, one in ordered:
            credit[one.at] += n
        if there:
            mine = {one.turn: n for n, one in ordered}
            credit.subtract({at: self._yet_to_come(at, takes, mine) for at in credit})
        room = self.available if there else self.promisable
        if any(n > credit[at] and n - credit[at] > room(at) for at, n in wanted.items()):
            return "out-of-stock"
        for n, one in ordered:
            one.left -= n
        if takes:
            self._end(self.holds[takes], "released")
            self.holds[takes].taken = True
        confirmed = until is None or bool(ordered)
        state = "confirmed" if confirmed else "held"
        kept_until = None if confirmed else until
        turn = self._next_turn()
        self.holds[name] = Hold(dict(wanted), wanted, kept_until, reference, owner, state, of_pickup, of_pickup, turn)
        return state

    def _next_turn(self) -> int:
        self.turns += 1
        return self.turns

    def _yet_to_come(self, shelf: Shelf, takes: str | None, mine: Mapping[int, int]) -> int:
        """How many pieces of these promises are not there: what pickups have goes first, then who was promised first."""
        if not self.allowed(shelf):
            return 0
        queue = [(one.turn, one.left, mine.get(one.turn, 0)) for one in self._waiting(shelf)]
        holds = {name: (hold, hold.left.get(shelf, 0)) for name, hold in self.holds.items()}
        queue += [(hold.turn, n, n if name == takes else 0) for name, (hold, n) in holds.items() if not hold.of_pickup]
        left = self.free(shelf) + sum(n for _, n, _ in queue)
        missing = 0
        for _, pieces, wanted in sorted(queue):
            missing += wanted - min(wanted, max(0, left))
            left -= pieces
        return missing

    def finish(self, name: str, how: str, now: int, part: Pieces | None = None, *, keep_rest: bool = False) -> str:
        """Confirm, collect or release an open hold, or a part of it; the rest is given back unless it is kept."""
        hold = self.holds[name]
        if hold.state not in OPEN or hold.overdue(now):
            return f"already-{hold.state if hold.state not in OPEN else 'expired'}"
        if how == "confirm":
            hold.state, hold.until = "confirmed", None
            return hold.state
        part = dict(hold.left) if part is None else part
        if any(n > hold.left.get(shelf, 0) for shelf, n in part.items()):
            return "invalid-request"
        for shelf, n in part.items():
            hold.left[shelf] -= n
            if how == "collect":
                self.happens(shelf, -n, now)
        if not keep_rest or not any(hold.left.values()):
            self._end(hold, {"collect": "collected", "release": "released"}[how])
        return hold.state

    def expire(self, now: int, touching: Iterable[Shelf] | None = None) -> None:
        """What nobody confirmed in time is given back."""
        shelves = None if touching is None else set(touching)
        for hold in self.holds.values():
            if hold.overdue(now) and (shelves is None or shelves & hold.granted.keys()):
                self._end(hold, "expired")

    def _end(self, hold: Hold, state: str) -> None:
        hold.state, hold.left = state, {}

    def _why_not_taken(self, hold: Hold | None, owner: str | None, wanted: Pieces, now: int) -> str | None:
        if hold is None or hold.owner != owner:
            return "reservation-mismatch"
        if hold.taken:
            return "reservation-taken"
        if hold.state not in OPEN or hold.overdue(now):
            return f"already-{hold.state if hold.state not in OPEN else 'expired'}"
        same_place = {at.location for at in hold.granted} == {at.location for at in wanted}
        return None if same_place else "reservation-mismatch"

    # ------------------------------------------------------------ promises of channels

    def tell(self, reference: str, told: Mapping[str, OrderLine], now: int, version: int) -> None:
        """A channel tells an order as it was at its version; only the difference to what it told before does something."""
        self._expire_of(reference, now)
        bound = [name for name, hold in self.holds.items() if self._covers(hold, reference)]
        for name in bound:
            self.finish(name, "confirm", now)
        covered: Counter[str] = Counter()
        for name in bound:
            covered |= Counter(_by_sku(self.holds[name].granted))
        before = self.orders.setdefault(reference, {})
        for number, seen in sorted(told.items()):
            line = before.setdefault(number, OrderLine(seen.sku, seen.quantity, seen.place))
            self._follow(line, seen, bound, covered, now, version)

    def _follow(
        self, line: OrderLine, seen: OrderLine, bound: list[str], covered: Counter[str], now: int, version: int
    ) -> None:
        parts = self.sets.get(line.sku, {line.sku: 1})
        lines_covered = min(seen.quantity, *(covered[sku] // each for sku, each in parts.items()))
        for sku, each in parts.items():
            covered[sku] -= lines_covered * each
            still_open = seen.quantity - seen.cancelled - line.shipped
            own = max(0, max(still_open, seen.shipped - line.shipped) - lines_covered) * each
            shipping = (seen.shipped - line.shipped) * each
            cancelling = (seen.cancelled - line.cancelled) * each
            promised = sum(one.left for one in line.promised if one.at.sku == sku)
            if own > promised:
                line.promised += self._spread(sku, own - promised, line.place)
            cancelling -= self._give(line, sku, max(0, promised - own), None)
            shipping -= self._give(line, sku, min(shipping, own), version)
            if lines_covered:
                self._pass_on(bound, "collect", sku, shipping, now)
                self._pass_on(bound, "release", sku, cancelling, now)
        line.cancelled, line.shipped = seen.cancelled, seen.shipped
        self._restock(line, seen, version)

    def _restock(self, line: OrderLine, seen: OrderLine, at_minute: int) -> None:
        """Goods that came back, each restock once and never more than had left."""
        room = seen.shipped
        for name, n in seen.restocks.items():
            back = min(n, room)
            room -= back
            if back and name not in line.restocks:
                line.restocks[name] = back
                for at, pieces in self.unpack([(line.sku, self.locations[0], back)]).items():
                    self.happens(at, pieces, at_minute)
                    self.checking[at] += pieces

    def decide(self, shelf: Shelf, sellable: int, scrap: int, now: int) -> None:
        """Somebody has looked at what came back."""
        self.checking[shelf] -= sellable + scrap
        self.happens(shelf, -scrap, now)

    def _spread(self, sku: str, n: int, place: str | None) -> list[Waiting]:
        """Whole from the first place that has it, else a bit from each, then where it may be missing; the rest is missing at the
        first."""
        shelves = [Shelf(place, sku)] if place else [Shelf(location, sku) for location in self.locations]
        offered = {at: self.available(at) for at in shelves}
        whole = next((at for at in shelves if offered[at] >= n), None)
        taken = Counter({whole: n} if whole else {})
        for at in shelves:
            taken[at] += min(offered[at], n - taken.total())
        for at in shelves:
            taken[at] += min(self.promisable(at) - offered[at], n - taken.total())
        taken[shelves[0]] += n - taken.total()
        return [Waiting(at, pieces, self._next_turn()) for at, pieces in taken.items() if pieces]

    def _give(self, line: OrderLine, sku: str, n: int, shipped_at: int | None) -> int:
        """Take pieces from what waits for this line: shipped at that minute, or given back. Returns how many there were."""
        given = 0
        for one in line.promised:
            pieces = min(one.left, n - given) if one.at.sku == sku else 0
            one.left -= pieces
            given += pieces
            if pieces and shipped_at is not None:
                self.happens(one.at, -pieces, shipped_at)
        return given

    def _pass_on(self, bound: list[str], how: str, sku: str, n: int, now: int) -> None:
        """The hold that keeps these pieces ends for them; what a pickup keeps ends at its desk."""
        if any(self.holds[name].of_pickup for name in bound):
            return
        for name in bound:
            part: Pieces = {}
            for at, left in sorted(self.holds[name].left.items()):
                if at.sku == sku and (pieces := min(left, n)) > 0:
                    part[at], n = pieces, n - pieces
            if part:
                self.finish(name, how, now, part, keep_rest=True)

    def _expire_of(self, reference: str, now: int) -> None:
        for hold in self.holds.values():
            if hold.reference == reference and hold.overdue(now):
                self._end(hold, "expired")

    def _covers(self, hold: Hold, reference: str) -> bool:
        """It keeps what this order asks for, also after its end; not what expired, or what another one keeps now."""
        return hold.reference == reference and hold.state != "expired" and (hold.of_pickup or not hold.taken)

    def _ordered(self, reference: str | None, wanted: Pieces) -> list[tuple[int, Waiting]]:
        """What orders of this reference have waiting, as far as the hold asks for the same articles."""
        wishes, found = Counter(_by_sku(wanted)), []
        for _, line in sorted(self.orders.get(reference or "", {}).items()):
            for one in sorted(line.promised, key=lambda one: (one.at, one.turn)):
                if n := min(one.left, wishes[one.at.sku]):
                    wishes[one.at.sku] -= n
                    found.append((n, one))
        return found


def _by_sku(pieces: Pieces) -> dict[str, int]:
    found: Counter[str] = Counter()
    for at, n in pieces.items():
        found[at.sku] += n
    return dict(found)
