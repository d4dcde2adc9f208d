"""The simulated Amazon put together: one seller account, its door, its queue, its faults."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response

from omnisync.clock import Clock
from omnisync.demo.amazon.access import Access, add_access
from omnisync.demo.amazon.feeds_api import FeedDesk, add_feeds
from omnisync.demo.amazon.listings_api import Catalogue, add_listings
from omnisync.demo.amazon.notices_api import PostOffice, add_notifications, add_queue
from omnisync.demo.amazon.orders_api import Book, add_orders
from omnisync.demo.amazon.problems import Problem, refused, say
from omnisync.demo.amazon.seed import Seed
from omnisync.demo.amazon.seller import Seller
from omnisync.demo.faults import add_door, add_faults
from omnisync.routes import LateApp


@dataclass(frozen=True, slots=True)
class Simulation:
    """A simulated account and all that tests and processes need of it."""

    app: FastAPI
    seller: Seller
    access: Access
    catalogue: Catalogue
    book: Book
    desk: FeedDesk
    office: PostOffice

    def settings(self, base_url: str, **more: Any) -> Mapping[str, Any]:
        """The adapter's settings that connect to this account."""
        seed = self.seller.seed
        return {
            "client_id": seed.client_id,
            "client_secret": seed.client_secret,
            "refresh_token": seed.refresh_token,
            "seller_id": seed.seller_id,
            "base_url": base_url,
            "token_url": f"{base_url}/auth/o2/token",
            "queue_url": f"{base_url}{seed.queue}",
            "queue_region": seed.queue_region,
            "aws_key_id": seed.aws_key_id,
            "aws_secret": seed.aws_secret,
            **more,
        }


def open_account(seed: Seed, clock: Clock, chance: random.Random) -> Simulation:
    """An account ready to be called."""
    seller = Seller(seed, clock, chance)
    access, catalogue, book = Access(seed, clock, chance), Catalogue(seller), Book(seller)
    desk, office = FeedDesk(catalogue), PostOffice(seller)
    app = LateApp(openapi_url=None)
    app.add_exception_handler(Problem, say)
    add_listings(app, catalogue)
    add_orders(app, book)
    add_feeds(app, desk)
    add_notifications(app, office)
    add_queue(app, office)
    add_door(app, seller)
    add_access(app, access)
    add_faults(app, seller.faults, limited=_limited)
    return Simulation(app, seller, access, catalogue, book, desk, office)


async def _limited(request: Request) -> Response:
    """Amazon does not say how long to wait."""
    return refused(Problem(429, "QuotaExceeded", "You exceeded your quota for the requested resource."))
