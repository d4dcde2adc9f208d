"""Everybody outside: buyers, shoppers with baskets, customers who collect, tills, staff, and the hooks that channels send."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from omnisync.adapters.base import Hook, OrderSeen
from omnisync.errors import Refused, TryLater
from omnisync.sim.books import Promise, pieces_at
from omnisync.sim.run import Run
from omnisync.sim.shop import Shop
from omnisync.sim.town import COUNTED, FREE, LINDEN, MARKT, SET, STORES, TILL
from omnisync.stock import ledger
from omnisync.stock.idempotency import Answer
from omnisync.sync import cases
from omnisync.values import Kind, Shelf, parse_time

BERLIN = ZoneInfo("Europe/Berlin")
CLIENT_TIMEOUT_SECONDS = 30.0
HOOK_TRIES_SECONDS = (0, 60, 300, 1800, 7200)


async def live(run: Run) -> None:
    """Hours of business: something happens, and then for a while nothing."""
    chance, ends = run.weather.chance("people"), run.loop.time() + run.hours * 3600
    kinds, weights = list(_HAPPENS), list(_HAPPENS.values())
    while run.loop.time() < ends and not run.violations:
        [happens] = chance.choices(kinds, weights)
        happens(run, chance)
        _send_hooks(run, chance)
        await run.clock.sleep(_gap(run, chance))


def _gap(run: Run, chance: random.Random) -> float:
    """Seconds until something else happens: now and then at once, by night after a long while."""
    if chance.random() < 0.4:
        return chance.uniform(0, 2)
    is_day = 8 <= run.clock.true().astimezone(BERLIN).hour < 21
    return chance.expovariate(1 / (900 if is_day else 3600))


# ---------------------------------------------------------------- webhooks


def _send_hooks(run: Run, chance: random.Random) -> None:
    for shop in run.shops.values():
        while shop.hooks:
            hook = shop.hooks.pop(0)
            if run.weather.strikes("hook lost"):
                run.say(f"{shop.name} hook {hook.headers['x-event']} is lost")
                continue
            for _ in range(2 if run.weather.strikes("hook doubled") else 1):
                run.send(_deliver(run, shop, hook, random.Random(chance.getrandbits(64))))


async def _deliver(run: Run, shop: Shop, hook: Hook, chance: random.Random) -> None:
    """A channel tries for some hours to be heard."""
    if run.weather.strikes("hook delayed"):
        await run.wait(60, 4 * 3600, chance)
    else:
        await run.wait(0.1, 3, chance)
    for pause in HOOK_TRIES_SECONDS:
        await run.wait(pause, pause, chance)
        if not run.servers:
            continue
        task = chance.choice(run.servers).hear(shop.name, hook)
        await asyncio.wait([task], timeout=CLIENT_TIMEOUT_SECONDS)
        if not task.done() or task.cancelled():
            continue
        assert task.result().status == 200
        run.say(f"{shop.name} hook {hook.headers['x-event']} is heard")
        run.books.messages.append((shop.name, hook.headers["x-event"], hashlib.sha256(hook.body).hexdigest()))
        if not run.weather.strikes("hook unanswered"):
            return


# ---------------------------------------------------------------- at the channels


def _buy(run: Run, chance: random.Random) -> None:
    shop = run.shops[chance.choice([name for name in run.shops if name != TILL])]
    place = chance.choice(list(shop.trade.places) or [""])
    skus = chance.sample(shop.trade.skus, chance.choice((1, 1, 1, 2)))
    wishes = [(sku, 1) for sku in skus if shop.offered(shop.spot(sku, place)) > 0]
    if wishes and chance.random() < 0.2:
        wishes[0] = (wishes[0][0], shop.offered(shop.spot(wishes[0][0], place)))
    if wishes:
        order = shop.buy(wishes, place)
        run.say(f"{shop.name} sells {wishes} at {place or 'home'} in {order.id}")
        if shop.trade.counter:
            for sku, quantity in wishes:
                run.books.move(shop.trade.places[place], sku, -quantity)


def _change_an_order(run: Run, chance: random.Random) -> None:
    """Most often it is sent."""
    orders = [(shop, order) for shop in run.shops.values() for order in shop.orders.values()]
    open_ones = [one for one in orders if _is_open(one[1]) and (one[0].name, one[1].reference) not in run.books.bound]
    if not open_ones:
        return
    shop, order = chance.choice(open_ones)
    if chance.random() < 0.3:
        shop.cancel(order)
        run.say(f"{shop.name} cancels {order.id}")
    else:
        shop.ship(order)
        run.say(f"{shop.name} ships {order.id}")
        for line in order.lines:
            left = line.quantity - line.cancelled - line.shipped
            run.books.move(shop.trade.places.get(line.place or "", LINDEN), str(line.article.sku), -left)


def _is_open(order: OrderSeen) -> bool:
    return not order.counter and any(line.quantity > line.cancelled + line.shipped for line in order.lines)


def _bring_back(run: Run, chance: random.Random) -> None:
    """Only what is never counted: of an order's snapshot nobody can tell whether a return in it came before a count."""
    sent = [
        (shop, order)
        for shop in run.shops.values()
        for order in shop.orders.values()
        if all(line.shipped and line.article.sku in FREE for line in order.lines)
    ]
    if not sent:
        return
    shop, order = chance.choice(sent)
    changed = shop.restock(order)
    run.say(f"{shop.name} takes {order.id} back")
    for before, after in zip(order.lines, changed.lines, strict=True):
        back = len(after.restocks) - len(before.restocks)
        run.books.move(shop.trade.places.get(after.place or "", LINDEN), str(after.article.sku), back)


