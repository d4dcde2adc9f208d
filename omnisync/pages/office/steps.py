"""What the buttons of the office do, each in the transaction of its request, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from omnisync import access
from omnisync.access import Access, Role, acts
from omnisync.access.acts import Door
from omnisync.catalog import articles
from omnisync.errors import Conflict, InvalidRequest, NotFound
from omnisync.orders import shortages as carrying_out
from omnisync.stock import shortages
from omnisync.sync import answering, behind, cases, deadletters, health, mappings, replay
from omnisync.sync.answering import Said
from omnisync.sync.context import Context

AT_ONCE = 50
"""Letters that one press replays: those that a page shows."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed: what for, by whom, with which fields."""

    name: str
    form: Mapping[str, str]
    by: Access
    now: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """What a button does, and what is to be said of it where that is not *Saved* (`says.MESSAGES`). `role` may press it."""

    work: Callable[[Session, Context, Press], str | None]
    role: Role = Role.OPS


def carry_out(session: Session, context: Context, pressed: tuple[str, str], press: Press) -> str:
    """Do what the button says, and write down who pressed it: both or neither. What is to be said of it."""
    outcome = STEPS[pressed].work(session, context, press)
    about = press.form.get("user") or press.name
    acts.keep(session, Door.OFFICE, press.by.name, pressed, about, now=press.now)
    return outcome or "done"


def _pause(session: Session, context: Context, press: Press) -> None:
    health.pause(session, context.channel(press.name).name, now=press.now)


def _resume(session: Session, context: Context, press: Press) -> None:
    health.resume(session, context.channel(press.name).name, now=press.now)


def _sync(session: Session, context: Context, press: Press) -> None:
    behind.compare_all(session, context.channel(press.name), now=press.now)


def _sync_all(session: Session, context: Context, press: Press) -> None:
    for channel in context.channels.values():
        behind.compare_all(session, channel, now=press.now)


def _replay(session: Session, context: Context, press: Press) -> str | None:
    letter = replay.replay(session, context, press.name, now=press.now)
    return None if letter.closed_at is not None else "still-waits"


def _replay_all(session: Session, context: Context, press: Press) -> str | None:
    """Those that the page names, else the oldest; one that another one mended is closed by then."""
    named = press.form.get("ids", "").split(",") if "ids" in press.form else []
    found = named[:AT_ONCE] or [letter.id for letter in deadletters.list_open(session, limit=AT_ONCE)]
    return None if replay.replay_each(session, context, found, now=press.now) == len(found) else "some-wait"


def _discard(session: Session, context: Context, press: Press) -> None:
    replay.discard(session, press.name, now=press.now)


def _map(session: Session, context: Context, press: Press) -> None:
    letter = deadletters.find(session, press.name)
    wanted: dict[str, str | None] = {press.form.get("external_id", ""): _article(session, press.form)}
    mappings.put(session, context, context.channel(letter.channel), wanted, now=press.now)


def _article(session: Session, form: Mapping[str, str]) -> str:
    """The SKU that somebody typed. NotFound where no article is called so."""
    sku = form.get("sku", "").strip()
    if sku not in articles.known(session, {sku}):
        raise NotFound(f"There is no article {sku}.", code="no-such-article")
    return sku


def _apply(session: Session, context: Context, press: Press) -> None:
    cases.apply(session, press.name, by=press.by.name, now=press.now)


def _dismiss(session: Session, context: Context, press: Press) -> None:
    cases.dismiss(session, press.name, by=press.by.name, now=press.now)


def _see_to(session: Session, context: Context, press: Press) -> None:
    shortages.accept(session, row_number(press.name), by=press.by.name, now=press.now)


def _carry_out(session: Session, context: Context, press: Press) -> None:
    """What somebody has seen proposed for a shortage; refused if it no longer fits."""
    if context.desk is None:
        raise NotFound("Nothing is handed out here.")
    seen = press.form.get("proposal", "")
    carrying_out.accept(session, context.desk, row_number(press.name), seen, by=press.by.name, now=press.now)


def _answer(session: Session, context: Context, press: Press) -> None:
    """What a channel means, said by one press."""
    form = press.form
    said = Said(
        _article(session, form) if form.get("sku", "").strip() else None,
        form.get("location") or None,
        form.get("only") or None,
        form.get("keep") == "1",
    )
    answering.answer(session, context, press.name, said, by=press.by.name, now=press.now)


def _reconnect(session: Session, context: Context, press: Press) -> None:
    """Forget what kept us from calling, ask for the webhooks again, and compare everything."""
    channel = context.channel(press.name)
    health.connect_again(session, channel.name, now=press.now)
    behind.compare_all(session, channel, now=press.now)
    for letter in deadletters.list_open(session, channel=channel.name, limit=AT_ONCE):
        if letter.kind == "webhooks":
            replay.replay(session, context, letter.id, now=press.now)


def _create_user(session: Session, context: Context, press: Press) -> None:
    form = press.form
    role, location = form.get("role", ""), form.get("location") or None
    if role not in access.OF_USERS:
        raise InvalidRequest.of("role", f"There is no role {role!r}.")
    if location is not None and location not in {one.code for one in context.settings.locations}:
        raise InvalidRequest.of("location", f"There is no location {location!r}.")
    name, password = form.get("user", "").strip(), form.get("password", "")
    access.create_user(session, name, password, Role(role), location=location, now=press.now)


def _set_password(session: Session, context: Context, press: Press) -> None:
    access.set_password(session, press.form.get("user", ""), press.form.get("password", ""), now=press.now)


def _disable_user(session: Session, context: Context, press: Press) -> None:
    """Nobody locks themselves out: another admin does that."""
    if press.form.get("user") == press.by.name:
        raise Conflict("This is your own account.", code="yourself")
    access.disable_user(session, press.form.get("user", ""), now=press.now)


def _revoke_key(session: Session, context: Context, press: Press) -> None:
    access.revoke_key(session, press.name, now=press.now)


def row_number(text: str) -> int:
    """The number of a row as an address says it. NotFound for anything else."""
    if not text.isdecimal() or len(text) > 18:
        raise NotFound(f"There is no row {text!r}.")
    return int(text)


STEPS: Mapping[tuple[str, str], Step] = {
    ("channels", "pause"): Step(_pause),
    ("channels", "resume"): Step(_resume),
    ("channels", "sync"): Step(_sync),
    ("channels", "reconnect"): Step(_reconnect),
    ("all", "sync"): Step(_sync_all),
    ("all", "replay"): Step(_replay_all),
    ("letters", "replay"): Step(_replay),
    ("letters", "discard"): Step(_discard),
    ("letters", "map"): Step(_map),
    ("cases", "apply"): Step(_apply),
    ("cases", "dismiss"): Step(_dismiss),
    ("shortages", "accept"): Step(_see_to),
    ("shortages", "carry_out"): Step(_carry_out),
    ("mappings", "answer"): Step(_answer),
    ("users", "create"): Step(_create_user, Role.ADMIN),
    ("users", "password"): Step(_set_password, Role.ADMIN),
    ("users", "disable"): Step(_disable_user, Role.ADMIN),
    ("keys", "revoke"): Step(_revoke_key, Role.ADMIN),
}
"""(thing, step) of the address -> what it does"""
