"""The words of the ops page: the shop owner's language for states, spans, cases and what adapters say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal, format_percent

from omnisync.settings import Settings
from omnisync.sync.health import Health
from omnisync.sync.tables import Case, DeadLetter
from omnisync.sync.trouble import Trouble

LOCALE = "de"
STATES = {
    "on_time": ("Pünktlich", "ok", "check"),
    "late": ("Verspätet", "warn", "clock"),
    "action_required": ("Braucht Sie", "bad", "warning"),
    "paused": ("Angehalten", "info", "pause"),
    "shadow": ("Liest mit", "info", "clock"),
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
    "csv": "Kasse mit Dateien",
    "ebay": "eBay",
    "oscar": "django-oscar",
    "shopify": "Shopify",
    "shopware": "Shopware",
    "square": "Square",
    "woocommerce": "WooCommerce",
    "vendure": "Vendure",
}
LETTERS = {
    "message": "Nachricht",
    "line": "Position",
    "fact": "Meldung",
    "write": "Schreibvorgang",
    "news": "Rückmeldung",
    "webhooks": "Webhooks",
    "money": "Geld",
    "pickup": "Abholung",
}
FAULTS = {
    "down": "Ausgefallen", "rate_limited": "Gedrosselt", "double": "Doppelt", "reorder": "Vertauscht", "lose": "Verloren",
}  # fmt: skip
MESSAGES = {
    "done": "Gespeichert.",
    "already-closed": "Das hat schon jemand entschieden.",
    "not-found": "Das gibt es nicht mehr.",
    "foreign-form": "Die Seite war veraltet. Bitte noch einmal versuchen.",
    "invalid-request": "Diesen Artikel gibt es nicht. Bitte die SKU prüfen.",
    "try-later": "Das ging gerade nicht. Bitte gleich noch einmal versuchen.",
    "forbidden": "Dieses Konto darf das nicht.",
}
GOOD = {"done"}
SOMETHING_WRONG = "Das hat nicht geklappt. Bitte noch einmal versuchen."

# What the engine and its one HTTP client say in English. What only one adapter says is shown as it is, marked as English.
PHRASES: tuple[tuple[str, str], ...] = (
    (r"(\S+) refuses our credentials \((\d+)\)\.", r"Lehnt unsere Zugangsdaten ab (\2)."),
    (r"(\S+) did not answer in ([\d.]+) s\.", r"Hat \2 s lang nicht geantwortet."),
    (r"Nothing was heard from (.*)\.", r"Die Kasse schweigt: \1."),
    (r"(\S+) cannot be reached(?: \(\w+\))?\.", "Ist nicht erreichbar."),
    (r"(\S+) answered (\d+)\.", r"Antwortet mit Fehler \2."),
    (r"(\S+) limits our calls\.", "Drosselt unsere Aufrufe."),
    (r"The channel's rate limit is used up\.", "Das Aufruf-Kontingent des Kanals ist verbraucht."),
    (r"The channel failed too often, it is left alone for a moment\.", "Zu viele Fehler, kurze Pause."),
    (r"The channel answered (\d+) with something that is no JSON\.", r"Unverständliche Antwort (\1)."),
    (r"The channel answered (\d+): (.*)", r"Antwort \1: \2"),
    (r"Check the channel's credentials in the settings, then sync again\.", "Zugangsdaten in den Einstellungen prüfen, dann abgleichen."),
    (r"No article is known as (.*)\.", r"Kein Artikel heißt \1."),
    (r"Map (?:it|this line) to a SKU, or import the article\.", "Einer SKU zuordnen oder den Artikel importieren."),
    (r"The place (.*) belongs to no location\.", r"Der Ort \1 gehört zu keiner Filiale."),
    (r"Add (.*) to location_map of channel (.*), then replay\.", r"\1 in location_map von \2 eintragen, dann wiederholen."),
    (r"It does not say where it happened, and this channel serves several locations\.", "Es fehlt, in welcher Filiale es war."),
    (r"Set a place for this till in its adapter's settings, then replay\.", "Für diese Kasse einen Ort einstellen, dann wiederholen."),
    (r"It could not be booked \((\w+)\)\.", r"Es ließ sich nicht buchen (\1)."),
    (r"It is said to have happened at (\S+), which lies in the future\.", r"Es soll am \1 geschehen sein, also in der Zukunft."),
    (r"It is said to have happened at (\S+), more than (\d+) days ago\.", r"Es soll am \1 geschehen sein, vor mehr als \2 Tagen."),
    (r"Set the clock of this source right; replay books it as of now\.", "Uhr der Kasse stellen; Wiederholen bucht es zu jetzt."),
    (r"Replay if it is to be booked all the same, else discard\.", "Wiederholen, wenn es trotzdem gilt, sonst verwerfen."),
    (r"(\S+) is not shown as (\d+), though (\S+) says so", r"\1 zeigt nicht \2, obwohl \3 es zusagt"),
    (r"It took the number (\d+) times in a row and still shows (-?\d+)\.", r"\1-mal hintereinander angenommen, gezeigt wird weiter \2."),
    (r"Look at this listing at the channel: is it locked, a bundle, or written by another program\? It is tried again by itself\.",
     "Angebot beim Kanal ansehen: gesperrt, ein Set oder von einem anderen Programm beschrieben? Es wird von selbst wieder versucht."),
    (r"Look at this listing at the channel, then replay\.", "Angebot beim Kanal ansehen, dann wiederholen."),
    (r"Money of order (\S+)", r"Geld der Bestellung \1"),
    (r"It is in (\w+), its articles are priced in (.*) here\. Its pieces are booked\.", r"Sie ist in \1, ihre Artikel kosten hier \2. Die Stücke sind gebucht."),
    (r"See at the channel what was paid, book the money by hand, then discard\. To sell in (\w+) there, give (\S+) prices in \w+\.", r"Beim Kanal nachsehen, was bezahlt wurde, das Geld von Hand buchen, dann verwerfen. Soll dort in \1 verkauft werden: \2 Preise in \1 geben."),
    (r"Order (\S+)", r"Bestellung \1"),
    (r"(.*) in order (\S+)", r"\1 in Bestellung \2"),
    (r"Sale of (-?\d+) × (.*)", r"Verkauf von \1 × \2"),
    (r"Counted of (\d+) × (.*)", r"Zählung \1 × \2"),
    (r"Delivered of (-?\d+) × (.*)", r"Lieferung \1 × \2"),
    (r"Unreadable: (.*)", r"Unlesbar: \1"),
    (r"(.*) cannot be shown as (\d+)", r"\1 lässt sich nicht auf \2 setzen"),
)  # fmt: skip
_PHRASES = [(re.compile(pattern, re.DOTALL), german) for pattern, german in PHRASES]


def german(text: str) -> str:
    """What the engine says, in German where we know the sentence, else as it is."""
    for pattern, words in _PHRASES:
        found = pattern.fullmatch(text.strip())
        if found:
            return found.expand(words)
    return text


def plural(number: int, one: str, many: str) -> str:
    return f"{whole(number)} {one if number == 1 else many}"


def whole(number: int) -> str:
    return format_decimal(number, locale=LOCALE)


def percent(share: float) -> str:
    return format_percent(share, format="0.0 %", locale=LOCALE) if share else "0 %"


def span(seconds: float) -> str:
    """`0,4 s`, `12 s`, `4 min 12 s`, `2 h 5 min`, `3 Tage`"""
    if seconds < 9.95:
        return f"{format_decimal(round(seconds, 1), format='0.0', locale=LOCALE)} s"
    whole_seconds = round(seconds)
    minutes, hours, days = whole_seconds // 60, whole_seconds // 3600, whole_seconds // 86400
    if not minutes:
        return f"{whole_seconds} s"
    if not hours:
        return f"{minutes} min {whole_seconds % 60} s" if whole_seconds % 60 else f"{minutes} min"
    if not days:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return plural(days, "Tag", "Tage")


def ago(moment: datetime | None, now: datetime) -> str:
    """How long ago, in one unit: what is read at a glance."""
    if moment is None:
        return "noch nie"
    seconds = max(0, int((now - moment) / timedelta(seconds=1)))
    for size, unit in ((86400, "Tag"), (3600, "h"), (60, "min")):
        if seconds >= size:
            number = seconds // size
            return f"vor {number} {'Tagen' if unit == 'Tag' and number > 1 else unit}"
    return f"vor {seconds} s"


def zone_of(settings: Settings) -> ZoneInfo:
    """The clock on the wall of the first location."""
    return ZoneInfo(settings.locations[0].timezone if settings.locations else "Europe/Berlin")


def clock_time(moment: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    return moment.astimezone(zone).strftime("%H:%M:%S" if seconds else "%H:%M")


def when(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    """`14:21` today, `19.11. 14:21` before."""
    there = moment.astimezone(zone)
    return there.strftime("%H:%M" if there.date() == now.astimezone(zone).date() else "%d.%m. %H:%M")


def reason(health: Health) -> str:
    """Why a channel is in its state; nothing when all is well."""
    if health.state == "on_time":
        return f"{plural(health.gone, 'Angebot', 'Angebote')} dort nicht mehr vorhanden" if health.gone else ""
    if health.state == "paused":
        return "Von Hand angehalten, Bestellungen werden gelesen"
    if health.state == "shadow":
        return "Liest mit und schreibt nichts, bis der Kanal live geht"
    if health.state == "action_required" and health.action is None:
        waiting = [
            plural(health.cases, "Entscheidung", "Entscheidungen") if health.cases else "",
            f"{whole(health.failed)} liegen geblieben" if health.failed else "",
        ]
        return ", ".join(part for part in waiting if part)
    if health.state == "late" and health.breaker == "closed" and health.reason.startswith("The oldest change"):
        return f"Älteste Änderung wartet {span(health.lag_seconds)}"
    return german(health.reason)


def action(health: Health) -> str:
    """What a person is asked to do about it."""
    if health.action:
        return german(health.action)
    if health.cases:
        return "Unten unter „Entscheidungen“ anwenden oder verwerfen."
    return "Unten unter „Liegen geblieben“ wiederholen oder verwerfen."


def letter_title(letter: DeadLetter) -> str:
    kind = LETTERS.get(letter.kind, letter.kind)
    title = german(letter.title)
    return title if title != letter.title or letter.kind in ("line", "fact") else f"{kind}: {letter.title}"


# ---------------------------------------------------------------- cases


def _blast_zero(details: Mapping[str, object]) -> tuple[str, str]:
    already = details.get("zero_already")
    more = f" ({len(already)} zeigen nach und nach schon 0)" if isinstance(already, list) else ""
    return (
        f"{details.get('listings')} Angebote würden auf einmal auf 0 gehen{more}",
        "Anwenden, wenn diese Artikel wirklich ausverkauft sind. Sonst den Import zurücknehmen und verwerfen.",
    )


def _blast_price(details: Mapping[str, object]) -> tuple[str, str]:
    return (
        f"{details.get('listings')} Preise würden sich stärker ändern als erlaubt",
        "Anwenden, wenn diese Preise gemeint sind. Sonst berichtigen und verwerfen.",
    )


def _drift(details: Mapping[str, object]) -> tuple[str, str]:
    if "counted" in details:
        return (
            f"{details['counted']} × {details.get('sku')} gezählt in {details.get('location')}, das Bestandsbuch sagt anderes",
            "In omnisync zählen, wenn die Zahl stimmt; diese Zählung wurde nicht gebucht.",
        )
    return (
        f"{details.get('sku')} zeigt {details.get('shows')} statt {details.get('should')}",
        "Anwenden schreibt unsere Zahl wieder; Verwerfen lässt die fremde stehen, bis sich unsere ändert.",
    )


def _price_drift(details: Mapping[str, object]) -> tuple[str, str]:
    shows, should = (int(str(details.get(name, 0))) / 100 for name in ("shows_minor", "should_minor"))
    return (
        f"{details.get('sku')} kostet dort {shows:.2f} statt {should:.2f} {details.get('currency')}".replace(".", ","),
        "Anwenden schreibt unseren Preis wieder; Verwerfen lässt den fremden stehen, bis sich unserer ändert.",
    )


def _conflict(details: Mapping[str, object]) -> tuple[str, str]:
    return (
        f"{details.get('quantity')} × {details.get('sku')} in {details.get('location')} zweimal verkauft",
        "Von einer anderen Filiale schicken, nachbestellen oder einem Käufer absagen.",
    )


def _unpaid(details: Mapping[str, object]) -> tuple[str, str]:
    return (
        f"Bestellung {details.get('reference')} wurde nicht rechtzeitig bezahlt, {details.get('pieces')} Stück sind wieder frei",
        "Im Kanal stornieren. Wird sie doch noch bezahlt, werden die Stücke wieder reserviert.",
    )


def _gone(details: Mapping[str, object]) -> tuple[str, str]:
    found, number = details.get("examples"), plural(int(str(details.get("listings", 0))), "Angebot", "Angebote")
    if details.get("wholesale"):
        return (
            f"{number} auf einmal nicht mehr vorhanden: Katalog des Kanals prüfen",
            "So viele verschwinden nicht einzeln: Katalog, Konto und Rechte beim Kanal ansehen. "
            "Was wieder gelistet ist, kommt von selbst zurück.",
        )
    skus = [str(one.get("sku")) for one in found] if isinstance(found, list) else []
    return (
        f"{number} nicht mehr vorhanden: {', '.join(skus[:5])}{', …' if len(skus) > 5 else ''}",
        "Verwerfen, wenn sie mit Absicht beendet wurden. Sonst beim Kanal neu einstellen; sie kommen von selbst zurück.",
    )


def _two_returns(details: Mapping[str, object]) -> str:
    channels = details.get("channels")
    return f"von {' und '.join(channels)}," if isinstance(channels, list) else "ohne Bon und"


def _double_return(details: Mapping[str, object]) -> tuple[str, str]:
    return (
        f"{details.get('quantity')} × {details.get('sku')} in {details.get('location')} vielleicht doppelt zurückgenommen: "
        f"{_two_returns(details)} mit Bestellung {details.get('order')}",
        "War es ein Stück, anwenden: es wird wieder ausgebucht; waren es zwei, verwerfen.",
    )


_CASES: dict[str, Callable[[Mapping[str, object]], tuple[str, str]]] = {
    "blast_zero": _blast_zero,
    "blast_price": _blast_price,
    "drift": _drift,
    "price_drift": _price_drift,
    "conflict": _conflict,
    "unpaid": _unpaid,
    "listings_gone": _gone,
    "double_return": _double_return,
}
RELEASES = {"blast_zero", "blast_price"}
"""Cases that hold numbers back until somebody decides."""


def case_words(case: Case) -> tuple[str, str]:
    """(what it is, what to do about it)"""
    words = _CASES.get(case.kind)
    return words(case.details or {}) if words else (case.title, case.proposal)


def can_apply(case: Case) -> bool:
    """Whether there is something to do: numbers that wait for this decision, a return to take off again."""
    return (
        case.kind in RELEASES
        or case.kind in ("double_return", "price_drift")
        or (case.kind == "drift" and "shows" in (case.details or {}))
    )
