"""The CSV till whose folder lies on a real OpenSSH server."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from omnisync.adapters.base import Outcome, Sale, Shown, Target, Unreadable
from omnisync.adapters.client import Tools
from omnisync.adapters.csv.adapter import CsvTill
from omnisync.clock import Ids, StoppedClock
from omnisync.errors import NeedsAttention, TryLater
from omnisync.values import Money
from tests.adapters.csv.till import Till, keys, read_all
from tests.real.cutting import line_to
from tests.real.sftp import Server, open_server

pytestmark = [pytest.mark.real, pytest.mark.anyio, pytest.mark.xdist_group("sftp")]
LINE = "{0};1;A;x;1;1,00;21.11.2026;09:00;001;1"
SETTLED_SECONDS = 2
CUTS, ROUNDS = 30, 9


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def tools(clock: StoppedClock, ids: Ids) -> Tools:
    return Tools(clock, ids, random.Random(1))


@pytest.fixture
def till(sftp_server: Server, clock: StoppedClock, tools: Tools) -> Till:
    """An empty folder on the server."""
    shutil.rmtree(sftp_server.folder)
    sftp_server.folder.mkdir()
    return Till(sftp_server.folder, clock, tools)


@pytest.fixture
async def adapter(sftp_server: Server, till: Till) -> AsyncIterator[CsvTill]:
    connected = till.connect(**sftp_server.settings, out="import/bestand.csv")
    yield connected
    await connected.close()


async def read_settled(adapter: CsvTill, till: Till, cursor: str | None = None) -> Sequence[Any]:
    """What lies there, once it has lain still for long enough."""
    await adapter.pull(cursor, now=till.clock.now())
    till.clock.advance(seconds=SETTLED_SECONDS)
    return await read_all(adapter, till.tools, cursor)


async def test_files_are_read_once_and_lie_in_done_or_failed_on_the_server(till: Till, adapter: CsvTill):
    till.drop("verkauf-1.csv", LINE.format(1))
    till.drop("verkauf-2.csv", LINE.format(2), "3;1;A;x;kaputt;1,00;21.11.2026;09:00;001;1")
    till.drop("artikel.csv", "A;4006381333931;Lampe", header="Artikelnr;EAN;Bezeichnung")

    facts = await read_settled(adapter, till)
    again = await read_settled(adapter, till)

    assert [type(fact) for fact in facts] == [Sale, Sale, Unreadable]
    assert again == []
    assert (till.names("done"), till.names()) == (["verkauf-1.csv"], ["artikel.csv"])
    assert till.names("failed") == ["verkauf-2.csv", "verkauf-2.csv.reasons.txt"]
    assert [one.title for one in (await adapter.listings(None)).listings] == ["Lampe"]


async def test_names_that_are_taken_or_strange_hide_nothing(till: Till, adapter: CsvTill):
    for receipt in (1, 2):
        till.drop("verkauf.csv", LINE.format(receipt))
        await read_settled(adapter, till)
    till.drop("verkauf-3.csv", LINE.format(3))
    till.drop(os.fsdecode(b"verkauf-\xfcber.csv"), LINE.format(3))

    facts = await read_settled(adapter, till)

    assert {key.rpartition(":")[2] for key in keys(facts)} == {"3/1"}
    assert {os.fsencode(name) for name in till.names("done")} == {
        b"verkauf.csv", b"verkauf.2.csv", b"verkauf-3.csv", b"verkauf-\xfcber.csv",
    }  # fmt: skip


async def test_a_file_that_is_still_being_uploaded_is_left_alone(till: Till, adapter: CsvTill):
    seen = []
    for upload in (1, 2, 3):
        till.drop("verkauf.csv", *(LINE.format(n) for n in range(upload)))
        till.drop("verkauf-2.csv.part", LINE.format(77))
        page = await adapter.pull(None, now=till.clock.now())
        seen.append(list(page.facts))
        till.clock.advance(seconds=SETTLED_SECONDS - 0.5)

    facts = await read_settled(adapter, till)

    assert (seen, len(facts)) == ([[], [], []], 3)
    assert (till.names(), till.names("done")) == (["verkauf-2.csv.part"], ["verkauf.csv"])


async def test_stock_and_prices_are_put_in_place_whole_and_kept_until_the_till_fetches_them(
    till: Till, adapter: CsvTill
):
    def shown(sku: str, quantity: int, price: int | None = None) -> Shown:
        money = None if price is None else Money(price, "EUR")
        return Shown(Target(sku, sku, "001"), sku, till.clock.now(), quantity=quantity, price=money)

    first = await adapter.publish([shown("A", 7, 1999), shown("B", 3)])
    await adapter.publish([shown("A", 5)])

    assert {one.outcome for one in first} == {Outcome.APPLIED}
    assert (till.folder / "import/bestand.csv").read_text().splitlines()[1:] == ["A;5;19,99;EUR;001", "B;3;;;001"]
    assert till.names("import") == ["bestand.csv"]


@pytest.mark.parametrize("passphrase", [None, "only-for-tests"])
async def test_a_key_opens_the_door_without_a_password(sftp_server: Server, till: Till, passphrase: str | None):
    key = asyncssh.generate_private_key("ssh-ed25519")
    sftp_server.admit(key)
    text = key.export_private_key(passphrase=passphrase).decode().strip()  # as a secret's file is read
    login = {"folder": sftp_server.address, "private_key": text, "host_key": sftp_server.host_keys[0]}
    till.drop("verkauf.csv", LINE.format(1))

    adapter = till.connect(**login, passphrase=passphrase)
    facts = await read_settled(adapter, till)
    await adapter.close()

    assert len(facts) == 1


async def test_wrong_credentials_need_a_person_and_are_told_to_nobody(sftp_server: Server, till: Till):
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    wrong = [{"password": "not-this-one"}, {"password": None, "private_key": stranger}]

    for login in wrong:
        adapter = till.connect(**{**sftp_server.settings, **login})
        with pytest.raises(NeedsAttention) as caught:
            await adapter.pull(None, now=till.clock.now())
        [check] = await adapter.check()
        await adapter.close()

        assert (caught.value.code, check.ok) == ("credentials", False)
        assert not any(
            secret in f"{caught.value.message}{caught.value.action}{adapter!r}" for secret in login.values() if secret
        )


async def test_a_host_that_nobody_vouched_for_is_told_nothing_and_the_mend_lets_it_in(sftp_server: Server, till: Till):
    till.drop("verkauf.csv", LINE.format(1))
    unknown = till.connect(**{**sftp_server.settings, "host_key": []})

    with pytest.raises(NeedsAttention) as caught:
        await unknown.pull(None, now=till.clock.now())
    line = caught.value.action.partition('host_key = "')[2].partition('"')[0]
    facts = await read_settled(known := till.connect(**{**sftp_server.settings, "host_key": line}), till)
    await known.close()

    assert "SHA256:" in caught.value.message
    assert line == sftp_server.host_keys[0]
    assert len(facts) == 1


async def test_a_host_that_shows_another_key_than_before_is_told_no_password(tmp_path: Path, till: Till):
    with open_server(tmp_path / "other", kinds=("ssh-ed25519", "ssh-rsa")) as server:
        before = server.host_keys
        for pinned in before:  # whichever of its keys is pinned is the one that is asked for
            adapter = till.connect(**{**server.settings, "host_key": pinned})
            assert (await adapter.check())[0].ok
            await adapter.close()
        server.stop()
        server.new_host_key()
        server.start()

        adapter = till.connect(**{**server.settings, "host_key": before[0]})
        with pytest.raises(NeedsAttention, match="another key"):
            await adapter.pull(None, now=till.clock.now())
        assert "Accepted" not in server.words
        assert "Failed password" not in server.words


async def test_a_server_without_sftp_or_without_the_folder_needs_a_person(
    tmp_path: Path, sftp_server: Server, till: Till
):
    missing = till.connect(**{**sftp_server.settings, "folder": f"{sftp_server.address}/nirgends"})
    with open_server(tmp_path / "other", subsystem="/bin/false") as server:
        faults = []
        for adapter in (missing, till.connect(**server.settings)):
            with pytest.raises(NeedsAttention) as caught:
                await adapter.pull(None, now=till.clock.now())
            faults.append(caught.value)
            await adapter.close()

    assert [fault.code for fault in faults] == ["folder", "folder"]
    assert "nirgends" in faults[0].message


async def test_a_server_that_is_away_is_tried_again_and_then_caught_up(tmp_path: Path, till: Till, clock: StoppedClock):
    with open_server(tmp_path / "other") as server:
        there = Till(server.folder, clock, till.tools)
        adapter = there.connect(**server.settings)
        there.drop("verkauf.csv", LINE.format(1))
        await adapter.pull(None, now=clock.now())
        server.stop()

        for _ in range(2):
            with pytest.raises(TryLater):
                await adapter.pull(None, now=clock.now())
        server.start()
        facts = await read_settled(adapter, there)
        await adapter.close()

    assert len(facts) == 1


async def test_whenever_the_line_breaks_nothing_is_lost_and_nothing_comes_twice(sftp_server: Server, till: Till):
    async with line_to(sftp_server.port) as line:
        folder = sftp_server.address.replace(str(sftp_server.port), str(line.here))
        login = {**sftp_server.settings, "folder": folder}
        await _day(till, login, line_breaks := [])
        whole = line.carried

        # Two days differ by some hundred bytes: the last cut is well before the end.
        for number, cut in enumerate(whole * n // (CUTS + 1) for n in range(1, CUTS + 1)):
            line.carried, line.breaks_after = 0, cut
            await _day(till, login, line_breaks)
            assert line.breaks == number + 1, f"the line did not break after {cut} bytes"
    assert len(line_breaks) >= CUTS - 5, "a break is felt, but for those between two calls"


async def _day(till: Till, login: dict[str, Any], felt: list[TryLater]) -> None:
    """Three files and a stock list, with an engine that commits what it is given and begins again whatever is cut off."""
    shutil.rmtree(till.folder)
    till.folder.mkdir()
    for number in range(3):
        till.drop(f"verkauf-{number}.csv", *(LINE.format(10 * number + n) for n in range(10)), "x;1;A;x;kaputt")
    adapter, cursor, committed = till.connect(**login, out="bestand.csv"), None, dict[str, Any]()
    wish = [Shown(Target("A", "A", "001"), "t", till.clock.now(), quantity=4)]
    for _ in range(ROUNDS):
        with suppress(TryLater):
            try:
                page = await adapter.pull(cursor, now=till.clock.now())
                committed |= dict(zip(keys(page.facts), page.facts, strict=True))
                cursor = page.cursor
                await adapter.done(keys(page.facts))
                await adapter.publish(wish)
            except TryLater as error:
                felt.append(error)
                raise
        till.clock.advance(seconds=SETTLED_SECONDS)
    await adapter.close()

    names = [f"verkauf-{number}.csv" for number in range(3)]
    assert [type(fact) for fact in committed.values()].count(Sale) == 30
    assert till.names("failed") == sorted([*names, *(f"{name}.reasons.txt" for name in names)])
    visible = [name for name in till.names() if not name.startswith(".")]  # the last round may have been cut off too
    assert (visible, till.names("done")) == (["bestand.csv"], [])
    assert (till.folder / "bestand.csv").read_text().splitlines()[1:] == ["A;4;;;001"]
