"""Cost points: what an operation asks for, and the leaky bucket it is paid from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

from omnisync.clock import Clock

MUTATION = 10
MOST_PER_OPERATION = 1000


def requested(document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """Points asked for: an object 1, a mutation 10, a connection 2 and its nodes as often as `first` says."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    total = 0
    for operation in (one for one in document.definitions if isinstance(one, OperationDefinitionNode)):
        extra = MUTATION if operation.operation is OperationType.MUTATION else 0
        total += extra + _selections(operation.selection_set, variables, fragments)
    return total


def actual(data: Any) -> int:
    """Points used: the objects that were answered."""
    if isinstance(data, Mapping):
        return 1 + sum(actual(value) for value in data.values())
    return sum(actual(value) for value in data) if isinstance(data, list) else 0


def _selections(
    selections: SelectionSetNode | None,
    variables: Mapping[str, Any],
    fragments: Mapping[str, FragmentDefinitionNode],
) -> int:
    total = 0
    for one in selections.selections if selections else ():
        if isinstance(one, FieldNode):
            total += _field(one, variables, fragments)
        elif isinstance(one, FragmentSpreadNode):
            total += _selections(fragments[one.name.value].selection_set, variables, fragments)
        else:
            total += _selections(getattr(one, "selection_set", None), variables, fragments)
    return total


def _field(one: FieldNode, variables: Mapping[str, Any], fragments: Mapping[str, FragmentDefinitionNode]) -> int:
    if one.selection_set is None or one.name.value == "pageInfo":
        return 0
    inside = _selections(one.selection_set, variables, fragments)
    first = _number(one, "first", variables)
    if first is not None:
        return 2 + first * max(inside, 1)
    ids = next((len(variables.get("ids") or ()) for argument in one.arguments or () if argument.name.value == "ids"), 1)
    return ids * (1 + inside)


def _number(one: FieldNode, name: str, variables: Mapping[str, Any]) -> int | None:
    for argument in one.arguments or ():
        if argument.name.value == name:
            value = argument.value
            if isinstance(value, IntValueNode):
                return int(value.value)
            if isinstance(value, VariableNode):
                return int(variables.get(value.name.value) or 0)
    return None


class Bucket:
    """The shop's points: refilled each second up to its size."""

    def __init__(self, clock: Clock, *, size: float = 2000.0, per_second: float = 100.0) -> None:
        self._clock, self.size, self.per_second = clock, size, per_second
        self._points, self._at = size, clock.monotonic()

    def points(self) -> float:
        """What is in it now."""
        at = self._clock.monotonic()
        self._points, self._at = min(self.size, self._points + (at - self._at) * self.per_second), at
        return self._points

    def pay(self, cost: float) -> None:
        """Take out what was used."""
        self._points = self.points() - cost

    def status(self, available: float | None = None) -> dict[str, float]:
        """As Shopify tells it with each answer."""
        return {
            "maximumAvailable": self.size,
            "currentlyAvailable": int(self.points() if available is None else available),
            "restoreRate": self.per_second,
        }
