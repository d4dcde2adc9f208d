"""What the endpoints of reservations and pickups answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from omnisync import problems
from omnisync.contract import (
    Answer,
    Currency,
    Empty,
    Id,
    Minor,
    Name,
    Page,
    Pieces,
    Place,
    Says,
    Sku,
    Time,
    says,
)
from omnisync.orders.breaking import Who
from omnisync.orders.shortages import Action
from omnisync.orders.states import State
from omnisync.orders.tasks import Job


class ReservationLine(Answer):
    """Pieces at one location that were asked for, and what became of them; what is neither held nor collected was given back."""

    sku: Sku
    location: Place
    quantity: Pieces
    held: Pieces = Field(description="Still held now.")
    collected: Pieces | None = Field(
        description="Null where it ended in a month that has left the journal.", examples=[0]
    )


class Reservation(Answer):
    """A hold on stock; equal lines are one."""

    id: Id
    state: Literal["held", "confirmed", "collected", "released", "expired"]
    expires_at: Time | None = Field(
        description="Null where nothing expires any more.", examples=["2026-11-21T10:15:00Z"]
    )
    reference: str | None = Field(examples=["cart-4711"])
    channel: Name | None
    lines: list[ReservationLine]


class Due(Answer):
    """What is to be paid at the till; null: not known."""

    amount_minor: Minor | None = Field(examples=[8490])
    currency: Currency | None


class PickupLine(Answer):
    """So many pieces of one SKU, and how far they are."""

    sku: Sku
    title: str | None = Field(examples=["Jacke Nordwind, 42"])
    quantity: Pieces
    picked: Pieces = Field(examples=[0])
    coming: Pieces = Field(description="On their way from another location.", examples=[0])
    rejected: Pieces = Field(examples=[0])
    collected: Pieces = Field(examples=[0])
    price_minor: Minor | None
    currency: Currency | None


class Agreed(Answer):
    """How the customer said yes to going to another store, when, and to whom."""

    how: Literal["phone", "mail", "in_store", "online"]
    at: Time
    by: str = Field(examples=["Anna"])


class Accepted(Answer):
    """Who picks it, and since when."""

    at: Time
    by: str = Field(examples=["Anna"])


class Pickup(Answer):
    """A click-and-collect order as it stands."""

    id: Id
    number: str = Field(description="Public: on the list, the bag and the slip.", examples=["L-1042"])
    state: State
    overdue: bool
    paid: bool
    location: Place
    channel: Name | None
    reference: str | None = Field(examples=["#1001"])
    shelf: Empty[str]
    note: str
    gift: bool
    placed_at: Time
    ready_by: Time = Field(examples=["2026-11-21T12:00:00Z"])
    collect_by: Time = Field(examples=["2026-11-25T18:00:00Z"])
    ready_at: Empty[Time]
    ended_at: Empty[Time]
    collected_how: Empty[str]
    handed_over_by: Empty[str]
    agreed: Empty[Agreed]
    accept_by: Empty[Time]
    accepted: Empty[Accepted]
    reservation: str | None = Field(examples=["01KAE1V2ZC0K8S3V6X1R4T7Y2B"])
    due: Due
    lines: list[PickupLine]


class PickupPlaced(Pickup):
    """A new pickup with the code that opens it: the customer's secret, told here only."""

    code: str = Field(examples=["K7Q4-X9RT"])


class Customer(Answer):
    """Who will come."""

    name: str = Field(examples=["Anna Schubert"])
    email: str | None = Field(examples=["anna@example.org"])
    phone: Empty[str]
    language: str = Field(examples=["de"])


class PickupWithCustomer(Pickup):
    """A pickup and who will come for it."""

    customer: Customer


class PickupPage(Page):
    """Pickups in the order in which they are due."""

    items: list[PickupWithCustomer]


class HandedOver(Answer):
    """A piece that was handed over and not rung up."""

    sku: Sku
    location: Place
    pickup: Id
    at: Time


class HandedOverPage(Page):
    """Pieces that were handed over and not rung up."""

    items: list[HandedOver]


class Task(Answer):
    """Something to do in a store."""

    id: Id
    kind: Job
    location: Place
    sku: Empty[Sku]
    pickup: str | None = Field(examples=["01KAE1V2ZC0K8S3V6X1R4T7Y2B"])
    shelf: str | None = Field(examples=["12"])
    quantity: Empty[Pieces]
    created_at: Time
    done_at: Empty[Time]
    done_by: Empty[str]


