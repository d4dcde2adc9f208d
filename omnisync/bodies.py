"""What is sent: for each operation that takes a body one that it takes, as `/openapi.json` shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_JACKET, _SHOE = "JACKE-NORDWIND-42", "SNEAKER-KIEL-39"
_REJECTED = {"lines": [{"sku": _JACKET, "quantity": 1, "reason": "not_found"}]}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "queryAvailability": {"sku": [_JACKET, _SHOE], "location": "linden", "channel": "webshop"},
    "setPrices": {
        "prices": [
            {"kind": "base", "sku": _JACKET, "amount_minor": 12990, "currency": "EUR"},
            {
                "kind": "rule", "channel": "webshop", "percent_hundredths": -1000, "ending_minor": 99,
                "valid_from": "2026-11-27T00:00:00Z", "valid_to": "2026-11-30T00:00:00Z",
            },
        ]
    },
    "recordMovements": {
        "movements": [
            {
                "key": "delivery-77/1", "kind": "received", "sku": _JACKET, "location": "linden", "quantity": 5,
                "reason": "delivery 77", "occurred_at": "2026-11-21T09:00:00Z",
            },
            {
                "key": "van-12/1", "kind": "transfer", "sku": _SHOE, "location": "lager", "to_location": "linden",
                "quantity": 2,
            },
        ]
    },
    "setSafety": {"lines": [{"sku": _JACKET, "location": "linden", "safety": 1}]},
    "setBackorder": {"lines": [{"sku": _JACKET, "backorder": "2026-12-01"}, {"sku": _SHOE, "backorder": "none"}]},
    "decideReturn": {"sellable": 1, "b_ware": 1, "scrap": 0},
    "openStocktake": {"location": "linden"},
    "countStocktake": {"counts": [{"sku": _JACKET, "quantity": 7, "counted_at": "2026-11-21T10:00:00Z"}]},
    "placeReservation": {
        "reference": "cart-4711", "channel": "webshop", "expires_in_seconds": 900,
        "lines": [{"sku": _JACKET, "location": "linden", "quantity": 2}],
    },
    "collectReservation": {"lines": [{"sku": _JACKET, "location": "linden", "quantity": 1}]},
    "placePickup": {
        "location": "linden", "channel": "webshop", "reference": "#1001", "paid": True, "gift": False,
        "note": "Bitte als Geschenk einpacken.",
        "customer": {"name": "Anna Schubert", "email": "anna@example.org", "phone": "+49 30 1234567", "language": "de"},
        "lines": [{"sku": _JACKET, "quantity": 2, "price_minor": 4245, "currency": "EUR"}],
    },
    "lookupPickup": {"code": "K7Q4-X9RT"},
    "pickPickup": {"lines": [{"sku": _JACKET, "quantity": 1}]},
    "readyPickup": {"shelf": "12"},
    "collectPickup": {"code": "K7Q4-X9RT", "lines": [{"sku": _JACKET, "quantity": 1}], "rest": "keep", "age_checked": True},
    "rejectPickup": _REJECTED,
    "cancelPickup": {"reason": "The customer called."},
    "extendPickup": {"collect_by": "2026-11-27T18:00:00Z"},
    "transferPickup": {"location": "markt", "kind": "customer_goes", "agreed": "phone"},
    "askTransfer": {
        "from_location": "lager", "to_location": "linden", "lines": [{"sku": _JACKET, "quantity": 12}],
        "due_at": "2026-11-24T11:30:00Z", "sent": False,
    },
    "receiveTransfer": {"lines": [{"sku": _JACKET, "quantity": 1}], "rest": "lost"},
    "cannotSendTransfer": _REJECTED,
    "sendParcel": {"order": "webshop:1001", "location": "linden"},
    "takeBackParcel": {"order": "webshop:1001", "location": "linden"},
    "pausePickups": {"until": "2026-11-21T16:00:00Z"},
    "acceptShortage": {"proposal": "6f3a0f2c9b1d4e57"},
    "createSubscription": {"url": "https://shop.example.org/omnisync", "events": ["pickup.*", "availability.changed"]},
    "answerQuestion": {"sku": _JACKET},
    "putMappings": {"mappings": [{"external_id": "gid://shopify/ProductVariant/1", "sku": _JACKET}]},
}  # fmt: skip
"""By operation; one that takes a body and stands not here cannot be described."""
