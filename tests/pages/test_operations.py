from __future__ import annotations

import asyncio
import math

import pytest
import sqlalchemy as sa

from omnisync import migrations
from omnisync.clock import Ids, StoppedClock
from tests.api import serving
from tests.conftest import START
from tests.pages.ops_site import opened
from tests.stock.shop import shelf

LAMP = {"lines": [{"sku": "LAMP", "location": "linden", "quantity": 1}]}


def ask(engine, clock, story):
    async def run():
        async with serving(engine, clock) as api:
            return await story(api)

    return asyncio.run(run())


def numbers(text):
    """Sample -> value of a Prometheus text."""
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_a_living_process_says_so_whatever_the_database_does(engine, clock):
    answer = ask(engine, clock, lambda api: api.call("GET", "/livez", role=None))

    assert answer.status_code == 200


def test_ready_means_migrated_to_the_schema_of_this_version(fresh, clock):
    async def story(api):
        return await api.call("GET", "/readyz", role=None)

    migrations.upgrade(fresh)
    ready = ask(fresh, clock, story)
    with fresh.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    behind = ask_without_keys(fresh, story)

    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert behind.status_code == 503
    assert behind.json()["type"].endswith("/not-ready")
    assert "omnisync migrate" in behind.json()["detail"]


def ask_without_keys(engine, story):
    import random

    import httpx

    from omnisync import app
    from tests.api import SETTINGS, Api

    async def run():
        services = app.services_for(
            SETTINGS, engine, StoppedClock(START), Ids(StoppedClock(START), random.Random(1)), b"k" * 32
        )
        application = app.create(services)
        transport = httpx.ASGITransport(application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://omnisync") as client:
            return await story(Api(client, services, {}, application))

    return asyncio.run(run())


def test_whoever_watches_the_whole_is_told_that_no_worker_works(fresh, clock):
    async def asked(site):
        found = [await site.browser.get(path) for path in ("/readyz", "/readyz?worker=true")]
        idle = numbers((await site.browser.get("/metrics")).text)["omnisync_worker_idle_seconds"]
        return [(one.status_code, one.json()) for one in found], idle

    async def run():
        async with opened(fresh, clock) as site:
            never = await asked(site)
            await site.run()
            working = await asked(site)
            clock.advance(seconds=180)
            return never, working, await asked(site)

    migrations.upgrade(fresh)
    never, working, stopped = asyncio.run(run())

    assert (never[0][1][0], never[1]) == (503, math.inf)
    assert [status for status, _ in working[0]] == [200, 200]
    assert (working[0][1][1]["worker"], working[1]) == ("working", 0)
    (plain, body), (watched, problem) = stopped[0]
    assert (plain, body["status"], body["worker"]) == (200, "ready", "stopped")
    assert (watched, problem["type"].rpartition("/")[2]) == (503, "worker-stopped")
    assert problem["idle_seconds"] == stopped[1] == 180 + 2 - 60


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_machines_need_no_key(engine, clock, path):
    answer = ask(engine, clock, lambda api: api.call("GET", path, role=None))

    assert answer.status_code in (200, 503)


def test_holds_are_counted_once_however_often_they_are_asked_for(engine, clock, session):
    shelf(session, "LAMP", pieces=1)
    session.commit()

    async def story(api):
        for key in ("one", "one", "two"):
            await api.call("POST", "/v1/reservations", key=key, json=LAMP)
        return (await api.call("GET", "/metrics", role=None)).text

    found = numbers(ask(engine, clock, story))

    assert found['omnisync_holds_total{outcome="granted"}'] == 1
    assert found['omnisync_holds_total{outcome="refused"}'] == 1
    assert found['omnisync_http_requests_total{method="POST",route="/v1/reservations",status="201"}'] == 2
    assert found['omnisync_batch_units_count{door="writer"}'] >= 3


def test_no_article_and_no_id_becomes_a_label(engine, clock, session):
    shelf(session, "LAMP", pieces=1)
    session.commit()

    async def story(api):
        held = (await api.call("POST", "/v1/reservations", json=LAMP)).json()
        await api.call("GET", f"/v1/reservations/{held['id']}")
        await api.call("GET", "/v1/availability?sku=LAMP")
        await api.call("GET", "/no/such/LAMP", role=None)
        return held["id"], (await api.call("GET", "/metrics", role=None)).text

    the_id, text = ask(engine, clock, story)

    assert "LAMP" not in text
    assert the_id not in text
    assert 'route="/v1/reservations/{reservation_id}"' in text
    assert 'route="none"' in text


def test_each_channel_tells_queue_lag_exposure_and_state(engine, clock):
    async def run():
        async with opened(engine, clock) as site:
            await site.run(3)
            site.fakes["ebay"].faults.down = True
            await site.sell("LAMP", 3, receipt="4711")
            await site.run(4, seconds=15)
            return (await site.browser.get("/metrics")).text

    found = numbers(asyncio.run(run()))

    assert found['omnisync_channel_queue{channel="ebay"}'] == 1
    assert found['omnisync_channel_exposed_pieces{channel="ebay"}'] == 3
    assert found['omnisync_channel_lag_seconds{channel="ebay"}'] == 60
    assert found['omnisync_channel_queue{channel="webshop"}'] == 0
    assert found['omnisync_channel_state{channel="ebay",state="late"}'] == 1
    assert found['omnisync_channel_state{channel="ebay",state="on_time"}'] == 0
    assert found["omnisync_shortages"] == 0