class TransferLine(Answer):
    """One SKU of a transfer, and how far it is."""

    sku: Sku
    quantity: Pieces
    sent: Pieces = Field(examples=[1])
    called_off: Pieces = Field(description="Given back where it lay, before anybody sent it.", examples=[0])
    received: Pieces = Field(examples=[1])
    lost: Pieces = Field(examples=[0])


class Transfer(Answer):
    """Goods that go from one location to another: promised there until they are sent, awaited here until they are received."""

    id: Id
    state: Literal["asked", "in_transit", "received", "called_off"]
    from_location: Place = Field(examples=["lager"])
    to_location: Place = Field(examples=["linden"])
    pickup: str | None = Field(examples=["01KAE1V2ZC0K8S3V6X1R4T7Y2B"])
    asked_at: Time
    sent_at: Time | None = Field(description="Null while all of it still lies where it is to come from.")
    due_at: Time = Field(examples=["2026-11-24T11:30:00Z"])
    received_at: Empty[Time]
    received_by: Empty[str]
    lines: list[TransferLine]


class TransferPage(Page):
    """What is to be sent or on its way, oldest first."""

    items: list[Transfer]


class ParcelLine(Answer):
    """Pieces of the shelf that go into a parcel."""

    sku: Sku
    quantity: Pieces


class Parcel(Answer):
    """What of a paid order one location sends. The label, and the word to the buyer, are the channel's."""

    order: str = Field(examples=["webshop:1001"])
    channel: Name
    reference: str = Field(examples=["#1001"])
    location: Place
    placed_at: Time
    sent_at: Time | None = Field(description="Null while it is still to be sent.", examples=[None])
    lines: list[ParcelLine]


class ParcelPage(Page):
    """What is to be sent, the oldest order first."""

    items: list[Parcel]


class Pause(Answer):
    """A store that takes no new pickups for a while."""

    location: Place
    since: Time
    until: Time = Field(examples=["2026-11-21T16:00:00Z"])
    by: str = Field(examples=["Anna"])


class Pauses(Answer):
    """The stores that take no new pickups now."""

    items: list[Pause]


class Tasks(Page):
    """What is to do, oldest first."""

    items: list[Task]


class LackingLine(Answer):
    """Pieces that a pickup lacks."""

    sku: Sku
    quantity: Pieces = Field(examples=[1])


class Broken(Answer):
    """A promise that cannot be kept, and what to do about it."""

    kind: Who
    id: str = Field(description="Of the pickup, transfer, order or reservation.", examples=["webshop:1001"])
    reference: str | None = Field(examples=["#1001"])
    paid: bool
    placed_at: Time
    quantity: Pieces = Field(description="Pieces of it that are not there.", examples=[1])
    action: Action = Field(examples=["other_store"])
    location: Place | None = Field(description="Who has them.", examples=["markt"])
    lines: list[LackingLine] | None = Field(description="What the pickup or transfer gives up here.")


class Shortage(Answer):
    """Promised pieces that are not there: whose they are, and what is proposed."""

    id: int = Field(examples=[12])
    sku: Sku
    location: Place
    quantity: Pieces = Field(examples=[1])
    cause: str = Field(examples=["kasse:4711/1"])
    opened_at: Time
    closed_at: Empty[Time]
    accepted_at: Empty[Time]
    accepted_by: Empty[str]
    promises: list[Broken] = Field(description="Unpaid before paid, the newest first; never what is packed.")
    proposal: str = Field(description="Names exactly this: who accepts sends it back.", examples=["6f3a0f2c9b1d4e57"])


class Lacking(Answer):
    """An open pickup that lacks pieces which were not found, damaged, lost, or could not be sent."""

    pickup: Id
    number: str = Field(examples=["L-1042"])
    location: Place
    from_location: Place | None = Field(description="Who could send all of them.", examples=["markt"])
    lines: list[LackingLine]


class StockError(Answer):
    """A shelf below zero."""

    sku: Sku
    location: Place
    on_hand: int = Field(examples=[-1])


class ShortagePage(Page):
    """Promises that facts have made impossible, pickups that lack pieces, and shelves that are below zero."""

    items: list[Shortage]
    lacking: list[Lacking]
    lacking_total: int = Field(description="All of them, also those that are not listed.", examples=[1])
    stock_errors: list[StockError]
    stock_errors_total: int = Field(description="All of them, also those that are not listed.", examples=[1])


_SHELVED = {"state": "ready", "shelf": "12", "ready_at": "2026-11-21T11:20:00Z"}
_HANDED = {
    **_SHELVED, "state": "collected", "ended_at": "2026-11-21T15:02:00Z", "collected_how": "code", "handed_over_by": "Anna",
}  # fmt: skip
_ENDED = ("already-collected", "already-released", "already-expired")
_END = (*problems.ONCE, "not-found", "reservation-taken", *_ENDED)
_STEP = (*problems.ONCE, "not-found", "wrong-state")
_GUESS = ("wrong-code", "too-many-tries")

