"""Which planted bug is found by what: the state machine of `properties/test_ledger_model`, a test that is named, or the simulation."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from omnisync.demo import plants
from omnisync.sim import run
from omnisync.stock.shelves import GuardBroken
from tests.planted import bugs
from tests.properties.test_ledger_model import play

ROOT = Path(__file__).parents[2]
ENVIRONMENT = "OMNISYNC_PLANTED"
EXAMPLES, STEPS = 100, 40
"""The budget of the state machine. Most of what it is asked to find it finds in its first ten; which those are moves with every rule
that is added to it, so that every bug has a test of its own as well."""
SEEDS, HOURS = 12, 5.0
"""The budget of the simulation."""
FIRST = {"echo": 20}
"""What shows in few lives is looked for from where it does."""
_NOT_A_FINDING = re.compile(r"^E +(TypeError|AttributeError|NameError|ImportError|fixture)", re.MULTILINE)


@dataclass(frozen=True)
class Planted:
    """A bug, and what finds it: the test that is named, the simulation, or else the state machine."""

    bug: Callable[[], None]
    test: str | None = None
    simulated: bool = False
    first: int = 0
    """The seed at which the simulation begins to look."""


LEDGER, HOLDS = "tests/stock/test_ledger.py", "tests/stock/test_reservations.py"
INTAKE, ASKED = "tests/orders/test_intake.py", "tests/orders/test_reservations_api.py"
RECONCILE, OLDER = "tests/sync/test_reconcile.py", "tests/sync/test_older_writes.py"
INBOX = "tests/sync/test_inbox.py"
PLANTED = {
    "guard": Planted(
        plants.PLANTS["guard"],
        f"{HOLDS}::test_of_many_callers_for_the_last_pieces_just_as_many_are_granted[sqlite]",
    ),
    "dedupe": Planted(
        plants.PLANTS["dedupe"], f"{INTAKE}::test_duplicates_and_older_versions_change_nothing[sqlite]"
    ),
    "binding": Planted(
        plants.PLANTS["binding"],
        f"{INTAKE}::test_an_order_and_its_hold_count_once_in_either_order_of_arrival[sqlite-True]",
    ),
    "echo": Planted(plants.PLANTS["echo"], f"{RECONCILE}::test_a_number_edited_at_the_channel_is_set_right[sqlite]"),
    "fact key dropped": Planted(bugs.forget_the_keys_of_facts, f"{LEDGER}::test_the_same_key_twice_is_one_movement_in_one_batch_and_in_two[sqlite]"),
    "late fact counted twice": Planted(bugs.count_late_facts_again, f"{LEDGER}::test_a_fact_from_before_the_count_is_already_in_it[sqlite]"),
    "count ignores later movements": Planted(bugs.count_over_later_movements, f"{LEDGER}::test_a_count_of_the_past_keeps_what_was_sold_after_it[sqlite]"),
    "release frees twice": Planted(bugs.release_twice, f"{HOLDS}::test_a_reserve_that_would_refuse_first_expires_overdue_holds[sqlite]"),
    "shortage not closed": Planted(bugs.leave_shortages_open, f"{LEDGER}::test_a_sale_of_promised_pieces_opens_a_shortage_that_closes_when_goods_are_found[sqlite]"),
    "unsorted locks": Planted(bugs.lock_as_they_come, "tests/properties/test_lock_order.py"),
    "safety ignored": Planted(bugs.promise_the_safety_stock, f"{HOLDS}::test_safety_and_blocked_pieces_are_not_promised[sqlite-safety]"),
    "blocked ignored": Planted(bugs.promise_what_is_blocked, f"{HOLDS}::test_safety_and_blocked_pieces_are_not_promised[sqlite-blocked]"),
    "off sale ignored": Planted(bugs.promise_what_is_off_sale, f"{LEDGER}::test_what_was_not_found_stays_off_sale_until_somebody_counts_it[sqlite]"),
    "basket granted in part": Planted(bugs.grant_a_part_of_a_basket, f"{HOLDS}::test_a_request_with_many_lines_is_granted_whole_or_not_at_all[sqlite]"),
    "expired hold confirmable": Planted(
        bugs.confirm_what_has_expired, f"{HOLDS}::test_a_hold_past_its_time_counts_as_expired_at_once[sqlite]"
    ),
    "expiry without state guard": Planted(bugs.expire_whatever_is_old, f"{HOLDS}::test_a_hold_that_was_confirmed_or_has_ended_no_longer_expires[sqlite]"),
    "part collect keeps the rest": Planted(bugs.keep_the_rest_of_a_part, f"{HOLDS}::test_a_part_is_collected_and_the_rest_given_back[sqlite]"),
    "hold taken over stays open": Planted(
        bugs.take_a_hold_twice, f"{HOLDS}::test_an_earlier_hold_is_taken_over_once_also_by_fewer_and_by_more_pieces[sqlite]"
    ),
    "hold taken by anybody": Planted(bugs.let_anybody_take_a_hold, f"{HOLDS}::test_a_hold_of_somebody_else_or_of_another_place_is_not_taken_over[sqlite]"),
    "hold of an order expires": Planted(bugs.expire_what_an_order_stands_on, f"{INTAKE}::test_a_hold_that_takes_over_an_order_does_not_expire[sqlite]"),
    "bundle not exploded in a hold": Planted(bugs.hold_sets_unopened, f"{HOLDS}::test_bundles_are_exploded_and_summed[sqlite]"),
    "bundle not exploded in an order": Planted(bugs.order_sets_unopened, f"{INTAKE}::test_a_bundle_promises_and_ships_its_components[sqlite]"),
    "refund that restocks": Planted(
        bugs.restock_with_the_refund, f"{INTAKE}::test_money_that_goes_back_for_what_was_sent_brings_no_goods[sqlite]"
    ),
    "restocked with every message": Planted(
        bugs.restock_each_time_it_is_told, f"{INTAKE}::test_a_refund_moves_no_stock_and_a_restock_returns_it_once[sqlite]"
    ),
    "older message wins": Planted(bugs.believe_older_messages, f"{INTAKE}::test_an_edited_order_follows_its_newest_quantity_up_and_down[sqlite]"),
    "cancelled line released twice": Planted(
        bugs.cancel_at_both_ends,
        f"{INTAKE}::test_a_cancelled_piece_is_given_back_by_the_order_before_its_hold[sqlite]",
    ),
    "shipped and still reserved": Planted(bugs.ship_without_the_promise, f"{INTAKE}::test_an_order_stands_as_reserved_until_it_is_sent[sqlite]"),
    "order bound to an expired hold": Planted(bugs.bind_orders_to_dead_holds, f"{INTAKE}::test_a_hold_past_its_time_covers_nothing_even_if_nobody_has_written_so_yet[sqlite]"),
    "transfer lost on its way": Planted(
        bugs.lose_a_transfer, "tests/orders/test_transfer.py::test_goods_may_come_in_parts_and_some_never[sqlite]"
    ),
    "return decided twice": Planted(
        bugs.decide_a_return_twice,
        "tests/stock/test_came_back.py::test_one_call_makes_it_sellable_b_ware_or_scrap_and_a_second_one_nothing[sqlite]",
    ),
    "stocktake booked as of now": Planted(
        bugs.book_a_stocktake_as_of_now,
        "tests/stock/test_stocktakes.py::test_counts_have_no_effect_until_all_are_booked_and_sales_in_between_stay_right[sqlite]",
    ),
    "packed bag breaks": Planted(
        bugs.break_what_is_packed,
        "tests/orders/test_shortages.py::test_every_promise_of_a_shelf_is_known_with_what_is_packed_of_it[sqlite]",
    ),
    "same key, another body": Planted(bugs.answer_any_body_with_the_first, f"{ASKED}::test_the_same_key_with_another_body_is_refused[sqlite]"),
    "answer not kept": Planted(bugs.keep_no_answers, f"{ASKED}::test_the_same_key_is_one_effect_and_one_answer[sqlite-False]"),
    "key scope without path": Planted(
        bugs.forget_the_path_of_a_key,
        f"{ASKED}::test_the_same_key_on_another_path_is_another_request[sqlite]",
    ),
    "one error fails its batch": Planted(
        bugs.fail_everybody_with_one, "tests/test_writer.py::test_an_error_reaches_only_its_cause[sqlite]"
    ),
    "acknowledged before stored": Planted(
        bugs.say_yes_before_it_is_stored, f"{INBOX}::test_a_message_is_stored_before_the_channel_hears_yes[sqlite]"
    ),
    "cursor moved before the commit": Planted(bugs.move_the_cursor_first, "tests/sync/test_polling.py::test_what_was_read_and_not_booked_is_read_again[sqlite-1]"),
    "one line fails its call": Planted(
        bugs.spoil_a_batch_with_one_line, f"{RECONCILE}::test_one_bad_line_of_250_stops_none_of_the_others[sqlite]"
    ),
    "push without version": Planted(
        bugs.let_older_answers_win, f"{OLDER}::test_an_older_write_that_is_answered_late_is_only_logged[sqlite]"
    ),
} | {
    f"{name} (state machine)": Planted(bug)
    for name, bug in {
        "guard": plants.PLANTS["guard"],
        "dedupe": plants.PLANTS["dedupe"],
        "binding": plants.PLANTS["binding"],
        "fact key dropped": bugs.forget_the_keys_of_facts,
        "late fact counted twice": bugs.count_late_facts_again,
        "count ignores later movements": bugs.count_over_later_movements,
        "release frees twice": bugs.release_twice,
        "shortage not closed": bugs.leave_shortages_open,
        "off sale ignored": bugs.promise_what_is_off_sale,
        "safety ignored": bugs.promise_the_safety_stock,
        "blocked ignored": bugs.promise_what_is_blocked,
        "hold taken over stays open": bugs.take_a_hold_twice,
        "hold taken by anybody": bugs.let_anybody_take_a_hold,
        "hold of an order expires": bugs.expire_what_an_order_stands_on,
        "bundle not exploded in a hold": bugs.hold_sets_unopened,
        "older message wins": bugs.believe_older_messages,
        "basket granted in part": bugs.grant_a_part_of_a_basket,
        "bundle not exploded in an order": bugs.order_sets_unopened,
        "shipped and still reserved": bugs.ship_without_the_promise,
        "order bound to an expired hold": bugs.bind_orders_to_dead_holds,
        "part collect keeps the rest": bugs.keep_the_rest_of_a_part,
        "restocked with every message": bugs.restock_each_time_it_is_told,
        "refund that restocks": bugs.restock_with_the_refund,
        "expired hold confirmable": bugs.confirm_what_has_expired,
        "expiry without state guard": bugs.expire_whatever_is_old,
        "return decided twice": bugs.decide_a_return_twice,
        "stocktake booked as of now": bugs.book_a_stocktake_as_of_now,
        "packed bag breaks": bugs.break_what_is_packed,
        "transfer lost on its way": bugs.lose_a_transfer,
        "cancelled line released twice": bugs.cancel_at_both_ends,
        "same key, another body": bugs.answer_any_body_with_the_first,
    }.items()
} | {
    f"{name} (simulated)": Planted(bug, simulated=True, first=FIRST.get(name, 0))
    for name, bug in {
        "guard": plants.PLANTS["guard"],
        "dedupe": plants.PLANTS["dedupe"],
        "echo": plants.PLANTS["echo"],
        "acknowledged before stored": bugs.say_yes_before_it_is_stored,
        "answer not kept": bugs.keep_no_answers,
        "key scope without path": bugs.forget_the_path_of_a_key,
        "one error fails its batch": bugs.fail_everybody_with_one,
    }.items()
}  # fmt: skip


@contextmanager
def planted(bug: Callable[[], None]) -> Iterator[None]:
    """The bug is there, and gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plants, "put", patch.setattr)
        bug()
        yield


