"""`run.py demo`: omnisync live, between simulated channels, with a proof at the end."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from omnisync.clock import SystemClock, system_chance, system_ids
from omnisync.demo import options as command_line
from omnisync.demo import proof, setup, stage, storm, switches
from omnisync.demo.options import Options
from omnisync.demo.proof import Proof
from omnisync.demo.setup import World
from omnisync.demo.stage import Stage
from omnisync.errors import OmnisyncError

VIOLATED, BROKEN, INTERRUPTED = 1, 2, 130
PAGES = ("/staff", "/ops")
"""Opened where there is a display, the last one in front."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a demo; 0 when its proof holds, 1 when it does not, 2 when it could not run."""
    options = command_line.parse(sys.argv[1:] if arguments is None else arguments)
    folder = Path(tempfile.mkdtemp(prefix="omnisync-demo-"))
    try:
        found = asyncio.run(demo(options, folder))
    except OmnisyncError as error:
        _say(f"omnisync: {error}\n  The logs lie in {folder}")
        return BROKEN
    except (KeyboardInterrupt, asyncio.CancelledError):
        shutil.rmtree(folder)
        return INTERRUPTED
    except Exception:
        _say(f"omnisync: the demo broke. The database and the logs lie in {folder}")
        raise
    if options.as_json:
        sys.stdout.write(json.dumps(found.as_json()) + "\n")
    if found.holds:
        shutil.rmtree(folder)
        return 0
    _say(f"  The database and the logs lie in {folder}")
    return VIOLATED


async def demo(options: Options, folder: Path) -> Proof:
    """Put everything up, let people in, and prove at the end that all is well."""
    world = World(SystemClock(), system_ids(), system_chance())
    async with stage.put_up(options, folder, world, _say) as running:
        await running.open()
        _say(_welcome(running))
        _listen(running)
        if _has_display() and not options.as_json:
            for page in PAGES:
                webbrowser.open(running.plan.url("server") + page)
        await _play(running)
        _say("settling: no more buyers, all switches off ...")
        found: Proof = await running.settle()
    _say("\n" + proof.in_words(found))
    return found


async def _play(running: Stage) -> None:
    telling = asyncio.create_task(running.tell())
    blowing = asyncio.create_task(
        storm.blow(running.switches, running.world.clock, running.options.seconds) if running.options.storm else _calm()
    )
    try:
        await running.play()
    finally:
        for task in (telling, blowing):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _calm() -> None:
    return None


def _listen(running: Stage) -> None:
    """Ctrl-C ends the traffic, a second one everything; commands are read from the terminal."""
    loop, main_task = asyncio.get_running_loop(), asyncio.current_task()

    def end() -> None:
        if running.stop.is_set() and main_task is not None:
            main_task.cancel()
        running.stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    if sys.stdin is not None and sys.stdin.isatty():
        turning: set[asyncio.Task[None]] = set()
        loop.add_reader(sys.stdin, lambda: turning.add(asyncio.create_task(_command(running, sys.stdin.readline()))))


async def _command(running: Stage, text: str) -> None:
    turn = switches.understand(text)
    if turn is None:
        if text.strip():
            _say(
                "  down | limit | double | reorder | lose, then webshop | kasse | square | ebay | all, and off; such as: down ebay"
            )
        return
    await running.switches.turn(turn.channel, turn.fault, turn.on)
    _say(f"  broken now: {running.switches.in_words() or 'nothing'}")


def _welcome(running: Stage) -> str:
    server, secrets = running.plan.url("server"), running.plan.secrets
    ends = (
        "Ctrl-C ends it with a proof."
        if running.options.seconds is None
        else f"It ends by itself after {running.options.seconds:g} s."
    )
    return "\n".join(
        [
            "",
            f"  Ops        {server}/ops       login {setup.OPS}, password {secrets['ops_password']}",
            f"  Staff      {server}/staff     login {setup.STAFF}, password {secrets['staff_password']}",
            f"  API        {server}/docs",
            f"  Switches   {running.plan.switches}   or type here: down ebay",
            f"  Logs       {running.plan.folder}",
            *([f"  Planted    {running.plan.plant}: the proof must fail"] if running.plan.plant else []),
            "",
            f"  {ends}",
            "",
        ]
    )


def _has_display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _say(text: str) -> None:
    """For people; standard output belongs to the proof in JSON."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
