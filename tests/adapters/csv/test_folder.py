"""Which files are read, when, and where they go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omnisync.adapters.base import Sale, Unreadable
from omnisync.adapters.csv import adapter as csv_adapter
from omnisync.errors import NeedsAttention
from omnisync.sync.shadow import ReadOnly
from tests.adapters.csv.till import HEADER, Till, keys, read_all

pytestmark = pytest.mark.anyio
LINE = "{0};1;A;x;1;1,00;21.11.2026;09:00;001;1"


async def test_a_file_is_read_once_and_lies_in_done(till: Till):
    till.drop("verkauf.csv", LINE.format(1))
    adapter = till.connect()

    first = await read_all(adapter, till.tools)
    again = await read_all(adapter, till.tools)

    assert (len(first), again) == (1, [])
    assert (till.names(), till.names("done")) == ([], ["verkauf.csv"])


async def test_the_oldest_file_comes_first(till: Till):
    till.drop("verkauf-b.csv", LINE.format(1))
    till.clock.advance(minutes=1)
    till.drop("verkauf-a.csv", LINE.format(2))

    facts = await read_all(till.connect(), till.tools)

    assert [key.rpartition(":")[2] for key in keys(facts)] == ["1/1", "2/1"]


async def test_a_file_stays_until_its_facts_are_committed(till: Till):
    till.drop("verkauf.csv", LINE.format(1), LINE.format(2))
    adapter = till.connect()

    page = await adapter.pull(None, now=till.clock.now())
    await adapter.done(keys(page.facts)[:1])
    assert till.names() == ["verkauf.csv"]

    await adapter.done(keys(page.facts)[1:])
    assert till.names("done") == ["verkauf.csv"]


async def test_after_a_crash_before_the_commit_the_same_facts_come_again(till: Till):
    till.drop("verkauf.csv", LINE.format(1), LINE.format(2))
    before = await till.connect().pull(None, now=till.clock.now())

    after = await till.connect().pull(None, now=till.clock.now())

    assert list(after.facts) == list(before.facts)


async def test_after_a_crash_between_commit_and_move_the_cursor_knows(till: Till):
    till.drop("verkauf.csv", LINE.format(1))
    committed = (await till.connect().pull(None, now=till.clock.now())).cursor

    restarted = till.connect()
    page = await restarted.pull(committed, now=till.clock.now())
    await restarted.done([])

    assert (list(page.facts), page.more) == ([], False)
    assert till.names("done") == ["verkauf.csv"]


async def test_in_shadow_every_file_is_read_and_none_is_moved_until_it_goes_live(till: Till):
    for number in range(3):
        till.drop(f"verkauf-{number}.csv", LINE.format(number))
        till.clock.advance(minutes=1)
    adapter, told = till.connect(), list[str]()
    shadow = ReadOnly(adapter)
    cursor: str | None = None

    for _ in range(6):
        page = await shadow.pull(cursor, now=till.clock.now())
        await shadow.done(keys(page.facts))
        cursor, told = page.cursor, told + keys(page.facts)
    lying = till.names()
    await read_all(adapter, till.tools, cursor)

    assert [key.rpartition(":")[2] for key in told] == ["0/1", "1/1", "2/1"]
    assert (len(lying), till.names(), len(till.names("done"))) == (3, [], 3)


async def test_a_long_file_comes_in_pages_and_goes_on_where_it_was_committed(till: Till):
    receipts = range(csv_adapter.PAGE + 20)
    till.drop("verkauf.csv", *(LINE.format(n) for n in receipts))
    first = await till.connect().pull(None, now=till.clock.now())
    restarted = till.connect()

    rest = await restarted.pull(first.cursor, now=till.clock.now())
    await restarted.done(keys(rest.facts))

    assert (first.more, rest.more) == (True, False)
    assert len({*keys(first.facts), *keys(rest.facts)}) == len(receipts)
    assert till.names("done") == ["verkauf.csv"]


async def test_the_same_receipts_under_another_name_are_the_same_sales(till: Till):
    till.drop("verkauf-1.csv", LINE.format(1), LINE.format(2))
    first = await read_all(till.connect(), till.tools)

    till.drop("verkauf-2.csv", LINE.format(2), LINE.format(3))
    second = await read_all(till.connect(), till.tools)

    assert set(keys(first)) & set(keys(second)) == {"sale:001:1:2026-11-21:2/1"}


async def test_a_file_that_still_grows_is_left_alone(till: Till):
    adapter = till.connect(settle_seconds=3)
    till.drop("verkauf.csv", LINE.format(1))
    seen = [await adapter.pull(None, now=till.clock.now())]
    till.clock.advance(seconds=2)
    till.drop("verkauf.csv", LINE.format(1), LINE.format(2))
    seen.append(await adapter.pull(None, now=till.clock.now()))
    till.clock.advance(seconds=2)
    seen.append(await adapter.pull(None, now=till.clock.now()))
    till.clock.advance(seconds=1)

    complete = await adapter.pull(None, now=till.clock.now())

    assert [list(page.facts) for page in seen] == [[], [], []]
    assert len(complete.facts) == 2


async def test_a_last_line_without_an_end_is_waited_for(till: Till):
    adapter = till.connect(settle_seconds=0)
    till.drop("verkauf.csv", LINE.format(1), end="")

    at_once = await adapter.pull(None, now=till.clock.now())
    till.clock.advance(seconds=2)
    later = await adapter.pull(None, now=till.clock.now())

    assert list(at_once.facts) == []
    assert len(later.facts) == 1


async def test_a_file_that_grew_after_it_was_read_is_read_again(till: Till):
    adapter = till.connect()
    till.drop("verkauf.csv", LINE.format(1))
    page = await adapter.pull(None, now=till.clock.now())
    till.drop("verkauf.csv", LINE.format(1), LINE.format(2))
    await adapter.done(keys(page.facts))

    more = await read_all(adapter, till.tools, page.cursor)

    assert [key.rpartition(":")[2] for key in keys(more)] == ["1/1", "2/1"]
    assert till.names("done") == ["verkauf.csv"]


@pytest.mark.parametrize("name", ["verkauf.csv.tmp", "verkauf.csv.part", ".verkauf.csv", "notes.txt", "verkauf.csv~"])
async def test_files_that_are_not_meant_for_us_are_left_alone(till: Till, name: str):
    till.drop(name, LINE.format(1))

    assert await read_all(till.connect(), till.tools) == []
    assert till.names() == [name]


async def test_good_lines_count_and_the_file_fails_beside_its_reasons(till: Till):
    till.drop("verkauf.csv", LINE.format(1), "2;1;A;x;kaputt;1,00;21.11.2026;09:00;001;1")

    facts = await read_all(till.connect(), till.tools)

    assert [type(fact) for fact in facts] == [Sale, Unreadable]
    assert till.names("failed") == ["verkauf.csv", "verkauf.csv.reasons.txt"]
    assert (till.folder / "failed/verkauf.csv.reasons.txt").read_text() == "Line 3: 'kaputt' is no number.\n"


async def test_a_corrected_file_brings_only_what_was_wrong(till: Till):
    till.drop("verkauf.csv", LINE.format(1), "2;1;A;x;kaputt;1,00;21.11.2026;09:00;001;1")
    adapter = till.connect()
    first = await read_all(adapter, till.tools)

    till.drop("verkauf.csv", LINE.format(1), LINE.format(2))
    second = await read_all(adapter, till.tools)

    assert [key for key in keys(second) if key not in keys(first)] == ["sale:001:1:2026-11-21:2/1"]
    assert (till.names("done"), len(till.names("failed"))) == (["verkauf.csv"], 2)


async def test_other_settings_read_a_failed_file_again_from_its_start(till: Till):
    content = b"Nr;Artikel;Menge;Datum\n1;A;1;21.11.2026\n2;A;1;21.11.2026\n"
    till.drop_bytes("verkauf.csv", content)
    failed = await till.connect().pull(None, now=till.clock.now())

    facts = await read_all(till.connect(columns={"receipt": "Nr"}), till.tools, failed.cursor)

    assert [type(fact) for fact in failed.facts] == [Unreadable]
    assert [type(fact) for fact in facts] == [Sale, Sale]


async def test_a_file_without_lines_is_done_at_once(till: Till):
    till.drop_bytes("verkauf.csv", f"{HEADER}\n".encode())

    assert await read_all(till.connect(), till.tools) == []
    assert till.names("done") == ["verkauf.csv"]


async def test_a_name_that_is_taken_in_done_is_numbered(till: Till):
    adapter = till.connect()
    for receipt in range(3):
        till.drop("verkauf.csv", LINE.format(receipt))
        await read_all(adapter, till.tools)

    assert till.names("done") == ["verkauf.2.csv", "verkauf.3.csv", "verkauf.csv"]


async def test_a_missing_folder_needs_a_person(till: Till):
    adapter = till.connect(folder=str(till.folder / "nowhere"))

    with pytest.raises(NeedsAttention, match="nowhere"):
        await adapter.pull(None, now=till.clock.now())
    [check] = await adapter.check()
    assert (check.ok, bool(check.mend)) == (False, True)


async def test_check_names_files_that_no_pattern_knows(till: Till):
    till.drop("kassenbericht.csv", LINE.format(1))

    checks = await till.connect().check()

    assert [check.ok for check in checks] == [True, False]
    assert "kassenbericht.csv" in checks[1].detail


async def test_settings_that_cannot_be_used_are_all_named(tmp_path: Path, till: Till):
    with pytest.raises(NeedsAttention) as caught:
        till.connect(timezone="Europe/Linden", settle="2", settle_seconds=-1)

    assert all(key in caught.value.message for key in ("timezone", "settle_seconds", "settle:"))


async def test_while_a_long_file_is_read_others_get_their_turn(till: Till):
    turns = 0

    async def somebody_else() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    till.drop("verkauf.csv", *(LINE.format(n) for n in range(2000)))
    other = asyncio.create_task(somebody_else())
    await till.connect().pull(None, now=till.clock.now())
    other.cancel()

    assert turns >= 5
