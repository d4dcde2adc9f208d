"""The torments by name. What each does stands in its sentence; docs/channels.md is made of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from omnisync.torture import collected, owed, priced, told, wired
from omnisync.torture.stage import Stage

Torment = Callable[[Stage], Awaitable[None]]

TORMENTS: Mapping[str, Torment] = {
    "duplicates": told.duplicates,
    "reordering": told.reordering,
    "a day's delay": told.a_days_delay,
    "forged webhooks": told.forged,
    "429": wired.too_many_calls,
    "5xx": wired.server_errors,
    "timeout after effect": wired.timeout_after_effect,
    "part of a batch refused": wired.part_of_a_batch,
    "one poisoned line": told.poisoned,
    "unknown fields and enum values": told.strange,
    "pages that shift while being read": told.shifting_pages,
    "two orders in one second": told.two_in_one_second,
    "time zones and DST": told.time_zones,
    "ids above 2^53": told.large_ids,
    "expired and revoked credentials": wired.credentials,
    "schema drift": wired.drift,
    "an order with deposit and gift wrap": told.deposit_and_gift_wrap,
    "an order fulfilled elsewhere": told.elsewhere,
    "prices": priced.prices,
    "pickups": collected.pickups,
    "pickups that the store calls off": collected.called_off,
    "orders that nobody pays": owed.unpaid,
}
WAITING = frozenset({"part of a batch refused", "pages that shift while being read"})
"""What ends with something that a person has to know of: a listing that is gone."""
WAITING_FOR_FILES = frozenset({"one poisoned line", "schema drift"})
"""Of a file that could not be read a letter stays until a person puts it away, also after it was dropped again."""
