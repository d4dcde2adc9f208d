"""`omnisync serve --tls`: a browser that trusts the house's authority, the door for http, renewal, and what doctor says of it."""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from omnisync import app, certificates, db
from omnisync.access import Role
from omnisync.clock import Ids, StoppedClock
from omnisync.commands import https
from omnisync.commands.listening import listen
from omnisync.pages.trust import Doors
from omnisync.settings import Settings
from tests.api import SETTINGS
from tests.commands.conftest import Omnisync
from tests.people import PASSWORD, person

NOW = datetime.now(UTC).replace(microsecond=0)
"""The client's clock is the real one."""


class Waiting(StoppedClock):
    """Nobody moves it on: who sleeps, sleeps until the server ends."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


@dataclass
class Served:
    """Two doors on free ports."""

    doors: Doors
    renew: https.Renew
    context: ssl.SSLContext
    clock: Waiting

    @property
    def safe(self) -> str:
        return f"https://127.0.0.1:{self.doors.port}"

    @property
    def plain(self) -> str:
        return f"http://127.0.0.1:{self.doors.plain_port}"


Story = Callable[[Served], Awaitable[Any]]


@pytest.fixture
def play(engine, scratch, tmp_path):
    """Serve both doors for as long as a story lasts."""

    def run(story: Story) -> Any:
        async def all_of_it() -> Any:
            clock, settings = Waiting(NOW), settings_in(tmp_path)
            services = app.services_for(settings, engine, clock, Ids(clock, random.Random(5)), bytes(range(32)))
            with db.transaction(engine) as session:
                person(session, "kim", Role.STAFF, location="linden")
            with listen("127.0.0.1", 0) as door, listen("127.0.0.1", 0) as plain:
                doors = https.doors(settings, "127.0.0.1", (door, plain), clock)
                both = https.servers(app.create(services, doors=doors), doors)
                renew = https.Renew(settings, "127.0.0.1", clock)
                running = asyncio.create_task(https.serve(both, (door, plain), doors, renew))
                try:
                    return await story(Served(doors, renew, both[0].config.ssl, clock))
                finally:
                    both[0].should_exit = True
                    await running

        return asyncio.run(all_of_it())

    return run


def settings_in(folder: Path) -> Settings:
    server = SETTINGS.server.model_copy(update={"tls_folder": str(folder / "tls")})
    return SETTINGS.model_copy(update={"server": server})


def trusting(served: Served) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=ssl.create_default_context(cadata=served.doors.authority.der))


def test_a_device_fetches_the_authority_over_http_and_then_logs_in_over_https_with_cookies_of_this_host_only(play):
    async def story(served: Served) -> Any:
        async with httpx.AsyncClient() as stranger:
            fetched = await stranger.get(f"{served.plain}/ca.crt")
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.get(f"{served.safe}/livez")
        trust = ssl.create_default_context(cadata=fetched.content)
        async with httpx.AsyncClient(verify=trust, base_url=served.safe) as browser:
            form = {"name": "kim", "password": PASSWORD}
            answer = await browser.post("/staff/login", data=form)
            desk = await browser.get("/staff")
            again = await browser.get("/ca.crt")
        return fetched, answer, desk, again

    fetched, answer, desk, again = play(story)

    assert fetched.headers["content-type"] == "application/x-x509-ca-cert"
    assert again.content == fetched.content
    assert answer.headers["set-cookie"].startswith("__Host-omnisync_session=")
    assert "; Secure" in answer.headers["set-cookie"]
    assert desk.status_code == 200


def test_http_leads_a_reader_to_the_same_page_over_https_and_tells_a_program(play):
    async def story(served: Served) -> Any:
        async with httpx.AsyncClient(base_url=served.plain) as stranger:
            led = await stranger.get("/staff?tab=bereit")
            foreign = await stranger.get("/staff", headers={"host": "bank.example"})
            told = await stranger.post("/v1/pickups", json={}, headers={"authorization": "Bearer omni_x"})
            styles = await stranger.get("/static/trust.css")
        return served, led, foreign, told, styles

    served, led, foreign, told, styles = play(story)

    assert (led.status_code, led.headers["location"]) == (307, f"{served.safe}/staff?tab=bereit")
    assert foreign.headers["location"] == f"https://localhost:{served.doors.port}/staff", (
        "nobody is led to another site"
    )
    assert told.status_code == 403
    assert f"This server speaks https: {served.safe}." in told.text
    assert "change keys" in told.text
    assert styles.status_code == 200


def test_the_page_for_devices_opens_the_steps_of_the_device_that_asks_and_shows_the_fingerprint(play):
    async def story(served: Served) -> Any:
        async with httpx.AsyncClient(base_url=served.plain, headers={"accept-language": "de"}) as device:
            pages = [
                (await device.get("/trust", headers={"user-agent": agent})).text
                for agent in (
                    "Mozilla/5.0 (Linux; Android 15) Chrome/130",
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1)",
                    "other",
                )
            ]
        return served, pages

    served, pages = play(story)

    opened = [
        [part.partition("<h2>")[2].partition("<")[0] for part in page.split("<details")[1:] if " open>" in part[:20]]
        for page in pages
    ]
    assert opened == [["Android"], ["iPhone, iPad"], ["Android", "iPhone, iPad", "Windows"]]
    assert all(f"<span>{pair}</span>" in pages[0] for pair in served.doors.authority.fingerprint.split())
    assert f'href="{served.safe}/staff"' in pages[0]
    assert "Zertifikat laden" in pages[0]


def test_a_renewed_certificate_is_shown_to_whoever_comes_next_without_a_restart(play):
    async def shown(served: Served) -> x509.Certificate:
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", served.doors.port, ssl=anybody)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return x509.load_der_x509_certificate(der)

    async def story(served: Served) -> Any:
        before = await shown(served)
        served.renew.look(served.doors, served.context)
        same = await shown(served)
        served.clock.advance(days=345)
        served.renew.look(served.doors, served.context)
        return before, same, await shown(served), served.doors.authority.ends_at

    before, same, after, said = play(story)

    assert same == before
    assert after.not_valid_after_utc > before.not_valid_after_utc + timedelta(days=300)
    assert said == after.not_valid_after_utc


def test_a_certificate_that_cannot_be_renewed_serves_on(play, tmp_path):
    async def story(served: Served) -> Any:
        served.clock.advance(days=345)
        (tmp_path / "tls" / "issuer.pem").write_text("lost")
        served.renew.look(served.doors, served.context)
        async with trusting(served) as browser:
            return await browser.get(f"{served.safe}/livez")

    assert play(story).status_code == 200


@pytest.mark.parametrize(
    ("database", "folder"),
    [
        ("sqlite:////var/lib/omnisync/shop.db", "/var/lib/omnisync/tls"),
        ("postgresql+psycopg://a@b/c", "/etc/omnisync/tls"),
    ],
)
def test_the_certificates_stand_beside_the_database_or_else_beside_the_servers_key(database, folder):
    found = Settings.model_validate(
        {"database": {"url": database}, "server": {"key_file": "/etc/omnisync/omnisync.key"}}
    )

    assert https.folder_of(found) == Path(folder)


def test_the_names_are_those_of_the_settings_then_those_of_the_machine(tmp_path):
    server = {
        "tls_folder": str(tmp_path / "tls"),
        "tls_names": ["Kasse.lan"],
        "public_url": "https://sync.example.org/x",
    }
    settings = Settings.model_validate({"server": server})

    made = https.keep(settings, "192.168.7.20", StoppedClock(NOW))

    assert made.names == ("kasse.lan", "sync.example.org", "192.168.7.20", *certificates.HERE)


def test_a_server_for_everybody_has_the_name_and_addresses_of_the_machine():
    assert https.own_names("127.0.0.1") == ["127.0.0.1"]
    assert https.own_names("till") == ["till"]
    assert any(name.endswith(".local") for name in https.own_names("0.0.0.0"))


@pytest.mark.parametrize(("days", "level"), [(0, "ok"), (340, "ok"), (380, "warn"), (400, "fail")])
def test_doctor_says_when_the_certificate_ends(
    omnisync: Omnisync, ready: Path, clock: StoppedClock, days: int, level: str
) -> None:
    assert "certificate" not in findings(omnisync, ready), "there is none before `serve --tls`"
    made = certificates.keep(ready.parent / "tls", ["kasse.lan"], [], clock.now())
    clock.advance(days=days)

    found = findings(omnisync, ready)["certificate"]

    assert found["level"] == level
    assert found["detail"].startswith(f"ends {made.ends_at:%Y-%m-%d}")
    assert "kasse.lan" in found["detail"]


def test_doctor_says_that_devices_have_to_be_told_when_the_authority_itself_ends(
    omnisync: Omnisync, ready: Path, clock: StoppedClock
) -> None:
    made = certificates.keep(ready.parent / "tls", [], [], clock.now())
    clock.set(made.authority_ends_at - timedelta(days=20))
    certificates.keep(ready.parent / "tls", [], [], clock.now())

    assert "every device" in findings(omnisync, ready)["certificate"]["mend"]


def test_doctor_says_when_the_files_are_broken(omnisync: Omnisync, ready: Path, clock: StoppedClock) -> None:
    made = certificates.keep(ready.parent / "tls", [], [], clock.now())
    made.chain.write_text("x")

    assert findings(omnisync, ready)["certificate"]["level"] == "fail"


def findings(omnisync: Omnisync, config: Path) -> dict[str, dict[str, str]]:
    found = json.loads(omnisync("doctor", "--json", "--no-channels", config=config).out)["findings"]
    return {finding["subject"]: finding for finding in found}
