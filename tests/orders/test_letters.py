"""What customers of pickups read where omnisync writes to them, and when."""

import asyncio
import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.catalog import articles
from omnisync.catalog.articles import ArticleChange
from omnisync.orders import customers, ending, letters, mail, picking
from omnisync.orders.customers import Person
from omnisync.orders.tables import Mail
from omnisync.settings import ChannelPolicy, ChannelSettings
from tests.conftest import START
from tests.orders.counter import COLLECT_BY, LINDEN, OFFICE, a_desk, a_ready_one, place
from tests.stock.shop import shelf

ANNA = Person("Anna {Schubert}", "anna@example.org")
JOHN = Person("John Smith", "john@example.org", language="en-GB")


def desk_that_writes(notify="omnisync"):
    desk = a_desk()
    webshop = ChannelSettings(
        name="webshop", adapter="shopify", locations=[LINDEN], policy=ChannelPolicy(notify=notify)
    )
    object.__setattr__(desk, "settings", desk.settings.model_copy(update={"channels": [webshop]}))
    return desk


class Postman:
    """Takes every mail."""

    def __init__(self):
        self.taken = []

    async def __call__(self, message):
        self.taken.append(message)


def delivered(engine, clock):
    """What arrives, read again from its bytes, by subject."""
    postman = Postman()
    asyncio.run(mail.send_due(engine, postman, clock, sender="omnisync@example.org"))
    arrived = [message_from_bytes(one.as_bytes(), policy=policy.default) for one in postman.taken]
    return {one["Subject"]: one for one in arrived}


def letters_in(session):
    """(recipient, body) by subject."""
    rows = session.execute(sa.select(Mail)).scalars()
    return {row.subject: (row.recipient, row.body) for row in rows}


def test_the_customer_hears_that_it_was_placed_and_that_it_is_ready(session):
    shelf(session, "LAMP", pieces=2)
    desk = desk_that_writes()
    placed = a_ready_one(session, desk, ("LAMP", 2), channel="webshop", customer=ANNA)

    written = letters_in(session)
    assert len(written) == 2
    to, first = written["Ihre Abholung L-1001 bei Filiale Linden"]
    assert to == "anna@example.org"
    _, second = written["Ihre Abholung L-1001 liegt bereit"]
    assert "Guten Tag Anna {Schubert}," in first
    assert "2 x Lamp" in first
    assert "ab 21.11.2026 um 13:00 Uhr" in first
    assert placed.code in first
    assert placed.code in second
    assert "bis 25.11.2026 um 19:00 Uhr" in second
    assert "Bezahlt wird bei der Abholung." in second


def test_who_does_not_speak_german_is_written_to_in_english(session):
    shelf(session, "LAMP", pieces=1)

    place(session, desk_that_writes(), ("LAMP", 1), channel="webshop", customer=JOHN, paid=True)

    [(subject, (_, body))] = letters_in(session).items()
    assert subject == "Your pickup L-1001 at Filiale Linden"
    assert "Hello John Smith," in body
    assert "21 November 2026 at 13:00" in body
    assert "pay" not in body


def test_a_ready_pickup_is_remembered_once_a_day_before_its_end_and_expires_with_a_word(session):
    shelf(session, "LAMP", pieces=1)
    desk = desk_that_writes()
    placed = a_ready_one(session, desk, ("LAMP", 1), channel="webshop", customer=ANNA)

    counts = [letters.remind(session, desk, now=COLLECT_BY - timedelta(hours=hours)) for hours in (25, 24, 23)]
    ending.expire_overdue(session, desk, now=COLLECT_BY)

    assert counts == [0, 1, 0]
    written = letters_in(session)
    assert placed.code in written["Erinnerung: Abholung L-1001 liegt bereit"][1]
    assert placed.code not in written["Ihre Abholung L-1001 ist abgelaufen"][1]
    assert len(written) == 4


def test_a_pickup_that_was_extended_is_reminded_again(session):
    shelf(session, "LAMP", pieces=1)
    desk = desk_that_writes()
    placed = a_ready_one(session, desk, ("LAMP", 1), channel="webshop", customer=ANNA)
    letters.remind(session, desk, now=COLLECT_BY - timedelta(hours=1))
    ending.extend(session, desk, placed.pickup.id, COLLECT_BY + timedelta(days=2), actor=OFFICE, now=START)

    assert letters.remind(session, desk, now=COLLECT_BY) == 0
    assert letters.remind(session, desk, now=COLLECT_BY + timedelta(days=1, hours=1)) == 1


