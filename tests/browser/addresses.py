"""Where each page of the application is looked at. `tests/pages/test_looked_at.py` holds that no route is missing here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Behind(NamedTuple):
    """A page behind the first link of a list, or behind a button."""

    list: str | Behind
    link: str


Where = str | Behind
SKU, LOOK = "SNEAKER-KIEL-42", "KERZE-HIDDENSEE"

OFFICE: Mapping[str, tuple[Where, ...]] = {
    "/ops": ("/ops", "/ops?range=7d"),
    "/ops/today": ("/ops/today",),
    "/ops/number": tuple(f"/ops/number?name={name}" for name in ("delay", "twice", "queue")),
    "/ops/search": ("/ops/search?q=sneaker", "/ops/search?q=nobody+is+called+so"),
    "/ops/stock": ("/ops/stock",),
    "/ops/stock/article": (f"/ops/stock/article?sku={SKU}",),
    "/ops/stock/explain": (f"/ops/stock/explain?sku={SKU}", f"/ops/stock/explain?sku={SKU}&channel=webshop"),
    "/ops/prices": ("/ops/prices",),
    "/ops/prices/one": (f"/ops/prices/one?sku={SKU}&channel=webshop",),
    "/ops/orders": ("/ops/orders",),
    "/ops/orders/one": (Behind("/ops/orders", "#orders tbody a"),),
    "/ops/pickups": ("/ops/pickups",),
    "/ops/pickups/one": (Behind("/ops/pickups", "#pickups tbody a"),),
    "/ops/pickups/unrung": ("/ops/pickups/unrung",),
    "/ops/channel": ("/ops/channel?name=webshop", "/ops/channel?name=ebay"),
    "/ops/channel/message": (Behind("/ops/channel?name=webshop", "#messages tbody a"),),
    "/ops/letters": ("/ops/letters",),
    "/ops/letters/one": (Behind("/ops/letters", "#letters tbody a"), "/ops/letters/one?id=missing"),
    "/ops/letters/rehearsal": ("/ops/letters/rehearsal",),
    "/ops/cases": ("/ops/cases",),
    "/ops/drift": ("/ops/drift",),
    "/ops/shortages": ("/ops/shortages",),
    "/ops/mappings": ("/ops/mappings",),
    "/ops/log": ("/ops/log",),
    "/ops/people": ("/ops/people",),
    "/ops/devices": ("/ops/devices",),
    "/ops/settings": ("/ops/settings",),
    "/ops/trust": ("/ops/trust",),
}
"""Route -> where an admin looks at it."""

DESK: Mapping[str, tuple[Where, ...]] = {
    "/staff": ("/staff", "/staff?tab=bereit", "/staff?tab=erledigt"),
    "/staff/code": ("/staff/code",),
    "/staff/status": ("/staff/status",),
    "/staff/who": ("/staff/who",),
    "/staff/help": ("/staff/help",),
    "/staff/practice": ("/staff/practice",),
    "/staff/offline": ("/staff/offline",),
    "/staff/print/picks": ("/staff/print/picks",),
    "/staff/print/slips": ("/staff/print/slips",),
    "/staff/print/auto": ("/staff/print/auto",),
    "/staff/pickups/{pickup_id}": (
        Behind("/staff", "article.card a, a.card"),
        Behind("/staff?tab=bereit", "article.card a, a.card"),
    ),
    "/staff/work": ("/staff/work",),
    "/staff/work/find": ("/staff/work/find?q=er",),
    "/staff/work/article": (f"/staff/work/article?sku={LOOK}",),
    "/staff/work/count": (f"/staff/work/count?sku={LOOK}",),
    "/staff/work/pause": ("/staff/work/pause",),
    "/staff/work/transfer": (Behind("/staff/work", "[aria-labelledby=arrivals] a.card"),),
    "/staff/work/return": (
        Behind("/staff/work", "[aria-labelledby=returns] a.card:has-text('1 ')"),
        Behind("/staff/work", "[aria-labelledby=returns] a.card:has-text('3 ')"),
    ),
    "/staff/pickups/{pickup_id}/slip": (Behind(Behind("/staff?tab=bereit", "a.card"), "a[href$='/slip']"),),
    "/practice/{path:path}": (
        Behind("/staff/practice", "main form:last-of-type button"),
        "/practice/staff?tab=bereit",
        Behind("/practice/staff?tab=bereit", "a.card"),
        Behind("/practice/staff", "article.card a"),
        "/practice/staff/code",
        "/practice/staff/work",
        Behind("/practice/staff", "aside.practice button"),
    ),
}
"""Route -> where staff of a store look at it."""

STRANGERS: Mapping[str, tuple[Where, ...]] = {
    "/staff/login": ("/staff/login",),
    "/d/{code}": ("/d/XXXX-XXXX",),
}
"""Route -> where somebody looks at it who has not come in."""

TRUST: Mapping[str, tuple[Where, ...]] = {"/trust": ("/trust",)}
"""Route -> where a device that does not trust the house yet looks at it: a server with an authority of its own (`trusted`)."""

NO_PAGES = {
    "/", "/ops/live", "/staff/stream", "/staff/bell", "/staff/sw.js", "/staff/manifest.webmanifest", "/staff/offline/list",
    "/staff/pictures/{name:path}", "/staff/work/scan", "/livez", "/readyz", "/metrics", "/static", "/openapi.json", "/docs",
    "/docs/oauth2-redirect", "/ca.crt",
}  # fmt: skip
"""Streams, files, pictures, redirections, and what machines read."""


def go(page: Any, server: Any, where: Where) -> bool:
    """Open that page; whether there is one."""
    if not isinstance(where, Behind):
        page.goto(f"{server.url}{where}")
        return True
    if not go(page, server, where.list):
        return False
    links = page.locator(where.link)
    if not links.count():
        return False
    links.first.click()
    page.get_by_role("heading", level=1).wait_for()
    return True
