"""Buyers, baskets, merchants and staff: what an act of the traffic does to the channels and to omnisync."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omnisync.clock import Clock
from omnisync.demo.books import Books, Held
from omnisync.demo.doors import Doors, Unreached
from omnisync.demo.plan import EBAY, FLASH, SHOPIFY_PLACES, SQUARE, SQUARE_PLACES, TILL, TILL_PLACES, WEBSHOP, Goods
from omnisync.demo.traffic import Act, Do
from omnisync.values import format_time

PLACE_OF = {
    WEBSHOP: {code: place for place, code in SHOPIFY_PLACES.items()},
    TILL: {code: place for place, code in TILL_PLACES.items()},
    SQUARE: {code: place for place, code in SQUARE_PLACES.items()},
    EBAY: dict[str, str](),
}
FLASH_BASKETS = 12
SHORT_HOLD_SECONDS, LONG_HOLD_SECONDS = 4, 900
STORES = ("linden", "markt")
NAMES = (
    "Anna Schubert",
    "Birol Aksoy",
    "Clara Neumann",
    "David Petersen",
    "Emine Kaya",
    "Felix Brandt",
    "Greta Lorenz",
)


@dataclass(frozen=True, slots=True)
class Bought:
    """An order at a channel that somebody may send, cancel or give back."""

    channel: str
    order: str
    goods: Goods
    quantity: int
    place: str | None

    @property
    def sku(self) -> str:
        return self.goods.sku


@dataclass(frozen=True, slots=True)
class Basket:
    """A hold that was granted and is still open as far as its customer knows."""

    id: str
    goods: Goods
    location: str
    quantity: int
    held: Held
    short: bool


@dataclass
class Waiting:
    """A pickup on its way, with the code that its customer got."""

    id: str
    code: str
    sku: str
    quantity: int
    location: str
    paid: bool
    state: str = "placed"


@dataclass
class People:
    """Everybody who does something in the demo."""

    doors: Doors
    books: Books
    clock: Clock
    chance: random.Random
    losing: Callable[[str], bool] = lambda channel: False
    """Whether a channel loses its webhooks at the moment."""
    orders: list[Bought] = field(default_factory=list)
    sent: list[Bought] = field(default_factory=list)
    baskets: list[Basket] = field(default_factory=list)
    pickups: list[Waiting] = field(default_factory=list)
    _prices: dict[str, int] = field(default_factory=dict)

    async def act(self, act: Act) -> None:
        """Do it; what cannot be done just now is not done."""
        try:
            await _ACTS[act.do](self, act)
        except Unreached:
            return

    # ------------------------------------------------------------ buyers

    async def buy(self, act: Act) -> None:
        place = PLACE_OF[act.channel].get(act.location) if act.dice < 0.3 or act.channel in (TILL, SQUARE) else None
        await self._buy(act.channel, act.goods, act.quantity, place)

    async def rush(self, act: Act) -> None:
        """Everybody at once, for a thing that everybody sells, as long as anybody shows it."""
        channels = [channel for channel in PLACE_OF for _ in range(2)]
        await asyncio.gather(*(self._buy(channel, act.goods, 2, None) for channel in channels))

    async def _buy(self, channel: str, goods: Goods, quantity: int, place: str | None) -> Mapping[str, Any] | None:
        body: dict[str, Any] = {"sku": goods.sku, "quantity": quantity}
        if place is not None:
            body["place"] = place
        reply = await self.doors.visit(channel, "/_sim/buy", body)
        if reply.status != 200:
            self.books.refused_buyers[channel] += 1
            return None
        found: Mapping[str, Any] = reply.json()
        self.books.buy(channel, goods.sku, quantity, goods.parts)
        bought = Bought(channel, found["order"], goods, quantity, found.get("place", place))
        (self.sent if channel in (TILL, SQUARE) else self.orders).append(bought)
        return found

    # ------------------------------------------------------------ baskets

    async def hold(self, act: Act) -> None:
        await self._hold(act.goods, act.location, act.quantity, short=act.dice < 0.3)

    async def flash(self, act: Act) -> None:
        """A crowd that wants more than there is; most baskets are given up soon."""
        pieces = [self.chance.randint(1, 4) for _ in range(FLASH_BASKETS)]
        await asyncio.gather(*(self._hold(act.goods, "lager", n, short=self.chance.random() < 0.7) for n in pieces))

    async def _hold(self, goods: Goods, location: str, quantity: int, *, short: bool) -> None:
        seconds = SHORT_HOLD_SECONDS if short else LONG_HOLD_SECONDS
        lines = [{"sku": goods.sku, "location": location, "quantity": quantity}]
        body = {"channel": WEBSHOP, "expires_in_seconds": seconds, "lines": lines}
        asked = self.clock.monotonic()
        reply = await self.doors.tell("shop", "/v1/reservations", body, fine=(409,))
        if reply.status == 201:
            # It was promised at the latest when the answer came, and at least until so long after it was asked for.
            held = Held(goods.sku, quantity, self.clock.monotonic(), asked + seconds)
            name = reply.json()["id"]
            self.books.holds.add(name)
            self.books.held.append(held)
            self.baskets.append(Basket(name, goods, location, quantity, held, short))
        elif reply.status == 409:
            self.books.refused += 1

    async def end_hold(self, act: Act) -> None:
        """Paid for and handed over, given up, or forgotten until it expires."""
        basket = self._take(self.baskets)
        if basket is None:
            return
        if basket.short and act.dice < 0.5:
            return  # its customer closed the browser
        collected = act.dice > 0.75
        if collected:
            await self._end(basket, "confirm")
        elif basket.goods.sku not in FLASH and basket.location in STORES and act.dice > 0.6:
            return await self._place(basket.goods, basket.location, basket.quantity, act.dice < 0.7, hold=basket)
        await self._end(basket, "collect" if collected else "release")

    async def _end(self, basket: Basket, how: str) -> None:
        if how == "release":
            basket.held.until = min(basket.held.until, self.clock.monotonic())
        reply = await self.doors.tell("shop", f"/v1/reservations/{basket.id}/{how}", None, fine=(409,))
        if how == "confirm" and reply.status == 200:
            basket.held.until = float("inf")

    # ------------------------------------------------------------ pickups

    async def pickup(self, act: Act) -> None:
        """Placed at once, or for an order that the web shop took: its webhook and this call race."""
        location = STORES[int(act.dice * 100) % 2]
        if act.dice < 0.5:
            return await self._place(act.goods, location, act.quantity, act.dice < 0.35)
        place = PLACE_OF[WEBSHOP][location]
        reply = await self.doors.visit(
            WEBSHOP, "/_sim/buy", {"sku": act.goods.sku, "quantity": act.quantity, "place": place, "pickup": True}
        )
        if reply.status != 200:
            self.books.refused_buyers[WEBSHOP] += 1
            return
        reference = str(reply.json()["reference"])
        self.books.buy(WEBSHOP, act.goods.sku, act.quantity, act.goods.parts)
        self.books.fetched.add((WEBSHOP, reference))
        await self._place(act.goods, location, act.quantity, True, reference=reference)

    async def _place(
        self, goods: Goods, location: str, quantity: int, paid: bool,
        *, hold: Basket | None = None, reference: str | None = None,
    ) -> None:  # fmt: skip
        body: dict[str, Any] = {
            "location": location,
            "paid": paid,
            "customer": {"name": self.chance.choice(NAMES)},
            "lines": [{"sku": goods.sku, "quantity": quantity}],
        }
        if hold is not None:
            body["reservation"] = hold.id
        if reference is not None:
            body |= {"channel": WEBSHOP, "reference": reference}
        reply = await self.doors.tell("shop", "/v1/pickups", body, fine=(409,))
        if reply.status == 201:
            placed = reply.json()
            self.books.holds.add(placed["reservation"])
            self.pickups.append(Waiting(placed["id"], placed["code"], goods.sku, quantity, location, paid))
        elif reply.status == 409:
            self.books.refused += 1

    async def desk(self, act: Act) -> None:
        """Staff takes the next step with a pickup; some customers never come."""
        waiting = self._take(self.pickups)
        if waiting is None:
            return
        if waiting.state == "ready" and act.dice < 0.2:
            return
        path = f"/v1/pickups/{waiting.id}"
        if waiting.state == "placed" and act.dice < 0.08:
            reply = await self.doors.tell("shop", f"{path}/cancel", {"reason": "Kundin hat abgesagt"}, fine=(409,))
            self.books.pickups["cancelled"] += reply.status == 200
            return
        step, body, state = _STEPS[waiting.state]
        reply = await self.doors.tell("shop", f"{path}/{step}", body(waiting), fine=(409,))
        if reply.status != 200:
            return
        waiting.state = state
        if state != "collected":
            self.pickups.append(waiting)
            return
        self.books.pickups["collected"] += 1
        if not waiting.paid and waiting.location == "linden":
            await self._ring_up(waiting)

    async def _ring_up(self, waiting: Waiting) -> None:
        """What is paid for at the counter stands on a receipt as well; omnisync must count the piece once."""
        body = {"sku": waiting.sku, "quantity": waiting.quantity, "place": PLACE_OF[TILL]["linden"]}
        reply = await self.doors.visit(TILL, "/_sim/buy", body)
        if reply.status == 200:
            self.books.buy(TILL, waiting.sku, waiting.quantity)

    # ------------------------------------------------------------ merchants

    async def send(self, act: Act) -> None:
        order = self._take(self.orders)
        if order is not None and await self._act(order, "ship"):
            self.sent.append(order)

    async def cancel(self, act: Act) -> None:
        order = self._take(self.orders)
        if order is not None and await self._act(order, "cancel"):
            self.books.cancel(order.channel, order.goods.sku, order.quantity, order.goods.parts)

    async def refund(self, act: Act) -> None:
        order = self._take(self.sent)
        if order is None or order.channel == TILL:
            return
        if order.channel == SQUARE:
            body = {"order": order.order, "sku": order.sku, "quantity": 1, "restock": False}
            await self.doors.visit(SQUARE, "/_sim/refund", body)
        else:
            await self._act(order, "refund")

    async def take_back(self, act: Act) -> None:
        order = self._take(self.sent)
        if order is None:
            return
        if order.channel == TILL:
            body = {"sku": order.sku, "place": order.place, "quantity": 1}
            await self.doors.visit(TILL, "/_sim/return", body)
        elif order.channel == SQUARE:
            body = {"order": order.order, "sku": order.sku, "quantity": 1, "restock": True}
            await self.doors.visit(SQUARE, "/_sim/refund", body)
        elif order.channel == WEBSHOP:
            await self._act(order, "return")

    async def _act(self, order: Bought, action: str) -> bool:
        if order.channel == EBAY:
            reply = await self.doors.visit(EBAY, f"/_sim/orders/{order.order}", {"action": action})
        else:
            reply = await self.doors.visit(WEBSHOP, "/_sim/act", {"order": order.order, "action": action})
        return reply.status == 200

    async def edit(self, act: Act) -> None:
        """Somebody makes a number larger by hand. While webhooks are lost nobody could know before the next read-back."""
        location = "markt" if act.dice < 0.5 else act.location
        if self.losing(WEBSHOP) or act.goods.parts:
            return
        body = {"sku": act.goods.sku, "place": PLACE_OF[WEBSHOP].get(location), "by": 3}
        await self.doors.visit(WEBSHOP, "/_sim/edit", body)

    # ------------------------------------------------------------ staff

    async def count(self, act: Act) -> None:
        """A shelf is counted; now and then a piece is not there."""
        if act.goods.parts:
            return
        level = await self.doors.ask("ops", "/v1/stock", sku=act.goods.sku, location=act.location)
        if level["items"]:
            missing = 1 if act.dice < 0.2 else 0
            await self._move("count", act.goods, act.location, max(0, level["items"][0]["on_hand"] - missing))

    async def delivery(self, act: Act) -> None:
        if not act.goods.parts:
            await self._move("received", act.goods, act.location, act.quantity)

    async def _move(self, kind: str, goods: Goods, location: str, quantity: int) -> None:
        key = f"demo-{kind}-{self.chance.getrandbits(60):x}"
        line = {
            "key": key, "kind": kind, "sku": goods.sku, "location": location, "quantity": quantity,
            "occurred_at": format_time(self.clock.now()),
        }  # fmt: skip
        await self.doors.tell("ops", "/v1/stock/movements", {"movements": [line]})

    async def price(self, act: Act) -> None:
        """Up or down by a tenth at most, never below what the article may cost."""
        minor = round(act.goods.price.minor * (0.9 + act.dice / 5))
        wish = {"kind": "base", "sku": act.goods.sku, "amount_minor": minor, "currency": act.goods.price.currency}
        await self.doors.tell("ops", "/v1/prices", {"prices": [wish]}, method="PUT")

    def _take(self, things: list[Any]) -> Any:
        """One of them by chance, no longer in the list; None when there is none."""
        if not things:
            return None
        index = self.chance.randrange(len(things))
        things[index], things[-1] = things[-1], things[index]
        return things.pop()


_STEPS: Mapping[str, tuple[str, Callable[[Waiting], Any], str]] = {
    "placed": ("pick", lambda waiting: {}, "picking"),
    "picking": ("ready", lambda waiting: {"shelf": "A1"}, "ready"),
    "ready": ("collect", lambda waiting: {"code": waiting.code, "age_checked": True}, "collected"),
}
_ACTS: Mapping[Do, Callable[[People, Act], Awaitable[None]]] = {
    Do.BUY: People.buy,
    Do.RUSH: People.rush,
    Do.HOLD: People.hold,
    Do.END_HOLD: People.end_hold,
    Do.FLASH: People.flash,
    Do.PICKUP: People.pickup,
    Do.DESK: People.desk,
    Do.SEND: People.send,
    Do.CANCEL: People.cancel,
    Do.REFUND: People.refund,
    Do.TAKE_BACK: People.take_back,
    Do.COUNT: People.count,
    Do.DELIVERY: People.delivery,
    Do.EDIT: People.edit,
    Do.PRICE: People.price,
}