@pytest.mark.parametrize(
    ("notify", "channel", "person"),
    [
        ("channel", "webshop", ANNA),
        ("none", "webshop", ANNA),
        ("omnisync", None, ANNA),
        ("omnisync", "webshop", Person("Anna Schubert")),
        ("omnisync", "webshop", Person("Anna Schubert", "anna at\nexample.org")),
        ("omnisync", "webshop", Person("Anna Schubert", "x7y@members.ebay.de")),
    ],
)
def test_nobody_is_written_to_whom_another_writes_or_who_cannot_be_reached(session, notify, channel, person):
    shelf(session, "LAMP", pieces=1)
    desk = desk_that_writes(notify)

    placed = a_ready_one(session, desk, ("LAMP", 1), channel=channel, customer=person)
    letters.remind(session, desk, now=COLLECT_BY - timedelta(hours=1))
    ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=START)

    assert letters_in(session) == {}


def test_a_pickup_of_which_nothing_could_be_packed_is_cancelled_with_a_word(session):
    shelf(session, "LAMP", pieces=1)
    desk = desk_that_writes()
    placed = place(session, desk, ("LAMP", 1), channel="webshop", customer=ANNA)

    gone = [picking.Rejected("LAMP", 1, picking.Why.DAMAGED)]
    picking.reject(session, desk, placed.pickup.id, gone, actor=OFFICE, now=START)

    assert "Ihre Abholung L-1001 wurde storniert" in letters_in(session)


def test_a_letter_that_is_out_is_kept_no_longer(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=1)
        place(session, desk_that_writes(), ("LAMP", 1), channel="webshop", customer=ANNA)
    taken = []

    async def post(message):
        taken.append(message)

    assert asyncio.run(mail.send_due(engine, post, clock, sender="shop@example.org")) == 1

    [message] = taken
    assert message["To"] == "anna@example.org"
    with db.transaction(engine) as session:
        assert letters_in(session) == {"Ihre Abholung L-1001 bei Filiale Linden": ("", "")}


def test_who_is_forgotten_is_not_written_to_any_more(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=1)
        placed = place(session, desk_that_writes(), ("LAMP", 1), channel="webshop", customer=ANNA)
        customers.erase(session, [placed.pickup.customer_id], now=START)
        assert list(letters_in(session).values()) == [("", "")]

    async def post(message):
        raise AssertionError("nothing is to be sent")

    assert asyncio.run(mail.send_due(engine, post, clock, sender="shop@example.org")) == 0


def test_the_code_travels_as_text_and_as_a_picture_within_the_mail(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=2)
        placed = a_ready_one(session, desk_that_writes(), ("LAMP", 2), channel="webshop", customer=ANNA)

    arrived = delivered(engine, clock)

    assert len(arrived) == 2
    letter = arrived["Ihre Abholung L-1001 liegt bereit"]
    assert letter.get_content_type() == "multipart/alternative"
    text, related = letter.iter_parts()
    html, image = related.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert (image.get_content_type(), image.get_content_disposition()) == ("image/png", "inline")
    assert f"Ihr Abholcode: {placed.code}" in text.get_content()
    page = html.get_content()
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in page
    assert f'alt="Ihr Abholcode: {placed.code}"' in page
    assert f">{placed.code}</span>" in page
    assert "Guten Tag Anna {Schubert}," in page
    assert re.findall("<li>(.*)</li>", page) == ["2 x Lamp"]
    assert image.get_content().startswith(b"\x89PNG")
    assert len({one["Message-ID"] for one in arrived.values()}) == 2


def test_a_letter_without_a_code_is_plain_text_and_nobodys_title_becomes_markup(engine, clock):
    with db.transaction(engine) as session:
        articles.put(session, [ArticleChange("LAMP", {"title": "Lamp <b>&</b> {shade}"})], now=START)
        shelf(session, "LAMP", pieces=1)
        desk = desk_that_writes()
        placed = place(session, desk, ("LAMP", 1), channel="webshop", customer=JOHN)
        ending.cancel(session, desk, placed.pickup.id, actor=OFFICE, now=START)

    arrived = delivered(engine, clock)

    cancelled = arrived["Your pickup L-1001 was cancelled"]
    assert (cancelled.get_content_type(), placed.code in cancelled.get_content()) == ("text/plain", False)
    page = arrived["Your pickup L-1001 at Filiale Linden"].get_body(("html",)).get_content()
    assert "<li>1 x Lamp &lt;b&gt;&amp;&lt;/b&gt; {shade}</li>" in page


def test_of_a_letter_that_is_out_neither_code_nor_picture_is_kept(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=1)
        place(session, desk_that_writes(), ("LAMP", 1), channel="webshop", customer=ANNA)

    delivered(engine, clock)

    with db.transaction(engine) as session:
        [row] = session.execute(sa.select(Mail)).scalars()
        assert (row.recipient, row.body, row.code) == ("", "", None)
