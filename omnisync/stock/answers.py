"""What the stock endpoints answer."""

from __future__ import annotations

from pydantic import Field

from omnisync import problems
from omnisync.contract import Answer, Empty, Page, Pieces, Place, Says, Sku, Time, says
from omnisync.values import Kind


class StockLevel(Answer):
    """What is on one shelf."""

    sku: Sku
    location: Place
    on_hand: int = Field(description="Below zero when more was sold than was known to be there.", examples=[9])
    reserved: Pieces
    blocked: Pieces = Field(examples=[0])
    safety: Pieces = Field(examples=[1])
    incoming: int = Field(examples=[5])
    due_at: Time | None = Field(
        description="When the next of what is incoming is expected; null: nobody said.",
        examples=["2026-12-01T00:00:00Z"],
    )
    backorder: Pieces = Field(description="What may be promised beyond what is there.", examples=[5])
    off_sale: bool = Field(description="Not found when picked; nothing of it is promised until somebody counts it.")
    available: Pieces = Field(examples=[6])


class StockPage(Page):
    """What is on each shelf."""

    items: list[StockLevel]


class Movement(Answer):
    """One line of the journal."""

    id: int = Field(examples=[4711])
    kind: Kind = Field(examples=["sold"])
    sku: Sku
    location: Place
    quantity: int = Field(examples=[1])
    changes: dict[str, int] = Field(description="What it changed, and by how much.", examples=[{"on_hand": -1}])
    cause: str = Field(examples=["kasse:4711/1"])
    promise: Empty[str]
    reason: Empty[str]
    due_at: Empty[Time]
    occurred_at: Time
    recorded_at: Time = Field(examples=["2026-11-21T10:00:02Z"])


class MovementPage(Page):
    """The journal, oldest first."""

    items: list[Movement]


class Recorded(Answer):
    """One movement that was said; a duplicate was known already and changed nothing."""

    key: str = Field(examples=["delivery-77/1"])
    duplicate: bool


class MovementsRecorded(Answer):
    """The movements in the order in which they were sent."""

    movements: list[Recorded]


class Safety(Answer):
    """How many pieces of a shelf are never promised."""

    sku: Sku
    location: Place
    safety: Pieces


class SafetySet(Answer):
    """What was set."""

    lines: list[Safety]


class Backorder(Answer):
    """How far an article may be promised beyond what is there."""

    sku: Sku
    backorder: str = Field(examples=["2026-12-01"])


class BackorderSet(Answer):
    """What was set."""

    lines: list[Backorder]


class Shortage(Answer):
    """Promised pieces that are not there."""

    id: int = Field(examples=[12])
    sku: Sku
    location: Place
    quantity: Pieces = Field(examples=[1])
    cause: str = Field(examples=["kasse:4711/1"])
    opened_at: Time
    accepted_at: Empty[Time]
    accepted_by: Empty[str]


class StockError(Answer):
    """A shelf below zero."""

    sku: Sku
    location: Place
    on_hand: int = Field(examples=[-1])


class ShortagePage(Page):
    """Promises that facts have made impossible, and shelves that are below zero."""

    items: list[Shortage]
    stock_errors: list[StockError]


_ACCEPTED = {"accepted_at": "2026-11-21T10:05:00Z", "accepted_by": "ops"}
SAYS: dict[str, Says] = {
    "listStock": says(StockPage, *problems.ASKED),
    "listMovements": says(MovementPage, *problems.ASKED),
    "recordMovements": says(MovementsRecorded, *problems.TOLD),
    "setSafety": says(SafetySet, *problems.TOLD),
    "setBackorder": says(BackorderSet, *problems.TOLD),
    "listShortages": says(ShortagePage, *problems.ASKED),
    "acceptShortage": says(Shortage, *problems.TOLD, "not-found", example=_ACCEPTED),
}
