"""Running an import: check the whole file first, then change everything it says in one transaction, or nothing."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from omnisync import db
from omnisync.catalog.batches import batches
from omnisync.catalog.tables import ImportRun
from omnisync.clock import Clock, Ids
from omnisync.imports import csvfile, slices
from omnisync.imports.csvfile import FAULT_COLUMN, Source
from omnisync.imports.faults import Faults
from omnisync.imports.reading import Difference, Reading, Run
from omnisync.imports.stage import Stage
from omnisync.stock import backorders

T = TypeVar("T")
T_Reading = TypeVar("T_Reading", bound=Reading[Any])
SHOWN_DIFFERENCES = 50
_TRIES = 3
_RUN = db.table(ImportRun)
_NOTHING = {True: "Everything in this file stands already.", False: "No row of this file can be imported."}
Progress = Callable[[int, int], None]
"""Told now and then which line of how many was read last."""
_TELL_EVERY = 200


@dataclass
class Survey:
    """What a file says, what is wrong with it, and what it would change."""

    source: Source
    at: datetime
    faults: Faults = field(default_factory=Faults)
    rows: int = 0
    created: int = 0
    changed: int = 0
    examples: list[Difference] = field(default_factory=list)
    backordered: set[str] = field(default_factory=set)
    """SKUs of which it says anew how far they may be promised."""

    @property
    def unchanged(self) -> int:
        return self.rows - self.created - self.changed

    def count(self, differences: Sequence[Difference]) -> None:
        created = sum(difference.before is None for difference in differences)
        self.created += created
        self.changed += len(differences) - created
        self.backordered |= {difference.key for difference in differences if "backorder" in difference.after}
        self.examples += differences[: SHOWN_DIFFERENCES - len(self.examples)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an import went. Without `run_id` nothing was changed; `why` says so where it is no fault of the file."""

    survey: Survey
    run_id: str | None = None
    rejected: int = 0
    """Rows with a fault, and those that lean on them: left out, whatever becomes of the others."""
    why: str = ""

    @property
    def rows(self) -> int:
        """All rows of the file that hold anything."""
        return self.survey.rows + self.rejected


