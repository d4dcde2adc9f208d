"""What an adapter is, and the words it speaks: facts in, numbers out.

An adapter imports this module, its neighbours `client`, `keys`, `pages` and `checks`, `values` and `errors`, and nothing else of ours. Its verbs never touch
the database; the engine in `sync` keeps cursors, decides what to write and remembers what was applied.

Facts are *snapshots with cumulative numbers*, never differences: an `OrderSeen` says how many of each line were ordered,
cancelled, shipped and restocked so far. Telling it twice, or an older one after a newer one, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from omnisync.values import Money

# ---------------------------------------------------------------- words in: facts


@dataclass(frozen=True, slots=True)
class Article:
    """How a channel names an article; the engine finds our SKU by listing (external_id), then SKU, then barcode."""

    external_id: str | None = None
    sku: str | None = None
    barcode: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Restock:
    """Goods that a channel says went back onto a shelf: at most once per (line, id)."""

    id: str
    quantity: int
    place: str | None = None
    told_as: str | None = None
    """The key of the Sale or Delivered that tells the very same goods where the channel does not yet know their order."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of an order, all numbers cumulative and never negative.

    `stocked=False` marks what never enters the ledger (deposit, shipping, gift wrap, vouchers, tips) when the channel
    itself says so. `place` is the channel's own assignment to one of its locations.
    """

    id: str
    article: Article
    quantity: int
    cancelled: int = 0
    shipped: int = 0
    restocks: tuple[Restock, ...] = ()
    place: str | None = None
    unit_price: Money | None = None
    stocked: bool = True


@dataclass(frozen=True, slots=True)
class Customer:
    """Personal data of a buyer; kept apart from the journal and erasable."""

    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """An order as its channel shows it now.

    `id` is the channel's stable id (text), `reference` what people call it (`#1001`), by which reservations and pickups are
    bound to it. `version` sorts later states after earlier ones (an updated_at with its zone). `counter` says that the goods
    left the shop with the receipt (a sale, not a promise). `elsewhere` says that others fulfil it from stock that is
    not ours: it moves nothing. `totals` are the channel's own sums, kept verbatim.
    """

    id: str
    reference: str
    version: datetime
    placed_at: datetime
    lines: tuple[OrderLine, ...]
    counter: bool = False
    pickup: bool = False
    paid: bool = True
    lowered: bool = True
    """The channel has taken its pieces off the numbers it shows; False where it does so only later, as when it is paid."""
    elsewhere: bool = False
    closed: bool = False
    currency: str | None = None
    totals: Mapping[str, Any] = field(default_factory=dict)
    customer: Customer | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """One line of a receipt (CSV tills): `quantity` pieces left the shop, or came back when it is negative.

    `key` names this line for ever (receipt, line): the same key twice is one sale.
    """

    key: str
    article: Article
    quantity: int
    at: datetime
    place: str | None = None
    unit_price: Money | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Somebody counted: at that moment so many pieces were there. Our stock only where the channel owns the location."""

    key: str
    article: Article
    quantity: int
    at: datetime
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """Goods arrived (positive) or left without a sale (negative), as a till that owns its stock books them."""

    key: str
    article: Article
    quantity: int
    at: datetime
    place: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LevelSeen:
    """What the channel shows for an article at a place, at that moment (None: when it was asked).

    `tag` is the idempotency key or reference of the write that caused it, where the channel tells: our own writes are
    recognised by it. `allocated` are pieces the channel keeps back for orders of its own, where it shows stock minus them.
    """

    article: Article
    quantity: int
    place: str | None = None
    at: datetime | None = None
    tag: str | None = None
    allocated: int = 0
    price: Money | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A part of a message that we cannot understand; it waits as a dead letter with this reason and mend."""

    key: str
    """`order:<id>` or `order:<id>/<line>` where it is one: the letter is put away when that can be read."""
    reason: str
    action: str


Fact = OrderSeen | Sale | Counted | Delivered | LevelSeen | Unreadable


# ---------------------------------------------------------------- hooks


@dataclass(frozen=True, slots=True)
class Hook:
    """A request that a channel sent us, untouched. Header names are lower case; `url` is the public one it was sent to."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A verified hook: the channel's own name for the event, its topic and, where known, the resource it speaks of.

    `later`: it only hints at a number, which mostly has changed because of an order that is told of at the same time, or because we
    wrote it. Such hints are read together, a second or two later: the order comes first, and calls are left for what sells.
    """

    event_id: str
    topic: str
    resource: str | None = None
    later: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A ready answer (challenge, ping, handshake): nothing is kept."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class KeyNeeded:
    """The signature can only be checked with this key: `fetch_key(kid)` brings it, then `identify` is asked again."""

    kid: str


@dataclass(frozen=True, slots=True)
class Forged:
    """The signature is missing or wrong: answered 401, nothing is kept."""

    reason: str


Identified = Message | Answer | KeyNeeded | Forged


# ---------------------------------------------------------------- numbers out


class Write(StrEnum):
    """How a channel takes stock."""

    ABSOLUTE = "absolute"
    COMPARE_AND_SET = "compare_and_set"
    DELTA = "delta"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Can:
    """What a channel can do; the engine asks this, never the channel's name."""

    write: Write
    batch_size: int = 1
    many_locations: bool = False
    """Takes stock per location of its own; else one number for all."""
    shows: Literal["available", "on_hand"] = "available"
    webhooks: bool = False
    queue: bool = False
    """Its messages wait in a queue that `pull` reads, and nobody needs to reach us."""
    topics: tuple[str, ...] = ()
    """What to subscribe for either."""
    polls: bool = True
    prices: bool = False
    price_with_stock: bool = False
    """One write carries both (eBay, oscar); else prices go in a call of their own."""
    echo_tags: bool = False
    looks: bool = True
    """Levels can be read back."""
    applied_at_once: bool = True
    allocates: bool = False
    """Shows what we write minus allocations of its own orders."""
    relists: bool = True
    """Offers by itself what was cancelled; else that depends (on the seller's settings, on who cancelled and why)."""
    revisions_per_day: int | None = None
    tells_pickups: bool = False
    poll_seconds: float = 30.0
    overlap_seconds: float = 120.0
    order_by_number: bool = False
    finds_orders: bool = False
    """The numbers of its orders follow one another, and orders can be asked for by number (`besides.FindsOrders`)."""
    since: datetime | None = None
    """What happened from then on moves stock; None: from the first time that the channel was read."""


