"""What `omnisync import` says in English, and how it is said in German.

`{}` stands for what differs; in the German `{1}` is the first of them, `{2}` the second. A test holds that nothing is missing here.
Quotation marks are the plain ones: a terminal that is not in UTF-8 has no others.
"""

from __future__ import annotations

_TITLES: tuple[tuple[str, str], ...] = (
    ("Columns that this kind of file does not have", "Spalten, die es in so einer Datei nicht gibt"),
    ("Columns that are missing", "Spalten, die fehlen"),
    ("Columns that stand there twice", "Spalten, die doppelt da sind"),
    ("Lines that are no CSV", "Zeilen, die kein CSV sind"),
    ("Rows with more or fewer cells than the first line", "Zeilen mit mehr oder weniger Zellen als die erste"),
    ("Cells that must not be empty", "Zellen, die nicht leer sein dürfen"),
    ("Texts that cannot be a SKU", "Texte, die keine SKU sein können"),
    (
        "Texts with characters that nobody can print, or too long",
        "Texte, die zu lang sind oder sich nicht drucken lassen",
    ),
    ("SKUs that are not in the catalogue", "SKUs, die nicht im Katalog stehen"),
    ("Locations that are not in the settings", "Standorte, die nicht in den Einstellungen stehen"),
    ("Locations whose stock another system counts", "Standorte, deren Bestand ein anderes System zählt"),
    ("Articles that have no stock of their own", "Artikel ohne eigenen Bestand"),
    ("Rows that stand there twice", "Zeilen, die doppelt da sind"),
    ("Numbers spoiled by a spreadsheet", "Zahlen, die eine Tabellenkalkulation verdorben hat"),
    ("One barcode on two SKUs", "Ein Barcode auf zwei SKUs"),
    ("GTINs with a wrong check digit", "GTINs mit falscher Prüfziffer"),
    ("Amounts that cannot be read", "Beträge, die sich nicht lesen lassen"),
    ("Prices without a known currency", "Preise ohne bekannte Währung"),
    ("Numbers below zero", "Zahlen unter null"),
    ("Numbers too large to be true", "Zahlen, zu groß, um wahr zu sein"),
    ("Cells that are no whole number", "Zellen, die keine ganze Zahl sind"),
    ("Words that are not allowed here", "Wörter, die hier nicht erlaubt sind"),
    ("Bundles that cannot be", "Sets, die es so nicht geben kann"),
    ("B-ware under a SKU that cannot be", "B-Ware unter einer SKU, die es nicht sein kann"),
    (
        "Texts that were saved in another encoding than they were read",
        "Texte, die anders gespeichert als gelesen wurden",
    ),
    ("Prices below their own min_price", "Preise unter ihrem eigenen min_price"),
)
_FAULTS: tuple[tuple[str, str], ...] = (
    ('"{}"; allowed are {}', '"{1}"; erlaubt sind {2}'),
    ('"{}"; known are {}', '"{1}"; bekannt sind {2}'),
    ('"{}" is missing', '"{1}" fehlt'),
    ('"{}" stands there {} times', '"{1}" steht {2}-mal da'),
    ("{}: are the quotes of this record closed?", "{1}: Sind die Anführungszeichen dieses Satzes geschlossen?"),
    ("{} cells where the first line has {}", "{1} Zellen, wo die erste Zeile {2} hat"),
    (
        '{} cells where the first line has {} (a decimal comma needs quotes here: "19,90")',
        '{1} Zellen, wo die erste Zeile {2} hat (ein Dezimalkomma braucht hier Anführungszeichen: "19,90")',
    ),
    ("empty, and nothing else is said either", "leer, und sonst steht auch nichts da"),
    ("{} is counted by {}; leave on_hand empty here", "{1} zählt {2}; on_hand hier leer lassen"),
    ("every article has one", "jeder Artikel hat einen"),
    ("a price needs one, such as EUR", "ein Preis braucht eine, etwa EUR"),
    ("the SKU is empty", "die SKU ist leer"),
    ("the location is empty", "der Standort ist leer"),
    ("the id of the offer is empty", "die Nummer des Angebots ist leer"),
    ('"{}": | separates lists, so no SKU may contain it', '"{1}": | trennt Listen, darum darf es in keiner SKU stehen'),
    ('"{}": a SKU has 1 to {} characters, this one has {}', '"{1}": eine SKU hat 1 bis {2} Zeichen, diese hat {3}'),
    ('"{}": a SKU has no blanks at its ends', '"{1}": eine SKU hat keine Leerzeichen am Rand'),
    ('"{}": a SKU has printable characters only', '"{1}": eine SKU hat nur druckbare Zeichen'),
    ("{} holds characters that nobody can print", "{1} enthält Zeichen, die sich nicht drucken lassen"),
    ('"{}..." has {} characters, allowed are {}', '"{1}..." hat {2} Zeichen, erlaubt sind {3}'),
    (
        "{} has decimals: format the column as text and copy it again",
        "{1} hat Nachkommastellen: die Spalte als Text formatieren und neu kopieren",
    ),
    ("{} has lost its leading zeros: it was {}", "{1} hat führende Nullen verloren: es war {2}"),
    (
        "{} was a longer number: format the column as text and copy it again",
        "{1} war eine längere Zahl: die Spalte als Text formatieren und neu kopieren",
    ),
    ("{} cannot be a barcode: 1 to 64 printable characters", "{1} kann kein Barcode sein: 1 bis 64 druckbare Zeichen"),
    ("{} should end in {}", "{1} müsste auf {2} enden"),
    ("{} is below zero", "{1} ist unter null"),
    ("{} is below zero: a count finds 0 or more", "{1} ist unter null: eine Zählung findet 0 oder mehr"),
    ("{} is below {} minor units", "{1} liegt unter {2} Cent"),
    ("{} {} is more than anything costs here", "{1} {2} ist mehr, als hier irgendetwas kostet"),
    ("{} is more than {}", "{1} ist mehr als {2}"),
    ("{} is no age", "{1} ist kein Alter"),
    ('"{}" is no amount such as 19.99 or 19,99', '"{1}" ist kein Betrag wie 19,99'),
    ('"{}" is no amount such as 1.234,50 or 1,234.50', '"{1}" ist kein Betrag wie 1.234,50'),
    ("{} is no amount such as 19.99", "{1} ist kein Betrag wie 19,99"),
    (
        "{} can be read in two ways: write {} or with two decimals",
        "{1} lässt sich auf zwei Arten lesen: {2} schreiben, oder mit zwei Nachkommastellen",
    ),
    (
        "{} has more than {} decimals, which {} does not know",
        "{1} hat mehr als {2} Nachkommastellen, {3} kennt sie nicht",
    ),
    ('"{}" is no ISO 4217 currency code such as EUR', '"{1}" ist kein Währungscode nach ISO 4217 wie EUR'),
    ('"{}" is no whole number; write it without marks', '"{1}" ist keine ganze Zahl; ohne Punkt und Komma schreiben'),
    ("{} is no VAT rate: write 19 for 19 %", "{1} ist kein Steuersatz: 19 für 19 % schreiben"),
    ('"{}" is not allowed; write yes or no', '"{1}" ist nicht erlaubt; yes oder no schreiben'),
    ('"{}" is not allowed; write piece or gram', '"{1}" ist nicht erlaubt; piece oder gram schreiben'),
    (
        '"{}" is not allowed; write none, a number of pieces, or a day: 2026-12-01',
        '"{1}" ist nicht erlaubt; none, eine Stückzahl oder einen Tag schreiben: 2026-12-01',
    ),
    ('"{}": each component once, 1 piece or more', '"{1}": jeder Bestandteil einmal, mindestens 1 Stück'),
    ("{} stands on line {} too", "{1} steht auch in Zeile {2}"),
    ("{} stands on line {} already", "{1} steht schon in Zeile {2}"),
    ("{} of {} belongs to {}, which this file does not name", "{1} von {2} gehört zu {3}, das diese Datei nicht nennt"),
    ("{} holds {}, which is no article", "{1} enthält {2}, was kein Artikel ist"),
    (
        "{} is sold as {} when it is B-ware, which is no other article",
        "{1} wird als B-Ware unter {2} verkauft, was kein anderer Artikel ist",
    ),
    ("a bundle may not hold itself: {}", "ein Set darf sich nicht selbst enthalten: {1}"),
    ("{} is a bundle: count what it holds", "{1} ist ein Set: zählen, was darin ist"),
    ("{} is not stocked (deposit, shipping, service)", "{1} wird nicht geführt (Pfand, Versand, Leistung)"),
)
_SAID: tuple[tuple[str, str], ...] = (
    ("line {}", "Zeile {1}"),
    ("{} minor units", "{1} Cent"),
    ("{} row", "{1} Zeile"),
    ("{} rows", "{1} Zeilen"),
    ("{} is new", "{1} ist neu"),
    ("{} are new", "{1} sind neu"),
    ("{} would be new", "{1} neu"),
    ("{} is changed", "{1} ist geändert"),
    ("{} are changed", "{1} sind geändert"),
    ("{} would be changed", "{1} anders"),
    ("{} stands already", "{1} steht schon so da"),
    ("{} stand already", "{1} stehen schon so da"),
    ("{} has faults", "{1} hat Fehler"),
    ("{} have faults", "{1} haben Fehler"),
    ("and {} more", "und {1} weitere"),
    ("nothing", "nichts"),
    ("yes", "ja"),
    ("no", "nein"),
    ("{} row was rejected; it stands with its reason in {}.", "{1} Zeile blieb draußen; sie steht mit dem Grund in {2}."),
    (
        "{} rows were rejected; they stand with their reasons in {}.",
        "{1} Zeilen blieben draußen; sie stehen mit den Gründen in {2}.",
    ),
    ("Import {}. Undo it with: omnisync import undo {}", "Import {1}. Zurück geht es mit: omnisync import undo {2}"),
    (
        "Nothing was changed. Mend the file, or import the good rows with --keep-good REJECTS.csv.",
        "Nichts wurde geändert. Die Datei berichtigen, oder die guten Zeilen mit --keep-good REST.csv importieren.",
    ),
    ("Everything in this file stands already.", "Alles in dieser Datei steht schon so da."),
    ("No row of this file can be imported.", "Keine Zeile dieser Datei lässt sich importieren."),
    (
        "This very file was imported on {} as {}. If it was counted again with the same result, say when with --counted-at.",
        "Genau diese Datei wurde am {1} als {2} importiert. Wurde noch einmal gezählt, mit demselben Ergebnis: mit --counted-at sagen, wann.",
    ),
    ("{} row is in {}.", "{1} Zeile steht in {2}."),
    ("{} rows are in {}.", "{1} Zeilen stehen in {2}."),
    ("Nothing has moved since {} was served last.", "Seit {1} zuletzt bedient wurde, hat sich nichts bewegt."),
    ("{} thing is as it was before import {}.", "{1} Sache ist wieder wie vor dem Import {2}."),
    ("{} things are as they were before import {}.", "{1} Sachen sind wieder wie vor dem Import {2}."),
    ("left as it is: {}", "bleibt, wie es ist: {1}"),
    # ---- what stops the command
    ("{} cannot be read: {}.", "{1} lässt sich nicht lesen: {2}."),
    ("{} is empty.", "{1} ist leer."),
    (
        "{} is text neither in UTF-8 nor in Windows-1252. Save it as CSV UTF-8.",
        "{1} ist kein Text in UTF-8 oder Windows-1252. Als CSV UTF-8 speichern.",
    ),
    (
        "{} was changed while it was being read. Import it again.",
        "{1} wurde geändert, während sie gelesen wurde. Noch einmal importieren.",
    ),
    ("There is no import {}.", "Es gibt keinen Import {1}."),
    ("Import {} was undone on {}.", "Import {1} wurde am {2} zurückgenommen."),
    ("Somebody else goes on with import {}, or has undone it.", "Jemand anders macht mit Import {1} weiter oder hat ihn zurückgenommen."),
    (
        "What import {} counted has been archived: count the shelves again.",
        "Was Import {1} gezählt hat, ist archiviert: die Regale neu zählen.",
    ),
    (
        "{} things were changed since this import, so it cannot be undone as a whole: {}. "
        "Undo the rest and leave these as they are with --leave-changed.",
        "{1} Sachen wurden seit diesem Import geändert, darum geht er nicht als Ganzes zurück: {2}. "
        "Den Rest zurücknehmen und diese lassen, wie sie sind: --leave-changed.",
    ),
)  # fmt: skip
CODES = frozenset(
    {
        "unreadable-file",
        "file-changed",
        "unknown-import",
        "already-undone",
        "import-taken-over",
        "archived",
        "changed-since",
        "schema",
    }
)
"""Of the errors that end a command: only these are looked up here."""
GERMAN = (*_TITLES, *_FAULTS, *_SAID)
"""(English, German)"""
