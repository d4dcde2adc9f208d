"""What the desk says after a button: one sentence for each outcome."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment

from omnisync.orders import codes
from omnisync.pages import staff_list, words
from omnisync.pages.staff_close import WRONG
from omnisync.pages.words import Words, later

MESSAGES = {
    "wrong-code": later("This code belongs to no pickup of this store."),
    "no-article-pickup": later("No open pickup of this store holds this article."),
    "too-many-tries": later("Too many wrong codes. Please wait a little, or ask for name and number."),
    "age-unchecked": later("Somebody must say that the age was checked."),
    "undo-over": later("That was too long ago. A hand-over is corrected within a day, with a reason."),
    "unsend-over": later("That was too long ago, or the shop says itself that it is on its way."),
    "wrong-state": later("This pickup has changed in the meantime."),
    "out-of-stock": later("The other store does not have enough of it any more."),
    "reservation-taken": later("The hold behind this pickup was ended elsewhere. Please ask the office."),
    "forbidden": later("This pickup belongs to another store."),
    "foreign-form": later("The page was out of date. Please try again."),
    "not-found": later("There is no such pickup."),
    "already-done": later("That is done already."),
    "invalid-request": later("Please check what you entered."),
    "not-in-pickup": later("This article does not belong to this pickup."),
    "all-picked": later("All pieces of this article lie in the bag already."),
    "deed-differs": later("This was sent before, and differently. Please tell the office."),
    "goods-coming": later("Goods for this pickup are still on their way."),
    "no-pickup": later("Nothing can be collected there now."),
    "no-login": later("Name or password is wrong."),
    "login-over": later("Nobody is logged in here any more. Please log in again."),
    "login-over-undone": later("Nobody is logged in here any more, so that was not done. Please log in again."),
    "who": later("First tap who you are."),
    "unsure": later("The connection broke: nobody knows whether that button was still heard. Please have a look."),
    "wrong-pin": later("The PIN is wrong."),
    "pin-needed": later("This takes your PIN."),
    "no-pin": later("This takes a PIN, and you have none yet. The office gives you one."),
    "no-invitation": later("This code is not valid any more. The office can show a new one."),
    "initials-taken": later("Somebody in this store has these initials already."),
    "user-exists": later("There is somebody with this name already."),
    "invited": later("The device can be enrolled now."),
    "added": later("Added."),
    "ended": later("Ended."),
    "unlocked": later("The device is open again."),
    "practice-full": later("Too many people practise just now. Please try again in some minutes."),
    "practice-over": later("The practice is over: this is the real desk."),
    "done": later("Saved."),
    "handed-over": later("Handed over."),
    "set-aside": later("Put aside: it waits for the customer."),
    "paused": later("Pickups are paused here."),
    "resumed": later("Pickups are taken again."),
    "kept": later("That was counted. It takes effect with the stocktake."),
    "received": later("Taken in."),
    "not-countable": later("This article has no shelf of its own: it is a bundle, or is not stocked."),
    "already-decided": later("Somebody has decided that already."),
    "split-set": later(
        "Parts of this set are sent from elsewhere. It goes from the list when the shop says that it was sent."
    ),
    "already-received": later("All of it has been taken in already."),
    "idempotency-key-reused": later("This page was sent already. Please begin anew."),
    "taken-back": later("Taken back: it waits for its customer again."),
    "not-sent": later("Taken back: it is to be sent again."),
}
GOOD = {
    "done",
    "practice-over",
    "handed-over",
    "taken-back",
    "not-sent",
    "invited",
    "added",
    "ended",
    "unlocked",
    "kept",
    "received",
    "set-aside",
    "paused",
    "resumed",
}
SOMETHING_WRONG = later("That did not work. Please try again.")


@cache
def templates(say: Words) -> Environment:
    """The desk's templates in one language."""
    found = words.environment(say)
    found.globals["message"] = lambda code: say(MESSAGES.get(code, SOMETHING_WRONG))
    found.globals["wrongs"] = {why.value: say(text) for why, text in WRONG.items()}
    found.globals["is_good"] = GOOD.__contains__
    found.globals["alphabet"] = codes.ALPHABET
    found.globals["tabs"] = {name: say(title) for name, (title, _) in staff_list.TABS.items()}
    return found
