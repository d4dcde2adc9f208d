"""The CSV till: sales, counts and deliveries as files in a folder, stock and prices as a file back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnisync.adapters.base import Adapter
from omnisync.adapters.client import Tools
from omnisync.adapters.csv.adapter import CsvTill
from omnisync.adapters.csv.address import Address
from omnisync.adapters.csv.disk import Disk, LocalDisk
from omnisync.adapters.csv.settings import TillSettings, parse
from omnisync.errors import NeedsAttention

SETTINGS = TillSettings


def make(name: str, settings: Mapping[str, Any], places: Mapping[str, str], public_url: str, tools: Tools) -> Adapter:
    """A till connected through its folder. NeedsAttention when the settings cannot be used."""
    till = parse(name, settings)
    return CsvTill(name, till, places, tools, _disk(name, till))


def _disk(name: str, till: TillSettings) -> Disk:
    if not isinstance(till.folder, Address):
        return LocalDisk(till.folder)
    try:
        from omnisync.adapters.csv.sftp import SftpDisk  # only who has such a server needs its library
    except ImportError as error:
        raise NeedsAttention(
            f"{name} has its folder on an SFTP server, and what speaks with such servers is not installed.",
            action="pip install 'omnisync[sftp]'",
            code="settings",
        ) from error
    return SftpDisk(name, till.folder, till.login)
