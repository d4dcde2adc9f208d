"""A simulated Square account: its stock follows its orders, and its tills have buyers of their own."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from omnisync.clock import Clock, Ids
from omnisync.demo.faults import Faults, Purchase, SoldOut
from omnisync.demo.outbox import Outbox
from omnisync.demo.square.catalogue import Catalogue
from omnisync.demo.square.events import TOPICS, Events
from omnisync.demo.square.orderbook import OrderBook
from omnisync.demo.square.paging import stamp
from omnisync.demo.square.problems import Problem, required
from omnisync.demo.square.seed import Seed
from omnisync.demo.square.stockbook import APPLICATION, IN_STOCK, POINT_OF_SALE, Entry, StockBook

RECIPIENT = {"display_name": "Erika Muster", "phone_number": "+49301234567", "email_address": "erika@example.org"}


class Account:
    """Everything one access token sees."""

    def __init__(
        self, seed: Seed, clock: Clock, ids: Ids, *, faults: Faults | None = None, outbox: Outbox | None = None
    ):
        self.seed, self.clock, self.ids = seed, clock, ids
        self.faults, self.outbox = faults or Faults(), outbox
        self.places = [location.id for location in seed.locations]
        self.currency = seed.listings[0].currency if seed.listings else "EUR"
        self.catalogue = Catalogue(clock, seed.listings)
        self.orderbook = OrderBook(clock, ids, self.catalogue, self.places, self.currency)
        self.stock = StockBook(clock, ids, self.catalogue.variations, self.places)
        self.events = Events(clock, ids, seed.merchant_id, outbox)
        self._answers: dict[str, tuple[Any, dict[str, Any]]] = {}
        for listing in seed.listings:
            for place, quantity in listing.quantities.items():
                self._record(_count(self.catalogue.by_sku[listing.sku], place, quantity, clock.now()), POINT_OF_SALE)
        if seed.webhook:
            wish = {"name": "omnisync", "event_types": TOPICS, "notification_url": seed.webhook.url}
            self.events.subscribe(wish, secret=seed.webhook.secret)

    def parts(self) -> Mapping[str, object]:
        """Whatever holds something that it must not forget."""
        parts = {"catalogue": self.catalogue, "orderbook": self.orderbook, "stock": self.stock, "events": self.events}
        return {"account": self, **parts}

    def tools(self) -> Mapping[str, object]:
        """What was handed in."""
        return {"clock": self.clock, "ids": self.ids, "faults": self.faults, "outbox": self.outbox}

    def once(self, body: Mapping[str, Any], do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The same idempotency key gives the same answer; with another body it is refused."""
        key = str(required(dict(body), "idempotency_key"))
        if key in self._answers:
            first, answer = self._answers[key]
            if first != body:
                raise Problem("IDEMPOTENCY_KEY_REUSED", "This key came with another body.", field="idempotency_key")
            return copy.deepcopy(answer)
        answer = do()
        self._answers[key] = (copy.deepcopy(dict(body)), copy.deepcopy(answer))
        return answer

    # ------------------------------------------------------------ what applications do

    def change_inventory(self, changes: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Counts and adjustments of an application: all of them or none."""
        self.stock.check(changes)
        made = [entry for change in changes if (entry := self.stock.record(change, APPLICATION))]
        self._tell_counts(made)
        shelves = {_shelf(change) for change in changes}
        counts = [count for _, count in self.stock.counts(shelves)]
        return {"counts": counts, "changes": [entry.change for entry in made]}

    def create_order(
        self, wish: Mapping[str, Any], *, at: datetime | None = None, source: str = "Simulated"
    ) -> dict[str, Any]:
        order = self.orderbook.create(wish, at=at, source=source)
        self._tell_order("order.created", order)
        return order

    def pay_order(self, order: dict[str, Any], kind: str, *, at: datetime | None = None) -> str:
        """Square lowers its stock when an order is completed."""
        payment_id = self.orderbook.pay(order, kind, at=at)
        self._after(order, at)
        return payment_id

    def update_order(self, order: dict[str, Any], wish: Mapping[str, Any]) -> None:
        moves = self.orderbook.update(order, wish)
        self._after(order, None)
        if moves:
            thing = {**_brief(order), "fulfillment_update": moves}
            self.events.tell("order.fulfillment.updated", "order_fulfillment_updated", order["id"], thing)

    def upsert(self, batches: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Batches of catalogue objects; the answer is a refusal only when nothing at all was written."""
        written, errors = self.catalogue.upsert(batches)
        if errors and not written:
            problem = Problem(errors[0]["code"], errors[0]["detail"])
            problem.error = errors[0]
            raise problem
        if written:
            self.events.tell(
                "catalog.version.updated", "catalog_version", self.ids.new(), {"updated_at": written[-1]["updated_at"]}
            )
        answer = {"objects": written, "updated_at": stamp(self.clock.now())}
        return {**answer, "errors": errors} if errors else answer

    # ------------------------------------------------------------ what people do

    def buy(self, purchase: Purchase) -> dict[str, Any]:
        """A sale over the counter of one store, or an order to be picked up there."""
        variation = self.catalogue.variation_of(purchase.sku)["id"]
        place = self._place_for(variation, purchase)
        line = {"catalog_object_id": variation, "quantity": str(purchase.quantity)}
        order = self.sell(place, [line], pickup=purchase.pickup, reference=purchase.reference)
        return {"order": order["id"], "place": place, "total_minor": order["total_money"]["amount"]}

    def sell(
        self,
        place: str,
        lines: Sequence[Mapping[str, Any]],
        *,
        pickup: bool = False,
        reference: str | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """Ring it up and take the money; `at` is earlier when the till had no network then."""
        wish: dict[str, Any] = {
            "location_id": place,
            "line_items": [dict(line) for line in lines],
            "reference_id": reference,
        }
        if pickup:
            wish["fulfillments"] = [
                {"type": "PICKUP", "pickup_details": {"recipient": RECIPIENT, "schedule_type": "ASAP"}}
            ]
        order = self.create_order(wish, at=at, source="Square Online" if pickup else "Square Point of Sale")
        self.pay_order(order, "CARD" if pickup else "CASH", at=at)
        return order

    def refund(
        self, order_id: str, pieces: Mapping[str, int], *, restock: bool, place: str | None = None
    ) -> dict[str, Any]:
        """Take goods back at the till: an order of returns, and the shelf only when the cashier says restock."""
        sale = self.orderbook.find(order_id)
        place = place or sale["location_id"]
        now = stamp(self.clock.now())
        lines = [_return_line(line, pieces[line["uid"]]) for line in sale["line_items"] if line["uid"] in pieces]
        amount = {"amount": sum(line["total_money"]["amount"] for line in lines), "currency": self.currency}
        back: dict[str, Any] = {
            "id": self.ids.new(),
            "location_id": place,
            "source": {"name": "Square Point of Sale"},
            "returns": [{"uid": self.ids.new(), "source_order_id": sale["id"], "return_line_items": lines}],
            "created_at": now,
            "updated_at": now,
            "closed_at": now,
            "state": "COMPLETED",
            "version": 1,
        }
        payment_id = sale["tenders"][0]["payment_id"]
        refund = {
            "id": f"{payment_id}_{self.ids.new()}",
            "location_id": place,
            "transaction_id": sale["id"],
            "tender_id": payment_id,
            "created_at": now,
            "reason": "Returned goods",
            "amount_money": amount,
            "status": "APPROVED",
        }
        back["refunds"] = [refund]
        sale.setdefault("refunds", []).append(refund)
        self.orderbook.orders[back["id"]] = back
        self.orderbook.touch(sale)
        if restock:
            moves = {"transaction_id": back["id"], "refund_id": refund["id"]}
            made = [
                self._record(
                    _move(line["catalog_object_id"], place, int(line["quantity"]), "SOLD", IN_STOCK, now, **moves),
                    POINT_OF_SALE,
                )
                for line in lines
                if line.get("catalog_object_id")
            ]
            self._tell_counts(made)
        self._tell_order("order.created", back)
        self._tell_order("order.updated", sale)
        told = {
            "id": refund["id"],
            "location_id": place,
            "order_id": back["id"],
            "payment_id": payment_id,
            "status": "COMPLETED",
        }
        self.events.tell(
            "refund.created",
            "refund",
            refund["id"],
            {**told, "amount_money": amount, "created_at": now, "updated_at": now},
        )
        return back

    def count(self, sku: str, place: str, quantity: int) -> None:
        """Somebody counts a shelf in the Square app."""
        change = _count(self.catalogue.variation_of(sku)["id"], place, quantity, self.clock.now())
        self._tell_counts([self._record(change, POINT_OF_SALE)])

    def adjust(self, sku: str, place: str, quantity: int, origin: str, end: str) -> None:
        """Somebody books goods in or out in the Square app."""
        object_id = self.catalogue.variation_of(sku)["id"]
        move = _move(object_id, place, quantity, origin, end, stamp(self.clock.now()))
        self._tell_counts([self._record(move, POINT_OF_SALE)])

    def state(self) -> dict[str, Any]:
        """What buyers can still buy: what is there, less what open pickups will take."""
        promised = self._promised()
        levels = [
            {
                "sku": variation["item_variation_data"]["sku"],
                "place": place,
                "quantity": self.stock.level((object_id, place)) - promised.get((object_id, place), 0),
                "on_hand": self.stock.level((object_id, place)),
                "price_minor": variation["item_variation_data"]["price_money"]["amount"],
            }
            for object_id, variation in self.catalogue.variations.items()
            for place in self.places
        ]
        waiting = 0 if self.outbox is None else len(self.outbox)
        return {"levels": levels, "orders": len(self.orderbook.orders), "webhooks_waiting": waiting}

    def shown(self, sku: str) -> dict[str | None, int]:
        """What buyers can still buy of one article, by place."""
        object_id, promised = self.catalogue.variation_of(sku)["id"], self._promised()
        return {
            place: self.stock.level((object_id, place)) - promised.get((object_id, place), 0) for place in self.places
        }

    # ------------------------------------------------------------ consequences

    def _after(self, order: dict[str, Any], at: datetime | None) -> None:
        if order["state"] == "COMPLETED":
            moment = stamp(at or self.clock.now())
            made = [
                self._record(
                    _move(
                        line["catalog_object_id"],
                        order["location_id"],
                        int(line["quantity"]),
                        IN_STOCK,
                        "SOLD",
                        moment,
                        transaction_id=order["id"],
                    ),
                    POINT_OF_SALE,
                )
                for line in order["line_items"]
                if self._tracks(line.get("catalog_object_id"))
            ]
            self._tell_counts(made)
        self._tell_order("order.updated", order)

    def _tracks(self, object_id: str | None) -> bool:
        variation = self.catalogue.variations.get(object_id or "")
        return variation is not None and bool(variation["item_variation_data"]["track_inventory"])

    def _place_for(self, variation: str, purchase: Purchase) -> str:
        promised = self._promised()
        for place in [purchase.place] if purchase.place else self.places:
            if self.stock.level((variation, place)) - promised.get((variation, place), 0) >= purchase.quantity:
                return place
        raise SoldOut(f"Square does not offer {purchase.quantity} of {purchase.sku} any more")

    def _promised(self) -> dict[tuple[str, str], int]:
        promised: dict[tuple[str, str], int] = {}
        for order in self.orderbook.orders.values():
            if order["state"] != "OPEN" or not order.get("fulfillments"):
                continue
            for line in order["line_items"]:
                shelf = (line.get("catalog_object_id", ""), order["location_id"])
                promised[shelf] = promised.get(shelf, 0) + int(line["quantity"])
        return promised

    def _record(self, change: dict[str, Any], source: dict[str, Any]) -> Entry:
        entry = self.stock.record(change, source)
        assert entry is not None, "only an application's repeated count is ignored"
        return entry

    def _tell_counts(self, entries: Sequence[Entry]) -> None:
        shelves = {_shelf(entry.change) for entry in entries}
        counts = [count for _, count in self.stock.counts(shelves)]
        if counts:
            self.events.tell("inventory.count.updated", "inventory_counts", self.ids.new(), counts)

    def _tell_order(self, topic: str, order: dict[str, Any]) -> None:
        self.events.tell(topic, topic.replace(".", "_"), order["id"], _brief(order))


def _brief(order: dict[str, Any]) -> dict[str, Any]:
    names = ("location_id", "state", "version", "created_at", "updated_at")
    return {"order_id": order["id"], **{name: order[name] for name in names if name in order}}


def _return_line(line: dict[str, Any], pieces: int) -> dict[str, Any]:
    amount = {**line["base_price_money"], "amount": line["base_price_money"]["amount"] * pieces}
    kept = ("name", "catalog_object_id", "catalog_version", "variation_name", "item_type", "base_price_money")
    return {
        "uid": f"{line['uid']}-R",
        "source_line_item_uid": line["uid"],
        "quantity": str(pieces),
        **{name: line[name] for name in kept if name in line},
        "gross_return_money": amount,
        "total_money": amount,
    }


def _shelf(change: dict[str, Any]) -> tuple[str, str]:
    body = change.get("physical_count") or change["adjustment"]
    return body["catalog_object_id"], body["location_id"]


def _count(object_id: str, place: str, quantity: int, at: datetime) -> dict[str, Any]:
    body = {"catalog_object_id": object_id, "location_id": place, "state": IN_STOCK, "quantity": str(quantity)}
    return {"type": "PHYSICAL_COUNT", "physical_count": {**body, "occurred_at": stamp(at)}}


def _move(object_id: str, place: str, quantity: int, origin: str, end: str, at: str, **cause: str) -> dict[str, Any]:
    body = {"catalog_object_id": object_id, "location_id": place, "from_state": origin, "to_state": end}
    return {"type": "ADJUSTMENT", "adjustment": {**body, "quantity": str(quantity), "occurred_at": at, **cause}}
