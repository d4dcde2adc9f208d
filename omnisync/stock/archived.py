"""Whether what was archived and what was carried forward for it still say the same: without the files, and with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from omnisync import db
from omnisync.errors import NeedsAttention
from omnisync.stock import archive_file, archives
from omnisync.stock.archive_file import Head, Written
from omnisync.stock.carrying import Moved
from omnisync.stock.tables import Archive, ArchivedKey, Movement
from omnisync.values import format_time

_movement, _key, _archive = db.table(Movement), db.table(ArchivedKey), db.table(Archive)
_ROWS = sa.select(*(_movement.c[name] for name in Moved._fields))
_STREAMED = {"yield_per": 10_000}
_RESTORE = "put back this file from a backup of the folder"


def openings_stand_as_archived(session: Session) -> Iterator[str]:
    """The journal begins with the very rows that the archives carried forward, and every archived key is kept."""
    kept = session.execute(sa.select(sa.func.count()).select_from(_key)).scalar_one()
    named = session.execute(sa.select(sa.func.coalesce(sa.func.sum(_archive.c["keys"]), 0))).scalar_one()
    if kept != named:
        yield f"{named} keys were archived, {kept} are kept: restore the table archived_key from a backup"
    newest = archives.newest(session)
    if newest is None:
        return
    standing, digests = 0, 0
    for row in session.execute(_ROWS.where(_movement.c.id <= newest.last_id), execution_options=_STREAMED):
        standing, digests = standing + 1, digests + archive_file.digest(Moved(*row))
    if (standing, archive_file.total(digests)) != (newest.standing, newest.standing_digest):
        yield (
            f"the first {standing} rows of the journal are not the {newest.standing} that were carried forward up to "
            f"{newest.month}: omnisync verify --archive says whether the files are right; restore the database from a backup"
        )


OPENINGS_INVARIANTS = (openings_stand_as_archived,)


def files_say_the_same(session: Session, folder: Path) -> Iterator[str]:
    """Each file lies there as it was written, follows the one before, and is carried forward as the journal has it."""
    before: Archive | None = None
    for row in archives.every(session):
        try:
            yield from _file_says_the_same(session, row, before, archive_file.check(folder / row.file))
        except NeedsAttention as trouble:
            yield f"{row.file}: {trouble.message} {trouble.action}"
        before = row


def _file_says_the_same(session: Session, row: Archive, before: Archive | None, found: Written) -> Iterator[str]:
    tally, head = found.tally, found.head
    digests = (int(before.standing_digest, 16) if before else 0, tally.digest)
    previous, after_id = (before.sha256, before.last_id) if before else (None, 0)
    says: tuple[tuple[str, Any, Any], ...] = (
        ("its hash", row.sha256, found.sha256),
        ("its first line", Head(row.id, row.month, format_time(row.until), after_id, row.last_id, previous), head),
        ("the number of its movements", row.movements, tally.movements),
        ("the number of their keys", row.keys, tally.keys),
        ("the number of rows carried forward", row.carried, tally.carried),
        ("its sums", row.sums, tally.sums),
        ("what stands in the journal for it", row.standing_digest, archive_file.total(*digests)),
    )
    for what, archived, read in says:
        if archived != read:
            yield f"{row.file}: {what} differs from what was archived ({archived}, the file says {read}): {_RESTORE}"
            return
    missing = _missing_keys(session, found.path)
    if missing:
        yield f"{row.file}: its key {missing} is not kept: restore the table archived_key from a backup"


def _missing_keys(session: Session, path: Path) -> str | None:
    """A key of that file that would be booked again."""
    for rows in archive_file.keyed(path):
        wanted = {row.key or "": (row.location, row.sku, row.kind, row.quantity, row.on_hand) for row in rows}
        kept = session.execute(sa.select(_key).where(db.among(_key.c.key, sorted(wanted))))
        there = {row.key: (row.location, row.sku, row.kind, row.quantity, row.on_hand) for row in kept}
        if there != wanted:
            return min(key for key in wanted if there.get(key) != wanted[key])
    return None