@dataclass(frozen=True, slots=True)
class Target:
    """One listing at one place of the channel (place is None where it has no locations)."""

    external_id: str
    sku: str
    place: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    """The channel's other ids of this listing (product id, stock record), as `listings` told them."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a listing shall show. `quantity` or `price` is None when it is not to be written.

    `compare` is the quantity we believe is shown there (for compare-and-set and deltas; None: unknown), `tag` the idempotency
    key of this very write: the same tag again is the same write.
    """

    target: Target
    tag: str
    at: datetime
    quantity: int | None = None
    compare: int | None = None
    price: Money | None = None
    allocated: int = 0


class Outcome(StrEnum):
    """What came of one write."""

    APPLIED = "applied"
    ACCEPTED = "accepted"
    """Taken, and to be applied later: a read-back tells."""
    CHANGED = "changed"
    """Compare-and-set lost: the channel shows `actual`; decide again."""
    TRY_LATER = "try_later"
    ATTENTION = "attention"
    """This listing alone needs a person; `reason` and `action` say why and what."""


@dataclass(frozen=True, slots=True)
class Published:
    """The fate of one `Shown`, in the order they were given."""

    outcome: Outcome
    actual: int | None = None
    reason: str = ""
    action: str = ""
    retry_after_seconds: float | None = None
    unknown: bool = False
    """With ATTENTION: the channel does not know the listing (any more)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """An offer that exists at the channel, for matching with our articles."""

    external_id: str
    sku: str | None
    barcode: str | None = None
    title: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    managed: bool = True
    """False: fulfilled by the marketplace from its own warehouse; never written."""


@dataclass(frozen=True, slots=True)
class News:
    """Something about a pickup or order that its channel should hear: safe to repeat."""

    kind: Literal["ready", "collected", "cancelled", "expired"]
    order_id: str
    reference: str
    place: str | None
    lines: Sequence[tuple[str, int]]
    """(the channel's line id, quantity)"""
    tag: str
    notify_customer: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a pull: facts, the cursor after it, and whether there is more now.

    The cursor is opaque text that the engine stores after the facts were committed; None starts from the beginning.
    """

    facts: Sequence[Fact]
    cursor: str | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class ListingPage:
    """One page of the channel's offers."""

    listings: Sequence[Listing]
    cursor: str | None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `omnisync doctor` about a channel."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic that a channel shall send to `url`."""

    topic: str
    url: str
    id: str | None = None
    active: bool = True
    renewed: bool = field(default=False, compare=False)
    """It was missing or switched off, and has just been put right."""
    mend: str = ""
    """What a person must still do about it."""


class Adapter(Protocol):
    """A connected account of one channel.

    Network verbs raise `TryLater` (rate limits, timeouts, 5xx; honouring Retry-After) and `NeedsAttention` (401, 403, what a
    person must mend), and nothing else; `adapters.client` translates for all. They are safe to repeat.
    """

    name: str
    """The channel's name in the settings, not the adapter's."""
    can: Can

    def identify(self, hook: Hook) -> Identified:
        """Check the signature over the raw bytes in constant time and name the message. Pure."""
        ...

    def read(self, hook: Hook) -> Sequence[Fact]:
        """The facts inside a verified hook; may be empty where the payload is only a hint (then `follow` reads). Pure."""
        ...

    def subject(self, hook: Hook) -> str | None:
        """What `follow` reads, by name: hooks of the same subject that wait together are followed together. None: alone. Pure."""
        ...

    async def follow(self, *hooks: Hook) -> Sequence[Fact]:
        """Read again what hooks of one subject hint at: what the channel says now, not what it said then."""
        ...

    async def check(self) -> Sequence[Check]:
        """Credentials and scopes, by a read-only call."""
        ...

    async def pull(self, cursor: str | None, *, now: datetime) -> Page:
        """What changed since the cursor, oldest first, with overlap so that nothing between two pages is lost."""
        ...

    async def listings(self, cursor: str | None) -> ListingPage:
        """The channel's offers, a page at a time."""
        ...

    async def look(self, targets: Sequence[Target]) -> Sequence[LevelSeen]:
        """What the channel shows for these now, in any order; what it does not know is left out."""
        ...

    async def publish(self, shown: Sequence[Shown]) -> Sequence[Published]:
        """Show these; at most `can.batch_size` at once. One bad line never spoils the others."""
        ...

    async def tell(self, news: Sequence[News]) -> Sequence[Published]:
        """Report pickups back."""
        ...

    async def subscriptions(self, wanted: Sequence[Subscription]) -> Sequence[Subscription]:
        """Make the channel's webhook subscriptions those wanted, and return what stands now."""
        ...

    async def fetch_key(self, kid: str) -> bytes:
        """The public key of that id, as PEM."""
        ...

    async def done(self, receipts: Sequence[str]) -> None:
        """The facts with these keys are committed: what was read may be put away (files move to done/). Most do nothing."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
