"""What the stock endpoints answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from omnisync import problems
from omnisync.contract import Answer, Currency, Empty, Id, Name, Page, Pieces, Place, Says, Sku, Time, says
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


class Blocked(Answer):
    """Pieces that are there and not for sale."""

    sku: Sku
    location: Place
    reason: str = Field(description="to_be_checked, display, on_loan or damaged.", examples=["to_be_checked"])
    quantity: Pieces


class BlockedPage(Page):
    """What is there and not for sale, by location, SKU and reason."""

    items: list[Blocked]


class Return(Answer):
    """Goods that came back, and what they are worth."""

    id: int = Field(examples=[31])
    state: Literal["to_be_checked", "decided", "duplicate"]
    sku: Sku
    location: Place
    quantity: Pieces = Field(examples=[1])
    channel: Name
    order: str | None = Field(description="Its reference, where it is known.", examples=["#1001"])
    counter: bool = Field(description="Somebody took it back over a counter.")
    came_at: Time
    decided_at: Empty[Time]
    decided_by: Empty[str]
    sellable: Pieces = Field(examples=[0])
    b_ware: Pieces = Field(examples=[0])
    b_ware_sku: Empty[Sku]
    scrap: Pieces = Field(examples=[0])


class ReturnPage(Page):
    """Goods that came back, oldest first."""

    items: list[Return]


class Stocktake(Answer):
    """Everything at one location is counted."""

    id: Id
    state: Literal["open", "booked", "abandoned"]
    location: Place
    opened_at: Time = Field(description="The cut-off.")
    opened_by: str = Field(examples=["ops"])
    ended_at: Empty[Time]
    ended_by: Empty[str]


class StocktakePage(Page):
    """Stocktakes, oldest first."""

    items: list[Stocktake]


class Worth(Answer):
    """An amount; what is missing is below zero."""

    currency: Currency
    minor: int = Field(examples=[-6240])


class StocktakeSummary(Stocktake):
    """How far a stocktake is, and what it changes."""

    lines: Pieces = Field(examples=[812])
    counted: Pieces = Field(examples=[640])
    different: Pieces = Field(examples=[9])
    missing: Pieces = Field(description="Pieces.", examples=[11])
    found: Pieces = Field(description="Pieces.", examples=[4])
    value: list[Worth] = Field(description="All differences at cost, by currency.")
    without_cost: Pieces = Field(description="Differences whose cost nobody knows.", examples=[1])


class StocktakeLine(Answer):
    """One SKU of a stocktake."""

    sku: Sku
    expected: int | None = Field(
        description="When it was counted, else at the cut-off; null to staff who have not counted it.", examples=[8]
    )
    counted: Pieces | None = Field(examples=[7])
    counted_at: Time | None
    counted_by: str | None = Field(examples=["Anna"])
    difference: int | None = Field(examples=[-1])
    value_minor: int | None = Field(description="The difference at cost.", examples=[-3120])
    currency: Currency | None


class StocktakeLines(Answer):
    """What was just counted, and what was expected of it."""

    items: list[StocktakeLine]


class StocktakeLinePage(Page):
    """The cut-off list by SKU."""

    items: list[StocktakeLine]


class Recount(Answer):
    """A shelf that somebody should count again."""

    sku: Sku
    location: Place
    reasons: list[Literal["not_found", "stock_error", "late_facts", "large_difference"]]


class RecountPage(Page):
    """Shelves to count again, by location and SKU."""

    items: list[Recount]


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


SAYS: dict[str, Says] = {
    "listStock": says(StockPage, *problems.ASKED),
    "listBlocked": says(BlockedPage, *problems.ASKED),
    "listMovements": says(MovementPage, *problems.ASKED, "archived"),
    "recordMovements": says(MovementsRecorded, *problems.TOLD, "idempotency-key-reused"),
    "setSafety": says(SafetySet, *problems.TOLD),
    "setBackorder": says(BackorderSet, *problems.TOLD),
}
_DECIDED = {"state": "decided", "decided_at": "2026-11-21T10:05:00Z", "decided_by": "Anna", "sellable": 1}
RETURNS: dict[str, Says] = {
    "listReturns": says(ReturnPage, *problems.ASKED),
    "decideReturn": says(Return, *problems.ONCE, "not-found", "already-decided", example=_DECIDED),
}
_BOOKED = {"state": "booked", "ended_at": "2026-11-21T19:40:00Z", "ended_by": "ops"}
STOCKTAKES: dict[str, Says] = {
    "openStocktake": says(StocktakeSummary, *problems.TOLD, "stocktake-open", status=201),
    "listStocktakes": says(StocktakePage, *problems.ASKED),
    "getStocktake": says(StocktakeSummary, *problems.ASKED, "not-found"),
    "listStocktakeLines": says(StocktakeLinePage, *problems.ASKED, "not-found"),
    "countStocktake": says(StocktakeLines, *problems.TOLD, "not-found", "already-ended"),
    "bookStocktake": says(StocktakeSummary, *problems.TOLD, "not-found", "already-ended", example=_BOOKED),
    "abandonStocktake": says(
        StocktakeSummary, *problems.TOLD, "not-found", "already-ended", example=_BOOKED | {"state": "abandoned"}
    ),
    "listRecounts": says(RecountPage, *problems.ASKED),
}
