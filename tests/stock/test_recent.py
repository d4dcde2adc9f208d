"""What is remembered is never older than the last commit that was acknowledged, however reads and commits overlap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from omnisync.stock.recent import KEPT_SECONDS, Recent

HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(("commit", "acknowledge", "begin", "finish", "ask")), st.sampled_from("AB")), max_size=40
)


@given(HAPPENINGS)
def test_a_read_is_never_older_than_the_last_acknowledged_commit(happenings: list[tuple[str, str]]) -> None:
    memory, truth, acknowledged = Recent(), {"A": 0, "B": 0}, {"A": 0, "B": 0}
    committed: list[str] = []
    reads: list[tuple[int, dict[str, dict[str, int]]]] = []

    for happening, sku in happenings:
        if happening == "commit":
            truth[sku] += 1
            committed.append(sku)
        elif happening == "acknowledge" and committed:
            done = committed.pop(0)
            memory.forget([done])
            acknowledged[done] = max(acknowledged[done], truth[done] - committed.count(done))
        elif happening == "begin":
            reads.append((memory.commits, {name: {"linden": version} for name, version in truth.items()}))
        elif happening == "finish" and reads:
            commits, found = reads.pop(0)
            memory.remember(found, began=10.0, commits=commits)
        known = memory.of("AB", 10.0)

        assert all(known[name]["linden"] >= acknowledged[name] for name in known)


def test_what_other_nodes_changed_is_seen_within_a_second() -> None:
    memory = Recent()
    memory.remember({"A": {"linden": 3}}, began=10.0, commits=memory.commits)

    assert memory.of(["A"], 10.0 + KEPT_SECONDS * 0.99) == {"A": {"linden": 3}}
    assert memory.of(["A"], 10.0 + KEPT_SECONDS) == {}


def test_it_does_not_grow_without_end_and_stays_true_when_it_starts_anew() -> None:
    memory = Recent(most=3)
    began_before = memory.commits
    for number in range(9):
        memory.forget([f"S{number}"])
        memory.remember({f"S{number}": {}}, began=1.0, commits=memory.commits)

    memory.remember({"S0": {"linden": 1}}, began=1.0, commits=began_before)

    assert memory.of(["S0"], 1.0) == {}
    assert len(memory.of([f"S{number}" for number in range(9)], 1.0)) <= 4


def test_what_changed_while_it_was_read_is_not_remembered_and_the_rest_is():
    memory = Recent()
    began_before = memory.commits
    memory.forget(["CHANGED"])

    memory.remember({"CHANGED": {"linden": 1}, "CALM": {"linden": 2}}, began=1.0, commits=began_before)

    assert memory.of(["CHANGED", "CALM"], 1.0) == {"CALM": {"linden": 2}}
