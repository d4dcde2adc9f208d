import asyncio
import smtplib
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
import sqlalchemy as sa

from omnisync import db
from omnisync.errors import OutOfStock, TryLater
from omnisync.orders import mail
from omnisync.orders.smtp import Smtp
from omnisync.orders.tables import Mail
from tests.conftest import START
from tests.orders.counter import a_desk, place
from tests.stock.shop import shelf


class Postman:
    """Takes mails, or is away."""

    def __init__(self):
        self.taken = []
        self.away = False

    async def __call__(self, message):
        if self.away:
            raise TryLater("nobody at home")
        self.taken.append(message)


@pytest.fixture
def placed(engine):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=3)
        return place(session, a_desk(email="linden@example.org"), ("LAMP", 2), note="Bitte nicht falten", gift=True)


def send(engine, postman, clock):
    return asyncio.run(mail.send_due(engine, postman, clock, sender="omnisync@example.org"))


def test_the_store_hears_of_a_new_pickup_once_and_nothing_secret(engine, clock, placed):
    postman = Postman()

    assert [send(engine, postman, clock), send(engine, postman, clock)] == [1, 0]

    [message] = postman.taken
    text = message.get_content()
    assert (message["To"], message["Subject"]) == ("linden@example.org", "Neue Abholung L-1001")
    assert "2 x Lamp (LAMP)" in text
    assert "21.11.2026 um 13:00 Uhr" in text
    assert "bei der Abholung bezahlt" in text
    assert "Geschenk" in text
    assert placed.code not in message.as_string()
    assert "Schubert" not in message.as_string()


def test_a_store_without_an_address_gets_no_mail(engine, clock):
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=1)
        place(session, a_desk(), ("LAMP", 1))

    assert send(engine, Postman(), clock) == 0


def test_a_pickup_that_was_refused_writes_no_mail(engine, clock):
    desk = a_desk(email="linden@example.org")
    with db.transaction(engine) as session:
        shelf(session, "LAMP", pieces=0)
        with pytest.raises(OutOfStock):
            place(session, desk, ("LAMP", 1))

    assert send(engine, Postman(), clock) == 0


def test_a_mail_that_nobody_took_goes_out_later_and_is_given_up_one_day(engine, clock, placed):
    postman = Postman()
    postman.away = True

    assert [send(engine, postman, clock), send(engine, postman, clock)] == [0, 0]
    clock.advance(seconds=30)
    assert send(engine, postman, clock) == 0
    postman.away = False
    clock.advance(minutes=1)
    assert send(engine, postman, clock) == 1

    with db.transaction(engine) as session:
        [row] = session.execute(sa.select(Mail)).scalars()
        assert (row.attempts, row.last_error, row.sent_at) == (3, None, clock.now())


def test_a_mail_is_given_up_after_the_last_try(engine, clock, placed):
    postman = Postman()
    postman.away = True
    for _ in range(mail.MAX_ATTEMPTS + 3):
        send(engine, postman, clock)
        clock.advance(hours=3)

    with db.transaction(engine) as session:
        [row] = session.execute(sa.select(Mail)).scalars()
        assert (row.attempts, row.next_try_at, row.sent_at) == (mail.MAX_ATTEMPTS, None, None)
        assert row.last_error == "nobody at home"
        assert row.created_at == START


def test_an_address_that_no_mail_program_understands_does_not_hold_up_the_others(engine, clock):
    desk = a_desk()
    with db.transaction(engine) as session:
        for recipient in ("odd@[", "anna@example.org", "ben@example.org"):
            draft = mail.Draft(recipient, "Ihre Abholung", "Sie liegt bereit.")
            mail.write(session, desk, draft, now=clock.now())
    postman = Postman()

    assert send(engine, postman, clock) == 2

    assert sorted(message["To"] for message in postman.taken) == ["anna@example.org", "ben@example.org"]
    with db.transaction(engine) as session:
        [left] = session.execute(sa.select(Mail).where(Mail.sent_at.is_(None))).scalars()
        assert (left.recipient, left.next_try_at > clock.now()) == ("odd@[", True)
        assert left.last_error.startswith("It could not be sent (")


class _Server:
    """What smtplib.SMTP looks like to us."""

    def __init__(self, taken, error):
        self._taken, self._error = taken, error

    def __call__(self, host, port, *, timeout):
        if self._error:
            raise self._error
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def send_message(self, message):
        self._taken.append(message)


@pytest.mark.parametrize("error", [None, ConnectionRefusedError(), smtplib.SMTPServerDisconnected()])
def test_a_mail_server_that_is_away_is_tried_later(error):
    taken, message = [], EmailMessage()
    with ThreadPoolExecutor(1) as executor:
        send_it = Smtp("localhost", 2525, executor, connect=_Server(taken, error))(message)
        if error is None:
            asyncio.run(send_it)
        else:
            with pytest.raises(TryLater):
                asyncio.run(send_it)

    assert taken == ([] if error else [message])
