"""Everybody else outside: buyers at the channels, tills, and whoever sets the clock."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from omnisync.adapters.base import OrderSeen
from omnisync.sim import clients, hooks, staff
from omnisync.sim.town import COUNTED, FREE, LINDEN, MARKT, TILL
from omnisync.values import Shelf

if TYPE_CHECKING:
    from omnisync.sim.run import Run


async def live(run: Run) -> None:
    """Hours of business: something happens, and then for a while nothing."""
    chance, ends = run.weather.chance("people"), run.loop.time() + run.hours * 3600
    kinds, weights = list(_HAPPENS), list(_HAPPENS.values())
    while run.loop.time() < ends and not run.violations:
        [happens] = chance.choices(kinds, weights)
        happens(run, chance)
        hooks.send(run, chance)
        await run.clock.sleep(_gap(run, chance))


GAPS_SECONDS: Mapping[bool, tuple[int, int]] = {False: (900, 3600), True: (180, 600)}
"""How long on average until something else happens, by day and by night; on a busy day, or else."""


def _gap(run: Run, chance: random.Random) -> float:
    """Seconds until something else happens: now and then at once, by night after a long while."""
    if chance.random() < 0.4:
        return chance.uniform(0, 2)
    is_day = 8 <= run.clock.true().astimezone(clients.BERLIN).hour < 21
    by_day, by_night = GAPS_SECONDS[run.busy]
    return chance.expovariate(1 / (by_day if is_day else by_night))


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


def _give_money_back(run: Run, chance: random.Random) -> None:
    """For goods that were sent, and which the buyer keeps: no shelf and no offer changes. Only of what is never counted: a snapshot
    does not tell whether its parcel left before the count and its money later."""
    sent = [
        (shop, order)
        for shop in run.shops.values()
        for order in shop.orders.values()
        if all(line.shipped and line.article.sku not in COUNTED for line in order.lines)
        and any(line.cancelled < line.quantity for line in order.lines)
    ]
    if not sent:
        return
    shop, order = chance.choice(sent)
    shop.refund(order)
    run.say(f"{shop.name} gives money back for {order.id}")


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
    _give_money_back: 3,
    _at_the_till: 16,
    clients.shopper: 14,
    clients.customer: 7,
    staff.book_goods: 8,
    staff.take_stock: 2,
    staff.decide_cases: 3,
    _edit: 3,
    _set_the_clock: 2,
}
