"""What each channel can do and how far its adapter is proved, from what the code says: `python -m omnisync.torture.matrix > docs/channels.md`."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from omnisync.adapters import registry
from omnisync.adapters.base import Can, Write
from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.torture import known
from omnisync.torture.counterpart import Ground
from omnisync.torture.torments import TORMENTS

START = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Proof:
    """What holds an adapter against something that is not ours."""

    files: str = ""
    """The vendor's own specification, schema, recordings or signed samples."""
    client: str = ""
    """A client of somebody else's that drives our simulated channel."""
    server: str = ""
    """The vendor's real server, started by the tests."""
    account: str = ""
    """A real account at the vendor's."""


PROOFS: Mapping[str, Proof] = {
    "amazon": Proof(
        files="[models of August 2026, schemas, sandbox samples](../tests/adapters/amazon/test_specs.py)",
        client="[python-amazon-sp-api](../tests/demo/test_amazon.py)",
    ),
    "csv": Proof(server="[OpenSSH, for folders on SFTP servers](../tests/real/test_sftp.py)"),
    "ebay": Proof(
        files="[OpenAPI files of four APIs](../tests/adapters/ebay/test_vendor.py)",
        client="[bidkit](../tests/adapters/ebay/test_library.py)",
    ),
    "oscar": Proof(server="[django-oscar 4.2](../tests/real/test_oscar.py)"),
    "shopify": Proof(
        files="[GraphQL schema 2026-07, signed samples](../tests/adapters/shopify/test_specs.py)",
        client="[ShopifyAPI](../tests/demo/test_shopify_sdk.py)",
    ),
    "shopware": Proof(
        files="[OpenAPI file 6.7, signed samples](../tests/adapters/shopware/test_specs.py)",
        client="[lib_shopware6_api_base](../tests/demo/test_shopware.py)",
    ),
    "square": Proof(
        files="[OpenAPI file, signed samples](../tests/adapters/square/test_specs.py)",
        client="[squareup](../tests/demo/test_square.py)",
    ),
    "vendure": Proof(server="[Vendure 3.7](../tests/real/test_vendure.py)"),
    "woocommerce": Proof(
        files="[recordings of 7.9, its own list of addresses, signed samples](../tests/adapters/woocommerce/test_specs.py)",
        client="[woocommerce](../tests/demo/test_woocommerce.py)",
    ),
}

HEAD = """\
<!-- Written by `python -m omnisync.torture.matrix`; a test compares it with what the code says. -->
# Channels: what each can do, and how far it is proved

Each name leads to the adapter's own page: settings, credentials in steps, what is done and what does not apply. Others can be
[added as packages](adapters.md).
"""
PROVED = """
## How far it is proved, and by what
No adapter has been run against a real account of its vendor: that is what nobody should read into this table.

"""
EVERYBODY = """
Every adapter is held to the same [contract](../tests/adapters/test_contract.py): writing twice is writing once, forged signatures are
refused, pages resume from any cursor, 429, 5xx and timeouts are tried later, 401 and 403 are for a person, one unknown article spoils no
batch, no secret reaches a log.
"""
TORTURE = """
## The torture kit
`omnisync torture ADAPTER` plays each of these through the real engine (inbox, polling, ledger, reconciler, on SQLite or with `--database`
on PostgreSQL) against the adapter's simulated channel. Afterwards `omnisync verify` must have nothing to say, what can be sold must be what
the buyers left, every message that was told yes must be applied or wait where a person sees it, and every listing must show what it should.
[A set of planted mistakes](../tests/torture/plants.py) shows that each torment finds what it is for.

| | what happens |
|---|---|
"""


def text() -> str:
    """The page as the committed file holds it."""
    cans = {adapter: _can(adapter) for adapter in sorted(registry.MODULES)}
    matrix = _table(["", *map(_link, cans)], [[title, *map(says, cans.values())] for title, says in _ROWS])
    return HEAD + "\n" + matrix + PROVED + _proved() + EVERYBODY + TORTURE + _torments() + "\n" + _not_suffered()


def _can(adapter: str) -> Can:
    clock = StoppedClock(START)
    tools = Tools(clock, Ids(clock, random.Random(1)), random.Random(1))
    with tempfile.TemporaryDirectory() as folder:
        opened = known.counterpart(adapter)(Ground(tools, (), "https://sync.example.org/v1/hooks/x", Path(folder)))
        return registry.factory(adapter)("x", opened.settings, opened.places, "https://sync.example.org", tools).can


def _link(adapter: str) -> str:
    return f"[{adapter}](../omnisync/adapters/{adapter}/README.md)"


def _yes(wanted: Callable[[Can], bool]) -> Callable[[Can], str]:
    return lambda can: "yes" if wanted(can) else "–"


_HOW = {
    Write.ABSOLUTE: "the number",
    Write.COMPARE_AND_SET: "the number, if the old one stands",
    Write.DELTA: "differences",
    Write.NONE: "not at all",
}
_ROWS: tuple[tuple[str, Callable[[Can], str]], ...] = (
    ("stock is written as", lambda can: _HOW[can.write]),
    ("listings in one call", lambda can: str(can.batch_size)),
    ("a number for each place of its own", _yes(lambda can: can.many_locations)),
    ("shows by default", lambda can: can.shows.replace("_", " ")),
    ("takes its open orders off by itself", _yes(lambda can: can.allocates)),
    ("offers again what was cancelled", lambda can: "yes" if can.relists else "not always"),
    ("applies at once", _yes(lambda can: can.applied_at_once)),
    ("levels can be read back", _yes(lambda can: can.looks)),
    (
        "prices",
        lambda can: "with the stock" if can.price_with_stock else "in a call of their own" if can.prices else "–",
    ),
    ("webhooks", _yes(lambda can: can.webhooks)),
    ("is polled every", lambda can: f"{can.poll_seconds:g} s" if can.polls else "–"),
    ("orders whose number is missing are asked for", _yes(lambda can: can.finds_orders)),
    ("is told of pickups", _yes(lambda can: can.tells_pickups)),
    ("changes of a listing in a day", lambda can: str(can.revisions_per_day or "–")),
)


def _proved() -> str:
    columns = ["", "the vendor's files", "somebody else's client", "a real server", "torture kit", "a real account"]
    rows = [
        [_link(name), one.files or "–", one.client or "–", one.server or "–", _tortured(name), one.account or "never"]
        for name, one in sorted(PROOFS.items())
    ]
    return _table(columns, rows)


def _tortured(adapter: str) -> str:
    return "yes" if adapter in known.COUNTERPARTS else "–"


def _torments() -> str:
    rows = (f"| {name} | {' '.join((torment.__doc__ or '').split())} |\n" for name, torment in TORMENTS.items())
    return "".join(rows)


def _not_suffered() -> str:
    """By reason, and who gives it."""
    rows = []
    for adapter, where in sorted(known.COUNTERPARTS.items()):
        by_reason: dict[str, list[str]] = {}
        for act, reason in known.loaded(where).reasons.items():
            by_reason.setdefault(reason, []).append(f"`{act}`")
        rows += [[_link(adapter), ", ".join(acts), reason] for reason, acts in by_reason.items()]
    return "What channels do not have, and so need not suffer:\n\n" + _table(["", "no", "because"], rows)


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(text())