def find(name: str, engine: Engine) -> str | None:
    """How this bug shows, or None if it survives."""
    one = PLANTED[name]
    if one.simulated:
        return _by_simulation(one.bug, one.first)
    return _by_test(name, one.test) if one.test else find_by_machine(one.bug, engine)


def find_by_machine(bug: Callable[[], None], engine: Engine) -> str | None:
    """Only what a test says counts as found: a bug that no longer fits, and breaks with a TypeError, is an error here too."""
    with planted(bug):
        try:
            play(engine, examples=EXAMPLES, steps=STEPS, brief=True)
        except (AssertionError, GuardBroken, IntegrityError) as finding:
            return f"state machine: {_said(finding)}"
    return None


def _said(finding: Exception) -> str:
    """What it says, or else what was asked."""
    text = str(finding) or str(traceback.extract_tb(finding.__traceback__)[-1].line)
    return " ".join(text.split())[:80]


def nothing() -> None:
    """No bug at all: with it the whole budget must find nothing."""


def _by_simulation(bug: Callable[[], None], first: int) -> str | None:
    """The first run that goes wrong. An error of the bug itself, which no longer fits its place, is an error here too."""
    for seed in range(first, first + SEEDS):
        with planted(bug):
            outcome = run.play(seed, HOURS)
        if any("Traceback" in violation for violation in outcome.violations):
            raise RuntimeError(f"it no longer fits:\n{outcome.violations[0]}")
        if outcome.violations:
            return f"simulation, seed {seed}: {outcome.violations[0][:60]}"
    return None


def _by_test(name: str, test: str) -> str | None:
    finding = _findings().get(name)
    if finding and (not finding.startswith("call: ") or _NOT_A_FINDING.search(finding)):
        raise RuntimeError(f"{name} no longer fits:\n{finding}")
    return test if finding else None


@cache
def _findings() -> dict[str, str]:
    """What the named tests say, each with its bug in it: one run for all of them."""
    tests = [one.test for one in PLANTED.values() if one.test]
    with tempfile.TemporaryDirectory(prefix="omnisync-planted-") as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.planted.plugin", *tests]
        environment = os.environ | {ENVIRONMENT: str(found)}
        ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        if ran.returncode not in (0, 1):
            raise RuntimeError(f"the named tests did not run:\n{ran.stdout}{ran.stderr}")
        findings: dict[str, str] = json.loads(found.read_text())
    return findings