def _edit(run: Run, chance: random.Random) -> None:
    if not run.weather.strikes("number edited"):
        return
    shop = run.shops[chance.choice([name for name in run.shops if name != TILL])]
    spot = chance.choice(sorted(shop.stock))
    number = chance.randrange(10)
    shop.edit(spot, number)
    run.say(f"{shop.name} is edited to show {number} of {spot}")


# ---------------------------------------------------------------- the till that owns its store


def _at_the_till(run: Run, chance: random.Random) -> None:
    if (shop := run.shops.get(TILL)) is None:
        return
    sku, late = chance.choice(shop.trade.skus), timedelta()
    if run.weather.strikes("receipts late"):
        late = timedelta(seconds=chance.uniform(60, 3 * 3600))
    there = run.books.on_hand[Shelf(MARKT, sku)]
    if sku in COUNTED and chance.random() < 0.2:
        shop.count(sku, max(0, there), "001", late=late)
        run.say(f"till counts {there} of {sku}")
        run.books.on_hand[Shelf(MARKT, sku)] = max(0, there)
    elif there <= 1 or chance.random() < 0.2:
        shop.deliver(sku, 4, "001", late=late)
        run.books.move(MARKT, sku, 4)
        run.say(f"till receives 4 of {sku}")
    else:
        shop.receipt(sku, 1, "001", late=late)
        run.books.move(MARKT, sku, -1)
        run.say(f"till sells {sku}")


# ---------------------------------------------------------------- clients


class Client:
    """Asks until it is answered, under one key for each thing it wants."""

    def __init__(self, run: Run, name: str, chance: random.Random) -> None:
        self.run, self.name, self.chance = run, name, chance
        self._asked = 0

    async def ask(self, path: str, **body: Any) -> Answer | Refused:
        """The answer, in the end; asked again it is the same, and for another body there is none."""
        self._asked += 1
        key = f"{self.name}-{self._asked}"
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
                await self.wait(5, CLIENT_TIMEOUT_SECONDS)
                continue
            task = self.chance.choice(self.run.servers).ask(path, key, body)
            await asyncio.wait([task], timeout=CLIENT_TIMEOUT_SECONDS)
            answered = task.done() and not task.cancelled() and not self.run.weather.strikes("response lost")
            if answered and not isinstance(task.exception(), TryLater):
                failure = task.exception()
                return failure if isinstance(failure, Refused) else task.result()
        return Refused("The run has ended.")


def _short(answer: Answer | Refused) -> str:
    if isinstance(answer, Refused):
        return answer.code
    told = orjson.loads(answer.body)
    return f"{answer.status} {told.get('state') or told.get('type', '').rpartition('/')[2]} {told.get('id', '')}"


