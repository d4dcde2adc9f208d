from datetime import timedelta

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
        (timedelta(hours=4), Due("bis 15:00")),
        (timedelta(days=2), Due("bis Mo., 23.11., 11:00")),
    ],
)
def test_a_time_limit_is_said_in_words_and_its_urgency_in_colour(left, due):
    assert due_text(START + left, EYES) == due
