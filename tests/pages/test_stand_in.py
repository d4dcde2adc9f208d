"""A worker that stands still is told of by a server that still lives: once, by one of them, and not in quiet hours."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from omnisync import app, db
from omnisync.clock import Ids
from omnisync.errors import TryLater
from omnisync.pages import words
from omnisync.pages.office import alert_words
from omnisync.pages.office.alert_words import Reader
from omnisync.pages.office.stand_in import EVERY_SECONDS, LASTS, StandIn
from omnisync.settings import AlertSettings, MailSettings
from omnisync.sync import leases, listeners
from omnisync.sync.alerts import Kind, Standing
from omnisync.sync.context import Inline
from omnisync.sync.leases import HOUSE
from omnisync.sync.listeners import Courier, Hook
from omnisync.sync.tables import EventSubscription, Lease
from tests.conftest import START
from tests.pages.office import play
from tests.pages.ops_site import settings
from tests.pages.test_office_alerts import TOLD, Listener, kept, left_lying, look, mails, watched

MINUTES = {"minutes": 3, "seconds": 1}
"""A lease that is not taken up again ends after one minute; what stands still for two more is told."""


class Errands:
    """What brings the words to whom they are for."""

    def __init__(self):
        self.run = 0

    async def __call__(self):
        self.run += 1


def server(site, name="a", *, told=TOLD, errands=()):
    return StandIn(Inline(site.services.engine), watched(site, told).context, name, errands)


async def stopped(site, **span):
    """A worker has worked, and then none any more."""
    await site.run()
    site.clock.advance(**(span or MINUTES))


def test_a_worker_that_stopped_is_told_once_and_that_it_works_again(engine, clock):
    async def story(site):
        errands = Errands()
        one, watch = server(site, errands=[errands]), watched(site)
        await site.run()
        await one.look()
        early = (errands.run, len(mails(engine)))
        site.clock.advance(minutes=2, seconds=50)
        await one.look()  # it may just be starting again
        soon = (errands.run, len(mails(engine)))
        for _ in range(4):
            site.clock.advance(seconds=15)
            await one.look()
        told = (errands.run, len(mails(engine)))
        await site.run()
        await one.look()
        back = errands.run
        for _ in range(8):
            await site.run()
            await look(site, watch, minutes=1)
        return early, soon, told, back

    early, soon, told, back = play(engine, clock, story)

    assert (early, soon, told, back) == ((0, 0), (0, 0), (4, 2), 4)
    sent = mails(engine)
    assert sent[0][1:] == (
        "omnisync: Der Abgleich steht still",
        "Der Abgleich steht still\n"
        "  Seit 11:01 arbeitet kein Worker. Kein Kanal wird gelesen oder geschrieben, und alle Zahlen veralten.\n"
        "  „omnisync serve“ oder „omnisync worker“ starten.\n"
        "  https://sync.example.org/ops\n",
    )
    assert {one[0] for one in sent[:2]} == set(TOLD.to)
    assert {one[1] for one in sent[2:]} == {"omnisync: Vorbei: Der Abgleich steht still"}
    assert kept(engine) == []


def test_of_what_else_stands_it_says_nothing_for_that_is_the_workers(engine, clock):
    async def story(site):
        await site.run()
        left_lying(site)
        site.clock.advance(minutes=1)
        await look(site, watched(site), seconds=0)  # the letter is told
        before = [one.key for one in kept(engine)]
        left_lying(site, closed=True)
        site.clock.advance(hours=2)
        for _ in range(3):
            await server(site).look()
            site.clock.advance(minutes=10)
        return before

    before = play(engine, clock, story)

    assert before == ["letters/ebay"]
    assert sorted((one.key, one.clear_since) for one in kept(engine)) == [("letters/ebay", None), ("worker/", None)]


def test_the_webhook_is_called_although_no_worker_numbers_the_events(engine, clock):
    listener = Listener()

    async def story(site):
        context = watched(site).context
        courier = Courier(Inline(engine), clock, bytes(32), listener, Hook(TOLD.url, TOLD.key))
        one = StandIn(Inline(engine), context, "a", [courier.deliver_own])
        with db.transaction(engine) as session:
            listeners.subscribe(session, "wawi", "https://wawi.example.org/", ["*"], now=clock.now())
        await stopped(site)
        await one.look()
        clock.advance(seconds=30)
        await one.look()

    play(engine, clock, story)

    [(url, headers, body)] = listener.heard
    told = json.loads(body)
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert url == TOLD.url
    assert headers["webhook-signature"] == listeners.signature(bytes(3), headers["webhook-id"], at, body)
    assert (told["type"], told["data"]["kind"], told["data"]["title"]) == (
        "alert.raised", "worker", "Der Abgleich steht still",
    )  # fmt: skip
    with Session(engine) as session:
        other = session.get(EventSubscription, "wawi")
        assert other.delivered_at is None, "whoever else listens hears it from the worker"


def test_the_night_stays_quiet_and_the_morning_hears_of_it(engine, clock):
    async def story(site):
        clock.set(datetime(2026, 11, 21, 21, 30, tzinfo=UTC))  # half past ten in Berlin
        errands = Errands()
        one = server(site, errands=[errands])
        await stopped(site)
        await one.look()
        night = (len(mails(engine)), errands.run)
        clock.set(datetime(2026, 11, 22, 6, 1, tzinfo=UTC))
        await one.look()
        return night

    night = play(engine, clock, story)

    assert night == (0, 0)
    assert len(mails(engine)) == 2
    assert "Seit 21.11. 22:31 arbeitet kein Worker." in mails(engine)[0][2]


def test_of_several_servers_one_speaks_and_another_when_that_is_gone_too(engine, clock):
    async def story(site):
        first, second = Errands(), Errands()
        a, b = server(site, "a", errands=[first]), server(site, "b", errands=[second])
        await stopped(site)
        for one in (a, b, a, b):
            await one.look()
        both = (first.run, second.run)
        clock.advance(seconds=LASTS.total_seconds() + 1)
        await b.look()
        return both, (first.run, second.run)

    both, after = play(engine, clock, story)

    assert (both, after) == ((2, 0), (2, 1))
    assert len(mails(engine)) == 2


def test_a_worker_that_begins_in_the_same_moment_is_not_spoken_over(engine, clock):
    async def story(site):
        class WhileOneBegins(Inline):
            async def read(self, work):
                found = await super().read(work)
                with db.transaction(engine) as session:
                    leases.take(session, HOUSE, "a worker", now=clock.now(), lasting=timedelta(minutes=1))
                return found

        await stopped(site)
        await replace(server(site), store=WhileOneBegins(engine)).look()

    play(engine, clock, story)

    assert (mails(engine), kept(engine)) == ([], [])


def test_while_it_is_vacant_nobody_takes_the_house(engine, clock):
    with db.transaction(engine) as session:
        nobody_ever = leases.is_free(session, HOUSE, now=clock.now(), lock=True)
        leases.take(session, HOUSE, "w", now=clock.now(), lasting=timedelta(minutes=1))
        held = leases.is_free(session, HOUSE, now=clock.now(), lock=True)
    clock.advance(minutes=1)
    with db.transaction(engine) as session:
        ended = leases.is_free(session, HOUSE, now=clock.now(), lock=True)

    assert (nobody_ever, held, ended) == (True, False, True)


def test_where_no_worker_ever_worked_it_counts_from_the_start_of_the_server(engine, clock):
    async def story(site):
        one = server(site)
        await one.look()
        unbegun = len(mails(engine))
        app.begin(settings(), engine, clock)
        clock.advance(minutes=1)
        await one.look()
        soon = len(mails(engine))
        clock.advance(minutes=1)
        await one.look()
        return unbegun, soon

    found = play(engine, clock, story)

    assert found == (0, 0)
    assert "Noch hat kein Worker gearbeitet." in mails(engine)[0][2]


@pytest.mark.parametrize(
    ("told", "mail", "speaks"),
    [
        (AlertSettings(to=["office@example.org"]), MailSettings(host="mail.example.org"), True),
        (AlertSettings(url="https://alerts.example.org/hook"), MailSettings(), True),
        (AlertSettings(to=["office@example.org"]), MailSettings(), False),
        (AlertSettings(), MailSettings(host="mail.example.org"), False),
    ],
)
def test_it_looks_only_where_there_is_somebody_to_tell(engine, clock, told, mail, speaks):
    found = settings().model_copy(update={"alerts": told, "mail": mail})
    services = app.services_for(found, engine, clock, Ids(clock, random.Random(5)), bytes(32))

    assert (app.stand_in_for(services, app.context_for(services, {})) is not None) == speaks


class Ticks:
    """Sleeps at once, so many times, and then until the server ends."""

    def __init__(self, times):
        self.left, self.slept = times, []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.left -= 1
        if self.left < 0:
            await asyncio.Event().wait()


class Away:
    """A database that is away at first."""

    def __init__(self, done):
        self.asked, self.done = 0, done

    async def read(self, work):
        self.asked += 1
        if self.asked == 1:
            raise TryLater("The database cannot be used just now.")
        self.done.set()
        return None


def test_a_server_watches_as_long_as_it_serves_and_outlives_a_database_that_is_away(engine, clock):
    async def story(site):
        ticks, done = Ticks(2), asyncio.Event()
        services, store = replace(site.services, clock=ticks), Away(done)
        stand_in = StandIn(store, replace(site.context), "a")
        served = app.create(services, stand_in=stand_in)
        async with served.router.lifespan_context(served):
            await done.wait()
            await asyncio.sleep(0)
        return store.asked, ticks.slept

    asked, slept = play(engine, clock, story)

    assert (asked, slept) == (2, [EVERY_SECONDS] * 3)


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_it_says_since_when_or_that_none_ever_did(engine, clock, language):
    async def story(site):
        reader = Reader.of(watched(site).context, words.speaking(language), clock.now())
        return [
            alert_words.words(Standing(Kind.WORKER, "", START, reason=reason), reader).reason
            for reason in ("", "never")
        ]

    since, never = play(engine, clock, story)

    assert ("11:00" in since, "11:00" in never) == (True, False)


def test_the_lease_of_who_stands_in_is_its_own(engine, clock):
    async def story(site):
        await stopped(site)
        await server(site).look()

    play(engine, clock, story)

    with Session(engine) as session:
        owners = {row.name: row.owner for row in session.exec(select(Lease))}
    assert owners["stand-in"] == "a"
    assert owners[HOUSE] != "a"
