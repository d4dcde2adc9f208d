from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from omnisync.pages import words
from omnisync.pages.staff_view import Due, Eyes, due_text
from tests.api import SETTINGS
from tests.conftest import START

EYES = Eyes(words.speaking("de"), SETTINGS.location("linden"), SETTINGS.locations, START)


@pytest.mark.parametrize(
    ("left", "due"),
    [
        (timedelta(minutes=18), Due("noch 18 Min", "warn")),
        (timedelta(minutes=17, seconds=1), Due("noch 18 Min", "warn")),
        (timedelta(0), Due("noch 0 Min", "warn")),
        (timedelta(seconds=-1), Due("seit 0 Min fällig", "bad")),
        (timedelta(minutes=-45), Due("seit 45 Min fällig", "bad")),
        (timedelta(hours=-3), Due("seit 3 Std fällig", "bad")),
        (timedelta(days=-3), Due("seit 3 Tagen fällig", "bad")),
        (timedelta(minutes=31), Due("noch 31 Min")),
        (timedelta(minutes=60), Due("noch 60 Min")),
        (timedelta(minutes=61), Due("bis 12:01")),
        (timedelta(hours=4), Due("bis 15:00")),
        (timedelta(days=2), Due("bis Mo., 23.11., 11:00")),
    ],
)
def test_a_time_limit_is_said_in_words_and_its_urgency_in_colour(left, due):
    assert due_text(START + left, EYES) == due


@pytest.mark.parametrize(
    ("now", "moment", "due"),
    [
        ("2026-11-21T14:50:00Z", "2026-11-23T08:40:00Z", Due("noch 20 Min", "warn")),  # Saturday 15:50, shut at 16:00
        ("2026-11-21T14:50:00Z", "2026-11-23T09:10:00Z", Due("noch 50 Min")),
        ("2026-11-21T15:00:00Z", "2026-11-23T08:40:00Z", Due("bis Mo., 23.11., 09:40")),  # shut: nobody counts down
        ("2026-11-23T08:30:00Z", "2026-11-23T08:40:00Z", Due("noch 10 Min", "warn")),  # Monday, just open
    ],
)
def test_minutes_are_counted_while_the_store_is_open(now, moment, due):
    eyes = replace(EYES, now=datetime.fromisoformat(now))

    assert due_text(datetime.fromisoformat(moment), eyes) == due
