"""What `omnisync doctor` says in English, and how it is said in German.

`{}` stands for what differs; in the German `{1}` is the first of them, `{2}` the second. A test holds that nothing is missing here.
What the checks of our adapters say stands in `german_checks.py`, what went wrong in a call beside `omnisync/pages/ops_german.py`.
"""

from __future__ import annotations

SUBJECTS: tuple[tuple[str, str], ...] = (
    ("ok", "ok"),
    ("warn", "Hinweis"),
    ("fail", "Fehler"),
    ("NOT", "NICHT"),
    # ---- doctor: of the house
    ("settings", "Einstellungen"),
    ("public_url", "public_url"),
    ("answers", "antwortet"),
    ("certificate", "Zertifikat"),
    ("database", "Datenbank"),
    ("disk", "Speicherplatz"),
    ("clock", "Uhr"),
    ("access", "Zugänge"),
    # ---- doctor: of a channel
    ("reading", "Lesen"),
    ("webhooks", "Webhooks"),
    ("mapping", "Zuordnung"),
    ("questions", "Fragen"),
    ("numbers", "Zahlen"),
    ("state", "Zustand"),
    ("access token", "Zugang"),
    ("account", "Konto"),
    ("call limits", "Kontingent"),
    ("currency", "Währung"),
    ("files", "Dateien"),
    ("folder", "Ordner"),
    ("inventory", "Bestand"),
    ("items", "Artikel"),
    ("listings", "Angebote"),
    ("location {}", "Standort {1}"),
    ("order", "Bestellungen"),
    ("orders", "Bestellungen"),
    ("other stock", "fremder Bestand"),
    ("out", "Ausgabe"),
    ("out of stock threshold", "Ausverkauft-Schwelle"),
    ("partner", "Partner"),
    ("pickup methods", "Abholarten"),
    ("prices", "Preise"),
    ("prices include tax", "Preise mit Steuer"),
    ("product", "Artikel"),
    ("products", "Artikel"),
    ("queue", "Nachrichten"),
    ("scope {}", "Recht {1}"),
    ("shop", "Shop"),
    ("stock at Amazon", "Bestand bei Amazon"),
    ("stock locations", "Lagerorte"),
    ("stock management", "Lagerverwaltung"),
    ("version", "Version"),
    # ---- golive
    ("messages", "Meldungen"),
    ("stock", "Bestand"),
    ("zeros", "Nullen"),
    ("unpaid", "unbezahlt"),
    ("pickups", "Abholungen"),
)
"""What is looked at, and how it was found."""
_HOUSE: tuple[tuple[str, str], ...] = (
    ("{} location, {} channel in {}", "{1} Standort, {2} Kanal in {3}"),
    ("{} location, {} channels in {}", "{1} Standort, {2} Kanäle in {3}"),
    ("{} locations, {} channel in {}", "{1} Standorte, {2} Kanal in {3}"),
    ("{} locations, {} channels in {}", "{1} Standorte, {2} Kanäle in {3}"),
    ("{} location, {} channel", "{1} Standort, {2} Kanal"),
    ("{} location, {} channels", "{1} Standort, {2} Kanäle"),
    ("{} locations, {} channel", "{1} Standorte, {2} Kanal"),
    ("{} locations, {} channels", "{1} Standorte, {2} Kanäle"),
    (
        "Copy config/omnisync.toml, fill it in, and name it by --config or OMNISYNC_CONFIG.",
        "config/omnisync.toml kopieren, ausfüllen und mit --config oder OMNISYNC_CONFIG nennen.",
    ),
    ("{} is not encrypted", "{1} ist nicht verschlüsselt"),
    (
        "Who runs the server: let a proxy bring TLS, then set server.public_url to its https:// address. Channels call "
        "nothing else, and without it every key, code and address of a customer can be read on the way.",
        "Wer den Server betreibt: einen Proxy mit TLS davorstellen und server.public_url auf seine https://-Adresse setzen. "
        "Etwas anderes rufen Kanäle nicht auf, und unterwegs könnte sonst jeder Schlüssel, Codes und Adressen von Kunden mitlesen.",
    ),
    ("is not set, so no channel can call us", "fehlt, darum kann uns kein Kanal aufrufen"),
    (
        "Set server.public_url to the address under which channels reach this server; until then they are only polled.",
        "server.public_url auf die Adresse setzen, unter der Kanäle diesen Server erreichen; bis dahin werden sie nur abgefragt.",
    ),
    (
        "Start `omnisync serve`, and let the proxy hand this address on to server.host and server.port. If channels reach it "
        "and only this machine does not (a router that does not lead back inside), nothing is wrong.",
        "`omnisync serve` starten und den Proxy diese Adresse an server.host und server.port weitergeben lassen. Erreichen die "
        "Kanäle sie und nur dieser Rechner nicht (ein Router, der nicht nach innen zurückführt), ist alles in Ordnung.",
    ),
    ("{}/livez is an omnisync", "{1}/livez ist ein omnisync"),
    (
        "{}/livez is answered by something else than omnisync",
        "auf {1}/livez antwortet etwas anderes als omnisync",
    ),
    ("{}, schema {}", "{1}, Schema {2}"),
    ("cannot be used: {}", "ist nicht nutzbar: {1}"),
    (
        "Check database.url, that the server runs, and that this user may write there.",
        "database.url prüfen, ob der Server läuft und ob dieser Benutzer dort schreiben darf.",
    ),
    ("There is no folder {} for the database.", "Den Ordner {1} für die Datenbank gibt es nicht."),
    ("Make it, or correct database.url.", "Ihn anlegen oder database.url berichtigen."),
    (
        "The driver for this database is not installed ({}).",
        "Der Treiber für diese Datenbank ist nicht installiert ({1}).",
    ),
    (
        "The database stands at {}, this version of omnisync needs {}.",
        "Die Datenbank steht auf {1}, diese Version von omnisync braucht {2}.",
    ),
    (
        "The database has no tables yet, this version of omnisync needs {}.",
        "Die Datenbank hat noch keine Tabellen, diese Version von omnisync braucht {1}.",
    ),
    ("{} MB free", "{1} MB frei"),
    (
        "Free some space: without it nothing can be recorded, and every request is answered 503.",
        "Platz schaffen: sonst lässt sich nichts mehr buchen, und jede Anfrage wird mit 503 beantwortet.",
    ),
    ("is behind the last movement by {}", "geht der letzten Buchung um {1} nach"),
    ("{} s apart from the database's", "{1} s Abstand zu der der Datenbank"),
    (
        "Let the system keep its time (timedatectl set-ntp true).",
        "Die Uhrzeit vom System stellen lassen (timedatectl set-ntp true).",
    ),
    ("{} key, {} users", "{1} Schlüssel, {2} Benutzer"),
    ("{} keys, {} users", "{1} Schlüssel, {2} Benutzer"),
    ("nobody can log in and no program has a key", "niemand kann sich anmelden, und kein Programm hat einen Schlüssel"),
    (
        "omnisync users create --role admin --name ... and omnisync keys create --role shop --name ...",
        "omnisync users create --role admin --name ... und omnisync keys create --role shop --name ...",
    ),
    ("ends {}, for {}", "gilt bis {1}, für {2}"),
    ("{} cannot be read: {}", "{1} lässt sich nicht lesen: {2}"),
    (
        "Put the folder back from a backup, or move it away: the next start makes a new authority.",
        "Den Ordner aus einer Sicherung zurückholen oder wegschieben: der nächste Start macht eine neue Zertifizierungsstelle.",
    ),
    (
        "Start `omnisync serve --tls`, which renews it; if it runs, its log says why it could not.",
        "`omnisync serve --tls` starten, das erneuert es; läuft es, steht im Protokoll, woran es liegt.",
    ),
    (
        "The authority ends too: move {} away, start again, and let every device trust the new one (/ops/trust).",
        "Auch die Zertifizierungsstelle läuft ab: {1} wegschieben, neu starten und jedes Gerät der neuen vertrauen lassen (/ops/trust).",
    ),
)
_CHANNEL: tuple[tuple[str, str], ...] = (
    (
        "Nothing, if this passes: it is tried again by itself. If it stays: is the address in its settings right, and does "
        "this machine reach it?",
        "Nichts, wenn es vorübergeht: es wird von selbst wieder versucht. Bleibt es so: stimmt die Adresse in den Einstellungen, "
        "und erreicht dieser Rechner sie?",
    ),
    (
        "{} ahead of ours: too much to be taken off, sales may fall on the wrong side of a count",
        "geht {1} vor: zu viel, um es herauszurechnen, Verkäufe können auf der falschen Seite einer Zählung landen",
    ),
    (
        "{} behind ours: too much to be taken off, sales may fall on the wrong side of a count",
        "geht {1} nach: zu viel, um es herauszurechnen, Verkäufe können auf der falschen Seite einer Zählung landen",
    ),
    ("{} ahead of ours, which is taken off", "geht {1} vor, das wird herausgerechnet"),
    ("{} behind ours, which is taken off", "geht {1} nach, das wird herausgerechnet"),
    (
        "Let the machine of the shop keep its time (timedatectl set-ntp true there).",
        "Den Rechner des Shops seine Uhr stellen lassen (dort: timedatectl set-ntp true).",
    ),
    (
        "Start `omnisync serve` or `omnisync worker`, and see its log if it runs.",
        "`omnisync serve` oder `omnisync worker` starten; läuft es, ins Protokoll sehen.",
    ),
    ("no call to it has worked yet", "noch kein Aufruf dorthin hat geklappt"),
    ("last worked {}", "zuletzt geklappt {1}"),
    (
        "They are subscribed within the hour by `omnisync serve` or `worker`; until then it is polled.",
        "`omnisync serve` oder `worker` meldet sie innerhalb einer Stunde an; bis dahin wird abgefragt.",
    ),
    ("are not subscribed yet", "sind noch nicht angemeldet"),
    ("none as long as it is in shadow: it is polled", "keine, solange er nur mitliest: er wird abgefragt"),
    ("stand since {}", "stehen seit {1}"),
    ("stand since {}, silent since: {}", "stehen seit {1}, verstummt seit: {2}"),
    (
        "See at the channel whether its deliveries fail, and whether a proxy refuses them; meanwhile it is polled.",
        "Beim Kanal nachsehen, ob seine Aufrufe scheitern, und ob ein Proxy sie abweist; bis dahin wird abgefragt.",
    ),
    ("{} listing, nothing unclear", "{1} Angebot, nichts unklar"),
    ("{} listings, nothing unclear", "{1} Angebote, nichts unklar"),
    (
        "GET /v1/mappings lists them with proposals; POST /v1/mappings/{id}/answer clears each up and books what waits.",
        "Auf /ops unter \"Zuordnung\" stehen sie mit Vorschlägen; jede Antwort bucht, was darauf wartet.",
    ),
    (
        "none of ours was ever written there; the next round of the worker begins with it",
        "noch nie stand dort eine von uns; die nächste Runde des Workers beginnt damit",
    ),
    (
        "Nothing, if they are meant. To look first: shadow = true in its settings, then `omnisync plan {}`.",
        "Nichts, wenn es so gewollt ist. Um erst nachzusehen: shadow = true in seinen Einstellungen, dann `omnisync plan {1}`.",
    ),
    (
        "GET /v1/channels, /v1/cases and /v1/dead-letters say more, with what mends it.",
        "Mehr steht auf /ops, und was es behebt.",
    ),
    # ---- how it is doing
    ("Everything is read and nothing is written, until it goes live.", "Es wird alles gelesen und nichts geschrieben, bis er live geht."),
    ("Paused by hand: nothing is written, orders are still read.", "Von Hand pausiert: es wird nichts geschrieben, Bestellungen werden weiter gelesen."),
    ("{} case waits for a decision.", "{1} Fall wartet auf eine Entscheidung."),
    ("{} cases wait for a decision.", "{1} Fälle warten auf eine Entscheidung."),
    ("{} entry could not be handled.", "{1} Eintrag ging nicht durch."),
    ("{} entries could not be handled.", "{1} Einträge gingen nicht durch."),
    ("The channel does not answer.", "Der Kanal antwortet nicht."),
    ("The oldest change has been waiting for {} s.", "Die älteste Änderung wartet seit {1} s."),
    ("Shows what it should.", "Zeigt, was er soll."),
)  # fmt: skip
COMPOSED: tuple[tuple[str, str], ...] = (
    ("on_time: {}", "pünktlich: {1}"),
    ("late: {}", "verspätet: {1}"),
    ("action_required: {}", "braucht Sie: {1}"),
    ("paused: {}", "pausiert: {1}"),
    ("shadow: {}", "liest mit: {1}"),
    ("{}; pieces offered that are gone: {}", "{1}; noch angebotene Stück, die weg sind: {2}"),
    ("{}; numbers taken and not shown: {}", "{1}; angenommen und nicht gezeigt: {2}"),
    ("{} listing; {}", "{1} Angebot; {2}"),
    ("{} listings; {}", "{1} Angebote; {2}"),
    ("{}; facts and order lines that wait: {}", "{1}; Meldungen und Bestellzeilen, die darauf warten: {2}"),
    ("unknown articles: {}", "unbekannte Artikel: {1}"),
    ("articles with several listings: {}", "Artikel mit mehreren Angeboten: {1}"),
    ("changed barcodes: {}", "geänderte Barcodes: {1}"),
    ("places without a location: {}", "Orte ohne Filiale: {1}"),
)
"""Sentences that hold others."""
GERMAN = (*_HOUSE, *_CHANNEL)
"""(English, German)"""
