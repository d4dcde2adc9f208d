"""Settings from TOML and the environment, checked as a whole; errors name file, line, key and the nearest right name."""

from omnisync.settings.faults import BadSettings, Fault
from omnisync.settings.load import chosen, load
from omnisync.settings.models import (
    ADAPTERS,
    LEDGER,
    AlertSettings,
    ChannelPolicy,
    ChannelSettings,
    DatabaseSettings,
    LimitSettings,
    LocationSettings,
    MailSettings,
    Secret,
    ServerSettings,
    Settings,
)
from omnisync.settings.secrets import secret_values

__all__ = [
    "ADAPTERS",
    "LEDGER",
    "AlertSettings",
    "BadSettings",
    "ChannelPolicy",
    "ChannelSettings",
    "DatabaseSettings",
    "Fault",
    "LimitSettings",
    "LocationSettings",
    "MailSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "chosen",
    "load",
    "secret_values",
]
