"""The clients of our API: shoppers with baskets and customers who collect, who ask until they are answered."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson

from omnisync.adapters.base import OrderSeen
from omnisync.errors import Refused, TryLater
from omnisync.sim import hooks
from omnisync.sim.books import Promise, pieces_at
from omnisync.sim.shop import Shop
from omnisync.sim.town import FREE, SET, STORES
from omnisync.stock.idempotency import Answer
from omnisync.values import parse_time

if TYPE_CHECKING:
    from omnisync.sim.run import Run

BERLIN = ZoneInfo("Europe/Berlin")
TIMEOUT_SECONDS = 30.0


class Client:
    """Asks until it is answered. Its keys are those of a shop that has one for each basket: the same on every path."""

    def __init__(self, run: Run, name: str, chance: random.Random) -> None:
        self.run, self.name, self.chance = run, name, chance
        self._asked: Counter[str] = Counter()

    async def ask(self, path: str, **body: Any) -> Answer | Refused:
        """The answer, in the end; asked again it is the same, and for another body there is none."""
        self._asked[path] += 1
        key = f"{self.name}-{self._asked[path]}"
        answer = await self._answer(path, key, body)
        self.run.say(f"{self.name} {path}: {_short(answer)}")
        self.run.check(f"{self.name} {path}")
        if isinstance(answer, Answer) and self.chance.random() < 0.15:
            await self.wait(0, 60)
            again = await self._answer(path, key, body)
            if not isinstance(again, Answer) or (again.status, again.body) != (answer.status, answer.body):
                self.run.wrong(f"{path} under {key} was answered {_short(answer)}, and asked again {_short(again)}")
            other = await self._answer(path, key, {**body, "also": 1})
            if not isinstance(other, Refused) or other.code != "idempotency-key-reused":
                self.run.wrong(f"{path} under {key} with another body is answered {_short(other)}")
        return answer

    async def wait(self, least: float, most: float) -> None:
        await self.run.wait(least, most, self.chance)

    async def _answer(self, path: str, key: str, body: Mapping[str, Any]) -> Answer | Refused:
        while not self.run.violations:
            await self.wait(0.01, 0.5)
            if not self.run.servers or self.run.weather.strikes("request lost"):
                await self.wait(5, TIMEOUT_SECONDS)
                continue
            task = self.chance.choice(self.run.servers).ask(path, key, body)
            task.add_done_callback(heard)
            await asyncio.wait([task], timeout=TIMEOUT_SECONDS)
            answered = task.done() and not task.cancelled() and not self.run.weather.strikes("response lost")
            if answered and not isinstance(task.exception(), TryLater):
                failure = task.exception()
                return failure if isinstance(failure, Refused) else task.result()
        return Refused("The run has ended.")


def heard(task: asyncio.Task[Any]) -> None:
    """An answer that was lost on the way: nobody is left to read it."""
    _ = task.cancelled() or task.exception()


def _short(answer: Answer | Refused) -> str:
    if isinstance(answer, Refused):
        return answer.code
    told = orjson.loads(answer.body)
    return f"{answer.status} {told.get('state') or told.get('type', '').rpartition('/')[2]} {told.get('id', '')}"


def shopper(run: Run, chance: random.Random) -> None:
    """Somebody fills a basket."""
    run.send(_shop(Client(run, run.name("shopper"), random.Random(chance.getrandbits(64)))))


async def _shop(client: Client) -> None:
    """A basket: held, then paid, bought at a channel, given back or forgotten."""
    run, chance = client.run, client.chance
    location, skus = chance.choice(STORES), chance.sample((*FREE, SET), chance.choice((1, 1, 2)))
    wishes = {sku: chance.choice((1, 1, 2)) for sku in skus}
    seconds, channel, reference = chance.choice((30, 900, 3600)), _web(run), f"cart-{client.name}"
    lines = [(sku, location, quantity) for sku, quantity in wishes.items()]
    held = await client.ask("reservations", seconds=seconds, lines=lines, channel=channel, reference=reference)
    if not isinstance(held, Answer) or held.status != 201:
        return
    told = orjson.loads(held.body)
    promise = Promise(told["id"], pieces_at(location, wishes), parse_time(told["expires_at"]), "held", reference)
    run.books.holds[promise.id] = promise
    await client.wait(1, 2 * seconds)
    if chance.random() < 0.3:
        return
    if await _end(client, promise, chance.choice(("confirm", "confirm", "collect", "release"))) == "confirmed":
        promise.until = None
        await client.wait(10, 7200)
        if channel is not None and chance.random() < 0.6:
            order = _order_what_is_held(run, run.shops[channel], reference, wishes)
            await client.wait(10, 7200)
            if chance.random() < 0.5:
                _end_at_the_channel(run, run.shops[channel], order, promise, chance)
                return
        await _end(client, promise, chance.choice(("collect", "collect", "release")))


def _web(run: Run) -> str | None:
    return next((name for name in ("webshop", "auction", "sandbox") if name in run.shops), None)


def _order_what_is_held(run: Run, shop: Shop, reference: str, wishes: Mapping[str, int]) -> OrderSeen:
    """The buyer places the order for the basket: its pieces are promised already."""
    run.books.bound.add((shop.name, reference))
    order = shop.buy(list(wishes.items()), next(iter(shop.trade.places), ""), reference=reference)
    run.say(f"{shop.name} sells the basket {reference} in {order.id}")
    hooks.send(run, run.chance)
    return order


def _end_at_the_channel(run: Run, shop: Shop, order: OrderSeen, promise: Promise, chance: random.Random) -> None:
    """What becomes of the order becomes of its reservation."""
    promise.state, end = chance.choice((("collected", shop.ship), ("released", shop.cancel)))
    end(order)
    run.say(f"{shop.name} {order.id}: its basket is {promise.state}")
    if promise.state == "collected":
        for (location, sku), quantity in promise.pieces.items():
            run.books.move(location, sku, -quantity)
    hooks.send(run, run.chance)


async def _end(client: Client, promise: Promise, how: str) -> str:
    """What the client knows of its reservation now."""
    answer = await client.ask(f"reservations/{promise.id}/{how}")
    if isinstance(answer, Answer) and answer.status == 200:
        promise.state = orjson.loads(answer.body)["state"]
        if promise.state == "collected":
            for (location, sku), quantity in promise.pieces.items():
                client.run.books.move(location, sku, -quantity)
    elif isinstance(answer, Answer) and b"already-expired" in answer.body:
        if promise.until is None or promise.until > client.run.clock.latest:
            client.run.wrong(f"{promise.id} has expired before its time")
        promise.state = "expired"
    elif not client.run.violations:
        client.run.wrong(f"{how} of {promise.id}, which is {promise.state}, is answered {_short(answer)}")
    return promise.state


def customer(run: Run, chance: random.Random) -> None:
    """Somebody orders to collect."""
    run.send(_collect(Client(run, run.name("customer"), random.Random(chance.getrandbits(64)))))


async def _collect(client: Client) -> None:
    """A pickup: placed, packed, fetched, called off or left where it lies."""
    run, chance = client.run, client.chance
    location, paid = chance.choice(STORES), chance.random() < 0.5
    wishes = {chance.choice((*FREE, SET)): 1}
    placed = await client.ask("pickups", location=location, wishes=list(wishes.items()), paid=paid)
    if not isinstance(placed, Answer) or placed.status != 200:
        return
    told = orjson.loads(placed.body)
    until = None if paid else parse_time(told["collect_by"])
    promise = Promise(told["id"], pieces_at(location, wishes), until, "placed")
    run.books.pickups[promise.id] = promise
    for moment in (told["ready_by"], told["collect_by"]):
        _check_hours(run, promise, parse_time(moment))
    if chance.random() < 0.2:
        await _bring(client, promise.id, next(store for store in STORES if store != location), location, wishes)
    for verb, body in (("pick", {}), ("ready", {}), ("fetch", {"code": told["code"]})):
        await client.wait(60, 6 * 3600)
        verb, body = ("cancel", {}) if chance.random() < 0.15 else (verb, body)
        if chance.random() < 0.1 or not await _step(client, promise, verb, body):
            return


async def _bring(client: Client, pickup: str, source: str, target: str, wishes: Mapping[str, int]) -> None:
    """As much comes from the other store, or is lost on its way; what was called off with its pickup stays where it is."""
    books = client.run.books
    asked = await client.ask(f"pickups/{pickup}/bring", location=source)
    if not isinstance(asked, Answer) or asked.status != 200:
        return
    name = orjson.loads(asked.body)["id"]
    await client.wait(60, 3 * 3600)
    sent = await client.ask(f"transfers/{name}/send")
    if not isinstance(sent, Answer) or orjson.loads(sent.body)["state"] != "sent":
        return
    for sku, quantity in wishes.items():
        books.move(source, sku, -quantity)
    await client.wait(60, 3 * 3600)
    is_lost = client.chance.random() < 0.2
    came = await client.ask(f"transfers/{name}/take_in", lost=is_lost)
    for sku, quantity in wishes.items() if isinstance(came, Answer) and came.status == 200 and not is_lost else ():
        books.move(target, sku, quantity)


def _check_hours(run: Run, promise: Promise, moment: datetime) -> None:
    local = moment.astimezone(BERLIN).strftime("%H:%M")
    if not "09:30" <= local <= "19:00":
        run.wrong(
            f"pickup {promise.id} is promised for {moment.isoformat()}, {local} in its store, which is closed then"
        )


async def _step(client: Client, promise: Promise, verb: str, body: Mapping[str, Any]) -> bool:
    """Whether there is anything left to do."""
    answer = await client.ask(f"pickups/{promise.id}/{verb}", **body)
    run = client.run
    if isinstance(answer, Answer) and answer.status == 200:
        promise.state = orjson.loads(answer.body)["state"]
        if promise.state == "collected":
            for (location, sku), quantity in promise.pieces.items():
                run.books.move(location, sku, -quantity)
        return promise.state in ("picking", "ready")
    if promise.until is not None and promise.until <= run.clock.latest:
        return False
    if not run.violations:
        run.wrong(f"{verb} of pickup {promise.id}, which is {promise.state}, is answered {_short(answer)}")
    return False
