"""Who is logged in to the pages: a signed cookie, and a token in every form so that no other site can press our buttons."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fastapi import Request, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from omnisync.errors import Forbidden

COOKIE = "omnisync_session"
LASTS_SECONDS = 14 * 60 * 60
"""One long working day."""


@dataclass(frozen=True, slots=True)
class Login:
    """A person at one device. `store` is the location whose pickups the screen shows."""

    user: str
    device: str
    token: str
    store: str


class Logins:
    """Makes and reads the session cookie; its signature also bounds how long it lasts."""

    def __init__(self, secret: bytes) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="omnisync login")

    def begin(self, response: Response, request: Request, login: Login) -> None:
        """Let the browser keep who this is. Scripts cannot read it, other sites cannot send it along with a form."""
        response.set_cookie(
            COOKIE,
            self._signer.dumps(asdict(login)),
            max_age=LASTS_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
            path="/",
        )

    def of(self, request: Request) -> Login | None:
        """Who is logged in; None when nobody is, or not any more."""
        try:
            return Login(**self._signer.loads(request.cookies.get(COOKIE, ""), max_age=LASTS_SECONDS))
        except (BadSignature, TypeError):
            return None

    def end(self, response: Response) -> None:
        """Forget who this was."""
        response.delete_cookie(COOKIE, path="/")


class Vouchers:
    """Signed notes a page hands itself through a form: that a code was right, for one pickup and some minutes."""

    LASTS_SECONDS = 15 * 60

    def __init__(self, secret: bytes) -> None:
        self._signer = URLSafeTimedSerializer(secret, salt="omnisync code seen")

    def write(self, pickup_id: str, login: Login) -> str:
        """The code of this pickup was right at this device."""
        return str(self._signer.dumps([pickup_id, login.device]))

    def vouches(self, voucher: str, pickup_id: str, login: Login) -> bool:
        """Whether this note says so, for this pickup and this device, and is fresh."""
        try:
            return bool(self._signer.loads(voucher, max_age=self.LASTS_SECONDS) == [pickup_id, login.device])
        except BadSignature:
            return False


def check_token(form: Mapping[str, Any], login: Login) -> None:
    """Refuse a form that does not come from our own page."""
    if not hmac.compare_digest(str(form.get("token", "")).encode(), login.token.encode()):
        raise Forbidden("This form is not from this session.", code="foreign-form")
