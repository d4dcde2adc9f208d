"""A till's folder on an SFTP server: one connection, kept while it lasts, to a host whose key is known.

Needs the extra `sftp`; whoever has local folders only never loads this module.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from stat import S_ISREG

import asyncssh

from omnisync.adapters.csv.address import Address, Login
from omnisync.adapters.csv.disk import TAIL, Entry, Stamp, unusable
from omnisync.errors import NeedsAttention, TryLater

logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it tells of every connection

LOGIN_SECONDS, ANSWER_SECONDS, ALIVE_SECONDS = 15.0, 60.0, 15.0
_GONE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_CUT = (asyncssh.DisconnectError, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, TimeoutError, OSError)


class SftpDisk:
    """Times come from the server and are whole seconds."""

    blind_seconds = 2.0

    def __init__(self, channel: str, address: Address, login: Login) -> None:
        self._channel, self._address = channel, address
        self._folder = PurePosixPath(address.path)
        self._keys, self._pinned = _private_keys(channel, login), _pinned(channel, login)
        self._login = login
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None
        self._connecting = asyncio.Lock()

    def where(self, name: str) -> str:
        return f"{self._address.server}{self._path(name)}"

    async def entries(self) -> list[Entry]:
        async with self._served() as sftp:
            return [
                Entry(str(one.filename), _stamp(one.attrs))
                async for one in sftp.scandir(str(self._folder))
                if S_ISREG(one.attrs.permissions or 0)
            ]

    async def stamp(self, name: str) -> Stamp | None:
        async with self._served() as sftp:
            return await self._stamp(sftp, name)

    async def read(self, name: str, most: int) -> bytes | None:
        return await self._part(name, 0, most)

    async def tail(self, name: str) -> bytes | None:
        stamp = await self.stamp(name)
        return None if stamp is None else await self._part(name, max(0, stamp.size - TAIL), TAIL)

    async def move(self, name: str, target: str) -> bool:
        async with self._served() as sftp:
            await _make_folder(sftp, PurePosixPath(self._path(target)).parent)
            try:
                await sftp.rename(self._path(name), self._path(target))
            except asyncssh.SFTPError:
                if await self._stamp(sftp, target) is not None:
                    return False
                if await self._stamp(sftp, name) is None:
                    raise TryLater(f"Somebody took {self.where(name)} away in just this moment.") from None
                raise
        return True

    async def write(self, name: str, text: str) -> None:
        path = PurePosixPath(self._path(name))
        draft = path.with_name(f".{path.name}.tmp")
        async with self._served() as sftp:
            await _make_folder(sftp, path.parent)
            async with sftp.open(str(draft), "wb") as file:
                await file.write(text.encode())
                await _if_supported(file.fsync)
            if not await _if_supported(lambda: sftp.posix_rename(str(draft), str(path))):
                await _remove(sftp, path)  # a server of the old kind renames onto nothing that is there
                await sftp.rename(str(draft), str(path))

    async def close(self) -> None:
        """Say goodbye, and wait until the other side has heard it."""
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.close()
            await connection.wait_closed()

    def _path(self, name: str) -> str:
        return str(self._folder / name)

    async def _stamp(self, sftp: asyncssh.SFTPClient, name: str) -> Stamp | None:
        try:
            return _stamp(await sftp.stat(self._path(name)))
        except _GONE:
            return None

    async def _part(self, name: str, offset: int, most: int) -> bytes | None:
        async with self._served() as sftp:
            try:
                async with sftp.open(self._path(name), "rb") as file:
                    content = await file.read(most, offset)
            except _GONE:
                return None
        return content if isinstance(content, bytes) else content.encode()

    @asynccontextmanager
    async def _served(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """The session, with what goes wrong in our words. Whatever was cut off is begun anew by whoever comes next."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                yield await self._session()
        except (*_GONE, asyncssh.SFTPPermissionDenied) as error:
            raise unusable(self.where(""), error.reason) from error
        except _CUT as error:
            self._forget()
            raise TryLater(f"{self._address.server} does not answer ({type(error).__name__}).") from error
        except asyncssh.SFTPError as error:
            raise TryLater(f"{self._address.server} could not do that: {error.reason}.") from error

    async def _session(self) -> asyncssh.SFTPClient:
        async with self._connecting:
            if self._sftp is None:
                self._connection = await self._connect()
                self._sftp = await self._begin(self._connection)
            return self._sftp

    async def _begin(self, connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
        try:
            # Names that are no UTF-8 must not hide all others: they keep their bytes.
            return await connection.start_sftp_client(path_errors="surrogateescape")
        except (asyncssh.ChannelOpenError, asyncssh.SFTPError) as error:
            self._forget()
            raise NeedsAttention(
                f"{self._address.server} lets us in and offers no SFTP.",
                action="Ask the server's owner to switch on the SFTP subsystem for this user.",
                code="folder",
            ) from error

    async def _connect(self) -> asyncssh.SSHClientConnection:
        """Nothing of this machine's own SSH set-up is used: no agent, no files of keys and hosts."""
        shown = _Shown()
        try:
            return await asyncssh.connect(
                self._address.host, self._address.port, username=self._address.user, password=self._login.password,
                client_keys=self._keys or None, known_hosts=(self._pinned, [], []), client_factory=lambda: shown,
                config=None, agent_path=None, gss_host=None, x509_trusted_certs=None,
                connect_timeout=LOGIN_SECONDS, login_timeout=LOGIN_SECONDS, keepalive_interval=ALIVE_SECONDS,
            )  # fmt: skip
        except asyncssh.HostKeyNotVerifiable as error:
            raise self._stranger(shown) from error
        except asyncssh.PermissionDenied as error:
            raise NeedsAttention(
                f"{self._address.server} refuses the login of {self._address.user}.",
                action="Check `password` or `private_key` below [channels.settings]; the server must know our public key.",
                code="credentials",
            ) from error
        except asyncssh.KeyExchangeFailed as error:
            raise NeedsAttention(
                f"{self._address.server} and we know no common way to encrypt: {error.reason}.",
                action="If it shows another kind of key than `host_key` names, set that one; else ask its owner to update it.",
                code="credentials",
            ) from error

    def _stranger(self, shown: _Shown) -> NeedsAttention:
        """A host that nobody vouched for: what it showed, and the line that lets it in once a person has compared it."""
        if shown.key is None:
            return NeedsAttention(
                f"{self._address.server} showed no key that we can read.", action="Ask its owner which key it has."
            )
        line = " ".join(shown.key.export_public_key().decode().split()[:2])
        known = "another key than the one in the settings" if self._pinned else "a key that nobody has confirmed"
        return NeedsAttention(
            f"{self._address.server} shows {known}: {shown.key.get_fingerprint()}.",
            action=f'Ask the server\'s owner for its fingerprint. If it is this one, set host_key = "{line}" below [channels.settings].',
            code="credentials",
        )

    def _forget(self) -> None:
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.abort()


class _Shown(asyncssh.SSHClient):
    """Remembers the key of a host that is not the one we know, and never believes it."""

    key: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.key = key
        return False


def _stamp(attrs: asyncssh.SFTPAttrs) -> Stamp:
    return Stamp(attrs.size or 0, (attrs.mtime or 0) * 1_000_000_000)


async def _make_folder(sftp: asyncssh.SFTPClient, path: PurePosixPath) -> None:
    if not await sftp.isdir(str(path)):
        await sftp.makedirs(str(path), exist_ok=True)


async def _remove(sftp: asyncssh.SFTPClient, path: PurePosixPath) -> None:
    try:
        await sftp.remove(str(path))
    except _GONE:
        return


async def _if_supported(act: Callable[[], object]) -> bool:
    """Whether this server knows the extension; then it was done."""
    try:
        await act()  # type: ignore[misc]
    except asyncssh.SFTPOpUnsupported:
        return False
    return True


def _private_keys(channel: str, login: Login) -> list[asyncssh.SSHKey]:
    if login.private_key is None:
        return []
    try:
        return [asyncssh.import_private_key(login.private_key + "\n", login.passphrase)]
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise NeedsAttention(  # without the text of the error: it may quote what it could not read
            f"The private key of {channel} cannot be read.",
            action="Set `private_key` below [channels.settings] to the key's file in OpenSSH format, and `passphrase` if it has one.",
            code="settings",
        ) from error


def _pinned(channel: str, login: Login) -> Sequence[asyncssh.SSHKey]:
    try:
        return [asyncssh.import_public_key(line) for line in login.host_keys]
    except asyncssh.KeyImportError as error:
        raise NeedsAttention(
            f"The host_key of {channel} cannot be read.",
            action='It looks like "ssh-ed25519 AAAA...": `ssh-keyscan HOST` prints it; compare it with what the server\'s owner says.',
            code="settings",
        ) from error
