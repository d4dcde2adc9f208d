"""What the endpoints answer that tell what is unclear about a channel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from omnisync import problems
from omnisync.contract import Answer, Id, Name, Page, Pieces, Says, Sku, Time, says
from omnisync.sync import questions


class Proposal(Answer):
    """An article that it may be."""

    sku: Sku
    title: str = Field(examples=["Jacke Nordwind, 42"])
    why: Literal["sku", "barcode", "title"] = Field(description="What of it is alike.")


class Question(Answer):
    """Something that is unclear about what a channel means."""

    id: Id
    channel: Name
    kind: questions.Kind = Field(examples=["unknown_article"])
    about: str = Field(
        description="What the channel calls the article or place; of two listings their SKU.",
        examples=["gid://shopify/ProductVariant/1"],
    )
    title: str = Field(examples=["Jacke Nordwind, 42"])
    named: str | None = Field(description="The SKU that the channel says.", examples=["jacke nordwind 42"])
    barcode: str | None = Field(examples=["4006381333931"])
    sku: Sku | None = Field(description="The article that it is here now.", examples=[None])
    listings: list[str] = Field(examples=[["gid://shopify/ProductVariant/1"]])
    waiting: Pieces = Field(description="Facts and order lines that are booked when it is answered.", examples=[1])
    since: Time | None
    proposals: list[Proposal]
    answers: list[str] = Field(description="What may be said.", examples=[["sku", "keep"]])


class QuestionPage(Page):
    """What is unclear, by channel and kind; `counts` says how much of each kind there is."""

    items: list[Question]
    counts: dict[questions.Kind, Pieces] = Field(
        examples=[{"changed_barcode": 0, "two_listings": 0, "unknown_article": 1, "unmapped_place": 0}]
    )


class Answered(Answer):
    """How much that had waited was booked."""

    released: Pieces = Field(examples=[1])


MAPPINGS: dict[str, Says] = {
    "listQuestions": says(QuestionPage, *problems.ASKED, "not-found"),
    "answerQuestion": says(Answered, *problems.TOLD, "not-found"),
}
