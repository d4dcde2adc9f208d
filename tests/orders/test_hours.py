from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisync.errors import NeedsAttention
from omnisync.orders import hours
from omnisync.settings import LocationSettings
from omnisync.settings.hours import DAYS

BERLIN = ZoneInfo("Europe/Berlin")


def store(**changes: object) -> LocationSettings:
    told: dict[str, object] = {
        "code": "linden",
        "name": "Filiale Lindenstraße",
        "hours": {"mon-fri": "09:30-19:00", "sat": "10:00-16:00"},
        "holidays": "DE-BE",
        "special": {"2026-12-24": "09:00-14:00", "2026-12-31": "closed"},
    }
    return LocationSettings.model_validate(told | changes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("placed", "ready"),
    [
        ("2026-11-20T12:00", "2026-11-20T14:00"),  # an ordinary Friday
        ("2026-11-20T17:00", "2026-11-20T19:00"),  # done just at the close
        ("2026-11-20T18:30", "2026-11-21T11:30"),  # 30 minutes on Friday, 90 on Saturday
        ("2026-11-21T15:00", "2026-11-23T10:30"),  # over the Sunday
        ("2026-11-22T12:00", "2026-11-23T11:30"),  # placed on a Sunday
        ("2026-11-23T06:00", "2026-11-23T11:30"),  # placed before opening
        ("2026-12-24T13:00", "2026-12-28T10:30"),  # Christmas Eve is short, both holidays and the Sunday are closed
        ("2026-12-30T18:00", "2027-01-02T11:00"),  # New Year's Eve is closed by a special date
        ("2027-03-08T12:00", "2027-03-09T11:30"),  # Women's Day is a holiday in Berlin
    ],
)
def test_lead_time_is_counted_in_open_minutes(placed, ready):
    assert hours.ready_by(at(placed), store()) == at(ready)


def test_a_holiday_of_one_state_is_a_working_day_in_another():
    assert hours.ready_by(at("2027-03-08T12:00"), store(holidays="DE-BY")) == at("2027-03-08T14:00")


def test_a_special_date_opens_on_a_holiday():
    sunday_sale = store(special={"2026-12-25": "12:00-18:00"})

    assert hours.is_open(sunday_sale, at("2026-12-25T13:00"))
    assert not hours.is_open(store(), at("2026-12-25T13:00"))


def test_a_break_at_noon_does_not_count():
    shop = store(hours={"mon-fri": "09:00-13:00, 14:00-18:00"})

    assert hours.ready_by(at("2026-11-20T12:00"), shop) == at("2026-11-20T15:00")
    assert not hours.is_open(shop, at("2026-11-20T13:30"))


@pytest.mark.parametrize(
    ("ready", "collect"),
    [
        ("2026-11-17T12:00", "2026-11-20T19:00"),  # Tuesday: Wednesday, Thursday, Friday
        ("2026-11-20T12:00", "2026-11-24T19:00"),  # Friday: Saturday, Monday, Tuesday
        ("2026-12-23T12:00", "2026-12-29T19:00"),  # 24th, then over Christmas to the 28th and 29th
        ("2026-12-21T12:00", "2026-12-24T14:00"),  # the last day closes early
    ],
)
def test_a_pickup_waits_until_the_close_of_the_last_open_day(ready, collect):
    assert hours.collect_by(at(ready), store()) == at(collect)


def test_goods_from_elsewhere_take_their_days_and_then_the_lead_time():
    assert hours.after_transfer(at("2026-11-17T12:00"), store(transfer_days=2)) == at("2026-11-20T11:30")
    assert hours.after_transfer(at("2026-11-17T12:00"), store(transfer_days=0)) == at("2026-11-17T14:00")


@pytest.mark.parametrize(
    ("night", "ready"),
    [
        ("2026-03-29T01:30", "2026-03-29T04:30"),  # 02:00 to 03:00 is skipped: two real hours later
        ("2026-10-25T01:30", "2026-10-25T02:30"),  # 02:00 to 03:00 comes twice: the second 02:30
    ],
)
def test_two_hours_are_two_hours_on_the_nights_the_clocks_change(night, ready):
    always = store(hours={}, holidays=None, special={})

    found = hours.ready_by(at(night), always)

    assert found - at(night) == timedelta(hours=2)
    assert found.astimezone(BERLIN).replace(tzinfo=None) == datetime.fromisoformat(ready)


def test_a_span_that_the_clocks_skip_is_read_with_the_offset_before_and_one_that_is_eaten_up_is_not_open():
    night_shop = store(hours={"sun": "02:30-05:00"}, holidays=None)
    eaten = store(hours={"sun": "02:30-03:00", "mon": "09:00-10:00"}, holidays=None, lead_minutes=0)

    assert hours.ready_by(at("2026-03-29T00:00"), night_shop, lead_minutes=0) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )
    assert hours.ready_by(at("2026-03-29T00:00"), eaten) == at("2026-03-30T09:00")


