from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from omnisync import access, db
from omnisync.access import Access, Role, devices, people, sessions
from omnisync.access.people import Person
from omnisync.errors import Conflict, Forbidden, InvalidRequest, Refused
from omnisync.orders.codes import Codes
from tests.conftest import START
from tests.people import person

CODES = devices.codes(bytes(range(32)))


@pytest.fixture
def invite(session, ids, clock):
    def make(name="Kasse 1", location="linden"):
        return devices.invite(session, CODES, name, location, by="olga", ids=ids, now=clock.now())

    return make


@pytest.fixture
def seated(session, ids, clock, invite):
    """An enrolled device, and its session."""
    device = invite()
    devices.enrol(session, CODES, CODES.of(device.id), now=clock.now())
    return device, sessions.begin_of_device(session, device.id, ids=ids, now=clock.now())


def staff(session, name="Kim Lang", initials="KL", location="linden", pin=None):
    access.create_user(session, name, None, Role.STAFF, location=location, now=START)
    people.set_initials(session, name, initials)
    if pin is not None:
        people.set_pin(session, name, pin)


def test_a_code_enrols_one_device_once(session, clock, invite):
    device = invite()
    code = CODES.of(device.id)

    enrolled = devices.enrol(session, CODES, code.lower(), now=clock.now())

    assert (enrolled.id, enrolled.location, enrolled.enrolled_at) == (device.id, "linden", START)
    with pytest.raises(devices.NoInvitation):
        devices.enrol(session, CODES, code, now=clock.now())


def test_of_two_browsers_with_one_code_one_becomes_the_device(engine, ids):
    with db.transaction(engine) as session:
        code = CODES.of(devices.invite(session, CODES, "Kasse", "linden", by="olga", ids=ids, now=START).id)

    def take(_):
        try:
            with db.transaction(engine) as session:
                return devices.enrol(session, CODES, code, now=START).name
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(take, range(4)))

    assert outcomes == ["Kasse", "no-invitation", "no-invitation", "no-invitation"]


@pytest.mark.parametrize("minutes", [15, 1000])
def test_an_invitation_is_soon_over(session, clock, invite, minutes):
    device = invite()
    clock.advance(minutes=minutes)

    with pytest.raises(devices.NoInvitation):
        devices.enrol(session, CODES, CODES.of(device.id), now=clock.now())

    assert devices.list_all(session, now=clock.now()) == []


def test_a_device_that_was_ended_before_it_came_does_not_come(session, clock, invite):
    device = invite()
    devices.end(session, device.id, by="olga", now=clock.now())

    with pytest.raises(devices.NoInvitation):
        devices.invited(session, CODES, CODES.of(device.id), now=clock.now())
    with pytest.raises(devices.NoInvitation):
        devices.enrol(session, CODES, CODES.of(device.id), now=clock.now())


def test_a_pickup_code_of_the_same_key_enrols_nothing(session, clock, invite):
    device = invite()

    assert Codes(bytes(range(32))).of(device.id) != CODES.of(device.id)


def test_who_taps_their_initials_answers_for_what_is_done_there(session, clock, seated):
    _, cookie = seated
    staff(session)
    nobody = sessions.find(session, cookie, now=clock.now())

    sessions.stand(session, nobody, "Kim Lang")
    kim = sessions.find(session, cookie, now=clock.now())

    assert (nobody.somebody, nobody.access.name, nobody.access.role) == (False, "Kasse 1", Role.STAFF)
    assert kim.access == Access("user:Kim Lang", "Kim Lang", Role.STAFF, "linden")
    assert kim.person == Person("Kim Lang", "KL", has_pin=False)


@pytest.mark.parametrize("who", ["Toni Berg", "olga", "Nobody"])
def test_only_people_of_the_store_can_stand_at_its_device(session, clock, seated, who):
    staff(session, "Toni Berg", "TB", "markt")
    person(session, "olga", Role.OPS)
    here = sessions.find(session, seated[1], now=clock.now())

    with pytest.raises(Forbidden):
        sessions.stand(session, here, who)


def test_a_device_or_a_person_that_was_ended_is_out_at_the_next_request(session, clock, seated):
    device, cookie = seated
    staff(session)
    sessions.stand(session, sessions.find(session, cookie, now=clock.now()), "Kim Lang")

    access.disable_user(session, "Kim Lang", now=clock.now())
    without_kim = sessions.find(session, cookie, now=clock.now())
    devices.end(session, device.id, by="olga", now=clock.now())

    assert without_kim.person is None
    assert sessions.find(session, cookie, now=clock.now()) is None
    with pytest.raises(Conflict, match="before"):
        devices.end(session, device.id, by="olga", now=clock.now())


