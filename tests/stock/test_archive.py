"""A year of a ledger whose months leave it: what is told from then on, what is refused, and who may not touch it."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlmodel import Session

from omnisync import db, journals
from omnisync.clock import Ids, StoppedClock
from omnisync.errors import NeedsAttention, Refused
from omnisync.stock import (
    archived,
    archives,
    archiving,
    availability,
    ledger,
    past,
    reservations,
    stocktakes,
    transfers,
)
from omnisync.stock.archive_file import Written
from omnisync.stock.archives import Month
from omnisync.stock.carrying import Moved, fold
from omnisync.stock.effects import Level
from omnisync.stock.ledger import Entry
from omnisync.stock.reservations import Line, Request
from omnisync.stock.tables import Archive, ArchivedKey, Movement
from omnisync.stock.transfers import Sending
from omnisync.values import Kind, Shelf
from tests.api import serving
from tests.stock import archives as archiving_of_tests
from tests.stock.shop import LINDEN, article, violations

SKUS = ("CUP", "LAMP", "POT")
SHELVES = [Shelf(LINDEN, sku) for sku in SKUS]
FIRST, LAST = datetime(2025, 7, 1, 9, tzinfo=UTC), datetime(2026, 6, 30, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
JUNE = Month(2026, 6)
_movement = db.table(Movement)


def a_year(session: Session) -> list[Entry]:
    """Sales every other day, deliveries, counts, holds that are collected and one that nobody ends."""
    for sku in SKUS:
        article(session, sku)
    chance, told, day = Random(7), list[Entry](), FIRST
    while day < LAST:
        kinds = (
            [(Kind.SOLD, 2), (Kind.SOLD, 1)]
            + [(Kind.FOUND, 9)] * (day.day % 7 == 1)
            + [(Kind.COUNT, 20)] * (day.day == 15)
        )
        told += (todays := [
            Entry(kind, chance.choice(SKUS), LINDEN, n, "till", day, f"till:{day:%m%d}/{number}")
            for number, (kind, n) in enumerate(kinds)
        ])  # fmt: skip
        ledger.record(session, todays, now=day + timedelta(minutes=1))
        day += timedelta(days=2)
    wish = Request("bag", (Line("LAMP", LINDEN, 2),), None)
    reservations.reserve(session, [wish], now=FIRST + timedelta(days=40))
    return told


@pytest.fixture
def year(engine: Engine) -> list[Entry]:
    with db.transaction(engine) as session:
        return a_year(session)


def archive(engine: Engine, folder: Path, *months: Month) -> None:
    """As the command does it: reading apart from writing."""
    for month in months:
        with db.transaction(engine) as session:
            assert archiving_of_tests.archived(session, folder, str(month), month.end, now=NOW)


def until(last: Month) -> Iterator[Month]:
    month = Month.of(FIRST)
    while month <= last:
        yield month
        month = month.next


def levels(engine: Engine) -> dict[Shelf, Level]:
    with db.reading(engine) as session:
        assert violations(session) == []
        found = dict(availability.levels(session, SHELVES))
        assert past.levels(session, SHELVES, NOW) == found
        return found


def count(engine: Engine, model: type[Any]) -> int:
    with db.reading(engine) as session:
        return int(session.execute(sa.select(sa.func.count()).select_from(db.table(model))).scalar_one())


def wrong_files(engine: Engine, folder: Path) -> list[str]:
    with db.reading(engine) as session:
        return list(archived.files_say_the_same(session, folder))


def test_a_year_leaves_month_by_month_and_everything_agrees(engine, year, tmp_path):
    before, moved = levels(engine), count(engine, Movement)

    archive(engine, tmp_path, *until(JUNE))

    assert levels(engine) == before
    assert count(engine, Archive) == 12
    assert count(engine, ArchivedKey) == len(year)
    assert count(engine, Movement) < moved / 20
    assert wrong_files(engine, tmp_path) == []
    lines = [line for file in sorted(tmp_path.iterdir()) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert sum(b'"key":"till:' in line for line in lines) == len(year)


def test_what_was_archived_is_never_booked_again(engine, year, tmp_path):
    archive(engine, tmp_path, *until(JUNE))
    before = levels(engine)

    with db.transaction(engine) as session:
        again = ledger.record(session, year, now=NOW)

    assert all(one.duplicate for one in again)
    assert levels(engine) == before


def test_the_same_journal_makes_the_same_file_however_it_is_read(engine, year, tmp_path):
    with db.reading(engine) as session:
        cut = archiving.cut(session, str(JUNE), JUNE.end)
        assert cut is not None
        read = archiving_of_tests.reader(session)
        files = [archiving.write(read, cut, tmp_path / str(page), page=page) for page in (1, 7, 5_000)]
        (tmp_path / "full").touch()
        with pytest.raises(NeedsAttention, match="cannot be written"):
            archiving.write(read, cut, tmp_path / "full")

    assert len({file.path.read_bytes() for file in files}) == 1


class Crash(BaseException):
    """The process dies."""


def dying_after_a_page(session: Session) -> archiving.Read:
    pages = [archiving_of_tests.reader(session)]

    def read(statement: sa.Select[Any]) -> Sequence[Any]:
        if not pages:
            raise Crash
        return pages.pop()(statement)

    return read


def taken(engine: Engine, cut: archiving.Cut, written: Written) -> None:
    """All is done but the commit."""
    with db.transaction(engine) as session:
        archiving.take(session, cut, written, now=NOW)
        raise Crash


def test_a_crash_leaves_everything_as_before_and_the_next_run_does_all(engine, year, tmp_path):
    before, moved = levels(engine), count(engine, Movement)
    with db.reading(engine) as session:
        cut = archiving.cut(session, str(JUNE), JUNE.end)
        assert cut is not None
        with pytest.raises(Crash):  # while the file is written
            archiving.write(dying_after_a_page(session), cut, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [f"{cut.file}.part"]

    with db.reading(engine) as session:
        written = archiving.write(archiving_of_tests.reader(session), cut, tmp_path)
    with pytest.raises(Crash):
        taken(engine, cut, written)
    with pytest.raises(Refused, match="does not hold what the journal does"), db.transaction(engine) as session:
        archiving.take(session, replace(cut, last_id=cut.last_id - 1), written, now=NOW)
    assert (levels(engine), count(engine, Movement), count(engine, Archive)) == (before, moved, 0)

    archive(engine, tmp_path, JUNE)
    assert levels(engine) == before
    assert wrong_files(engine, tmp_path) == []
    with pytest.raises(Refused, match="Somebody else has archived"), db.transaction(engine) as session:
        archiving.take(session, cut, written, now=NOW)


def leave_the_door_open(engine: Engine) -> None:
    table = db.table(Archive)
    new = {"id": sa.literal(2), "month": sa.literal("1999-12"), "door": sa.literal(0)}
    row = sa.select(*(new.get(column.name, column) for column in table.c))
    with db.transaction(engine) as session:
        session.execute(sa.insert(table).from_select([column.name for column in table.c], row))
        session.execute(sa.text("DELETE FROM movement WHERE id = (SELECT min(id) FROM movement)"))


def test_nobody_else_can_take_rows_out_before_or_after(engine, year, tmp_path):
    archive(engine, tmp_path, Month.of(FIRST))
    statements = (
        "DELETE FROM movement", "DELETE FROM movement WHERE id = (SELECT min(id) FROM movement)", "UPDATE movement SET on_hand = 0",
        "DELETE FROM archive", "UPDATE archive SET door = 0", "DELETE FROM archived_key", "UPDATE archived_key SET on_hand = 0",
    )  # fmt: skip
    for statement in statements:
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), db.transaction(engine) as session:
            session.execute(sa.text(statement))

    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign.?key"):
        leave_the_door_open(engine)
    assert levels(engine)


def test_a_tampered_or_missing_file_is_named_with_what_mends_it(engine, year, tmp_path):
    archive(engine, tmp_path, *until(Month(2025, 9)))
    file = tmp_path / "movements-2025-08.jsonl.gz"
    good = file.read_bytes()
    text = gzip.decompress(good)

    def says(content: bytes | None) -> list[str]:
        file.unlink() if content is None else file.write_bytes(content)
        return wrong_files(engine, tmp_path)

    for content in (
        None,
        b"",
        good[:-20],
        gzip.compress(text, 1),
        gzip.compress(text.replace(b'"quantity":2', b'"quantity":3')),
    ):
        [wrong] = says(content)
        assert file.name in wrong
        assert "backup" in wrong
    lines = text.splitlines(keepends=True)
    changed = ([lines[0], *lines[2:]], [*lines[:-1], lines[-2], lines[-1]], [lines[0].replace(b'"format":1', b'"format":9'), *lines[1:]], lines[:-1])  # fmt: skip
    for text, why in zip(
        changed, ("is not carried forward as its movements say", "more is carried", "format 9", "add up"), strict=True
    ):
        [wrong] = says(gzip.compress(b"".join(text)))
        assert why in wrong
    assert says(good) == []


def test_a_tampered_opening_is_a_violation(engine, year, tmp_path):
    archive(engine, tmp_path, *until(JUNE))
    with db.transaction(engine) as session:
        # As somebody would who knows the database: two wrongs that keep every sum.
        row = session.execute(sa.select(_movement).order_by(_movement.c.id).limit(1)).one()._asdict()
        wrongs = ((-1, +1), (-2, -1))
        session.execute(sa.insert(_movement), [row | {"id": number, "on_hand": n} for number, n in wrongs])

    with db.reading(engine) as session:
        assert [text for text in violations(session) if "carried forward up to 2026-06" in text]
    assert wrong_files(engine, tmp_path) == []


def past_the_triggers(engine: Engine, statement: str) -> None:
    """As whoever owns the database can."""
    triggers = [text for text, dialect in journals.journal_triggers("archived_key") if dialect == "sqlite"]
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            connection.execute(sa.text(statement))
            return
        for text in triggers:
            connection.execute(sa.text(f"DROP TRIGGER {text.split()[2]}"))
        for text in (statement, *triggers):
            connection.execute(sa.text(text))


def test_a_key_that_was_lost_or_changed_or_booked_again_is_named(engine, year, tmp_path):
    archive(engine, tmp_path, *until(Month(2025, 9)))
    key = year[0].key

    past_the_triggers(engine, f"UPDATE archived_key SET quantity = 9 WHERE key = '{key}'")
    [wrong] = wrong_files(engine, tmp_path)
    assert wrong.startswith(f"movements-2025-07.jsonl.gz: its key {key} is not kept")

    past_the_triggers(engine, f"UPDATE archived_key SET quantity = 2 WHERE key = '{key}'")
    with db.transaction(engine) as session:
        session.execute(sa.insert(_movement), [row_of(session, key=key, on_hand=0)])
    with db.reading(engine) as session:
        assert f"{key}: recorded again after it was archived" in violations(session)
    past_the_triggers(engine, f"DELETE FROM archived_key WHERE key = '{key}'")
    with db.reading(engine) as session:
        [kept] = violations(session)
    assert "keys were archived" in kept


def row_of(session: Session, **more: object) -> dict[str, Any]:
    """A movement like the last one."""
    found = session.execute(sa.select(_movement).order_by(_movement.c.id.desc()).limit(1)).one()._asdict()
    return {name: value for name, value in found.items() if name != "id"} | more


def test_the_past_before_the_cut_is_refused_by_the_name_of_its_file(engine, year, tmp_path, clock):
    archive(engine, tmp_path, *until(Month(2025, 9)))
    with db.transaction(engine) as session:
        with pytest.raises(Refused, match="movements-2025-08") as refused:
            past.levels(session, SHELVES, datetime(2025, 8, 20, tzinfo=UTC))
        assert refused.value.code == "archived"
        assert past.levels(session, SHELVES, Month(2025, 9).end)
        with pytest.raises(NeedsAttention, match="has left the journal"):
            ledger.record(
                session, [Entry(Kind.COUNT, "CUP", LINDEN, 1, "late", datetime(2025, 9, 2, tzinfo=UTC))], now=NOW
            )

    async def read() -> None:
        async with serving(engine, clock) as api:
            for path in ("movements?since=2025-08-20T00:00:00Z", "explain?sku=CUP&at=2025-08-20T00:00:00Z"):
                answer = await api.call("GET", f"/v1/stock/{path}", role="ops")
                assert (answer.status_code, answer.json()["file"]) == (410, "movements-2025-08.jsonl.gz")
            page = (await api.call("GET", "/v1/stock/movements?limit=10", role="ops")).json()
            assert {item["cause"] for item in page["items"]} >= {"archive:2025-09"}
            archive(engine, tmp_path, Month(2025, 10))
            stale = await api.call("GET", f"/v1/stock/movements?cursor={page['next_cursor']}", role="ops")
            assert (stale.status_code, stale.json()["file"]) == (410, "movements-2025-10.jsonl.gz")

    asyncio.run(read())


def test_a_month_that_something_needs_stays_and_says_what(session):
    a_year(session)
    ids = Ids(StoppedClock(FIRST), Random(1))
    transfers.ask(session, ids, Sending("linden", "markt", {"CUP": 1}, FIRST), now=datetime(2026, 3, 3, tzinfo=UTC))
    stocktakes.open_one(session, ids, "markt", by="ops", now=datetime(2026, 5, 5, tzinfo=UTC))

    def refused(month: Month, now: datetime = NOW) -> str:
        with pytest.raises(Refused) as refusal:
            archives.check_month(session, month, now=now)
        return refusal.value.message

    assert refused(JUNE).startswith("2026-06 is still needed: transfer")
    assert refused(JUNE).endswith("The last month that can be archived is 2026-02.")
    assert "90 days late" in refused(Month(2026, 2), datetime(2026, 4, 1, tzinfo=UTC))
    assert "90 days late" in refused(Month.of(NOW))
    archives.check_month(session, Month(2026, 2), now=NOW)


def test_a_transaction_that_began_before_midnight_is_not_torn(session):
    """Two nodes write at once: numbers and moments disagree around the end of the month."""
    article(session, "CUP")
    end = JUNE.end
    for seconds in (-9, -2, 3, -2, 5):
        ledger.record(
            session,
            [Entry(Kind.FOUND, "CUP", LINDEN, 1, f"at {seconds}", end - timedelta(days=1))],
            now=end + timedelta(seconds=seconds),
        )

    found = archiving.cut(session, str(JUNE), end)

    assert found is not None
    causes: Sequence[str] = (
        session.execute(sa.select(_movement.c.cause).where(_movement.c.id <= found.last_id)).scalars().all()
    )
    assert causes == ["at -9"]


def test_what_said_two_things_is_carried_as_one_row_that_says_both():
    """Nobody else on its shelf lends a number: goods that are awaited and may be promised already."""
    row = Moved(7, LINDEN, "CUP", "awaited", 5, 0, 0, 0, 5, 0, 5, "k", "floor", None, None, NOW, FIRST, FIRST)

    [carried] = [line.row for line in fold([row], by="archive:x", after=0) if line.is_carried]

    assert carried == row._replace(kind="opening", key=None)


def test_a_transfer_that_arrives_after_the_cut_is_right_beside_younger_ones(session, tmp_path):
    for sku in ("CUP", "POT"):
        article(session, sku)
    ids, july = Ids(StoppedClock(FIRST), Random(1)), JUNE.end + timedelta(days=3)
    entries = [Entry(Kind.FOUND, sku, LINDEN, 5, "floor", FIRST) for sku in ("CUP", "POT")]
    ledger.record(session, entries, now=FIRST)
    for sku, asked in (("CUP", JUNE.end - timedelta(days=3)), ("POT", july)):
        wish = Request(f"for {sku}", (Line(sku, LINDEN, 1),), None)
        sent = transfers.ask(session, ids, Sending(LINDEN, "markt", {sku: 1}, asked), now=asked)
        reservations.reserve(session, [replace(wish, id=sent.id)], now=asked)
        transfers.send(session, sent.id, now=asked)
        transfers.receive(session, sent.id, None, rest_lost=False, by="ada", now=july)

    assert archiving_of_tests.archived(session, tmp_path, str(JUNE), JUNE.end, now=NOW)

    assert violations(session) == []


def test_stock_that_was_blocked_and_is_free_again_is_carried_as_free():
    row = Moved(7, LINDEN, "CUP", "blocked", 2, 0, 0, 2, 0, 0, 0, None, "floor", None, "scratched", None, FIRST, FIRST)
    lifted = row.changing(blocked=-2)._replace(id=8, kind="unblocked")

    carried = [line.row for line in fold([row, lifted], by="archive:x", after=0) if line.is_carried]

    assert [one.blocked for one in carried] == [0]


def test_a_count_of_long_ago_is_taken_while_the_journal_still_reaches_back(session):
    article(session, "CUP")
    long_ago = NOW - archives.KEPT - timedelta(days=9)
    ledger.record(session, [Entry(Kind.FOUND, "CUP", LINDEN, 3, "floor", NOW)], now=NOW)

    ledger.record(session, [Entry(Kind.COUNT, "CUP", LINDEN, 4, "floor", long_ago)], now=NOW)

    assert availability.levels(session, [SHELVES[0]])[SHELVES[0]].on_hand == 7


def test_what_came_from_elsewhere_to_a_shelf_that_was_counted_since_did_not_come_from_nowhere(session, tmp_path):
    """The arrival is carried forward as it was, for the count's sake; the departure is part of an opening."""
    article(session, "CUP")
    moves = [(Kind.FOUND, LINDEN, 9), (Kind.TRANSFER_OUT, LINDEN, 5), (Kind.TRANSFER_IN, "markt", 5)]
    ledger.record(session, [Entry(kind, "CUP", at, n, "transfer:api:1", FIRST) for kind, at, n in moves], now=FIRST)
    later = FIRST + timedelta(days=1)
    ledger.record(session, [Entry(Kind.COUNT, "CUP", "markt", 4, "floor", later)], now=later)

    assert archiving_of_tests.archived(session, tmp_path, str(JUNE), JUNE.end, now=NOW)

    assert violations(session) == []
