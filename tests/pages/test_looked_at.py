"""No page is forgotten: whatever the application answers to GET is looked at in a browser, or said not to be a page."""

from __future__ import annotations

import random

from omnisync import app
from omnisync.clock import Ids
from tests.browser.addresses import DESK, NO_PAGES, OFFICE, STRANGERS, Behind
from tests.pages.ops_site import settings

LOOKED_AT = OFFICE.keys() | DESK.keys() | STRANGERS.keys()


def read_by_people(engine, clock):
    services = app.services_for(settings(), engine, clock, Ids(clock, random.Random(1)), bytes(32))
    routes = app.create(services, app.context_for(services, {})).router.routes
    return {
        route.path
        for route in routes
        if "GET" in (getattr(route, "methods", None) or {"GET"}) and not route.path.startswith("/v1/")
    }


def test_every_page_is_looked_at(engine, clock):
    assert read_by_people(engine, clock) - LOOKED_AT - NO_PAGES == set()


def test_nothing_is_looked_at_that_is_not_there(engine, clock):
    assert LOOKED_AT - read_by_people(engine, clock) == set()


def test_each_page_is_looked_at_where_its_route_leads():
    addresses = [(route, one) for route, found in (OFFICE | STRANGERS).items() for one in found]

    for route, where in addresses:
        if not isinstance(where, Behind) and "{" not in route:
            assert where.partition("?")[0] == route
