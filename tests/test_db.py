from threading import Thread

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from omnisync import db
from omnisync.stock.effects import QUANTITIES
from omnisync.stock.tables import Balance, Idempotency, Movement
from tests.conftest import START

KEYS = db.table(Idempotency)


def _movement() -> dict[str, object]:
    return {
        "location": "linden", "sku": "LAMP", "kind": "sold", "quantity": 1, "on_hand": -1, "key": "k1",
        "cause": "pos:1", "occurred_at": START, "recorded_at": START,
        "reserved": 0, "blocked": 0, "incoming": 0, "safety": 0, "backorder": 0,
    }  # fmt: skip


@pytest.mark.parametrize("statement", ["UPDATE movement SET quantity = 2", "DELETE FROM movement"])
def test_the_journal_refuses_to_be_changed(engine, statement):
    with db.transaction(engine) as session:
        session.execute(sa.insert(db.table(Movement)), [_movement()])

    with pytest.raises(DBAPIError, match="append-only"), db.transaction(engine) as session:
        session.execute(sa.text(statement))


def test_insert_new_returns_just_the_rows_that_were_not_there(engine):
    journal = db.table(Movement)
    other = _movement() | {"key": "k2"}

    with db.transaction(engine) as session:
        first = session.execute(sa.insert(journal).returning(journal.c.key), [_movement()]).all()

    assert [row.key for row in first] == ["k1"]
    with db.transaction(engine) as session:
        assert session.execute(sa.select(journal.c.occurred_at)).scalar_one() == START
        session.execute(sa.insert(journal), [other])


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_pairs_are_found_by_the_composite_key_on_sqlite(engine):
    balance = db.table(Balance)
    wanted = db.in_pairs(balance.c.location, balance.c.sku, [("linden", "LAMP"), ("markt", "CUP")])

    with db.reading(engine) as session:
        text = str(sa.select(balance).where(wanted).compile(engine, compile_kwargs={"literal_binds": True}))
        plan = " ".join(str(row) for row in session.execute(sa.text(f"EXPLAIN QUERY PLAN {text}")))

    assert "SEARCH balance USING" in plan
    assert "SCAN balance" not in plan


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_pairs_are_found_by_the_composite_key_among_ten_thousand_on_postgresql(engine):
    balance = db.table(Balance)
    empty = dict.fromkeys(QUANTITIES, 0) | {"location": "linden", "changed_at": START, "off_sale": False}
    wanted = db.in_pairs(balance.c.location, balance.c.sku, [("linden", "A-00001"), ("linden", "A-09999")])

    with db.transaction(engine) as session:
        db.insert_all(session, balance, [empty | {"sku": f"A-{number:05}"} for number in range(10_000)])
        session.execute(sa.text("ANALYZE balance"))
        text = str(sa.select(balance).where(wanted).compile(engine, compile_kwargs={"literal_binds": True}))
        plan = " ".join(str(row) for row in session.execute(sa.text(f"EXPLAIN {text}")))

    assert "Index Scan" in plan
    assert "Seq Scan" not in plan


def _insert(engine, *keys, then):
    """One transaction: rows with these keys, a statement for each list, and then perhaps one that is read."""
    with db.transaction(engine) as session:
        for some in keys:
            db.insert_all(session, db.table(Movement), [_movement() | {"key": key} for key in some])
        if then:
            session.execute(sa.text(then))


def test_rows_are_looked_up_by_one_text_and_by_pairs(engine):
    rows = [{"scope": scope, "key": str(n), "body_hash": b"", "status": 201, "answer": b"", "at": START} for scope in "ab" for n in range(5)]  # fmt: skip
    with db.transaction(engine) as session:
        db.insert_all(session, KEYS, rows)

    def found(key, names):
        with db.transaction(engine) as session:
            return sorted(map(tuple, db.look_up(session, KEYS, key, names, columns=("scope", "key"))))

    assert found(("scope", "key"), [("a", "1"), ("b", "4"), ("b", "9")]) == [("a", "1"), ("b", "4")]
    assert found(("key",), ["2", "7"]) == [("a", "2"), ("b", "2")]
    assert found(("key",), []) == []


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_was_first_asked_of_an_empty_table_does_not_read_all_of_it_when_it_is_large(engine):
    rows = [{"scope": "a", "key": str(n), "body_hash": b"", "status": 201, "answer": b"", "at": START} for n in range(9000)]  # fmt: skip
    read = sa.text("SELECT seq_tup_read FROM pg_stat_xact_all_tables WHERE relname = 'idempotency'")
    with db.transaction(engine) as session:
        session.execute(sa.text("TRUNCATE idempotency"))  # as on its first day: nobody has analyzed it yet
        for _ in range(12):  # by then its plan is kept
            db.look_up(session, KEYS, ("scope", "key"), [("a", "1")], columns=("status",))
        db.insert_all(session, KEYS, rows)
        before = session.execute(read).scalar_one()

        found = db.look_up(session, KEYS, ("scope", "key"), [("a", "1"), ("a", "8000")], columns=("status",))

        assert (len(found), session.execute(read).scalar_one() - before) == (2, 0)


def test_a_read_sees_one_state_of_things_whatever_is_committed_meanwhile(engine):
    every = sa.select(db.table(Movement).c.key)

    with db.reading(engine) as before:
        seen = [before.execute(every).scalars().all()]
        with db.transaction(engine) as session:
            db.insert_all(session, db.table(Movement), [_movement()])
        seen.append(before.execute(every).scalars().all())
    with db.reading(engine) as after:
        seen.append(after.execute(every).scalars().all())

    assert seen == [[], [], ["k1"]]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_what_writes_sees_what_was_committed_a_moment_ago(engine):
    """A batch that waited for a shelf's lock decides by what the one before it left there."""
    with db.reading(engine) as session:  # the pool hands the same connection out again
        session.execute(sa.text("SELECT 1"))

    with db.transaction(engine) as session:
        level = session.execute(sa.text("SHOW transaction_isolation")).scalar_one()

    assert level == "read committed"