RESERVATIONS: dict[str, Says] = {
    "placeReservation": says(
        Reservation, *problems.ONCE, "out-of-stock", "hold-too-large", "too-many-holds", status=201
    ),
    "getReservation": says(Reservation, *problems.ASKED, "not-found"),
    "confirmReservation": says(Reservation, *_END, example={"state": "confirmed", "expires_at": None}),
    "releaseReservation": says(Reservation, *_END, example={"state": "released"}),
    "collectReservation": says(Reservation, *_END, example={"state": "collected"}),
}
PICKUPS: dict[str, Says] = {
    "placePickup": says(
        PickupPlaced, *problems.ONCE, "out-of-stock", "hold-too-large", "too-many-holds", "no-pickup", "never-open",
        "reservation-taken", "reservation-mismatch", *_ENDED, status=201,
    ),
    "listPickups": says(PickupPage, *problems.ASKED),
    "listNotRungUp": says(HandedOverPage, *problems.ASKED),
    "getPickup": says(PickupWithCustomer, *problems.ASKED, "not-found"),
    "lookupPickup": says(PickupWithCustomer, *problems.TOLD, *_GUESS, example=_SHELVED),
    "pickPickup": says(Pickup, *_STEP, example={"state": "picking"}),
    "readyPickup": says(Pickup, *_STEP, "goods-coming", example=_SHELVED),
    "collectPickup": says(Pickup, *_STEP, *_GUESS, "reservation-taken", "age-unchecked", example=_HANDED),
    "rejectPickup": says(Pickup, *_STEP, "reservation-taken", example={"state": "picking"}),
    "cancelPickup": says(Pickup, *_STEP, "reservation-taken", example={"state": "cancelled", "ended_at": "2026-11-21T15:02:00Z"}),
    "extendPickup": says(Pickup, *_STEP, example=_SHELVED | {"collect_by": "2026-12-05T12:00:00Z"}),
    "transferPickup": says(
        Pickup, *_STEP, "goods-coming", "out-of-stock", "no-pickup", "never-open", "reservation-taken", example={"location": "markt"}
    ),
    "listTasks": says(Tasks, *problems.ASKED),
    "finishTask": says(
        Task, *problems.TOLD, "not-found", "already-done", example={"done_at": "2026-11-21T15:02:00Z", "done_by": "Anna"}
    ),
}  # fmt: skip
PARCELS: dict[str, Says] = {
    "listParcels": says(ParcelPage, *problems.ASKED),
    "sendParcel": says(
        Parcel, *problems.ONCE, "not-found", "already-done", "split-set", example={"sent_at": "2026-11-21T15:02:00Z"}
    ),
    "takeBackParcel": says(Parcel, *problems.ONCE, "not-found", "unsend-over"),
}
_RESUMED: Says = {204: {"description": "Pickups are taken again."}}
PAUSES: dict[str, Says] = {
    "listPauses": says(Pauses, *problems.ASKED),
    "pausePickups": says(Pause, *problems.TOLD),
    "resumePickups": _RESUMED | problems.responses((*problems.ASKED, "not-found")),
}
_ASKED = {"state": "asked", "pickup": None, "sent_at": None}
TRANSFERS: dict[str, Says] = {
    "listTransfers": says(TransferPage, *problems.ASKED),
    "askTransfer": says(Transfer, *problems.ONCE, "out-of-stock", "never-open", status=201, example=_ASKED),
    "sendTransfer": says(Transfer, *problems.ONCE, "not-found", "already-sent", example={"state": "in_transit"}),
    "callOffTransfer": says(
        Transfer, *problems.ONCE, "not-found", "already-sent", "for-pickup", example=_ASKED | {"state": "called_off"}
    ),
    "receiveTransfer": says(Transfer, *problems.ONCE, "not-found", "already-received"),
    "cannotSendTransfer": says(Transfer, *problems.ONCE, "not-found", example={"state": "called_off"}),
}
_ACCEPTED = {"accepted_at": "2026-11-21T10:05:00Z", "accepted_by": "ops"}
SHORTAGES: dict[str, Says] = {
    "listShortages": says(ShortagePage, *problems.ASKED),
    "acceptShortage": says(
        Shortage, *problems.TOLD, "not-found", "already-closed", "proposal-changed", "never-open", example=_ACCEPTED
    ),
}
