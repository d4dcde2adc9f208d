"""What the pickup endpoints are sent, checked field by field."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator

from omnisync.http import Body, Code, LongText, Moment, Quantity, ShortText, Sku, Text
from omnisync.orders import placing
from omnisync.orders.customers import Person
from omnisync.orders.handing import ByCode, Reason, WithoutCode
from omnisync.orders.picking import Rejected, Why
from omnisync.values import Money

MAX_LINES = 100
Limit = Annotated[int, Field(ge=1, le=200)]


class WantedLine(Body):
    """So many pieces of one SKU, and what the customer pays for each."""

    sku: Sku = Field(examples=["JACKE-NORDWIND-42"])
    quantity: Quantity = Field(examples=[2])
    price_minor: Annotated[StrictInt, Field(ge=0, le=10**12)] | None = Field(default=None, examples=[4245])
    currency: Annotated[Text, Field(pattern="^[A-Z]{3}$")] | None = Field(default=None, examples=["EUR"])

    @model_validator(mode="after")
    def _price_is_whole(self) -> WantedLine:
        if (self.price_minor is None) != (self.currency is None):
            raise ValueError("price_minor and currency come together")
        return self

    def line(self) -> placing.Line:
        price = Money(self.price_minor, self.currency) if self.price_minor is not None and self.currency else None
        return placing.Line(self.sku, self.quantity, price)


class CustomerBody(Body):
    """Who will come."""

    name: Annotated[Text, Field(min_length=1, max_length=200)] = Field(examples=["Anna Schubert"])
    email: ShortText | None = Field(default=None, examples=["anna@example.org"])
    phone: ShortText | None = None
    language: Annotated[Text, Field(pattern="^[a-z]{2}(-[A-Z]{2})?$")] = "de"


class PickupBody(Body):
    """A click-and-collect order."""

    location: Code = Field(examples=["linden"])
    customer: CustomerBody
    lines: list[WantedLine] = Field(min_length=1, max_length=MAX_LINES)
    reference: ShortText | None = Field(default=None, examples=["#1001"])
    channel: Code | None = Field(default=None, examples=["webshop"])
    paid: StrictBool = False
    note: LongText = ""
    gift: StrictBool = False
    reservation: Code | None = Field(default=None, description="An earlier hold of the same key at the same location.")

    def wanted(self, owner: str) -> placing.Wanted:
        return placing.Wanted(
            location=self.location,
            customer=Person(self.customer.name, self.customer.email, self.customer.phone, self.customer.language),
            lines=tuple(line.line() for line in self.lines),
            reference=self.reference,
            channel=self.channel,
            paid=self.paid,
            note=self.note,
            gift=self.gift,
            reservation=self.reservation,
            owner=owner,
        )


class PartLine(Body):
    """Pieces of one SKU of the pickup."""

    sku: Sku
    quantity: Quantity


class PickedLine(Body):
    """How many pieces of one SKU lie in the bag so far."""

    sku: Sku
    quantity: Annotated[StrictInt, Field(ge=0)]


class PickBody(Body):
    """Without lines: packing has begun. With lines: what lies in the bag so far."""

    lines: list[PickedLine] | None = Field(default=None, max_length=MAX_LINES)

    def picked(self) -> dict[str, int] | None:
        return None if self.lines is None else {line.sku: line.quantity for line in self.lines}


class ReadyBody(Body):
    """Where the pickup waits for its customer."""

    shelf: Annotated[Text, Field(min_length=1, max_length=40)] = Field(examples=["12"])


class WithoutCodeBody(Body):
    """Who hands over without a code says why."""

    reason: Reason
    note: ShortText = ""


class CollectBody(Body):
    """The customer's code, or a reason; all that is open, or a part."""

    code: ShortText | None = Field(default=None, examples=["K7Q4-X9RT"])
    without_code: WithoutCodeBody | None = None
    lines: list[PartLine] | None = Field(default=None, min_length=1, max_length=MAX_LINES)
    rest: Literal["keep", "release"] = "keep"
    age_checked: StrictBool = Field(default=False, description="Needed where an article has a minimum age.")

    @model_validator(mode="after")
    def _one_proof(self) -> CollectBody:
        if (self.code is None) == (self.without_code is None):
            raise ValueError("either code or without_code")
        return self

    def part(self) -> dict[str, int] | None:
        """SKU -> pieces, equal lines as one; None: all that is open."""
        if self.lines is None:
            return None
        part: dict[str, int] = {}
        for line in self.lines:
            part[line.sku] = part.get(line.sku, 0) + line.quantity
        return part

    def proof(self) -> ByCode | WithoutCode:
        if self.without_code is not None:
            return WithoutCode(self.without_code.reason, self.without_code.note)
        return ByCode(self.code or "")


class RejectLine(Body):
    """Pieces that cannot be packed."""

    sku: Sku
    quantity: Quantity
    reason: Why


class RejectBody(Body):
    """What cannot be packed, and why."""

    lines: list[RejectLine] = Field(min_length=1, max_length=MAX_LINES)

    def rejected(self) -> list[Rejected]:
        return [Rejected(line.sku, line.quantity, line.reason) for line in self.lines]


class CancelBody(Body):
    """Why, if somebody wants to say."""

    reason: ShortText = ""


class ExtendBody(Body):
    """Until when it waits."""

    collect_by: Moment


class TransferBody(Body):
    """To where the customer goes, or from where the goods come."""

    location: Code = Field(examples=["markt"])
    kind: Literal["customer_goes", "goods_come"]
    agreed: Literal["phone", "mail", "in_store", "online"] | None = Field(
        default=None, description="How the customer said yes: needed where the customer is to go."
    )


class LookupBody(Body):
    """A code that somebody shows at the desk."""

    code: ShortText = Field(examples=["K7Q4-X9RT"])
