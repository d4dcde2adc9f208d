"""The words of the office's pages: the shop owner's language for states, cases and what adapters say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from omnisync.orders.offline import Became
from omnisync.pages.ops_phrases import said
from omnisync.pages.words import Words, later
from omnisync.sync import late
from omnisync.sync.health import Health
from omnisync.sync.tables import Case, DeadLetter
from omnisync.sync.trouble import Trouble

STATES = {
    "on_time": (later("On time"), "ok", "check"),
    "late": (later("Late"), "warn", "clock"),
    "action_required": (later("Needs you"), "bad", "warning"),
    "paused": (later("Paused"), "info", "pause"),
    "shadow": (later("Reading only"), "info", "clock"),
}
"""state -> (word, class of the style sheet, icon)"""
BARS = {
    Trouble.UNKNOWN: "none",
    Trouble.NONE: "ok",
    Trouble.PAUSED: "info",
    Trouble.LATE: "warn",
    Trouble.ATTENTION: "bad",
}
ADAPTERS = {
    "amazon": "Amazon",
    "csv": later("Till with files"),
    "ebay": "eBay",
    "oscar": "django-oscar",
    "shopify": "Shopify",
    "shopware": "Shopware",
    "square": "Square",
    "woocommerce": "WooCommerce",
    "vendure": "Vendure",
}
LETTERS = {
    "message": later("Message"),
    "line": later("Order line"),
    "fact": later("Report"),
    "write": later("Write"),
    "news": later("News to the channel"),
    "webhooks": later("Webhooks"),
    "money": later("Money"),
    "pickup": later("Pickup"),
}
FAULTS = {
    "down": later("Down"),
    "rate_limited": later("Throttled"),
    "double": later("Doubled"),
    "reorder": later("Reordered"),
    "lose": later("Lost"),
}


def reason(health: Health, say: Words) -> str:
    """Why a channel is in its state; nothing when all is well."""
    if health.state == "on_time":
        gone = health.gone
        return say.ngettext("%(num)s listing is gone there", "%(num)s listings are gone there", gone) if gone else ""
    if health.state == "paused":
        return say("Paused by hand, orders are read")
    if health.state == "shadow":
        return say("Only reads, and writes nothing until the channel goes live")
    if health.state == "action_required" and health.action is None:
        waiting = [
            say.ngettext("%(num)s decision", "%(num)s decisions", health.cases) if health.cases else "",
            say("%(number)s stuck", number=say.number(health.failed)) if health.failed else "",
        ]
        return ", ".join(part for part in waiting if part)
    if health.state == "late" and health.breaker == "closed" and health.reason.startswith("The oldest change"):
        return say("The oldest change has waited %(span)s", span=say.span(health.lag_seconds))
    return said(health.reason, say)


def action(health: Health, say: Words) -> str:
    """What a person is asked to do about it."""
    if health.action:
        return said(health.action, say)
    if health.cases:
        return say("Apply or dismiss it under “Decisions”.")
    return say("Replay or discard it under “Dead letters”.")


def letter_title(letter: DeadLetter, say: Words) -> str:
    """What waits. A title that we know no sentence for says of which kind it is."""
    title, kind = said(letter.title, say), LETTERS.get(letter.kind, letter.kind)
    known = title != letter.title or letter.kind in ("line", "fact")
    return title if known else f"{say(kind)}: {letter.title}"


# ---------------------------------------------------------------- cases

Details = Mapping[str, object]


def _blast_zero(details: Details, say: Words) -> tuple[str, str]:
    already, number = details.get("zero_already"), details.get("listings")
    return (
        say(
            "%(number)s listings would go to 0 at once (%(already)s show 0 already, bit by bit)",
            number=number,
            already=len(already),
        )
        if isinstance(already, list)
        else say("%(number)s listings would go to 0 at once", number=number),
        say("Apply if these articles are really sold out. Else undo the import and dismiss."),
    )


def _uncounted(details: Details, say: Words) -> tuple[str, str]:
    return (
        say("%(number)s listings would go to 0, though nobody has counted them", number=details.get("listings")),
        say("Count them: then they are shown at once. Apply if there really are none."),
    )


def _blast_price(details: Details, say: Words) -> tuple[str, str]:
    return (
        say("%(number)s prices would change by more than is allowed", number=details.get("listings")),
        say("Apply if these prices are meant. Else correct them and dismiss."),
    )


def _drift(details: Details, say: Words) -> tuple[str, str]:
    if "counted" in details:
        return (
            say("%(counted)s × %(sku)s counted in %(location)s, the ledger says otherwise", **_named(details)),
            say("Count in omnisync if the number is right; this count was not booked."),
        )
    return (
        say("%(sku)s shows %(shows)s instead of %(should)s", **_named(details)),
        say("Apply writes our number again; dismiss leaves theirs until ours changes."),
    )


def _price_drift(details: Details, say: Words) -> tuple[str, str]:
    shows, should = (
        say.money(int(str(details[name])), str(details["currency"])) for name in ("shows_minor", "should_minor")
    )
    return (
        say("%(sku)s costs %(shows)s there instead of %(should)s", sku=details.get("sku"), shows=shows, should=should),
        say("Apply writes our price again; dismiss leaves theirs until ours changes."),
    )


def _conflict(details: Details, say: Words) -> tuple[str, str]:
    return (
        say("%(quantity)s × %(sku)s in %(location)s sold twice", **_named(details)),
        say("Send it from another store, order more, or cancel one buyer."),
    )


def _unpaid(details: Details, say: Words) -> tuple[str, str]:
    return (
        say("Order %(reference)s was not paid in time, %(pieces)s pieces are free again", **_named(details)),
        say("Cancel it at the channel. If it is paid after all, the pieces are reserved again."),
    )


def _gone(details: Details, say: Words) -> tuple[str, str]:
    found, number = details.get("examples"), int(str(details.get("listings", 0)))
    if details.get("wholesale"):
        return (
            say.ngettext(
                "%(num)s listing is gone at once: check the channel's catalogue",
                "%(num)s listings are gone at once: check the channel's catalogue",
                number,
            ),
            say(
                "So many do not vanish one by one: look at catalogue, account and rights at the channel. "
                "What is listed again comes back by itself."
            ),
        )
    skus = [str(one.get("sku")) for one in found] if isinstance(found, list) else []
    return (
        say.ngettext(
            "%(num)s listing is gone: %(skus)s", "%(num)s listings are gone: %(skus)s", number,
            skus=f"{', '.join(skus[:5])}{', …' if len(skus) > 5 else ''}",
        ),
        say("Dismiss if they were ended on purpose. Else list them again at the channel; they come back by themselves."),
    )  # fmt: skip


def _double_return(details: Details, say: Words) -> tuple[str, str]:
    channels = details.get("channels")
    twice = (
        say("by %(channels)s, with order %(order)s", channels=say.listed(channels), order=details.get("order"))
        if isinstance(channels, list)
        else say("without a receipt and with order %(order)s", order=details.get("order"))
    )
    return (
        say(
            "%(quantity)s × %(sku)s in %(location)s perhaps taken back twice: %(twice)s", **_named(details), twice=twice
        ),
        say("If it was one piece, apply: it is taken off again; if it was two, dismiss."),
    )


def _late(details: Details, say: Words) -> tuple[str, str]:
    number, by = details.get("number"), details.get("by")
    if details.get("became") == Became.AFTER_END:
        return (
            say(
                "%(number)s was handed over by %(by)s though it was %(state)s",
                number=number,
                by=by,
                state=_was(details, say),
            ),
            say(
                "Told later by a device without a network; the pieces are booked as gone. See whether they were paid for, or the money given back."
            ),
        )
    if details.get("first_by") is None:
        return (
            say("%(number)s was handed over by %(by)s, and had been sent to another store", number=number, by=by),
            say(
                "Apply if it was handed over here: the pieces are booked as missing here. Dismiss if they are still there."
            ),
        )
    return (
        say(
            "%(number)s was handed over twice, by %(first)s and by %(by)s",
            number=number,
            first=details.get("first_by"),
            by=by,
        ),
        say("Dismiss if it was one bag. Apply if other pieces left the store: they are booked as missing."),
    )


def _was(details: Details, say: Words) -> str:
    return say("cancelled") if details.get("was") == "cancelled" else say("expired")


_CASES: dict[str, Callable[[Details, Words], tuple[str, str]]] = {
    "blast_zero": _blast_zero,
    "blast_price": _blast_price,
    "uncounted": _uncounted,
    "drift": _drift,
    "price_drift": _price_drift,
    "conflict": _conflict,
    "unpaid": _unpaid,
    "listings_gone": _gone,
    "double_return": _double_return,
    late.CASE: _late,
}
RELEASES = {"blast_zero", "blast_price", "uncounted"}
"""Cases that hold numbers back until somebody decides."""


def case_words(
    case: Case, say: Words, places: Mapping[str, str], channels: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, str]:
    """(what it is, what to do about it); places and channels are called as people call them, by their codes where that is not known."""
    words, details = _CASES.get(case.kind), dict(case.details or {})
    if "location" in details:
        details["location"] = places.get(str(details["location"]), details["location"])
    if isinstance(details.get("channels"), list):
        details["channels"] = [channels.get(str(name), str(name)) for name in details["channels"]]
    return words(details, say) if words else (said(case.title, say), said(case.proposal, say))


def can_apply(case: Case) -> bool:
    """Whether there is something to do: numbers that wait for this decision, a return to take off again."""
    return (
        case.kind in RELEASES
        or case.kind in ("double_return", "price_drift")
        or late.can_book(case)
        or (case.kind == "drift" and "shows" in (case.details or {}))
    )


def _named(details: Details) -> dict[str, object]:
    """The details as values of a text; what an old case does not have is a question mark."""
    return dict.fromkeys(
        ("counted", "sku", "location", "shows", "should", "quantity", "reference", "pieces"), "?"
    ) | dict(details)
