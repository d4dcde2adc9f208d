"""What the office's pages answer to a pressed button, and whose clock they show."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from omnisync.pages.words import later
from omnisync.sync.context import Context

MESSAGES = {
    "done": later("Saved."),
    "already-closed": later("Somebody has decided that already."),
    "not-found": later("That is not there any more."),
    "foreign-form": later("The page was out of date. Please try again."),
    "invalid-request": later("Please check what you entered."),
    "no-such-article": later("No article has this SKU. Its name stands under Stock; new ones are imported first."),
    "still-waits": later("It still waits: why, stands below."),
    "some-wait": later("Some of them still wait: why, stands beside each."),
    "try-later": later("That did not work just now. Please try again in a moment."),
    "user-exists": later("There is a user of that name already."),
    "key-exists": later("This key was made before; it cannot be shown again."),
    "yourself": later("This is your own account: let another one do that."),
    "proposal-changed": later("The proposal no longer fits. Please look again."),
    "forbidden": later("This account may not do this."),
}
GOOD = {"done"}
SOMETHING_WRONG = later("That did not work. Please try again.")


def zone_of(context: Context) -> ZoneInfo:
    """The clock on the wall of the first location."""
    locations = context.settings.locations
    return ZoneInfo(locations[0].timezone if locations else "Europe/Berlin")
