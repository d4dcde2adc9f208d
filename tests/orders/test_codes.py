import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisync import db
from omnisync.orders import codes, tries
from omnisync.orders.codes import Codes
from tests.conftest import START

KEY = bytes(range(32))
DESK = {"device": "phone-1", "store": "linden"}


def test_a_code_belongs_to_its_pickup_and_to_the_key():
    ours = Codes(KEY)

    assert ours.of("p1") == ours.of("p1")
    assert len({ours.of(f"p{n}") for n in range(2000)}) == 2000
    assert ours.of("p1") != Codes(KEY[::-1]).of("p1")


@given(st.text(min_size=1, max_size=26))
def test_a_code_is_four_and_four_crockford_characters(pickup_id):
    first, second = Codes(KEY).of(pickup_id).split("-")

    assert len(first) == len(second) == 4
    assert set(first + second) <= set(codes.ALPHABET)


@pytest.mark.parametrize("typed", ["K1Q0-X9RT", "k1q0x9rt", " kiqo x9rt ", "KLQO–X9RT", "K-1-Q-0-X-9-R-T"])
def test_what_people_type_is_read_as_it_was_meant(typed):
    assert codes.normalise(typed) == "K1Q0X9RT"
    assert Codes(KEY).opens(typed, Codes(KEY).hash("K1Q0-X9RT"))


@pytest.mark.parametrize("typed", ["", "K1Q0-X9R", "K1Q0-X9RTT", "K1Q0-X9RU", "K1Q0-X9R\0", "Ä1Q0-X9RT"])
def test_what_cannot_be_a_code_opens_nothing(typed):
    assert Codes(KEY).hash(typed) is None
    assert not Codes(KEY).opens(typed, Codes(KEY).hash("K1Q0-X9RT"))


def test_the_stored_hash_is_keyed_and_tells_nothing_of_the_code():
    assert Codes(KEY).hash("K1Q0-X9RT") != Codes(KEY[::-1]).hash("K1Q0-X9RT")
    assert "K1Q0X9RT" not in Codes(KEY).hash("K1Q0-X9RT").upper()


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="32 bytes"):
        Codes(b"secret")


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    file = tmp_path / "omnisync.key"

    made = codes.key_from(file, random.Random(1))

    assert codes.key_from(file, random.Random(2)) == made
    assert len(made) == codes.KEY_BYTES
    assert file.stat().st_mode & 0o777 == 0o600


def _try(engine, who, *, now, right=False):
    with db.transaction(engine) as session:
        tries.charge(session, who, now=now)
        if right:
            tries.forgive(session, who)


def test_a_device_that_guesses_is_stopped_and_may_go_on_after_a_while(engine):
    for _ in range(tries.LIMITS["device"]):
        _try(engine, DESK, now=START)

    with pytest.raises(tries.TooManyTries) as stopped:
        _try(engine, DESK, now=START + timedelta(minutes=4))

    assert (stopped.value.status, stopped.value.code) == (429, "too-many-tries")
    assert stopped.value.details["retry_after_seconds"] == 360
    _try(engine, DESK | {"device": "phone-2"}, now=START)
    _try(engine, DESK, now=START + tries.WINDOW)


def test_many_devices_together_are_stopped_by_their_store(engine):
    for n in range(tries.LIMITS["store"]):
        _try(engine, DESK | {"device": f"phone-{n}"}, now=START)

    with pytest.raises(tries.TooManyTries):
        _try(engine, DESK | {"device": "another"}, now=START)

    _try(engine, {"device": "another", "store": "markt"}, now=START)


def test_counts_whose_window_is_over_are_dropped(engine):
    _try(engine, DESK, now=START)
    _try(engine, DESK | {"device": "phone-2"}, now=START + timedelta(minutes=1))

    with db.transaction(engine) as session:
        assert tries.forget(session, now=START + tries.WINDOW) == 2
        assert tries.forget(session, now=START + tries.WINDOW) == 0


def test_right_codes_are_never_limited(engine):
    for n in range(3 * tries.LIMITS["store"]):
        _try(engine, DESK, now=START + timedelta(seconds=n), right=True)


@pytest.mark.parametrize(
    ("scanned", "meant"),
    [
        ("K7Q4-X9RT", "K7Q4-X9RT"),
        (" k7q4 x9rt ", " k7q4 x9rt "),
        ("https://shop.example/abholen/K7Q4-X9RT", "K7Q4-X9RT"),
        ("https://shop.example/abholen/K7Q4-X9RT?lang=de#oben", "K7Q4-X9RT"),
        ("https://shop.example/?code=K7Q4X9RT&x=1", "K7Q4X9RT"),
        ("https://shop.example/x/1", "https://shop.example/x/1"),
        ("4006381333931", "4006381333931"),
        ("", ""),
    ],
)
def test_a_code_is_found_in_the_address_that_a_shop_prints(scanned, meant):
    assert codes.within(scanned) == meant
