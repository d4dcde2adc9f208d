"""A new API key from *Users and keys*: the answer to the press shows it, and nothing can show it again."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from omnisync import access
from omnisync.access import NewKey, Role, acts
from omnisync.access.acts import Door
from omnisync.clock import system_chance
from omnisync.errors import Forbidden, InvalidRequest, Refused
from omnisync.pages.forms import form_of, to
from omnisync.pages.logins import check_token
from omnisync.pages.office import menu, people
from omnisync.pages.office.frame import Office, Visit, render
from omnisync.pages.office.people import People

PATH = "/ops/people"


def add(api: APIRouter, office: Office) -> None:
    """Add the button."""
    api.add_api_route(f"{PATH}/key", _Press(office).make, methods=["POST"])


class _Press:
    """The handler of the button. The page it stood on said how the key begins, so that a form that is sent twice makes one key."""

    def __init__(self, office: Office) -> None:
        self._office, self._chance = office, system_chance()

    async def make(self, request: Request) -> Response:
        """Make it, and show it once."""
        visit = await self._office.visit(request)
        if visit is None:
            return self._office.ask_login(request, PATH)
        form = await form_of(request)
        try:
            check_token(form, visit.login)
            if not visit.asker.may(Role.ADMIN):
                raise Forbidden("This account may not do this.")
            made, view, counts = await self._office.services.write.run(lambda session: self._make(session, form, visit))
        except Refused as refused:
            return to(PATH, m=refused.code)
        return render(visit, "people.html", view=view, counts=counts, made=made)

    def _make(self, session: Session, form: Mapping[str, str], visit: Visit) -> tuple[NewKey, People, menu.Counts]:
        context, role, location = self._office.context, form.get("role", ""), form.get("location") or None
        if role not in access.OF_KEYS:
            raise InvalidRequest.of("role", f"There is no role {role!r}.")
        if location is not None and location not in {one.code for one in context.settings.locations}:
            raise InvalidRequest.of("location", f"There is no location {location!r}.")
        made = access.create_key(
            session, Role(role), form.get("name", "").strip(), location=location, prefix=form.get("prefix", ""),
            chance=self._chance, now=visit.now,
        )  # fmt: skip
        acts.keep(session, Door.OFFICE, visit.asker.name, ("keys", "create"), made.prefix, now=visit.now)
        return made, people.people(session, context, visit), menu.Counts.read(session)
