"""Tables whose rows stay as they are: the triggers that refuse to change them, and the one door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy import event

JOURNALS: Mapping[str, Mapping[str, str]] = {
    "movement": {"DELETE": "EXISTS (SELECT 1 FROM archive WHERE door IS NOT NULL AND OLD.id <= last_id)"},
    "archive": {"UPDATE": "OLD.door IS NOT NULL"},
    "archived_key": {},
}
"""Tables whose rows stay as they are, each with what its triggers let pass all the same: docs/decisions/0025."""


def protect_journal(journal: sa.Table) -> None:
    """Let the database itself refuse to change or delete rows of this table (REPLACE and TRUNCATE included)."""
    for statement, dialect in journal_triggers(journal.name):
        event.listen(journal, "after_create", sa.DDL(statement).execute_if(dialect=dialect))  # type: ignore[no-untyped-call]


def journal_triggers(name: str) -> list[tuple[str, str]]:
    """The statements that make a table append-only, each with the dialect it is for; migrations use them too."""
    return [*((text, "sqlite") for text in _triggers_of_sqlite(name)), *((text, "postgresql") for text in _triggers_of_postgresql(name))]  # fmt: skip


def _refusal(name: str) -> str:
    return f"{name} is append-only: record a counter-movement instead"


def _triggers_of_sqlite(name: str) -> Iterator[str]:
    for verb in ("UPDATE", "DELETE"):
        door = JOURNALS[name].get(verb)
        unless = f" WHEN NOT ({door})" if door else ""
        yield (
            f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name}{unless} "
            f"BEGIN SELECT RAISE(ABORT, '{_refusal(name)}'); END"
        )


def _triggers_of_postgresql(name: str) -> Iterator[str]:
    # Ifs within ifs, for TRUNCATE has no OLD that a condition could name.
    doors = " ".join(
        f"IF TG_OP = '{verb}' THEN IF {door} THEN RETURN {'OLD' if verb == 'DELETE' else 'NEW'}; END IF; END IF;"
        for verb, door in JOURNALS[name].items()
    )
    yield (
        f"CREATE FUNCTION {name}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {doors} RAISE EXCEPTION '{_refusal(name)}'; END $$"
    )
    for trigger, verbs, each in (("change", "UPDATE OR DELETE", "ROW"), ("truncate", "TRUNCATE", "STATEMENT")):
        yield (
            f"CREATE TRIGGER {name}_no_{trigger} BEFORE {verbs} ON {name} "
            f"FOR EACH {each} EXECUTE FUNCTION {name}_append_only()"
        )
