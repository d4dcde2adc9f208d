"""Every problem that the API answers (RFC 9457): one table of names, each with its status and how it looks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import groupby
from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
BASE = "https://omnisync.dev/problems/"


def problem(code: str, status: int, detail: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body: `type` ends in the stable short name."""
    return {"type": BASE + code, "title": code.replace("-", " "), "status": status, "detail": detail} | dict(more or {})


class Problem(BaseModel):
    """What every error looks like (RFC 9457); some carry more fields."""

    type: str = Field(examples=[BASE + "not-found"])
    title: str
    status: int
    detail: str


@dataclass(frozen=True, slots=True)
class Known:
    """One problem: its status, and as an example what it says and carries."""

    status: int
    detail: str
    more: Mapping[str, Any] = field(default_factory=dict)


_LACK = {
    "sku": "JACKE-NORDWIND-42", "location": "linden", "requested": 2, "available": 1,
    "elsewhere": [{"location": "markt", "available": 4, "ready_at": "2026-11-21T12:00:00Z"}],
}  # fmt: skip
PROBLEMS: Mapping[str, Known] = {
    "idempotency-key-missing": Known(400, "Send an Idempotency-Key header, so that a repetition has no second effect."),
    "unauthorized": Known(401, "Send your API key as `Authorization: Bearer omni_...`."),
    "wrong-signature": Known(401, "The signature does not fit the body."),
    "forbidden": Known(403, "A key with the role shop may not do this; it takes ops."),
    "wrong-code": Known(403, "This code does not open this pickup."),
    "not-found": Known(404, "There is nothing under the name 01KAE1V2ZB7M7Q8C3J5D9F6G4H."),
    "age-unchecked": Known(409, "Somebody must say that the customer is at least 18.", {"min_age": 18}),
    "already-closed": Known(409, "This case was applied already.", {"how": "applied"}),
    "already-collected": Known(409, "This reservation is already collected.", {"state": "collected"}),
    "already-decided": Known(409, "Somebody has decided about this return already.", {"by": "Anna"}),
    "already-done": Known(409, "This task is done already."),
    "already-ended": Known(409, "This stocktake was booked already.", {"how": "booked"}),
    "already-expired": Known(409, "This reservation has expired.", {"state": "expired"}),
    "already-received": Known(409, "Everything of this transfer has been received."),
    "already-sent": Known(409, "Nothing of this transfer is still to be sent."),
    "for-pickup": Known(
        409, "A pickup waits for these goods: cancel or move that.", {"pickup": "01KAE1V2ZC0K8S3V6X1R4T7Y2B"}
    ),
    "goods-coming": Known(409, "Goods for this pickup are still on their way.", {"state": "placed"}),
    "already-released": Known(409, "This reservation is already released.", {"state": "released"}),
    "hold-too-large": Known(
        409,
        "One hold has at most 20 pieces a line (limits.quantity), 50 were asked for.",
        {"limit": "quantity", "allowed": 20, "action": "Hold less at once. Whoever runs omnisync can raise the limit."},
    ),
    "idempotency-in-flight": Known(409, "The same request is being served right now."),
    "never-open": Known(
        409,
        "Filiale Markt does not open within 60 days.",
        {"action": "Correct hours, holidays and special of location 'markt' in the settings."},
    ),
    "no-pickup": Known(409, "Nothing can be collected at lager.", {"location": "lager"}),
    "out-of-stock": Known(
        409,
        "Only 1 of JACKE-NORDWIND-42 can still be promised at linden, 2 were asked for.",
        {"shortages": [_LACK]},
    ),
    "proposal-changed": Known(
        409,
        "This is not what is proposed now.",
        {
            "proposal": "6f3a0f2c9b1d4e57",
            "promises": [{"kind": "order", "id": "webshop:1001", "action": "cancel_at_channel"}],
        },
    ),
    "reservation-mismatch": Known(409, "This reservation is for another location."),
    "reservation-taken": Known(409, "This reservation was already taken by another pickup."),
    "split-set": Known(409, "The parts of a set lie in several places.", {"line": "1"}),
    "unsend-over": Known(409, "This was sent too long ago to be taken back."),
    "stocktake-open": Known(409, "A stocktake of linden is open already.", {"location": "linden"}),
    "wrong-state": Known(409, "This pickup is collected: pick is not possible.", {"state": "collected"}),
    "archived": Known(
        410,
        "The journal begins at 2026-07-01T00:00:00Z; 2026-06-12T10:00:00Z is told by the file movements-2026-06.jsonl.gz.",
        {"file": "movements-2026-06.jsonl.gz", "begins": "2026-07-01T00:00:00Z"},
    ),
    "resync": Known(410, "This position is not kept any more: read everything again."),
    "too-large": Known(413, "A body has at most 1048576 bytes."),
    "idempotency-key-reused": Known(422, "This Idempotency-Key was used with another body."),
    "invalid-request": Known(
        422,
        "Some fields of this request cannot be accepted.",
        {"errors": [{"field": "location", "message": "There is no location 'mars'; there are linden, markt."}]},
    ),
    "too-many-holds": Known(
        429,
        "50 holds of the reference cart-4711 are open, and limits.open_holds_per_reference allows no more.",
        {
            "limit": "open_holds_per_reference",
            "allowed": 50,
            "retry_after_seconds": 60,
            "action": "Confirm or release some of them, or wait until they expire. Whoever runs omnisync can raise the limit.",
        },
    ),
    "too-many-tries": Known(
        429, "Too many wrong codes. Wait a little, or ask for name and order number.", {"retry_after_seconds": 540}
    ),
    "not-ready": Known(503, "The database cannot be used just now."),
    "worker-stopped": Known(503, "No worker has worked for 4 minutes: no channel is read or written."),
    "try-later": Known(503, "The database cannot be used just now."),
}
"""By name. A 503 and a 429 come with the header Retry-After."""

ASKED = ("unauthorized", "forbidden", "invalid-request", "try-later")
"""What every question with a key may hear."""
TOLD = (*ASKED, "too-large")
"""What everybody may hear who sends something."""
ONCE = (*TOLD, "idempotency-key-missing", "idempotency-key-reused", "idempotency-in-flight")
"""The same under an idempotency key."""


def responses(codes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    """These problems as an OpenAPI description has them: by status, each with its example."""
    by_status = sorted(set(codes), key=lambda code: (PROBLEMS[code].status, code))
    return {
        status: {"description": _phrase(status), "content": {MEDIA_TYPE: _content(list(group))}}
        for status, group in groupby(by_status, key=lambda code: PROBLEMS[code].status)
    }


def _phrase(status: int) -> str:
    """As RFC 9110 has it; Python's own words for these two depend on its version."""
    return _RENAMED.get(status) or HTTPStatus(status).phrase


_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}


def _content(codes: list[str]) -> dict[str, Any]:
    return {
        "schema": {"$ref": f"#/components/schemas/{Problem.__name__}"},
        "examples": {code: {"value": _example(code)} for code in codes},
    }


def _example(code: str) -> dict[str, Any]:
    known = PROBLEMS[code]
    return problem(code, known.status, known.detail, known.more)
