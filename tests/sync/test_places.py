"""Places of a channel that mean the same location."""

from __future__ import annotations

import random
from typing import Any

import pytest

from omnisync import app
from omnisync.adapters.base import Can, Write
from omnisync.adapters.client import Tools
from omnisync.clock import Ids, StoppedClock
from omnisync.errors import NeedsAttention
from tests.sync.fakes import FakeChannel
from tests.sync.house import settings_for, shop

TWICE = {"P1": "linden", "P2": "linden"}


def connect(clock: StoppedClock, ids: Ids, can: Can, places: dict[str, str]) -> Any:
    settings = settings_for(shop("web", location_map=places))
    tools = Tools(clock, ids, random.Random(1))
    return app.adapters_for(settings, tools, lambda _: lambda name, *_more: FakeChannel(name, clock, can))


def test_two_places_of_one_location_are_refused_where_each_gets_a_number(clock: StoppedClock, ids: Ids) -> None:
    with pytest.raises(NeedsAttention) as refused:
        connect(clock, ids, Can(write=Write.ABSOLUTE, many_locations=True), TWICE)

    assert "P1 and P2 to linden" in refused.value.message
    assert refused.value.code == "settings"


@pytest.mark.parametrize(
    ("can", "places"),
    [
        (Can(write=Write.ABSOLUTE), TWICE),
        (Can(write=Write.NONE, many_locations=True), TWICE),
        (Can(write=Write.ABSOLUTE, many_locations=True), {"P1": "linden", "P2": "markt"}),
    ],
)
def test_they_are_fine_where_one_number_is_for_all_or_none_is_written(
    clock: StoppedClock, ids: Ids, can: Can, places: dict[str, str]
) -> None:
    assert list(connect(clock, ids, can, places)) == ["web"]
