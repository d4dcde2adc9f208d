"""What our adapters' own checks say in English when `omnisync doctor` asks, and how it is said in German."""

from __future__ import annotations

GERMAN: tuple[tuple[str, str], ...] = (
    ("can be read", "lässt sich lesen"),
    ("may be read", "darf gelesen werden"),
    ("Wait a moment and check again.", "Einen Moment warten und noch einmal prüfen."),
    ("Try again later.", "Später noch einmal versuchen."),
    ("{} can be read, {} files wait.", "{1} lässt sich lesen, {2} Dateien warten."),
    ("Every file in the folder is of a kind we read.", "Jede Datei im Ordner ist von einer Art, die wir lesen."),
    ("{} files match no pattern: {}", "{1} Dateien passen zu keinem Muster: {2}"),
    (
        "Name them in `sales` (or `totals`), `counts` or `deliveries`.",
        "Sie unter `sales` (oder `totals`), `counts` oder `deliveries` nennen.",
    ),
    ("{} lies there since {}.", "{1} liegt dort seit {2}."),
    ("Let the till import it.", "Die Kasse sie einlesen lassen."),
    ("May read orders and stock of: {}.", "Bestellungen und Bestand sind lesbar von: {1}."),
    ("There is no partner {}.", "Einen Partner {1} gibt es nicht."),
    ("Correct `partner` in the settings.", "`partner` in den Einstellungen berichtigen."),
    ("granted", "erteilt"),
    ("not granted", "nicht erteilt"),
    (
        "Add {} to the app's Admin API scopes and install the app again.",
        "{1} zu den Admin-API-Rechten der App hinzufügen und die App neu installieren.",
    ),
    ("active", "aktiv"),
    ("not found", "nicht gefunden"),
    (
        "Correct location_map: name an active location of this shop.",
        "location_map berichtigen: einen aktiven Standort dieses Shops nennen.",
    ),
    (
        "Update the shop to Shopware 6.6 or later: before, its stock does not mean what can still be bought.",
        "Den Shop auf Shopware 6.6 oder neuer bringen: vorher sagt sein Bestand nicht, was noch zu kaufen ist.",
    ),
    (
        "Correct pickup_methods: a technical name stands in Settings > Shipping, in each method.",
        "pickup_methods berichtigen: der technische Name steht unter Einstellungen > Versand bei jeder Versandart.",
    ),
    ("Square shows {} locations.", "Square zeigt {1} Standorte."),
    ("No subscription names our URL.", "Keine Anmeldung nennt unsere Adresse."),
    ("Sync this channel: it subscribes.", "Diesen Kanal abgleichen: das meldet sie an."),
    ("subscribed, and the signature key is ours", "angemeldet, und der Signaturschlüssel ist unserer"),
    (
        "webhook_secret is not the signature key of the subscription.",
        "webhook_secret ist nicht der Signaturschlüssel der Anmeldung.",
    ),
    (
        "Copy the signature key from Square's Developer Console into webhook_secret.",
        "Den Signaturschlüssel aus Squares Developer Console nach webhook_secret kopieren.",
    ),
    ("The account has no such location.", "Das Konto hat keinen solchen Standort."),
    ("Correct location_map in the settings.", "location_map in den Einstellungen berichtigen."),
    (
        "Activate the location in Square's Dashboard, or take it out of location_map.",
        "Den Standort in Squares Dashboard einschalten oder aus location_map nehmen.",
    ),
    (
        "May read orders and stock of the Vendure channel {}.",
        "Bestellungen und Bestand des Vendure-Kanals {1} sind lesbar.",
    ),
    ("The shop has: {}.", "Der Shop hat: {1}."),
    ("Not there: {}.", "Nicht dabei: {1}."),
    ("{} stock locations are not ours.", "{1} Lagerorte sind nicht unsere."),
    (
        "Buyers are offered the stock of {} too: map it, or empty it.",
        "Auch der Bestand von {1} wird Käufern angeboten: zuordnen oder leeren.",
    ),
    ("{}, with tax.", "{1}, mit Steuer."),
    ("{}, without tax.", "{1}, ohne Steuer."),
    ("{} pieces.", "{1} Stück."),
    (
        "Set it to 0 in the shop's global settings: buffers belong into this channel's policy.",
        "In den globalen Einstellungen des Shops auf 0 setzen: Puffer gehören in die `policy` dieses Kanals.",
    ),
    (
        "Switch on WooCommerce > Settings > Products > Inventory > Enable stock management.",
        "WooCommerce > Einstellungen > Produkte > Inventar > Lagerverwaltung einschalten.",
    ),
    (
        "Set `currency` in the channel's settings to the shop's.",
        "`currency` in den Einstellungen des Kanals auf die des Shops setzen.",
    ),
    (
        "Our prices include tax. Enter prices inclusive of tax in WooCommerce > Settings > Tax, or set `prices` of this "
        'channel to "off".',
        "Unsere Preise enthalten die Steuer. In WooCommerce > Einstellungen > Steuer die Preise mit Steuer eingeben, oder "
        '`prices` dieses Kanals auf "off" setzen.',
    ),
)
"""(English, German)"""
