"""A till that exports files: what lies in its folder becomes facts, each file once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress

from omnisync.adapters.base import (
    Can,
    Check,
    Fact,
    Forged,
    Hook,
    Identified,
    LevelSeen,
    Listing,
    ListingPage,
    News,
    OrderSeen,
    Outcome,
    Page,
    Published,
    Shown,
    Subscription,
    Target,
    Write,
)
from omnisync.adapters.client import Tools
from omnisync.adapters.csv import export, reading
from omnisync.adapters.csv.disk import Disk, Entry
from omnisync.adapters.csv.folder import Folder, Lying
from omnisync.adapters.csv.settings import TillSettings
from omnisync.adapters.csv.text import MAX_BYTES
from omnisync.errors import NeedsAttention, TryLater

PAGE = 500
"""Facts a page: one transaction each, so that a full stocktake does not keep the tills waiting."""
STALE_SECONDS = 24 * 3600


@dataclass
class _Opened:
    """The file at hand, and which of its facts are not yet known to be committed."""

    file: Lying
    understood: reading.Understood
    waiting: set[str]


class CsvTill:
    """It lets others run while it reads a long file."""

    def __init__(self, name: str, settings: TillSettings, places: Mapping[str, str], tools: Tools, disk: Disk) -> None:
        self.name, self._settings, self._places, self._tools = name, settings, places, tools
        self._disk, self._writing = disk, asyncio.Lock()
        self._folder = Folder(disk, settings.patterns, tools, settings.settle_seconds, never=settings.out)
        self._opened: _Opened | None = None
        self._finished: dict[Lying, Sequence[str]] = {}
        """Files of which all is committed, each with what was wrong in it: they lie until somebody says that they may be moved."""
        self._known_articles: dict[str, Listing] = {}
        self._article_list: list[Entry] = []
        exports = settings.out is not None
        self.can = Can(
            write=Write.ABSOLUTE if exports else Write.NONE,
            batch_size=1000 if exports else 1,
            many_locations=len(places) > 1,
            shows="on_hand",
            prices=exports,
            price_with_stock=exports,
            looks=False,
            poll_seconds=settings.polled_every_seconds,
            overlap_seconds=0.0,
            since=datetime.min.replace(tzinfo=UTC),  # whoever puts a file into the folder means it to be booked
        )

    def __repr__(self) -> str:
        return f"CsvTill({self.name!r}, {str(self._settings.folder)!r})"

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """The next facts of the oldest complete file. The cursor says how far that file is committed."""
        complete = await self._folder.complete()
        for file in complete:
            opened = None if file in self._finished else await self._open(file)
            if opened is None:
                continue
            start = _committed(cursor, opened.understood.fingerprint)
            facts = opened.understood.facts[start : start + PAGE]
            if not facts:  # in shadow nothing is moved, and what lies there is still read file by file
                self._finished[file], self._opened = opened.understood.reasons, None
                continue
            opened.waiting -= {_key(fact) for fact in opened.understood.facts[:start]}
            end = start + len(facts)
            more = end < len(opened.understood.facts) or file is not complete[-1]
            return Page(facts, f"{opened.understood.fingerprint}:{end}", more)
        return Page((), cursor)

    async def done(self, receipts: Sequence[str]) -> None:
        """Put the file away once its last fact is committed, and those of which that was known before."""
        while self._finished:
            file = next(iter(self._finished))
            await self._folder.put_away(file, self._finished[file])
            del self._finished[file]
        if self._opened is None:
            return
        self._opened.waiting -= set(receipts)
        if not self._opened.waiting:
            await self._folder.put_away(self._opened.file, self._opened.understood.reasons)
            self._opened = None

    async def listings(self, cursor: str | None) -> ListingPage:
        """What the till's own list of articles names, if it exports one."""
        return ListingPage(list((await self._articles()).values()), None)

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        """Put numbers where the till imports them: applied means that the file lies there."""
        out = self._settings.out
        if out is None:
            raise NeedsAttention(
                f"{self.name} has no file to write stock to.",
                action="Set `out` below [channels.settings], or do not publish to this till.",
            )
        known = await self._articles()
        is_known = [not known or one.target.external_id in known for one in shown]
        if any(is_known):
            async with self._writing:  # or of two batches the later one forgets what the earlier one wrote
                waiting = await self._disk.read(out, MAX_BYTES)
                await self._disk.write(out, export.merged(waiting, list(compress(shown, is_known)), self._settings))
        return [
            Published(Outcome.APPLIED) if fine else _unknown(one.target)
            for one, fine in zip(shown, is_known, strict=True)
        ]

    async def check(self) -> Sequence[Check]:
        """The folder, what in it nobody reads, and whether the till fetches its file."""
        try:
            lying, strangers, fetched = (
                await self._folder.lying(),
                await self._folder.strangers(),
                await self._fetched(),
            )
        except NeedsAttention as error:
            return [Check("folder", False, error.message, error.action)]
        except TryLater as error:
            return [Check("folder", False, error.message, "Wait a moment and check again.")]
        return [
            Check("folder", True, f"{self._settings.folder} can be read, {len(lying)} files wait."),
            _strangers(strangers),
            *fetched,
        ]

    def identify(self, hook: Hook) -> Identified:
        """A till that exports files calls nobody."""
        return Forged("This till sends no webhooks; it drops files into a folder.")

    def read(self, hook: Hook) -> Sequence[Fact]:
        return ()

    def subject(self, hook: Hook) -> str | None:
        return None

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        return ()

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        """The till's own stock cannot be asked for; it tells it by counts."""
        return ()

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        """It knows no pickups: there is nothing to tell, so nothing is left to do."""
        return [Published(Outcome.APPLIED) for _ in news]

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        return ()

    async def fetch_key(self, kid: str) -> bytes:
        raise NeedsAttention(f"{self.name} has no keys.", action="Remove the hook address from the till's settings.")

    async def close(self) -> None:
        await self._disk.close()

    async def _open(self, file: Lying) -> _Opened | None:
        """The file as we understand it, read again only when it changed. None while somebody writes."""
        if self._opened is None or self._opened.file != file:
            dropped = await self._folder.read(file)
            if dropped is None:
                return None
            understood = await reading.understand(dropped, self._settings, lambda: self._tools.clock.sleep(0))
            self._opened = _Opened(file, understood, {_key(fact) for fact in understood.facts})
        return self._opened

    async def _articles(self) -> dict[str, Listing]:
        """The till's article list, read again when it has changed and its last line has an end."""
        lying = await self._folder.matching(self._settings.articles)
        if lying == self._article_list:
            return self._known_articles
        read = [await self._folder.read(Lying(one.name, "articles", one.stamp)) for one in lying]
        files = [file for file in read if file is not None]
        complete = [file for file in files if file.content.rstrip(b"\0").endswith(b"\n")]
        if len(complete) == len(lying) or not self._known_articles:
            found = [one for file in files for one in _listings(file, self._settings)]
            self._known_articles = {one.external_id: one for one in found}
            self._article_list = lying
        return self._known_articles

    async def _fetched(self) -> list[Check]:
        out = self._settings.out
        stamp = None if out is None else await self._disk.stamp(out)
        if out is None or stamp is None or (self._tools.clock.now() - stamp.modified).total_seconds() < STALE_SECONDS:
            return []
        since = f"{self._disk.where(out)} lies there since {stamp.modified:%d.%m.%Y}."
        return [Check("out", False, since, "Let the till import it.")]


def _listings(dropped: reading.Dropped, settings: TillSettings) -> list[Listing]:
    try:
        return reading.listings(dropped, settings)
    except ValueError as error:
        raise NeedsAttention(
            f"The article list {dropped.name} cannot be read: {error}.",
            action="Export it again, or set `columns` below [channels.settings].",
            code="articles",
        ) from error


def _committed(cursor: str | None, fingerprint: str) -> int:
    """How many facts of this very content were committed before."""
    name, _, count = (cursor or "").partition(":")
    return int(count) if name == fingerprint and count.isdecimal() else 0


def _key(fact: Fact) -> str:
    assert not isinstance(fact, OrderSeen | LevelSeen)
    return fact.key


def _strangers(names: Sequence[str]) -> Check:
    if not names:
        return Check("files", True, "Every file in the folder is of a kind we read.")
    some = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
    return Check(
        "files",
        False,
        f"{len(names)} files match no pattern: {some}",
        "Name them in `sales` (or `totals`), `counts` or `deliveries`.",
    )


def _unknown(target: Target) -> Published:
    return Published(
        Outcome.ATTENTION,
        reason=f"The till's article list does not know {target.external_id}.",
        action="Create the article at the till and export its list again, or correct the mapping.",
        unknown=True,
    )
