"""The verdict over the ops page: what is wrong, what could come of it, and never that nothing can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from omnisync.pages import ops_words
from omnisync.pages.ops_words import plural, span, whole
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
    session: Session, found: Sequence[Health], titles: Mapping[str, str], overall: Delays | None, now: datetime
) -> Banner:
    """Says what is wrong, what could come of it, and never that nothing can."""
    if not found:
        return Banner("info", "clock", "Noch ist kein Kanal verbunden.", "Kanäle stehen in config/omnisync.toml.")
    if stopped := _stopped(session, now):
        return stopped
    exposed = health.exposed(session, before=now - EXPOSED_AFTER)
    if exposed and exposed[0].channel in titles:
        return _exposed(exposed, titles, _on_time(found))
    if needy := next((one for one in found if one.state == "action_required"), None):
        return _needy(needy, titles[needy.channel], _on_time(found))
    if late := next((one for one in found if one.state in ("late", "paused")), None):
        title = f"{titles[late.channel]}: {ops_words.reason(late)}"
        return Banner("warn", "clock", title, _on_time(found), late.channel)
    return _fine(len(found), overall)


def _exposed(exposed: Sequence[Exposed], titles: Mapping[str, str], on_time: str) -> Banner:
    worst, more = exposed[0], sum(one.pieces for one in exposed[1:])
    could = (
        f"{titles[worst.channel]} zeigt noch {plural(worst.listings, 'Artikel', 'Artikel')}, die wir nicht senken können, "
        f"höchstens {whole(worst.pieces)} Stück."
    )
    rest = f" Auf anderen Kanälen noch {whole(more)} Stück." if more else ""
    return Banner("bad", "warning", could, on_time + rest, worst.channel)


def _needy(one: Health, title: str, on_time: str) -> Banner:
    reason = ops_words.reason(one)
    said = reason[:1].lower() + reason[1:] if one.action is None else reason
    return Banner("warn", "warning", f"{title} braucht Sie: {said}", f"{ops_words.action(one)} {on_time}", one.channel)


def _fine(channels: int, overall: Delays | None) -> Banner:
    window = span(overall.p95_seconds) if overall else "weniger Sekunden"
    return Banner(
        "ok", "check", "Alle Kanäle sind pünktlich." if channels > 1 else "Der Kanal ist pünktlich.",
        f"Dasselbe letzte Stück könnten zwei Kanäle nur innerhalb von {window} verkaufen; das würde hier gezählt.",
    )  # fmt: skip


def _stopped(session: Session, now: datetime) -> Banner | None:
    """Without a worker every number on this page grows old while it looks fine."""
    held_until = leases.ends_at(session, leases.HOUSE)
    if held_until is not None and held_until > now:
        return None
    since = f"Seit {span((now - held_until).total_seconds())} arbeitet" if held_until else "Noch hat"
    rest = " kein Worker: kein Kanal wird gelesen oder beschrieben." if held_until else " kein Worker gearbeitet."
    return Banner(
        "bad", "warning", "Der Abgleich steht.", f"{since}{rest} „omnisync serve“ oder „omnisync worker“ starten."
    )


def _on_time(found: Sequence[Health]) -> str:
    number = sum(one.state == "on_time" for one in found)
    return f"{number} von {plural(len(found), 'Kanal', 'Kanälen')} pünktlich."
