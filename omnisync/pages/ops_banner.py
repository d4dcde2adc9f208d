"""The verdict over the ops page: what is wrong, what could come of it, and never that nothing can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.pages import ops_words
from omnisync.pages.words import Words
from omnisync.sync import health, leases
from omnisync.sync.health import Exposed, Health
from omnisync.sync.history import Delays

EXPOSED_AFTER = timedelta(seconds=10)
"""A number is being lowered all the time; only what stays too high longer than this is worth a word."""


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict. `channel` is the one to be synced by its button."""

    mood: str
    icon: str
    title: str
    text: str
    channel: str = ""


def banner(
    session: Session,
    found: Sequence[Health],
    titles: Mapping[str, str],
    overall: Delays | None,
    now: datetime,
    say: Words,
) -> Banner:
    """Says what is wrong, what could come of it, and never that nothing can."""
    if not found:
        return Banner(
            "info", "clock", say("No channel is connected yet."), say("Channels stand in config/omnisync.toml.")
        )
    if stopped := _stopped(session, now, say):
        return stopped
    exposed = health.exposed(session, before=now - EXPOSED_AFTER)
    if exposed and exposed[0].channel in titles:
        return _exposed(exposed, titles, _on_time(found, say), say)
    if needy := next((one for one in found if one.state == "action_required"), None):
        return _needy(needy, titles[needy.channel], _on_time(found, say), say)
    if late := next((one for one in found if one.state in ("late", "paused")), None):
        title = f"{titles[late.channel]}: {ops_words.reason(late, say)}"
        return Banner("warn", "clock", title, _on_time(found, say), late.channel)
    return _fine(len(found), overall, say)


def _exposed(exposed: Sequence[Exposed], titles: Mapping[str, str], on_time: str, say: Words) -> Banner:
    worst, more = exposed[0], sum(one.pieces for one in exposed[1:])
    could = say.ngettext(
        "%(channel)s still shows %(num)s article that we cannot lower, at most %(pieces)s pieces.",
        "%(channel)s still shows %(num)s articles that we cannot lower, at most %(pieces)s pieces.",
        worst.listings, channel=titles[worst.channel], pieces=say.number(worst.pieces),
    )  # fmt: skip
    rest = (
        " " + say.ngettext("On other channels %(num)s piece more.", "On other channels %(num)s pieces more.", more)
        if more
        else ""
    )
    return Banner("bad", "warning", could, on_time + rest, worst.channel)


def _needy(one: Health, title: str, on_time: str, say: Words) -> Banner:
    reason = ops_words.reason(one, say)
    said = reason[:1].lower() + reason[1:] if one.action is None else reason
    return Banner(
        "warn",
        "warning",
        say("%(channel)s needs you: %(reason)s", channel=title, reason=said),
        f"{ops_words.action(one, say)} {on_time}",
        one.channel,
    )


def _fine(channels: int, overall: Delays | None, say: Words) -> Banner:
    window = say.span(overall.p95_seconds) if overall else say("a few seconds")
    return Banner(
        "ok", "check", say("All channels are on time.") if channels > 1 else say("The channel is on time."),
        say("Two channels could sell the same last piece only within %(window)s; that would be counted here.", window=window),
    )  # fmt: skip


def _stopped(session: Session, now: datetime, say: Words) -> Banner | None:
    """Without a worker every number on this page grows old while it looks fine."""
    held_until = leases.ends_at(session, leases.HOUSE)
    if held_until is not None and held_until > now:
        return None
    since = (
        say(
            "No worker has run for %(span)s: no channel is read or written.",
            span=say.span((now - held_until).total_seconds()),
        )
        if held_until
        else say("No worker has run yet.")
    )
    return Banner(
        "bad",
        "warning",
        say("The sync has stopped."),
        f"{since} {say('Start “omnisync serve” or “omnisync worker”.')}",
    )


def _on_time(found: Sequence[Health], say: Words) -> str:
    number = sum(one.state == "on_time" for one in found)
    return say.ngettext(
        "%(number)s of %(num)s channel is on time.",
        "%(number)s of %(num)s channels are on time.",
        len(found),
        number=number,
    )