def test_rows_that_were_inserted_without_waiting_are_read_by_the_next_statement(engine):
    journal = db.table(Movement)

    with db.transaction(engine) as session:
        db.insert_all(session, journal, [_movement(), _movement() | {"key": "k2"}])
        db.insert_all(session, journal, [_movement() | {"key": "k3"}])
        found = session.execute(sa.select(journal.c.key).order_by(journal.c.id)).scalars().all()
        undone = session.execute(sa.delete(db.table(Balance))).rowcount

    assert found == ["k1", "k2", "k3"]
    assert undone == 0, "the number of rows is told again after what was posted"


def test_rows_of_several_statements_are_put_once_each_and_added_where_they_are_there_already(engine):
    pieces = {f"SKU-{n:03}": n for n in range(2 * db._AT_ONCE + 7)}

    with db.transaction(engine) as session:
        _put(session, pieces)
        _put(session, {sku: n for sku, n in pieces.items() if n % 2})
        kept = db.table(Balance)
        found = session.execute(sa.select(kept.c.sku, kept.c.on_hand, kept.c.changed_at)).all()

    assert {sku: n for sku, n, _ in found} == {sku: n * (1 + n % 2) for sku, n in pieces.items()}
    assert {at for *_, at in found} == {START}


def _put(session, pieces):
    rows = [
        {"location": "linden", "sku": sku, "off_sale": False, "changed_at": START} | dict.fromkeys(QUANTITIES, 0) | {"on_hand": n}
        for sku, n in pieces.items()
    ]  # fmt: skip
    db.put_all(session, db.table(Balance), rows, key=("location", "sku"), update=_with_more)


def _with_more(new):
    return {"on_hand": db.table(Balance).c.on_hand + new.on_hand}


def test_the_number_of_rows_that_many_parameters_changed_is_told_after_what_was_posted(engine):
    journal, kept = db.table(Movement), db.table(Balance)
    change = sa.update(kept).where(kept.c.sku == sa.bindparam("which")).values(shelf="A")

    with db.transaction(engine) as session:
        _put(session, {"CUP": 1, "LAMP": 2})
        db.insert_all(session, journal, [_movement()])
        changed = session.connection().execute(change, [{"which": "CUP"}, {"which": "LAMP"}]).rowcount

    assert changed == 2


@pytest.mark.parametrize("then", ["SELECT 1", None], ids=["a read", "the commit"])
def test_more_than_fits_into_a_socket_is_posted_and_committed(engine, then):
    # What PostgreSQL has not taken yet when the commit is sent has to follow by itself.
    work = Thread(target=_post_megabytes, args=(engine, then), daemon=True)

    work.start()
    work.join(timeout=60)

    assert not work.is_alive(), "both sides wait for each other"
    with db.reading(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(db.table(Movement))) == 400


def _post_megabytes(engine, then):
    with db.transaction(engine) as session:
        rows = [_movement() | {"key": f"k{n}", "reason": "x" * 20_000} for n in range(400)]
        db.insert_all(session, db.table(Movement), rows)
        if then:
            session.execute(sa.text(then))


@pytest.mark.parametrize("then", ["SELECT 1", None], ids=["a read", "the commit"])
def test_a_row_that_cannot_be_inserted_undoes_its_transaction_and_not_the_next(engine, then):
    journal = db.table(Movement)

    with pytest.raises(IntegrityError):
        _insert(engine, ["first"], ["twice", "twice"], ["after"], then=then)

    with db.transaction(engine) as session:
        db.insert_all(session, journal, [_movement() | {"key": "next"}])
    with db.reading(engine) as session:
        assert session.execute(sa.select(journal.c.key)).scalars().all() == ["next"]


def test_a_savepoint_takes_back_just_what_was_inserted_in_it(engine):
    journal = db.table(Movement)

    with db.transaction(engine) as session:
        db.insert_all(session, journal, [_movement() | {"key": "before"}])
        with pytest.raises(IntegrityError), session.begin_nested():
            db.insert_all(session, journal, [_movement() | {"key": "twice"}, _movement() | {"key": "twice"}])
        db.insert_all(session, journal, [_movement() | {"key": "after"}])

    with db.reading(engine) as session:
        assert session.execute(sa.select(journal.c.key).order_by(journal.c.id)).scalars().all() == ["before", "after"]


def test_what_was_inserted_without_waiting_is_gone_when_the_caller_fails(engine):
    journal = db.table(Movement)

    with pytest.raises(DBAPIError):
        _insert(engine, ["gone"], then="SELECT there_is_no_such_column")

    with db.transaction(engine) as session:
        assert session.execute(sa.select(sa.func.count()).select_from(journal)).scalar_one() == 0


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_connections_that_the_server_has_closed_meanwhile_are_not_used_again(engine):
    own = db.engine_for(engine.url.render_as_string(hide_password=False), pool_size=2)
    with own.connect() as one, own.connect() as other:
        before = {c.execute(sa.text("SELECT pg_backend_pid()")).scalar_one() for c in (one, other)}
    with engine.connect() as killer:
        end = sa.text("SELECT pg_terminate_backend(pid, 5000) FROM unnest(:pids) AS pid")
        assert all(killer.execute(end, {"pids": sorted(before)}).scalars())

    with own.connect() as one, own.connect() as other:
        after = {c.execute(sa.text("SELECT pg_backend_pid()")).scalar_one() for c in (one, other)}
    own.dispose()

    assert len(after) == 2
    assert not after & before
