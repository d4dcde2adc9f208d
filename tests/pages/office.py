"""The words in which tests of the office's pages speak."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re

from omnisync.orders import pickup_api, placing
from omnisync.orders.customers import Person
from omnisync.orders.pickup import Actor
from omnisync.values import Money
from tests.pages.ops_site import opened


def play(engine, clock, story, *, who="olga", **more):
    """Run a story against the pages, with somebody logged in, and hand back what it returns."""

    async def run():
        async with opened(engine, clock, **more) as site:
            if who:
                await site.log_in(who)
            return await story(site)

    return asyncio.run(run())


def words(page):
    """What a reader sees, without the tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def section(page, name):
    """One table of a page, as words."""
    found = re.search(rf'<section[^>]* id="{name}".*?</section>', page, re.DOTALL)
    assert found is not None, name
    return words(found[0])


def rows(page, name):
    """The rows of a table, each as words."""
    found = re.search(rf'<section[^>]* id="{name}".*?</section>', page, re.DOTALL)
    assert found is not None, name
    body = re.search(r"<tbody>.*?</tbody>", found[0], re.DOTALL)
    return [words(row) for row in re.findall(r"<tr.*?</tr>", body[0] if body else "", re.DOTALL)]


def links(page):
    """Every address that the page leads to."""
    return [html.unescape(one) for one in re.findall(r'href="([^"]+)"', page)]


def table_of(file, delimiter=";"):
    """A file as rows of fields."""
    return list(csv.reader(io.StringIO(file.removeprefix("\ufeff")), delimiter=delimiter))


async def place(site, name, lines, *, email=None, channel=None, reference=None, paid=True):
    """Somebody orders something for Lindenstraße."""
    wanted = placing.Wanted(
        "linden", Person(name, email=email), tuple(placing.Line(sku, n, Money(1999, "EUR")) for sku, n in lines.items()),
        paid=paid, channel=channel, reference=reference,
    )  # fmt: skip
    desk, now = pickup_api.desk_for(site.services), site.clock.now()
    placed = await site.services.write.run(lambda session: placing.place(session, desk, wanted, now=now))
    return placed


async def work(site, step, *more, by="Kim", **named):
    """A step of the desk, in a transaction of its own."""
    desk, now = pickup_api.desk_for(site.services), site.clock.now()
    return await site.services.write.run(
        lambda session: step(session, desk, *more, actor=Actor(by, "linden"), now=now, **named)
    )
