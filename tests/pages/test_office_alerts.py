"""Alerts as they arrive: one mail, one call, and a note when it is over."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from omnisync import db
from omnisync.orders import accepting
from omnisync.orders.pickup_api import desk_for
from omnisync.orders.tables import Mail
from omnisync.pages import words
from omnisync.pages.office import alert_words
from omnisync.pages.office.alert_words import Reader
from omnisync.pages.office.alerting import Watch
from omnisync.settings import AlertSettings, MailSettings, ServerSettings
from omnisync.sync import listeners
from omnisync.sync.alerts import Kind, Standing
from omnisync.sync.context import Inline
from omnisync.sync.listeners import Courier, Hook
from omnisync.sync.tables import AlertTold, Case, DeadLetter, EventSubscription
from tests.conftest import START
from tests.pages.office import place, play
from tests.pages.office import words as text_of

URL = "https://alerts.example.org/hook/s3cret"
TOLD = AlertSettings(to=["office@example.org", "boss@example.org"], url=URL, secret="whsec_AAAA", quiet="22:00-07:00")


def watched(site, told=TOLD):
    changes = {
        "alerts": told, "mail": MailSettings(host="mail.example.org"),
        "server": ServerSettings(public_url="https://sync.example.org/"),
    }  # fmt: skip
    context = replace(site.context, settings=site.context.settings.model_copy(update=changes))
    context = replace(context, desk=replace(context.desk, settings=context.settings))
    return Watch(Inline(site.services.engine), context)


async def look(site, watch, **passes):
    site.clock.advance(**passes)
    await watch.look()


def left_lying(site, *, closed=False):
    with db.transaction(site.services.engine) as session:
        found = session.get(DeadLetter, "l1") or DeadLetter(
            id="l1", channel="ebay", kind="line", key="k", title="Lamp in order 17", reason="No article is known as Lamp.",
            action="Map it to a SKU, or import the article.", opened_at=site.clock.now(), last_at=site.clock.now(),
        )  # fmt: skip
        found.closed_at = site.clock.now() if closed else None
        session.add(found)


def mails(engine):
    with Session(engine) as session:
        return [(one.recipient, one.subject, one.body) for one in session.exec(select(Mail).order_by(col(Mail.id)))]


def kept(engine):
    with Session(engine) as session:
        return session.exec(select(AlertTold)).all()


def test_what_is_left_lying_is_told_once_with_why_and_what_to_press_and_said_to_be_over(engine, clock):
    async def story(site):
        watch = watched(site)
        await site.run()
        left_lying(site)
        await look(site, watch, seconds=30)
        for _ in range(3):
            await look(site, watch, seconds=30)
        await look(site, watched(site), minutes=2)  # another process
        before = len(mails(engine))
        left_lying(site, closed=True)
        for _ in range(7):
            await look(site, watch, minutes=1)
        return before

    before = play(engine, clock, story)

    sent = mails(engine)
    assert (before, len(sent)) == (2, 4)
    assert sorted(one[0] for one in sent[:2]) == ["boss@example.org", "office@example.org"]
    assert sent[0][1] == "omnisync: eBay DE: 1 Vorgang ist liegen geblieben"
    assert sent[0][2] == (
        "eBay DE: 1 Vorgang ist liegen geblieben\n"
        "  Lamp in Bestellung 17: Kein Artikel heißt Lamp.\n"
        "  Einer SKU zuordnen oder den Artikel importieren.\n"
        "  https://sync.example.org/ops/letters?channel=ebay\n"
    )
    assert sent[2][1:] == (
        "omnisync: Vorbei: eBay DE: 1 Vorgang ist liegen geblieben",
        "Vorbei: eBay DE: 1 Vorgang ist liegen geblieben\n",
    )
    assert kept(engine) == []


def test_who_reads_english_is_told_in_english(engine, clock):
    async def story(site):
        watch = watched(site, TOLD.model_copy(update={"language": "en"}))
        await site.run()
        left_lying(site)
        await look(site, watch, seconds=30)
        await look(site, watch, minutes=2)

    play(engine, clock, story)

    subjects = {one[1] for one in mails(engine)}
    assert len(subjects) == 1
    assert subjects.pop() == "omnisync: eBay DE: 1 message or write is stuck"


def test_the_night_is_quiet_and_the_morning_is_told(engine, clock):
    async def story(site):
        clock.set(datetime(2026, 11, 21, 22, 30, tzinfo=UTC))  # half past eleven in Berlin
        watch = watched(site)
        left_lying(site)
        await look(site, watch, minutes=5)
        await look(site, watch, hours=7)
        night = len(mails(engine))
        await look(site, watch, minutes=30)
        return night

    night = play(engine, clock, story)

    assert night == 0
    assert len(mails(engine)) == 2


def test_several_at_once_are_one_mail(engine, clock):
    async def story(site):
        watch = watched(site)
        left_lying(site)
        with db.transaction(engine) as session:
            details = {"sku": "LAMP", "location": "linden", "quantity": 1}
            session.add(Case(id="c1", channel="ebay", kind="conflict", title="", details=details, opened_at=START))
        await place(site, "Anna Schubert", {"CHAIR": 1})
        clock.advance(hours=1, minutes=30)
        desk, now = desk_for(site.services), clock.now()
        await site.services.write.run(lambda session: accepting.alarm(session, desk, now=now))
        await look(site, watch, seconds=30)
        return await site.get("/ops/log")

    page = play(engine, clock, story)

    [_, (_, subject, body)] = mails(engine)
    assert subject == "omnisync: Filiale Lindenstraße: 1 Abholung, die niemand annimmt, und 2 weitere"
    assert "https://sync.example.org/ops/pickups?location=linden" in body
    assert "eBay DE: doppelt verkauft, 1 Fall\n  1 × LAMP" in body
    assert "Alarm gemeldet" not in text_of(page)  # not numbered yet


class Listener:
    def __init__(self):
        self.heard = []

    async def __call__(self, url, headers, body):
        self.heard.append((url, headers, body))
        return 204


def test_the_webhook_is_called_with_each_alert_signed_with_the_secret_of_the_settings(engine, clock):
    listener = Listener()

    async def story(site):
        watch, store = watched(site), Inline(engine)
        courier = Courier(store, clock, bytes(32), listener, Hook(TOLD.url, TOLD.key))
        await watch.look()
        left_lying(site)
        await look(site, watch, minutes=1)
        await site.worker.keep_house()  # numbers the events
        await courier.deliver_due()
        await courier.deliver_due()
        return await site.get("/ops/log")

    page = play(engine, clock, story)

    [(url, headers, body)] = listener.heard
    told = json.loads(body)
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert url == URL
    assert headers["webhook-signature"] == listeners.signature(bytes(3), headers["webhook-id"], at, body)
    assert (told["type"], told["data"]["id"], told["data"]["title"]) == (
        "alert.raised", "letters/ebay", "eBay DE: 1 Vorgang ist liegen geblieben",
    )  # fmt: skip
    assert told["data"]["link"] == "https://sync.example.org/ops/letters?channel=ebay"
    assert "Alarm gemeldet eBay DE: 1 Vorgang ist liegen geblieben" in text_of(page)
    with Session(engine) as session:
        assert session.exec(select(EventSubscription)).one().url == "https://alerts.example.org/"


def test_without_an_address_in_the_settings_nobody_is_called_any_more(engine, clock):
    listener = Listener()

    async def story(site):
        await watched(site).look()
        with Session(engine) as session:
            before = len(session.exec(select(EventSubscription)).all())
        left_lying(site)
        clock.advance(minutes=1)
        await watched(site).look()
        await site.worker.keep_house()
        await Courier(Inline(engine), clock, bytes(32), listener, None).deliver_due()
        await watched(site, AlertSettings()).look()
        return before

    before = play(engine, clock, story)

    assert (before, listener.heard) == (1, [])
    with Session(engine) as session:
        assert session.exec(select(EventSubscription)).all() == []
    assert len(mails(engine)) == 2


def test_without_a_secret_the_calls_are_not_signed(engine, clock):
    listener = Listener()

    async def story(site):
        watch = watched(site)
        await watch.look()
        left_lying(site)
        await look(site, watch, minutes=1)
        await site.worker.keep_house()
        await Courier(Inline(engine), clock, bytes(32), listener, Hook(URL)).deliver_due()

    play(engine, clock, story)

    assert ["webhook-signature" in headers for _, headers, _ in listener.heard] == [False]


def test_the_worker_looks_by_itself(engine, clock):
    async def story(site):
        left_lying(site)
        clock.advance(minutes=1)
        for errand in site.worker.errands:
            await site.worker.run_errand(errand)

    play(engine, clock, story)

    assert [one.key for one in kept(engine)] == ["letters/ebay"]


def one_about(kind):
    return {Kind.NOT_ACCEPTED: "linden", Kind.BACKUP: "", Kind.WORKER: ""}.get(kind, "ebay")


@pytest.mark.parametrize("language", words.LANGUAGES)
@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_its_words_and_leads_somewhere(engine, clock, kind, language):
    async def story(site):
        first = (
            Case(id="c", channel="ebay", kind="drift", title="t", details={"sku": "LAMP", "shows": 1, "should": 2})
            if kind in (Kind.CASES, Kind.CONFLICT)
            else DeadLetter(id="l", channel="ebay", kind="line", key="k", title="t", reason="r", action="a")
        )
        one = Standing(kind, one_about(kind), START - timedelta(hours=1), 2, "linden", "Do it.", 3, first)
        reader = Reader.of(watched(site).context, words.speaking(language), clock.now())
        said, bare = alert_words.words(one, reader), alert_words.words(replace(one, pieces=0, reason=""), reader)
        page = await site.browser.get(said.link.removeprefix("https://sync.example.org"))
        return said, bare, page.status_code

    said, bare, status = play(engine, clock, story)

    assert status == 200
    assert {"linden": "Filiale", "": "", "ebay": "eBay DE"}[one_about(kind)] in said.title
    assert said.action
    assert bare.title


def test_lost_webhooks_are_told_with_or_without_a_letter(engine, clock):
    async def story(site):
        reader = Reader.of(watched(site).context, words.speaking("de"), clock.now())
        return alert_words.words(Standing(Kind.SUBSCRIPTION, "ebay", START, reason="orders"), reader)

    said = play(engine, clock, story)

    assert said.reason == "Von orders kommt seit 11:00 nichts mehr. Bestellungen werden trotzdem gelesen, nur später."


def test_what_was_told_and_stands_no_more_is_kept_until_it_was_said_to_be_over(engine, clock):
    async def story(site):
        watch = watched(site)
        left_lying(site)
        await look(site, watch, minutes=1)
        left_lying(site, closed=True)
        await look(site, watch, minutes=1)
        cleared = [one.clear_since for one in kept(engine)]
        left_lying(site)
        await look(site, watch, minutes=1)
        return cleared, [one.clear_since for one in kept(engine)], len(mails(engine))

    cleared, back, sent = play(engine, clock, story)

    assert (cleared, back, sent) == ([START + timedelta(minutes=2)], [None], 2)
