"""The CSV till for the contract, connected through a folder to the simulated till of the demo."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

import httpx

from omnisync.adapters.base import Adapter, Hook, Target
from omnisync.adapters.client import Tools
from omnisync.adapters.csv import make
from omnisync.demo.faults import Purchase
from omnisync.demo.till.till import Goods, Till
from omnisync.values import Money
from tests.adapters.contract import Feature

PLACE = "001"


class TillWorld:
    """A store with three articles; the till exports when it sells and imports when it is asked."""

    channel: httpx.AsyncBaseTransport | None = None

    def __init__(self, tools: Tools) -> None:
        folder = Path(tempfile.mkdtemp(prefix="omnisync-till-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.till = Till(folder, tools.clock, imports=folder / "aus" / "bestand.csv")
        for sku in ("LAMP", "MUG", "VASE"):
            self.till.stock(Goods(sku, Money(3995, "EUR"), title=f"Artikel {sku}"), {PLACE: 20})
        self.till.list_articles()
        self.targets: Sequence[Target] = [Target(sku, sku, PLACE) for sku in self.till.goods]
        self.unknown = Target("GHOST", "GHOST", PLACE)
        settings = {"folder": str(folder), "settle_seconds": 0, "out": "aus/bestand.csv"}
        self.adapter: Adapter = make("contract", settings, {PLACE: "linden"}, "", tools)

    def level(self, target: Target) -> int:
        self.till.tick()
        return self.till.levels[PLACE, target.sku]

    def price(self, target: Target) -> Money:
        self.till.tick()
        return self.till.goods[target.sku].price

    def sell(self, target: Target, quantity: int) -> str:
        number = self.till.buy(Purchase(sku=target.sku, quantity=quantity, place=PLACE))["order"]
        self.till.tick()
        return f"sale:{PLACE}:K1:{self.till.clock.now():%Y-%m-%d}:{number}/1"

    def hook(self, *, secret: str | None = None) -> Hook:
        raise NotImplementedError("a till that drops files sends no webhooks")


class TillRig:
    adapter = "csv"
    secrets: Sequence[str] = ()
    signature_header = ""
    does_not_apply = {  # noqa: RUF012  the kit reads it, nobody writes
        Feature.NETWORK: "files in a folder, no HTTP",
        Feature.HOOKS: "a till that drops files sends no webhooks",
        Feature.SIGNATURES: "a till that drops files sends no webhooks",
        Feature.SUBSCRIPTIONS: "a till that drops files sends no webhooks",
        Feature.LOOK: "the till's stock cannot be asked for, it tells it by counts",
        Feature.REREADS: "a file moves to done/ once its facts are committed; a crash before that reads it again",
    }

    def open(self, tools: Tools) -> TillWorld:
        return TillWorld(tools)


RIG = TillRig()
