"""What the engine and its one HTTP client say in English, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from omnisync.pages.words import Words

GERMAN: tuple[tuple[str, str], ...] = (
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
    (r"This is a fault of omnisync: replay after an update, or book it by hand and discard\.", "Das ist ein Fehler von omnisync: nach einem Update wiederholen, oder von Hand buchen und verwerfen."),
    (r"The adapter failed on this line \((\w+)\)\.", r"Der Adapter ist an dieser Zeile gescheitert (\1)."),
    (r"Replay after an update of omnisync; until then set this number at the channel by hand\.", "Nach einem Update von omnisync wiederholen; bis dahin beim Kanal von Hand setzen."),
    (r"Correct it at the channel or in the settings, then replay\.", "Beim Kanal oder in den Einstellungen berichtigen, dann wiederholen."),
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
    (r"Sold by (\S+) \((\S+)\) before it knew that the last one was gone\.", r"Von \1 verkauft (\2), bevor dort bekannt war, dass das letzte weg ist."),
    (r"Order (\S+)", r"Bestellung \1"),
    (r"(.*) in order (\S+)", r"\1 in Bestellung \2"),
    (r"Sale of (-?\d+) × (.*)", r"Verkauf von \1 × \2"),
    (r"Counted of (\d+) × (.*)", r"Zählung \1 × \2"),
    (r"Delivered of (-?\d+) × (.*)", r"Lieferung \1 × \2"),
    (r"Unreadable: (.*)", r"Unlesbar: \1"),
    (r"(.*) cannot be shown as (\d+)", r"\1 lässt sich nicht auf \2 setzen"),
)  # fmt: skip
"""(what is said, as a pattern; how it is said in German). What only one adapter says is shown as it is."""

_KNOWN: Mapping[str, Sequence[tuple[re.Pattern[str], str]]] = {
    "de": [(re.compile(pattern, re.DOTALL), german) for pattern, german in GERMAN]
}


def said(text: str, say: Words) -> str:
    """What the engine says, in the reader's language where we know the sentence, else as it is."""
    for pattern, told in _KNOWN.get(say.language, ()):
        found = pattern.fullmatch(text.strip())
        if found:
            return found.expand(told)
    return text
