"""Reading a channel page by page: what webhooks lost is found here, and the cursor moves only with what was booked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from sqlmodel import Session, col, select

from omnisync.adapters.base import Article, Fact, LevelSeen, Listing, OrderSeen, Page
from omnisync.errors import NeedsAttention
from omnisync.sync import budgets, cursors, facts, firsts, gone, health
from omnisync.sync.context import Channel, Context
from omnisync.sync.cursors import FIRST_READING, LISTINGS
from omnisync.sync.resolve import resolver
from omnisync.sync.tables import ChannelListing

MAX_PAGES = 200
"""In one go; what is left is read in the next."""
FACTS = "facts"
WAITS_AT_MOST = timedelta(minutes=1)
"""A page of listings is read after that although there is no room for it: a channel may always have more to do than it allows."""
GOES_ON_WITHIN = timedelta(minutes=10)
"""A pass over the listings that stood still for longer begins again."""


async def _at_once() -> None:
    """Nothing is done between two pages."""


async def pull(context: Context, channel: Channel, *, between: Callable[[], Awaitable[None]] = _at_once) -> int:
    """Book what happened since the cursor; the number of facts. TryLater and NeedsAttention leave the cursor where it is.

    `between` two pages the caller may do what cannot wait for the last of them.
    """
    booked = 0
    if not channel.can.polls:
        return booked
    for _ in range(MAX_PAGES):
        page = await _next_page(context, channel)
        await channel.adapter.done(_receipts(page.facts))
        booked += len(page.facts)
        if not page.more:
            break
        await between()
    return booked


async def _next_page(context: Context, channel: Channel) -> Page:
    before, asked = await context.store.read(lambda session: cursor(session, channel.name, FACTS)), context.clock.now()
    page = await channel.adapter.pull(before, now=context.clock.now())
    now, news = context.clock.now(), channel.known.without(page.facts)

    def book(session: Session) -> list[Fact]:
        booked: list[Fact] = []
        firsts.connect(session, channel, asked)
        facts.apply(session, context, channel, news, now=now, booked=booked)
        if page.cursor is not None:
            advance(session, channel.name, FACTS, page.cursor, now=now)
        if not page.more:
            health.succeeded(session, channel.name, now=now, pulled=True)
        return booked

    channel.known.keep(await context.store.write(book))
    return page


def _receipts(found: Sequence[Fact]) -> list[str]:
    """What the adapter may put away: the names by which it gave us these facts."""
    return [fact.id if isinstance(fact, OrderSeen) else fact.key for fact in found if not isinstance(fact, LevelSeen)]


def cursor(session: Session, channel: str, name: str) -> str | None:
    """How far the channel was read; None from the beginning."""
    found = cursors.find(session, channel, name)
    return None if found is None else found.value


def advance(session: Session, channel: str, name: str, value: str | None, *, now: datetime) -> None:
    """Remember how far, in the transaction of what was read."""
    cursors.put(session, channel, name, value, at=now)


# ---------------------------------------------------------------- listings


@dataclass
class Reading:
    """How far the pages of a channel's listings were read."""

    position: str | None = None
    more: bool = True
    been: set[str | None] = field(default_factory=lambda: {None})

    async def page(self, channel: Channel) -> Sequence[Listing]:
        """The next one. NeedsAttention when the channel goes in circles: then nothing may be taken for gone."""
        page = await channel.adapter.listings(self.position)
        if page.more and page.cursor in self.been:
            raise NeedsAttention(
                f"{channel.name} sends the same page of its listings again and again.",
                action="Look whether its catalogue can be listed there; if it can, update omnisync.",
            )
        self.more, self.position = page.more, page.cursor
        self.been.add(page.cursor)
        return page.listings


@dataclass
class Pass(Reading):
    """One reading of all of them, perhaps over many rounds."""

    began: datetime = field(kw_only=True)
    read_at: datetime = field(kw_only=True)
    """When its last page came."""
    named: set[str] = field(default_factory=set)
    matched: set[str] = field(default_factory=set)
    """SKUs of ours that its pages were the first to offer, and that nobody has taken up yet."""

    @classmethod
    def begin(cls, now: datetime) -> Pass:
        return cls(began=now, read_at=now)

    def stands(self, now: datetime) -> bool:
        """Whether its position still says something about the channel's pages."""
        return now - self.read_at <= GOES_ON_WITHIN

    def take_matched(self) -> set[str]:
        """These, for whoever gives them their numbers; they are not told twice."""
        taken, self.matched = self.matched, set()
        return taken


