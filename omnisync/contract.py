"""What an endpoint answers, as data for `/openapi.json`: the models describe answers, and no answer is made from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

from omnisync import problems

Says = dict[int | str, dict[str, Any]]
"""The `responses` of one operation."""
EXAMPLE_ID = "01KAE1V2ZB7M7Q8C3J5D9F6G4H"
Shown = TypeVar("Shown")

Sku = Annotated[str, Field(examples=["JACKE-NORDWIND-42"])]
Place = Annotated[str, Field(description="The code of a location.", examples=["linden"])]
Name = Annotated[str, Field(description="The name of a channel.", examples=["webshop"])]
Id = Annotated[str, Field(examples=[EXAMPLE_ID])]
Time = Annotated[datetime, Field(examples=["2026-11-21T10:00:00Z"])]
Pieces = Annotated[int, Field(ge=0, examples=[2])]
Minor = Annotated[int, Field(description="Integer minor units: cents.", examples=[4245])]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", examples=["EUR"])]
Empty = Annotated[Shown | None, Field(examples=[None])]
"""A field that the example shows as null."""


class Answer(BaseModel):
    """What an answer holds; it may grow by more fields."""


class Page(Answer):
    """One page of a list; `next_cursor` leads on to the next, and is null on the last."""

    next_cursor: Empty[str]


def says(model: type[Answer], *codes: str, status: int = 200, example: Mapping[str, Any] | None = None) -> Says:
    """This model, with an example made of its fields' own (and these changes), or one of these problems."""
    content = {"application/json": {"example": example_of(model) | dict(example or {})}}
    described = {"model": model, "description": (model.__doc__ or "").splitlines()[0], "content": content}
    return {status: described, **problems.responses(codes)}


def text(media_type: str, description: str, example: str) -> Says:
    """Text of that media type."""
    content = {media_type: {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": description, "content": content}}


def example_of(model: type[Answer]) -> dict[str, Any]:
    """An object that this model describes, made of the examples of its fields."""
    schema = model.model_json_schema(mode="serialization")
    example: dict[str, Any] = _example(schema, schema.get("$defs", {}))
    return example


def _example(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Any:
    match schema:
        case {"examples": [first, *_]} | {"enum": [first, *_]} | {"const": first}:
            return first
        case {"$ref": str(reference)}:
            return _example(known[reference.rpartition("/")[2]], known)
        case {"anyOf": [first, *_]}:
            return _example(first, known)
        case {"properties": dict(fields)}:
            return {name: _example(field, known) for name, field in fields.items()}
        case {"type": "array", "items": items}:
            return [_example(items, known)]
    return {"boolean": False, "integer": 0, "number": 0.0, "object": {}}.get(str(schema.get("type")), "")
