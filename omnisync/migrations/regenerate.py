"""Writes the first migration anew from the tables, while no release holds anybody's data:
`python -m omnisync.migrations.regenerate`. After the first release, schema changes are new steps beside it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext
from sqlmodel.sql.sqltypes import AutoString

from omnisync import db
from omnisync.migrations import tables

FIRST = Path(__file__).parent / "versions" / "initial.py"
_OUR_TYPES = (db.Name, db.Instant, db.Serial)
_FRAME = '''\
"""All tables of the first release, and the triggers that keep journals append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from omnisync import db, journals

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None



def upgrade() -> None:
    {up}
    for journal in journals.JOURNALS:
        for statement, dialect in journals.journal_triggers(journal):
            if dialect == op.get_bind().dialect.name:
                op.execute(sa.text(statement))


def downgrade() -> None:
    {down}
    if op.get_bind().dialect.name == "postgresql":
        for journal in journals.JOURNALS:
            op.execute(sa.text(f"DROP FUNCTION {{journal}}_append_only()"))
'''


def source() -> str:
    """The migration as Python, not yet formatted."""
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        script = produce_migrations(MigrationContext.configure(connection), tables.METADATA)
    engine.dispose()
    return _FRAME.format(up=_code(script, "upgrade"), down=_code(script, "downgrade"))


def _code(script: MigrationScript, direction: Literal["upgrade", "downgrade"]) -> str:
    steps = script.upgrade_ops if direction == "upgrade" else script.downgrade_ops
    assert steps is not None
    code = render_python_code(steps, render_item=_render)
    return "\n".join(line for line in code.splitlines() if not line.strip().startswith("#")).strip()


def _render(kind: str, item: Any, _context: object) -> str | Literal[False]:
    if kind == "type" and isinstance(item, _OUR_TYPES):
        return f"db.{type(item).__name__}()"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    return False


def main() -> None:
    """Write the file and format it."""
    FIRST.write_text(source(), encoding="utf-8")
    for verb in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *verb, str(FIRST)], check=True)  # noqa: S603  our own file


if __name__ == "__main__":
    main()