async def pull_listings(context: Context, channel: Channel) -> int:
    """Read all offers of the channel and match those that nobody has mapped; how many there are. Those that it has no more
    are gone."""
    so_far = Pass.begin(context.clock.now())
    await read_on(context, channel, so_far)
    return len(so_far.named)


async def read_on(
    context: Context,
    channel: Channel,
    so_far: Pass,
    *,
    sparing: bool = False,
    between: Callable[[], Awaitable[None]] = _at_once,
) -> bool:
    """The same from where a pass stands; whether it came to its end. A `sparing` one leaves the channel's budgets half full, for what
    cannot wait, and `between` two pages the caller may do that. Whatever is raised leaves the pass where it is."""
    while so_far.more:
        waited = context.clock.now() - so_far.read_at
        if sparing and waited < WAITS_AT_MOST and not budgets.have_room(channel.adapter):
            return False
        listings = await so_far.page(channel)
        now = context.clock.now()
        so_far.matched |= await context.store.write(partial(_page, channel=channel, listings=listings, now=now))
        so_far.named |= {listing.external_id for listing in listings}
        so_far.read_at = now
        if so_far.more:
            await between()
    await gone.settle(context, channel, so_far.named, began=so_far.began)
    now = context.clock.now()
    await context.store.write(lambda session: advance(session, channel.name, LISTINGS, None, now=now))
    return True


def _page(session: Session, channel: Channel, listings: Sequence[Listing], now: datetime) -> set[str]:
    if cursors.find(session, channel.name, LISTINGS) is None:
        advance(session, channel.name, FIRST_READING, None, now=now)
    return keep(session, channel, listings, now=now)


async def offers(channel: Channel) -> AsyncIterator[Sequence[Listing]]:
    """Page after page, however many there are."""
    reading = Reading()
    while reading.more:
        yield await reading.page(channel)


def keep(session: Session, channel: Channel, listings: Sequence[Listing], *, now: datetime) -> set[str]:
    """Write these offers down. A mapping that stands is kept; a new one is made by SKU, else by barcode. The SKUs whose numbers are
    ours to write at a listing where they were not before."""
    named = [Article(None, listing.sku, listing.barcode) for listing in listings]
    resolve = resolver(session, channel.name, named)
    known = _known(session, channel.name, [listing.external_id for listing in listings])
    before, after = set(map(_ours, known.values())), set[_Ours]()
    for listing, article in zip(listings, named, strict=True):
        row = known.get(listing.external_id)
        if row is None:
            row = ChannelListing(channel=channel.name, external_id=listing.external_id, added_at=now)
            session.add(row)
        if row.sku is None and (found := resolve(article)) != row.kept_sku:
            row.sku, row.kept_sku = found, None
        if row.sku and row.barcode and listing.barcode != row.barcode:
            row.was_barcode = row.barcode
        row.named, row.barcode, row.title, row.extra = listing.sku, listing.barcode, listing.title, dict(listing.extra)
        row.managed = listing.managed
        known[listing.external_id] = row
        after.add(_Ours(row.external_id, row.sku if row.managed else None))
    gone.listed(session, channel, [known[listing.external_id] for listing in listings], now=now)
    return {one.sku for one in after - before if one.sku is not None}


class _Ours(NamedTuple):
    """A listing, and the article whose numbers we write there; None while there is none."""

    external_id: str
    sku: str | None


def _ours(row: ChannelListing) -> _Ours:
    return _Ours(row.external_id, row.sku if row.managed and row.gone_at is None else None)


def _known(session: Session, channel: str, external_ids: Sequence[str]) -> dict[str, ChannelListing]:
    statement = select(ChannelListing).where(
        ChannelListing.channel == channel, col(ChannelListing.external_id).in_(external_ids)
    )
    return {row.external_id: row for row in session.exec(statement)}