def test_the_fifth_wrong_pin_in_a_row_shuts_the_device_until_the_office_opens_it(session, clock, seated):
    device, cookie = seated
    for _ in range(4):
        devices.charge(session, device.id, now=clock.now())
    open_still = sessions.find(session, cookie, now=clock.now()).locked
    devices.charge(session, device.id, now=clock.now())

    assert (open_still, sessions.find(session, cookie, now=clock.now()).locked) == (False, True)
    with pytest.raises(devices.DeviceLocked):
        devices.charge(session, device.id, now=clock.now())

    devices.forgive(session, device.id)
    assert not sessions.find(session, cookie, now=clock.now()).locked
    devices.charge(session, device.id, now=clock.now())


def test_many_pins_at_the_same_moment_do_not_get_past_the_limit(engine, ids):
    with db.transaction(engine) as session:
        device = devices.invite(session, CODES, "Kasse", "linden", by="olga", ids=ids, now=START)

    def charge(_):
        try:
            with db.transaction(engine) as session:
                devices.charge(session, device.id, now=START)
        except Refused:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        tried = sum(pool.map(charge, range(12)))

    assert tried == devices.MOST_WRONG_PINS


def test_a_right_pin_starts_the_count_afresh(session, clock, seated):
    device, cookie = seated
    for _ in range(3):
        for _ in range(4):
            devices.charge(session, device.id, now=clock.now())
        devices.forgive(session, device.id)

    assert not sessions.find(session, cookie, now=clock.now()).locked


def test_a_pin_is_kept_as_a_hash_and_known_again(session):
    staff(session, pin="4711")

    kept = access.load_user(session, "Kim Lang").pin_hash

    assert kept.startswith("$argon2")
    assert [people.pin_is(session, "Kim Lang", pin) for pin in ("4711", "4712", "", "x" * 5000)] == [
        True,
        False,
        False,
        False,
    ]
    people.set_pin(session, "Kim Lang", None)
    assert not people.pin_is(session, "Kim Lang", "4711")


@pytest.mark.parametrize("pin", ["123", "1234567", "12a4", "1111", "1234", "87654", "٤٧١١", ""])
def test_a_pin_that_is_none_or_that_anybody_would_try_is_refused(session, pin):
    staff(session)

    with pytest.raises(InvalidRequest):
        people.set_pin(session, "Kim Lang", pin)


def test_two_people_of_a_store_have_different_initials(session, clock):
    staff(session, "Kim Lang", "KL")
    staff(session, "Karl Lenz", "KL", "markt")
    access.create_user(session, "Klara Lau", None, Role.STAFF, location="linden", now=clock.now())

    with pytest.raises(Conflict, match="KL"):
        people.set_initials(session, "Klara Lau", "KL")

    access.disable_user(session, "Kim Lang", now=clock.now())
    people.set_initials(session, "Klara Lau", "KL")
    assert [one.name for one in people.at(session, "linden")] == ["Klara Lau"]


@pytest.mark.parametrize("initials", ["", "  ", "ABCDE", "K.L", "<b>"])
def test_initials_are_a_few_letters(session, initials):
    access.create_user(session, "Kim Lang", None, Role.STAFF, location="linden", now=START)

    with pytest.raises(InvalidRequest):
        people.set_initials(session, "Kim Lang", initials)


def test_the_office_has_no_initials(session):
    person(session, "olga", Role.OPS)

    with pytest.raises(InvalidRequest):
        people.set_initials(session, "olga", "OL")


def test_somebody_without_a_password_cannot_log_in_with_one(session):
    staff(session)

    assert access.check_login(session, "Kim Lang", "") is None
    assert access.check_login(session, "Kim Lang", "nobody has this password") is None


def test_a_password_opens_one_day_and_a_device_lasts_while_it_is_used(session, ids, clock, seated):
    _, of_device = seated
    person(session, "olga", Role.OPS)
    of_olga = sessions.begin_of_user(session, "olga", ids=ids, now=clock.now())

    clock.advance(hours=14)
    assert sessions.find(session, of_olga, now=clock.now()) is None
    for _ in range(3):
        here = sessions.find(session, of_device, now=clock.advance(days=50))
        sessions.seen(session, here, now=clock.now())
    assert sessions.find(session, of_device, now=clock.advance(days=60)) is None


def test_a_session_that_was_ended_opens_nothing_and_is_forgotten_later(session, ids, clock):
    person(session, "olga", Role.OPS)
    cookie = sessions.begin_of_user(session, "olga", ids=ids, now=clock.now())
    assert [one.name for one in sessions.of_people(session, now=clock.now())] == ["olga"]

    sessions.end(session, cookie, now=clock.now())

    assert sessions.find(session, cookie, now=clock.now()) is None
    assert sessions.of_people(session, now=clock.now()) == []
    assert sessions.forget(session, now=clock.advance(days=29)) == 0
    assert sessions.forget(session, now=clock.advance(days=2)) == 1


def test_a_new_password_ends_what_the_old_one_opened(session, ids, clock):
    person(session, "olga", Role.OPS)
    cookie = sessions.begin_of_user(session, "olga", ids=ids, now=clock.now())

    access.set_password(session, "olga", "another long password", now=clock.now())

    assert sessions.find(session, cookie, now=clock.now()) is None
