"""What `omnisync plan`, `golive` and `handback` say in English, and how it is said in German."""

from __future__ import annotations

GERMAN: tuple[tuple[str, str], ...] = (
    ("{}: {} articles. Fill in what is missing, then import it.", "{1}: {2} Artikel. Ergänzen, was fehlt, dann importieren."),
    (
        "{}: {} of {} listings are articles of ours, {} numbers compared.",
        "{1}: {2} von {3} Angeboten sind Artikel von uns, {4} Zahlen verglichen.",
    ),
    ("sold out, and still offered: each sale is one too many", "ausverkauft und noch angeboten: jeder Verkauf ist einer zu viel"),
    ("offers more than there is", "es wird mehr angeboten, als da ist"),
    ("is there, and not offered: sales that nobody can make", "ist da und wird nicht angeboten: Verkäufe, die niemand machen kann"),
    ("offers fewer than there are", "es wird weniger angeboten, als da ist"),
    ("shows another price", "steht mit einem anderen Preis da"),
    (
        "nothing is known of its stock: it stays as it is until somebody counts it",
        "über den Bestand ist nichts bekannt: bleibt, wie es ist, bis jemand zählt",
    ),
    (
        "is no article that we know: map it, else it is left alone",
        "ist kein Artikel, den wir kennen: zuordnen, sonst bleibt es unberührt",
    ),
    ("is not found at the channel", "ist beim Kanal nicht zu finden"),
    ("{} piece", "{1} Stück"),
    ("{} pieces", "{1} Stück"),
    ("at", "in"),
    ("It shows what it should: going live changes nothing.", "Es steht alles so da, wie es soll: live zu gehen ändert nichts."),
    ("{} is live: omnisync writes its numbers from now on.", "{1} ist live: ab jetzt schreibt omnisync die Zahlen."),
    ("{} is not live.", "{1} ist nicht live."),
    (
        "{} is handed back: omnisync writes nothing there. {}: {} rows.",
        "{1} ist zurückgegeben: omnisync schreibt dort nichts mehr. {2}: {3} Zeilen.",
    ),
    # ---- what golive asks
    ("its orders were read to the end", "alle sind gelesen"),
    ("its orders were not read within the last hour", "in der letzten Stunde wurden sie nicht gelesen"),
    ("Let the worker run, or: omnisync sync {}", "Den Worker laufen lassen, oder: omnisync sync {1}"),
    ("{} wait for a person", "{1} warten auf eine Entscheidung"),
    ("Decide about each on /ops.", "Auf /ops über jede entscheiden."),
    ("{} of {} listings are articles of ours", "{1} von {2} Angeboten sind Artikel von uns"),
    (
        "omnisync import catalog, or omnisync import listings {} FILE.csv",
        "omnisync import catalog, oder omnisync import listings {1} DATEI.csv",
    ),
    (
        "{} open: several listings of one article, changed barcodes, unknown places",
        "{1} offen: mehrere Angebote eines Artikels, geänderte Barcodes, unbekannte Orte",
    ),
    ("One answer each: on /ops/mappings, or GET /v1/mappings.", "Je eine Antwort: auf /ops/mappings, oder GET /v1/mappings."),
    ("of {} articles nobody has said how many there are", "von {1} Artikeln hat niemand gesagt, wie viele da sind"),
    (
        "Count after closing: omnisync import stock FILE.csv, or a stocktake.",
        "Nach Ladenschluss zählen: omnisync import stock DATEI.csv, oder eine Inventur.",
    ),
    ("{} of {} numbers would go to 0", "{1} von {2} Zahlen fielen auf 0"),
    (
        "Look at `omnisync plan`: is the stock counted at every location that it sells from?",
        "`omnisync plan` ansehen: ist der Bestand in jeder Filiale gezählt, aus der er verkauft?",
    ),
    ("{} prices would change by more than {} percent", "{1} Preise änderten sich um mehr als {2} Prozent"),
    (
        "Look at `omnisync plan`: with tax or without, and which price list? Correct them here or at the channel.",
        "`omnisync plan` ansehen: mit oder ohne Steuer, und welche Preisliste? Hier oder beim Kanal berichtigen.",
    ),
    ("{} orders that nobody paid would be cancelled there", "{1} unbezahlte Bestellungen würden dort storniert"),
    (
        "Cancel them there yourself, or mark as paid what is paid; --anyway has omnisync cancel them.",
        "Dort selbst stornieren, oder als bezahlt vermerken, was bezahlt ist; mit --anyway storniert omnisync sie.",
    ),
    (
        "{} orders whose pickup is over would be cancelled there",
        "{1} Bestellungen, deren Abholung vorbei ist, würden dort storniert",
    ),
    (
        "Cancel there what was called off or not collected; --anyway has omnisync cancel them.",
        "Dort stornieren, was abgesagt oder nicht abgeholt wurde; mit --anyway storniert omnisync es.",
    ),
)  # fmt: skip
"""(English, German)"""
