"""Where an SFTP server is, as `sftp://user@host:port/folder`, and how we log in there."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

SCHEME = "sftp://"


@dataclass(frozen=True, slots=True)
class Address:
    """A folder on a server."""

    host: str
    port: int
    user: str
    path: str
    """Absolute; where the address begins with `/~/` it is relative to the user's own folder there."""

    @property
    def server(self) -> str:
        """For people."""
        return f"{SCHEME}{self.host}" + ("" if self.port == 22 else f":{self.port}")

    def __str__(self) -> str:
        return f"{self.server}{self.path if self.path.startswith('/') else f'/~/{self.path}'}"


@dataclass(frozen=True, slots=True)
class Login:
    """What proves who we are, and who they are."""

    password: str | None
    private_key: str | None
    passphrase: str | None
    host_keys: tuple[str, ...]


def parse(text: str) -> Address:
    """The address in this text. ValueError says what is wrong with it, and quotes no password."""
    url = urlsplit(text)
    if url.password is not None:
        raise ValueError('a password does not belong into an address that is shown: set `password = "env:..."`')
    if not url.hostname or not url.username or url.query or url.fragment:
        raise ValueError(
            "an SFTP folder is written sftp://user@host/folder, with :port behind the host if it is not 22"
        )
    path = unquote(url.path)
    relative = path == "/~" or path.startswith("/~/")
    return Address(url.hostname, url.port or 22, unquote(url.username), (path[3:] or ".") if relative else path or "/")