def _shopper(run: Run, chance: random.Random) -> None:
    run.send(_shop(Client(run, f"shopper-{len(run.trace)}", random.Random(chance.getrandbits(64)))))


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
    _send_hooks(run, run.chance)
    return order


def _end_at_the_channel(run: Run, shop: Shop, order: OrderSeen, promise: Promise, chance: random.Random) -> None:
    """What becomes of the order becomes of its reservation."""
    promise.state, end = chance.choice((("collected", shop.ship), ("released", shop.cancel)))
    end(order)
    run.say(f"{shop.name} {order.id}: its basket is {promise.state}")
    if promise.state == "collected":
        for (location, sku), quantity in promise.pieces.items():
            run.books.move(location, sku, -quantity)
    _send_hooks(run, run.chance)


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


def _customer(run: Run, chance: random.Random) -> None:
    run.send(_collect(Client(run, f"customer-{len(run.trace)}", random.Random(chance.getrandbits(64)))))


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
    for verb, body in (("pick", {}), ("ready", {}), ("fetch", {"code": told["code"]})):
        await client.wait(60, 6 * 3600)
        verb, body = ("cancel", {}) if chance.random() < 0.15 else (verb, body)
        if chance.random() < 0.1 or not await _step(client, promise, verb, body):
            return


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


# ---------------------------------------------------------------- staff


def _staff(run: Run, chance: random.Random) -> None:
    """Goods come to a store of the ledger's, or somebody counts a shelf there."""
    stores = [store for store in STORES if run.settings.location(store).stock_owner == "ledger"]
    location = chance.choice(stores)
    sku = chance.choice((*FREE, *COUNTED))
    shelf = Shelf(location, sku)
    now, key = run.clock.now(), f"staff-{len(run.trace)}"
    if sku in COUNTED and chance.random() < 0.5 and not {"clock ahead", "clock behind"} & run.weather.on:
        entry = ledger.Entry(Kind.COUNT, sku, location, max(0, run.books.on_hand[shelf]), key, now, key=key)
        run.books.on_hand[shelf] = entry.quantity
    else:
        entry = ledger.Entry(Kind.RECEIVED, sku, location, 3, key, now, key=key)
        run.books.move(location, sku, 3)
    run.say(f"staff: {entry.kind.value} {entry.quantity} of {sku} at {location}")
    run.send(_book(run, entry, random.Random(chance.getrandbits(64))))


async def _book(run: Run, entry: ledger.Entry, chance: random.Random) -> None:
    """Until it is answered; the key makes it one booking."""
    await _until_done(run, chance, lambda session: ledger.record(session, [entry], now=run.clock.now()))


def _person(run: Run, chance: random.Random) -> None:
    """Ops look at the cases that wait, and let them through."""
    run.send(_until_done(run, random.Random(chance.getrandbits(64)), lambda session: decide(run, session)))


def decide(run: Run, session: Any) -> None:
    """Apply whatever waits for a person."""
    for case in cases.list_open(session):
        if case.kind.startswith("blast"):
            cases.apply(session, case.id, by="ops", now=run.clock.now())


async def _until_done(run: Run, chance: random.Random, work: Callable[[Any], Any]) -> None:
    while not run.violations:
        await run.wait(0.1, 5, chance)
        if not run.servers:
            continue
        task = chance.choice(run.servers).write(work)
        await asyncio.wait([task], timeout=CLIENT_TIMEOUT_SECONDS)
        if task.done() and not task.cancelled():
            task.result()
            return


def _set_the_clock(run: Run, chance: random.Random) -> None:
    """Somebody, or a time server, sets the machine's clock."""
    if run.weather.strikes("clock ahead"):
        off = chance.uniform(1, 1800)
    elif run.weather.strikes("clock behind"):
        off = -chance.uniform(1, 300)
    else:
        return
    run.clock.set_off(off)
    run.say(f"the clock is {off:+.0f} s off")


_HAPPENS: Mapping[Callable[[Run, random.Random], None], int] = {
    _buy: 30,
    _change_an_order: 16,
    _bring_back: 3,
    _at_the_till: 16,
    _shopper: 14,
    _customer: 7,
    _staff: 8,
    _person: 3,
    _edit: 3,
    _set_the_clock: 2,
}
