"""Pages of those who have not come in, or are shut out, against all rules of axe-core, in light and dark, on phone and desktop."""

from __future__ import annotations

import pytest
from itsdangerous import URLSafeSerializer

from omnisync.pages.logins import DEVICE
from tests.browser.addresses import STRANGERS, TRUST
from tests.browser.conftest import SECRET
from tests.browser.day import LOCKED
from tests.browser.every import Tour
from tests.browser.test_ops import DESKTOP, PHONE

pytestmark = pytest.mark.browser
SCREENS = [DESKTOP, PHONE]


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_no_page_of_strangers_breaks_a_rule(open_page, server, width, height):
    tour = Tour(open_page(width, height, touch=width == 390, may_say="Failed to load resource"), server)

    for where in (one for found in STRANGERS.values() for one in found):
        tour.see(tour.come(where))

    tour.ended_well()


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_a_locked_device_breaks_no_rule(open_page, server, width, height):
    page = open_page(width, height, touch=width == 390, may_say="Failed to load resource")
    cookie = URLSafeSerializer(SECRET, salt="omnisync session").dumps([DEVICE, LOCKED])
    page.context.add_cookies([{"name": DEVICE, "value": str(cookie), "url": server.url}])
    tour = Tour(page, server)

    tour.see(tour.come("/staff"))

    assert page.get_by_role("heading", name="Dieses Gerät ist gesperrt").is_visible()
    tour.ended_well()


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_the_page_for_devices_that_do_not_trust_the_house_yet_breaks_no_rule(open_page, trusted, width, height):
    tour = Tour(open_page(width, height, touch=width == 390), trusted)

    for where in (one for found in TRUST.values() for one in found):
        tour.see(tour.come(where))

    tour.ended_well()
