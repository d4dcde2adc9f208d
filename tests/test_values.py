from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisync import values
from omnisync.values import Money


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.timezones()))
def test_a_moment_comes_back_from_microseconds_exactly(moment):
    assert values.from_micros(values.to_micros(moment)) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-21T10:00:00", "soon"]
)
def test_a_time_that_cannot_be_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"zone|year|isoformat|calendar"):
        values.parse_time(text)


def test_more_digits_of_a_second_than_we_keep_are_cut():
    assert values.parse_time("2026-07-01T10:00:00.123456789Z") == datetime(2026, 7, 1, 10, 0, 0, 123456, UTC)


@given(st.integers(-(10**12), 10**12), st.sampled_from(["EUR", "JPY", "KWD", "CHF"]))
def test_money_survives_its_decimal_text(minor, currency):
    assert Money.parse(Money(minor, currency).decimal(), currency) == Money(minor, currency)


@pytest.mark.parametrize("text", ["19.999", "NaN", "Infinity", "1e-9", "19,99", ""])
def test_text_that_is_no_exact_amount_is_refused(text):
    with pytest.raises(ValueError, match=r"amount|decimals"):
        Money.parse(text, "EUR")


@pytest.mark.parametrize("text", ["", " A", "A ", "A\x00", "A\n", "\ud800", "x" * 65])
def test_a_sku_that_nobody_can_type_is_refused(text):
    with pytest.raises(ValueError, match="SKU"):
        values.clean_sku(text)


def test_a_sku_is_kept_in_nfc_with_its_case():
    assert values.clean_sku("Mu\u0308tze") == "Mütze"


@given(
    st.lists(
        st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x1f\x00")), min_size=1, max_size=3
    )
)
def test_a_cursor_gives_back_the_key_it_was_made_of(parts):
    assert values.from_cursor(values.to_cursor(*parts), len(parts)) == parts