@pytest.mark.parametrize(
    ("changes", "complaint"), [({"timezone": "Europe/Linden"}, "no time zone"), ({"holidays": "DE-XX"}, "no region")]
)
def test_a_zone_or_region_that_nobody_knows_is_named(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        hours.opening(store(**changes))


def test_a_store_that_never_opens_needs_a_person():
    for by_when in (hours.ready_by, hours.collect_by):
        with pytest.raises(NeedsAttention, match="does not open") as caught:
            by_when(at("2026-11-20T12:00"), store(hours={"mon-sun": "closed"}, special={}))

        assert "linden" in caught.value.action


_DST_NIGHTS = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)]
_MINUTES = st.integers(0, 24 * 4).map(lambda quarters: 15 * quarters)
"""A store that opens for a minute a week needs years for its lead time, and a person before that."""


@st.composite
def _spans(draw: st.DrawFn) -> str:
    cuts = sorted(draw(st.sets(_MINUTES, min_size=2, max_size=6)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return ",".join(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in pairs)


@st.composite
def _stores(draw: st.DrawFn) -> LocationSettings:
    days = draw(st.sets(st.sampled_from(DAYS), min_size=1))
    special = draw(st.dictionaries(st.dates(date(2026, 3, 25), date(2026, 11, 5)).map(str), _spans(), max_size=3))
    return store(
        hours={day: draw(_spans()) for day in days},
        special=special,
        lead_minutes=draw(st.integers(0, 600)),
        collect_days=draw(st.integers(1, 5)),
    )


_moments = st.one_of(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    st.tuples(st.sampled_from(_DST_NIGHTS), st.integers(-36 * 60, 36 * 60)).map(
        lambda pair: pair[0] + timedelta(minutes=pair[1])
    ),
)


def _open_minutes(location: LocationSettings, start: datetime, end: datetime) -> timedelta:
    """Counted the slow way: minute by minute, from what the wall clock shows."""
    at_seconds = timedelta(seconds=start.second, microseconds=start.microsecond)
    count = (end - start) // timedelta(minutes=1)
    minutes = (start - at_seconds + timedelta(minutes=ahead) for ahead in range(count))
    return timedelta(minutes=sum(_shows_open(location, minute) for minute in minutes))


def _shows_open(location: LocationSettings, minute: datetime) -> bool:
    local = minute.astimezone(BERLIN)
    return any(
        span.opens <= local.hour * 60 + local.minute < span.closes for span in hours.opening(location).on(local.date())
    )


@given(_stores(), _moments)
def test_ready_by_never_lies_in_the_past_nor_in_closed_time(location, placed):
    ready = hours.ready_by(placed, location)

    assert ready >= placed
    assert hours.is_open(location, ready) or hours.is_open(location, ready - timedelta(microseconds=1))


@given(_stores(), _moments, _moments)
def test_who_orders_earlier_is_never_served_later(location, one, other):
    first, second = sorted((one, other))

    assert hours.ready_by(first, location) <= hours.ready_by(second, location)
    assert hours.collect_by(first, location) <= hours.collect_by(second, location)


@given(_stores(), _moments)
def test_collect_by_is_a_closing_time_after_ready(location, ready):
    collect = hours.collect_by(ready, location)

    assert collect > ready
    assert hours.is_open(location, collect - timedelta(microseconds=1))
    assert not hours.is_open(location, collect) or collect.astimezone(BERLIN).time().hour == 0


@given(
    st.datetimes(datetime(2026, 4, 1), datetime(2026, 10, 20), timezones=st.just(UTC)).map(
        lambda moment: moment.replace(second=0, microsecond=0)
    ),
    st.integers(1, 300),
)
def test_between_order_and_ready_lie_exactly_the_lead_minutes(placed, lead):
    location = store(lead_minutes=lead)

    assert _open_minutes(location, placed, hours.ready_by(placed, location)) == timedelta(minutes=lead)


def test_two_openings_that_the_clocks_push_into_one_another_are_one():
    night = store(hours={"sun": "01:30-02:30, 03:00-04:00"}, holidays=None, special={}, lead_minutes=60)

    assert hours.ready_by(at("2027-03-28T01:30"), night) == at("2027-03-28T03:30")


def test_the_next_opening_is_told_over_the_night_and_the_sunday():
    assert hours.opens_next(store(), at("2026-11-20T20:00")) == at("2026-11-21T10:00")
    assert hours.opens_next(store(), at("2026-11-21T12:00")) == at("2026-11-23T09:30")


def test_a_store_that_never_opens_was_open_for_no_time_and_does_not_open_next():
    never = store(hours={"mon-sun": "closed"}, holidays=None, special={})

    assert hours.opens_next(never, at("2026-11-20T12:00")) is None
    assert (
        hours.open_between(never, at("2026-11-20T12:00"), at("2026-11-23T12:00"), at_most=timedelta(days=1))
        == timedelta()
    )
