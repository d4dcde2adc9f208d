"""What can be wrong with a line of a till's file, as the adapter says it in English, and how it is said in German.

It stands within a sentence of `ops_german` and has no full stop. A test holds that nothing is missing here.
"""

from __future__ import annotations

GERMAN: tuple[tuple[str, str], ...] = (
    ("it names no store", "sie nennt keine Filiale"),
    ("it names no article", "sie nennt keinen Artikel"),
    ("it names no receipt", "sie nennt keinen Beleg"),
    ("it names no Z-report", "sie nennt keinen Z-Bericht"),
    ("it has no date, and neither has the name of the file", "sie hat kein Datum, und der Dateiname auch nicht"),
    (
        "an earlier line has the same name (receipt and position, or moment and article), but other content",
        "eine frühere Zeile heißt genauso (Beleg und Position, oder Zeitpunkt und Artikel), sagt aber etwas anderes",
    ),
    ("it has fewer cells than the header, which has {}", "sie hat weniger Zellen als die Kopfzeile mit ihren {1}"),
    ("nobody can count {} pieces", "niemand kann {1} Stück zählen"),
    ("{} is no number", "{1} ist keine Zahl"),
    ("{} is no number with a decimal comma", "{1} ist keine Zahl mit Dezimalkomma"),
    ("{} is no number with a decimal point", "{1} ist keine Zahl mit Dezimalpunkt"),
    ("{} is no whole number of pieces", "{1} ist keine ganze Stückzahl"),
    ("{} is more than {} pieces", "{1} ist mehr als {2} Stück"),
    (
        "{} is a number that a spreadsheet has rounded; export the column as text",
        "{1} ist eine Zahl, die eine Tabellenkalkulation gerundet hat; die Spalte als Text exportieren",
    ),
    (
        "{} is no article number (1 to 64 printable characters)",
        "{1} ist keine Artikelnummer (1 bis 64 druckbare Zeichen)",
    ),
    ("{} is no date such as 21.11.2026", "{1} ist kein Datum wie 21.11.2026"),
    ("{} is not of our century", "{1} ist nicht aus unserem Jahrhundert"),
    ("{} is no day of the calendar", "{1} ist kein Tag des Kalenders"),
    ("{} is no time of day such as 17:45", "{1} ist keine Uhrzeit wie 17:45"),
    ("{} is no time of day", "{1} ist keine Uhrzeit"),
    ("it is empty", "sie ist leer"),
    ("no line of it is a header that names {}", "keine ihrer Zeilen ist eine Kopfzeile, die {1} nennt"),
    ("it has no column for {}; its columns are {}", "ihr fehlt eine Spalte für {1}; ihre Spalten sind {2}"),
    ("it has more than {} MB", "sie hat mehr als {1} MB"),
    ("it is no text in UTF-8 or Windows-1252", "sie ist kein Text in UTF-8 oder Windows-1252"),
    ("it is no text in {}", "sie ist kein Text in {1}"),
)
"""(English, German); `{}` stands for what differs, `{1}` is the first of them."""
