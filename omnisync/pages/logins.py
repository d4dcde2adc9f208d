"""Who is at the pages: a cookie that names a session's row, and a token in every form so that no other site can press our buttons."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

from omnisync.access import Access, sessions
from omnisync.access.sessions import Here
from omnisync.clock import Clock
from omnisync.errors import Forbidden
from omnisync.http import Services
from omnisync.pages.forms import PAGES, own_page, to
from omnisync.values import to_micros

SESSION, DEVICE = "omnisync_session", "omnisync_device"
LASTS = {SESSION: sessions.WORKING_DAY, DEVICE: timedelta(days=400)}
"""How long a browser keeps each cookie. How long a device's session holds, its row says."""


@dataclass(frozen=True, slots=True)
class Login:
    """Somebody at one browser. `store` is the location whose pickups the screen shows."""

    user: str
    device: str
    """What wrong codes are counted for: an enrolled device, or one login."""
    token: str
    here: Here = field(repr=False)
    store: str = ""

    @property
    def access(self) -> Access:
        return self.here.access


class Logins:
    """Begins, finds and ends sessions. The cookie's signature makes it unforgeable, the row says whether it still holds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._signer = URLSafeSerializer(services.secret, salt="omnisync session")

    async def begin(self, response: Response, request: Request, name: str) -> None:
        """A person came in with a password."""
        ids, now = self._services.ids, self._services.clock.now()
        made = await self._services.write.run(lambda session: sessions.begin_of_user(session, name, ids=ids, now=now))
        self._keep(response, request, SESSION, made)

    def keep_device(self, response: Response, request: Request, session_id: str) -> None:
        """Let this browser be the device whose session that is."""
        self._keep(response, request, DEVICE, session_id)

    async def find(self, request: Request) -> Login | None:
        """Who logged in here with a password, as the account stands now; None when nobody did, or not any more."""
        return await self._find(request, SESSION)

    async def find_device(self, request: Request) -> Login | None:
        """The enrolled device that this browser is, with who stands there."""
        return await self._find(request, DEVICE)

    def ask(self, request: Request, back: str = PAGES[0]) -> Response:
        """To the login, and from there to the page that was asked for; to `back` where a button was pressed or a script asked.

        Whoever was logged in until now is told that this is over, and that what they pressed was not done.
        """
        is_page, is_look = "text/html" in request.headers.get("accept", ""), request.method in ("GET", "HEAD")
        wanted = own_page(_asked_for(request), back) if is_page and is_look else back
        was_in = is_page and any(self._named(request, cookie) for cookie in LASTS)
        said = ("login-over" if is_look else "login-over-undone") if was_in else ""
        return to("/staff/login", next="" if wanted == PAGES[0] else wanted, m=said)

    async def end(self, response: Response, request: Request, login: Login) -> None:
        """Forget who this was, here and in the row."""
        now = self._services.clock.now()
        await self._services.write.run(lambda session: sessions.end(session, login.here.session_id, now=now))
        response.delete_cookie(_name(request, SESSION), path="/", secure=_is_safe(request), httponly=True)

    def _keep(self, response: Response, request: Request, cookie: str, session_id: str) -> None:
        """Scripts cannot read it, and other sites cannot send it along with a form."""
        response.set_cookie(
            _name(request, cookie),
            str(self._signer.dumps([cookie, session_id])),
            max_age=int(LASTS[cookie].total_seconds()),
            httponly=True,
            samesite="lax",
            secure=_is_safe(request),
            path="/",
        )

    async def _find(self, request: Request, cookie: str) -> Login | None:
        session_id = self._named(request, cookie)
        if session_id is None:
            return None
        now = self._services.clock.now()
        here = await self._services.read.run(lambda session: sessions.find(session, session_id, now=now))
        if here is None or (cookie == DEVICE) != (here.device_id is not None):
            return None
        if here.stale:
            await self._services.write.run(lambda session: sessions.seen(session, here, now=now))
        return Login(here.access.name, here.device_id or session_id, self._token(session_id), here)

    def _named(self, request: Request, cookie: str) -> str | None:
        try:
            kind, session_id = self._signer.loads(request.cookies.get(_name(request, cookie), ""))
        except (BadSignature, TypeError, ValueError):
            return None
        return str(session_id) if kind == cookie else None

    def _token(self, session_id: str) -> str:
        """Made again for each page from the server's key: nobody outside can know it, and no row holds it."""
        return hmac.digest(self._services.secret, f"omnisync form\0{session_id}".encode(), "sha256").hex()


def _asked_for(request: Request) -> str:
    """The page with its filters, without what it said about the last button."""
    query = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != "m"])
    return f"{request.url.path}?{query}" if query else request.url.path


def _is_safe(request: Request) -> bool:
    return request.url.scheme == "https"


def _name(request: Request, cookie: str) -> str:
    """Over https with the prefix that browsers keep for exactly this host, set by exactly this host."""
    return f"__Host-{cookie}" if _is_safe(request) else cookie


class Vouchers:
    """Signed notes a page hands itself through a form: that a code was right, for one pickup and some minutes."""

    LASTS = timedelta(minutes=15)

    def __init__(self, secret: bytes, clock: Clock) -> None:
        self._signer, self._clock = URLSafeSerializer(secret, salt="omnisync code right until"), clock

    def write(self, pickup_id: str, login: Login) -> str:
        """The code of this pickup was right at this device."""
        return str(self._signer.dumps([pickup_id, login.device, to_micros(self._clock.now() + self.LASTS)]))

    def vouches(self, voucher: str, pickup_id: str, login: Login) -> bool:
        """Whether this note says so, for this pickup and this device, and is fresh."""
        try:
            *said, until = self._signer.loads(voucher)
        except BadSignature:
            return False
        return said == [pickup_id, login.device] and to_micros(self._clock.now()) <= int(until)


def check_token(form: Mapping[str, Any], login: Login) -> None:
    """Refuse a form that does not come from our own page."""
    if not hmac.compare_digest(str(form.get("token", "")).encode(), login.token.encode()):
        raise Forbidden("This form is not from this session.", code="foreign-form")
