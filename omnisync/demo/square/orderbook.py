"""The simulated account's orders: open, paid, fulfilled step by step, closed."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from omnisync.clock import Clock, Ids
from omnisync.demo.square.catalogue import Catalogue
from omnisync.demo.square.paging import stamp
from omnisync.demo.square.problems import Problem, required

NEXT = {"PROPOSED": "RESERVED", "RESERVED": "PREPARED", "PREPARED": "COMPLETED"}
ENDED = frozenset({"COMPLETED", "CANCELED", "FAILED"})
EDITABLE = frozenset({"location_id", "version", "fulfillments", "state", "reference_id", "ticket_name"})
MARKS = {"RESERVED": "accepted_at", "PREPARED": "ready_at", "COMPLETED": "picked_up_at", "CANCELED": "canceled_at"}
KINDS = {"PICKUP": "pickup_details", "SHIPMENT": "shipment_details", "DELIVERY": "delivery_details"}


class OrderBook:
    """Orders by id. What closing an order means for the stock is the account's business."""

    def __init__(self, clock: Clock, ids: Ids, catalogue: Catalogue, places: Sequence[str], currency: str) -> None:
        self._clock, self._ids, self._catalogue = clock, ids, catalogue
        self._places, self._currency = frozenset(places), currency
        self.orders: dict[str, dict[str, Any]] = {}

    def find(self, order_id: str) -> dict[str, Any]:
        """A 404 in Square's shape when there is none."""
        if order_id not in self.orders:
            raise Problem("NOT_FOUND", f"Order not found for id {order_id}", status=404)
        return self.orders[order_id]

    def create(
        self, wish: Mapping[str, Any], *, at: datetime | None = None, source: str = "Simulated"
    ) -> dict[str, Any]:
        """An open, unpaid order."""
        if required(dict(wish), "location_id") not in self._places:
            raise Problem("NOT_FOUND", "The location was not found.", field="order.location_id", status=404)
        made_at = stamp(at or self._clock.now())
        order: dict[str, Any] = {
            "id": self._ids.new(),
            "location_id": wish["location_id"],
            "source": {"name": source},
            "line_items": [self._line(item) for item in required(dict(wish), "line_items")],
            "created_at": made_at,
            "updated_at": stamp(self._clock.now()),
            "state": wish.get("state") or "OPEN",
            "version": 1,
        }
        order |= {
            name: wish[name] for name in ("reference_id", "ticket_name", "customer_id", "metadata") if wish.get(name)
        }
        if wish.get("fulfillments"):
            order["fulfillments"] = [self._fulfillment(part) for part in wish["fulfillments"]]
        self._total(order)
        self.orders[order["id"]] = order
        return order

    def pay(self, order: dict[str, Any], kind: str, *, at: datetime | None = None) -> str:
        """Take the whole amount; an order without fulfilments is over with that. The payment's id."""
        if order["state"] != "OPEN" or order.get("tenders"):
            raise Problem("BAD_REQUEST", "The order is not open or already paid.", field="order_id")
        paid_at = stamp(at or self._clock.now())
        payment_id = self._ids.new()
        order["tenders"] = [
            {
                "id": payment_id,
                "location_id": order["location_id"],
                "transaction_id": order["id"],
                "created_at": paid_at,
                "amount_money": order["total_money"],
                "type": kind,
                "payment_id": payment_id,
            }
        ]
        order["net_amount_due_money"] = self._amount(0)
        if not order.get("fulfillments"):
            order |= {"state": "COMPLETED", "closed_at": paid_at}
        self.touch(order)
        return payment_id

    def update(self, order: dict[str, Any], wish: Mapping[str, Any]) -> list[dict[str, Any]]:
        """A sparse update for the version it names; the changes of fulfilment states."""
        if wish.get("version") != order["version"]:
            told = (
                f"Supplied version {wish.get('version')} does not match the current version {order['version']} of order"
            )
            raise Problem("VERSION_MISMATCH", f"{told} {order['id']}.", field="order.version")
        if order["state"] in ("COMPLETED", "CANCELED"):
            raise Problem("BAD_REQUEST", f"An order that is {order['state']} cannot be updated.", field="order.state")
        if unknown := sorted(set(wish) - EDITABLE):
            raise Problem("UNEXPECTED_VALUE", "This field cannot be changed here.", field=f"order.{unknown[0]}")
        new = copy.deepcopy(order)
        moves = [self._advance(new, part) for part in wish.get("fulfillments") or ()]
        new |= {name: wish[name] for name in ("reference_id", "ticket_name") if name in wish}
        if wish.get("state") == "CANCELED":
            self._cancel(new)
        order |= new
        self._close_if_done(order)
        self.touch(order)
        return [move for move in moves if move]

    def touch(self, order: dict[str, Any]) -> None:
        """Every committed change counts the version up."""
        order["version"] = order.get("version", 0) + 1
        order["updated_at"] = stamp(self._clock.now())

    # ------------------------------------------------------------ parts of an order

    def _line(self, item: Mapping[str, Any]) -> dict[str, Any]:
        line: dict[str, Any] = {"uid": item.get("uid") or self._ids.new(), "quantity": str(item.get("quantity", ""))}
        object_id = item.get("catalog_object_id")
        if object_id:
            variation = self._catalogue.variations.get(object_id)
            if variation is None:
                raise Problem(
                    "NOT_FOUND", f"Item variation {object_id} was not found.", field="order.line_items", status=404
                )
            data = variation["item_variation_data"]
            line |= {
                "catalog_object_id": object_id,
                "catalog_version": variation["version"],
                "name": self._catalogue.items[data["item_id"]]["item_data"]["name"],
                "variation_name": data["name"],
                "base_price_money": item.get("base_price_money") or data["price_money"],
            }
        else:
            line |= {"name": required(dict(item), "name"), "base_price_money": required(dict(item), "base_price_money")}
        line["item_type"] = item.get("item_type") or "ITEM"
        amount = self._amount(int(_pieces(line["quantity"]) * line["base_price_money"]["amount"]))
        return line | {"gross_sales_money": amount, "total_money": amount, "variation_total_price_money": amount}

    def _fulfillment(self, part: Mapping[str, Any]) -> dict[str, Any]:
        kind = part.get("type")
        if kind not in KINDS:
            raise Problem("INVALID_ENUM_VALUE", "Not a fulfillment type.", field="order.fulfillments")
        details = dict(part.get(KINDS[kind]) or {})
        if kind == "PICKUP":
            details |= {"placed_at": stamp(self._clock.now())}
        return {
            "uid": part.get("uid") or self._ids.new(),
            "type": kind,
            "state": part.get("state") or "PROPOSED",
            "line_item_application": "ALL",
            KINDS[kind]: details,
        }

    def _advance(self, order: dict[str, Any], wish: Mapping[str, Any]) -> dict[str, Any] | None:
        part = next((one for one in order.get("fulfillments") or () if one["uid"] == wish.get("uid")), None)
        if part is None:
            raise Problem("NOT_FOUND", "There is no such fulfillment.", field="order.fulfillments", status=404)
        old, new = part["state"], wish.get("state") or part["state"]
        part[KINDS[part["type"]]] |= wish.get(KINDS[part["type"]]) or {}
        if new == old:
            return None
        if old in ENDED or (new not in ("CANCELED", "FAILED") and NEXT.get(old) != new):
            raise Problem(
                "BAD_REQUEST", f"A fulfillment cannot go from {old} to {new}.", field="order.fulfillments.state"
            )
        if new == "COMPLETED" and not order.get("tenders"):
            raise Problem(
                "BAD_REQUEST", "The order must be paid before it can be completed.", field="order.fulfillments.state"
            )
        part["state"] = new
        if part["type"] == "PICKUP" and new in MARKS:
            part["pickup_details"][MARKS[new]] = stamp(self._clock.now())
        return {"fulfillment_uid": part["uid"], "old_state": old, "new_state": new}

    def _cancel(self, order: dict[str, Any]) -> None:
        if order.get("tenders") or any(
            part["state"] not in ("CANCELED", "FAILED") for part in order.get("fulfillments") or ()
        ):
            raise Problem("BAD_REQUEST", "Cancel all fulfillments and refund all payments first.", field="order.state")
        order |= {"state": "CANCELED", "closed_at": stamp(self._clock.now())}

    def _close_if_done(self, order: dict[str, Any]) -> None:
        parts = order.get("fulfillments") or ()
        over = bool(parts) and all(part["state"] in ENDED for part in parts)
        if order["state"] == "OPEN" and over and any(part["state"] == "COMPLETED" for part in parts):
            order |= {"state": "COMPLETED", "closed_at": stamp(self._clock.now())}

    def _total(self, order: dict[str, Any]) -> None:
        total = self._amount(sum(line["total_money"]["amount"] for line in order["line_items"]))
        zero = self._amount(0)
        order |= {"total_money": total, "net_amount_due_money": total}
        order |= {f"total_{name}_money": zero for name in ("tax", "discount", "tip", "service_charge")}

    def _amount(self, minor: int) -> dict[str, Any]:
        return {"amount": minor, "currency": self._currency}


def _pieces(text: str) -> Decimal:
    try:
        pieces = Decimal(text)
    except InvalidOperation:
        raise Problem("INVALID_VALUE", "Not a quantity.", field="order.line_items.quantity") from None
    if not pieces.is_finite() or pieces <= 0:
        raise Problem("INVALID_VALUE", "A quantity is above zero.", field="order.line_items.quantity")
    return pieces
