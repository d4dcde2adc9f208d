"""The three state machines of an order: which action leads from where to where."""

from __future__ import annotations

from collections.abc import Mapping

from omnisync.demo.shopware.problems import Problem, problem

Machine = Mapping[str, tuple[frozenset[str], str]]


def _machine(rows: Mapping[str, tuple[str, str]]) -> Machine:
    return {action: (frozenset(before.split()), after) for action, (before, after) in rows.items()}


MACHINES: Mapping[str, Machine] = {
    "order": _machine(
        {
            "process": ("open", "in_progress"),
            "complete": ("in_progress", "completed"),
            "cancel": ("open in_progress", "cancelled"),
            "reopen": ("completed cancelled", "open"),
        }
    ),
    "order_delivery": _machine(
        {
            "ship": ("open shipped_partially", "shipped"),
            "ship_partially": ("open", "shipped_partially"),
            "retour": ("shipped shipped_partially returned_partially", "returned"),
            "retour_partially": ("shipped shipped_partially", "returned_partially"),
            "cancel": ("open shipped shipped_partially", "cancelled"),
            "reopen": ("cancelled", "open"),
        }
    ),
    "order_transaction": _machine(
        {
            "process": ("open", "in_progress"),
            "authorize": ("open in_progress", "authorized"),
            "paid": ("open in_progress authorized reminded failed", "paid"),
            "paid_partially": ("open in_progress", "paid_partially"),
            "remind": ("open paid_partially", "reminded"),
            "refund": ("paid paid_partially refunded_partially", "refunded"),
            "refund_partially": ("paid", "refunded_partially"),
            "fail": ("open in_progress", "failed"),
            "cancel": ("open in_progress authorized reminded paid", "cancelled"),
            "reopen": ("cancelled failed", "open"),
        }
    ),
}


def after(entity: str, state: str, action: str) -> str:
    """The next state; the same when it is there already. Problem when no way leads there."""
    machine = MACHINES[entity]
    if action in machine:
        before, found = machine[action]
        if state in before or state == found:
            return found
    raise _illegal(machine, state, action)


def _illegal(machine: Machine, state: str, action: str) -> Problem:
    possible = ", ".join(name for name, (before, _) in machine.items() if state in before)
    detail = f'Illegal transition "{action}" from state "{state}". Possible transitions are: {possible}'
    return problem(400, "SYSTEM__ILLEGAL_STATE_TRANSITION", "Bad Request", detail)