@dataclass(frozen=True, slots=True)
class Importer:
    """What an import runs with."""

    engine: Engine
    clock: Clock
    ids: Ids
    progress: Progress = lambda line, lines: None
    give_way: Callable[[], None] = lambda: None
    """Asked between two slices to let others write."""
    pace: slices.Pace = field(default_factory=slices.Pace)
    say: Callable[[str], str] = str
    """The reasons beside the rejected rows, in the language of who reads them."""

    def run(
        self, path: Path, make: Callable[[], Reading[Any]], *, check: bool = False, keep_good: Path | None = None
    ) -> Outcome:
        """Import the file: all of it, or nothing when anything is wrong; with `keep_good` all but what that file then lists."""
        source = csvfile.look_at(path, make().columns)
        begun, make = self._going_on(source, make)
        remake = make().record
        with Stage(remake) if remake else nullcontext() as stage:
            return self._run(source, make, stage, begun, check, keep_good)

    def _run(
        self,
        source: Source,
        make: Callable[[], Reading[Any]],
        stage: Stage[Any] | None,
        begun: Any | None,
        check: bool,
        keep_good: Path | None,
    ) -> Outcome:
        rejected, survey = self._survey(source, make, stage, tell_all=keep_good is not None)
        outcome = Outcome(survey, rejected=len(rejected))
        if survey.faults.fatal or (survey.faults.groups and keep_good is None):
            return outcome
        if keep_good is not None and rejected:
            write_rejects(keep_good, source, rejected)
        if check:
            return outcome
        if stage is not None:
            run_id, why = self._book(survey, stage, make(), begun)
        else:
            run_id, why = self.within(lambda session: self._apply(session, survey, make, rejected))
        return replace(outcome, run_id=run_id, why=why)

    def _going_on(self, source: Source, make: Callable[[], T_Reading]) -> tuple[Any | None, Callable[[], T_Reading]]:
        """The import of this very file that was cut off, and readings that see it as of then."""
        with db.reading(self.engine) as session:
            begun = slices.unfinished(session, make(), source.sha256)
        if begun is None:
            return None, make
        then = begun.counted_at or begun.at

        def as_of_then() -> T_Reading:
            reading = make()
            reading.counted_at = then
            return reading

        return begun, as_of_then

    def _book(
        self, survey: Survey, stage: Stage[Any], reading: Reading[Any], begun: Any | None
    ) -> tuple[str | None, str]:
        csvfile.refuse_changed(survey.source)
        if begun is None:
            begun, why = self.within(lambda session: self._begin(session, survey, stage, reading))
            if begun is None:
                return None, why
        # As of then: a sale since may have brought the ledger to the very number that was counted.
        reading.counted_at = begun.counted_at or begun.at
        booking = slices.Booking(self, reading, begun.id, begun.at)
        booking.book(stage, begun.booked_line, lambda line: self.progress(line, survey.source.lines))
        return begun.id, ""

    def _begin(
        self, session: Session, survey: Survey, stage: Stage[Any], reading: Reading[Any]
    ) -> tuple[Any | None, str]:
        """The run that is written down, or why there is none; of two who begin with one file at once, one does."""
        sha256 = survey.source.sha256
        db.lock_names(session, [f"import:{reading.kind}:{reading.channel}:{sha256}"])
        if why := reading.repeats(session, sha256):
            return None, why
        if not stage.records:
            return None, _NOTHING[survey.rows > 0]
        slices.refuse_begun(session, reading, sha256)
        return slices.begin(session, _run_row(Run(self.ids.new(), survey.at, survey.at, self.ids), survey, reading)), ""

    def within(self, work: Callable[[Session], T]) -> T:
        """One transaction, run again where it lost a race."""
        # A file has its rows in any order, so beside other writers PostgreSQL may call this one the loser of a deadlock.
        for _ in range(_TRIES - 1):
            try:
                with db.transaction(self.engine) as session:
                    return work(session)
            except DBAPIError as error:
                if not db.is_transient(error):
                    raise
        with db.transaction(self.engine) as session:
            return work(session)

    def _apply(
        self, session: Session, survey: Survey, make: Callable[[], Reading[Any]], rejected: dict[int, str]
    ) -> tuple[str | None, str]:
        if why := make().repeats(session, survey.source.sha256):
            return None, why
        run_id = self._write(session, survey, make(), rejected)
        return run_id, "" if run_id else _NOTHING[survey.rows > 0]

    def _survey(
        self, source: Source, make: Callable[[], Reading[Any]], stage: Stage[Any] | None, *, tell_all: bool
    ) -> tuple[dict[int, str], Survey]:
        """Which rows are left out, and what the others say. With `tell_all` also rows that only lean on a faulty one have a fault."""
        rejected: dict[int, str] = {}
        with db.reading(self.engine) as session:
            survey = self._read(session, source, make(), stage, rejected)
            faults = survey.faults
            while survey.faults.groups and not faults.fatal:
                # A row may lean on one that was rejected (a component, a barcode that moves): read again without those.
                rejected |= survey.faults.messages(self.say)
                survey = self._read(session, source, make(), stage, rejected)
                if tell_all:
                    faults.join(survey.faults)
        survey.faults = faults
        return rejected, survey

    def _read(
        self, session: Session, source: Source, reading: Reading[Any], stage: Stage[Any] | None, skip: dict[int, str]
    ) -> Survey:
        survey = Survey(source, db.now(session, self.clock))
        if stage is not None:
            stage.clear()
        survey.faults.add(csvfile.header_faults(source, reading.columns))
        if survey.faults.groups:
            return survey
        for batch in batches(self._records(source, reading, skip, survey.faults)):
            survey.rows += len(batch)
            survey.faults.add(reading.examine(session, batch))
            differences = reading.compare(session, batch, survey.at)
            survey.count(differences)
            if stage is not None:
                changed = {difference.line for difference in differences}
                stage.put(record for record in batch if record.line in changed)
        survey.faults.add(reading.finish(session))
        return survey

    def _records(
        self, source: Source, reading: Reading[Any], skip: dict[int, str], faults: Faults | None = None
    ) -> Iterator[Any]:
        for row in csvfile.rows(source):
            if row.line % _TELL_EVERY == 0:
                self.progress(row.line, source.lines)
            if row.line in skip:
                continue
            record, found = (None, [row.fault]) if row.fault else reading.parse(row)
            if found and faults is not None:
                faults.add(found)
            if record is not None:
                yield record

    def _write(self, session: Session, survey: Survey, reading: Reading[Any], rejected: dict[int, str]) -> str | None:
        now = db.now(session, self.clock)
        run = Run(self.ids.new(), now, now, self.ids)
        session.execute(sa.insert(_RUN), [_run_row(run, survey, reading)])
        backorders.lock(session, survey.backordered)
        changed = 0
        for batch in batches(self._records(survey.source, reading, rejected)):
            differences = reading.compare(session, batch, now)
            reading.write(session, run, differences)
            changed += len(differences)
        reading.close(session, run)
        csvfile.refuse_changed(survey.source)
        if not changed:
            session.execute(sa.delete(_RUN).where(_RUN.c.id == run.id))
            return None
        session.execute(sa.update(_RUN).where(_RUN.c.id == run.id).values(changed=changed))
        return run.id


def _run_row(run: Run, survey: Survey, reading: Reading[Any]) -> dict[str, Any]:
    return {
        "id": run.id,
        "kind": reading.kind,
        "channel": reading.channel,
        "counted_at": reading.counted_at,
        "file_name": survey.source.path.name,
        "file_hash": survey.source.sha256,
        "at": run.at,
        "rows": survey.rows,
        "changed": 0,
    }


def write_rejects(path: Path, source: Source, rejected: dict[int, str]) -> None:
    """The rejected rows as they stood, with what is wrong in a last column that an import reads over."""
    told = source.header.index(FAULT_COLUMN) if FAULT_COLUMN in source.header else len(source.header)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=source.separator)
        writer.writerow([*source.header[:told], *source.header[told + 1 :], FAULT_COLUMN])
        for row in csvfile.rows(source):
            if row.line in rejected:
                writer.writerow([*row.raw[:told], *row.raw[told + 1 :], rejected[row.line]])


def last_runs(session: Session, limit: int = 20) -> list[Any]:
    """The imports of the past, latest first."""
    return list(session.execute(sa.select(_RUN).order_by(_RUN.c.at.desc(), _RUN.c.id.desc()).limit(limit)))


def earlier(session: Session, kind: str, sha256: str, channel: str | None = None) -> Any | None:
    """The last import of this very file that was not undone."""
    same = (_RUN.c.kind == kind, _RUN.c.file_hash == sha256, _RUN.c.channel.is_not_distinct_from(channel))
    whole = (_RUN.c.undone_at.is_(None), _RUN.c.booked_line.is_(None))
    query = sa.select(_RUN).where(*same, *whole).order_by(_RUN.c.at.desc()).limit(1)
    return session.execute(query).first()
