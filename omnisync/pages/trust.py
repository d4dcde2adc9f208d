"""How a device comes to trust this server: the authority's certificate, the steps for each kind of device, and the way from http to https."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import segno
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from jinja2 import Environment
from markupsafe import Markup
from sqlmodel import Session

from omnisync.certificates import HERE, Authority
from omnisync.pages import languages, words
from omnisync.pages.forms import SECURITY
from omnisync.pages.office.frame import Read, Visit
from omnisync.pages.words import Words, later
from omnisync.routes import pages
from omnisync.sync.context import Context

PATH, PUBLIC, FILE = "/ops/trust", "/trust", "/ca.crt"
FILE_NAME = "omnisync-ca.crt"

STEPS: Mapping[str, tuple[str, Sequence[str]]] = {
    "android": ("Android", (
        later("Download the certificate with Chrome."),
        later("Open the settings, search for “CA certificate” (Security, Encryption and credentials), and tap “Install a certificate”, “CA certificate”."),
        later("Tap “Install anyway” and choose the file omnisync-ca.crt."),
        later("Under “Trusted credentials”, “User”, open omnisync and compare the fingerprint."),
    )),
    "iphone": ("iPhone, iPad", (
        later("Download the certificate with Safari and tap “Allow”."),
        later("Open the settings, tap “Profile Downloaded” at the top, and compare the fingerprint under “More Details”. Then tap “Install”."),
        later("Settings, General, About, Certificate Trust Settings: switch omnisync on."),
    )),
    "windows": ("Windows", (
        later("Download the certificate. In PowerShell, Get-FileHash omnisync-ca.crt shows the fingerprint: compare it."),
        later("Open the file, choose “Install Certificate”, “Local Machine”."),
        later("Choose “Place all certificates in the following store”, “Trusted Root Certification Authorities”, and finish. Then start the browser again."),
    )),
}  # fmt: skip
"""device -> (its name, what to do there one after the other)"""
_KNOWN_BY = {"android": "android", "iphone": "iphone", "ipad": "iphone", "macintosh": "iphone", "windows": "windows"}
"""What a browser says of itself -> device; an iPad says it is a Macintosh."""


@dataclass(slots=True)
class Doors:
    """Where this server is reached, and by which authority. A renewed certificate takes the old one's place."""

    authority: Authority
    port: int
    """Speaks https."""
    plain_port: int
    """Speaks http, and leads here."""

    def safe(self, name: str) -> str:
        """The server's address under that name; one that the certificate does not say becomes the first that others reach."""
        return _address("https", self._known(name), self.port, 443)

    def plain(self, name: str = "") -> str:
        """The same for http, where no device trusts us yet; never one that leads nowhere from another device."""
        return _address("http", self._known("" if name in HERE else name), self.plain_port, 80)

    @property
    def reached(self) -> list[str]:
        """Its names and addresses as others type them, the surest first."""
        return [name for name in self.authority.names if name not in HERE] or list(HERE[:1])

    @property
    def is_alone(self) -> bool:
        """Whether no other device reaches this machine: it listens to itself only."""
        return set(self.authority.names) <= set(HERE)

    def _known(self, name: str) -> str:
        return name if name in self.authority.names else self.reached[0]


@dataclass(frozen=True, slots=True)
class Trust:
    """Everything the office's page shows; without doors there is no TLS of ours."""

    doors: Doors | None
    link: str = ""
    qr: str = ""
    ends_at: datetime | None = None
    sheets: tuple[Any, ...] = ()

    @property
    def steps(self) -> Mapping[str, tuple[str, Sequence[str]]]:
        """What is to be done at each kind of device."""
        return STEPS


def reader(doors: Doors | None) -> Read:
    """What the office's page reads: nothing of the database."""

    def read(session: Session, context: Context, visit: Visit) -> Trust:
        if doors is None:
            return Trust(None)
        link = f"{doors.plain(visit.get('name'))}{PUBLIC}"
        return Trust(doors, link, _qr(link), doors.authority.ends_at)

    return read


def routes(doors: Doors | None) -> APIRouter:
    """The certificate and the steps, for devices that cannot trust us yet: both are no secret."""
    api = pages()
    if doors is None:
        return api

    async def file() -> Response:
        """DER, so that its SHA-256 is the fingerprint."""
        headers = SECURITY | {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'}
        return Response(doors.authority.der, media_type="application/x-x509-ca-cert", headers=headers)

    async def page(request: Request) -> Response:
        say = languages.of(request)
        values = {
            "doors": doors,
            "steps": STEPS,
            "device": _device(request),
            "safe": doors.safe(request.url.hostname or ""),
        }
        return HTMLResponse(_templates(say).get_template("trust/page.html").render(**values), headers=SECURITY)

    api.add_api_route(FILE, file, methods=["GET", "HEAD"])
    api.add_api_route(PUBLIC, page, methods=["GET"])
    return api


def way(doors: Doors) -> APIRouter:
    """Whatever else is asked over http: a reader is led to https, a program is told."""
    api = pages()

    async def lead(request: Request) -> Response:
        path = request.url.path
        rest = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{_there(request)}{path}{rest}", status_code=307, headers=SECURITY)

    async def tell(request: Request) -> Response:
        said = f"This server speaks https: {_there(request)}. What was sent here was not encrypted: change keys that were in it.\n"
        return PlainTextResponse(said, status_code=403, headers=SECURITY)

    def _there(request: Request) -> str:
        return doors.safe(request.url.hostname or "")

    api.add_api_route("/{path:path}", lead, methods=["GET", "HEAD"])
    api.add_api_route("/{path:path}", tell, methods=["POST", "PUT", "PATCH", "DELETE"])
    return api


def _device(request: Request) -> str:
    said = request.headers.get("user-agent", "").lower()
    return next((device for word, device in _KNOWN_BY.items() if word in said), "")


def _address(scheme: str, name: str, port: int, default: int) -> str:
    host = f"[{name}]" if _is_of_the_sixth_version(name) else name
    return f"{scheme}://{host}" if port == default else f"{scheme}://{host}:{port}"


def _is_of_the_sixth_version(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).version == 6
    except ValueError:
        return False


def _qr(link: str) -> Markup:
    """Dark on light in every colour scheme, as cameras want it."""
    return Markup(segno.make(link, error="m", micro=False).svg_inline(border=3, omitsize=True, light="#fff"))  # noqa: S704  segno draws numbers only


@cache
def _templates(say: Words) -> Environment:
    return words.environment(say)
